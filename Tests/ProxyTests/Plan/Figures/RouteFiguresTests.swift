// Covers DurationBucket.swift, UpstreamFigures.swift, WorkerCounters.swift
import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RouteFiguresTests {
    @Test func `a time belongs to the first class whose bound it does not exceed`() {
        func plain(_ nanoseconds: UInt64) -> Int {
            (0..<DurationBucket.count).first { nanoseconds <= DurationBucket.bound($0) }!
        }
        var times: [UInt64] = [0, 1, .max]
        for index in 0..<(DurationBucket.count - 1) {
            let bound = DurationBucket.bound(index)
            times += [bound - 1, bound, bound + 1, bound / 2, bound * 2]
        }
        times += (0..<64).flatMap { [UInt64(1) << UInt64($0), (UInt64(1) << UInt64($0)) - 1] }
        var random = SystemRandomNumberGenerator()
        times += (0..<1000).map { _ in random.next() >> UInt64.random(in: 0..<64, using: &random) }
        for time in times { #expect(DurationBucket.index(time) == plain(time), "\(time)") }
    }

    @Test func `bounds grow, and no two lie between the same powers of two`() {
        let bounds = (0..<(DurationBucket.count - 1)).map(DurationBucket.bound)
        #expect(bounds == bounds.sorted())
        #expect(Set(bounds.map(\.leadingZeroBitCount)).count == bounds.count)
        #expect(DurationBucket.bound(DurationBucket.count - 1) == .max)
    }

    @Test func `what workers count is one sum, and each number stands alone`() {
        let figures = RouteFigures(label: "routes[0]", workers: 3)
        for (worker, status) in [(0, UInt16(200)), (1, 204), (2, 404), (2, 0), (0, 999)] {
            figures.noteEnding(status: status, outcome: worker, worker: worker)
        }
        figures.noteBytes(request: 7, response: 11, worker: 1)
        figures.noteBytes(request: 1, response: 2, worker: 2)
        figures.note(.total, nanoseconds: 2_000_000, worker: 0)
        figures.note(.total, nanoseconds: 3_000_000, worker: 2)
        figures.note(.head, nanoseconds: 0, worker: 2)
        #expect((0..<RouteFigures.classes).map { figures.requests(class: $0) } == [1, 0, 2, 0, 1, 1])
        #expect((0..<RouteFigures.outcomes).map { figures.requests(outcome: $0) } == [2, 1, 2, 0, 0])
        #expect(figures.requestBytes == 8)
        #expect(figures.responseBytes == 13)
        #expect(figures.sum(.total) == 5_000_000)
        #expect(figures.requests(.total, bucket: 1) == 2)
        #expect(figures.requests(.head, bucket: 0) == 1)
        #expect(figures.requests(.firstByte, bucket: 0) == 0)
    }

    @Test func `tokens are told apart`() {
        let figures = UpstreamFigures(workers: 2)
        figures.note(5, .inputTokens, worker: 0)
        figures.note(6, .inputTokens, worker: 1)
        figures.note(1, .cachedInputTokens, worker: 1)
        #expect(UpstreamFigures.Kind.allCases.map(figures.sum) == [11, 0, 1])
    }
}
