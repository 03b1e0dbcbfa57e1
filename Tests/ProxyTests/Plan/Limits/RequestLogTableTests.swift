import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RequestLogTableTests {
    @Test func `who is forgotten, found again and who stays are told apart`() {
        var random = SeededGenerator(seed: 3)
        var table = RequestLogTable()
        var last: [UInt64: UInt64] = [:]
        for step in UInt64(0)..<20_000 {
            let low = UInt64.random(in: 0..<300, using: &random)
            let subject = RequestWindows.Subject(high: 0, low: low)
            let isFree = last[low].map { $0 + 500 <= step } ?? true
            let verdict = table.admit(subject, max: 1, window: 500, now: step)
            #expect((verdict == .admitted(remaining: 0)) == isFree, "step \(step)")
            if isFree { last[low] = step }
        }
        #expect(table.count <= 300)
    }

    @Test func `a log holds what counts, in order, whenever its worker's turn began`() {
        var log = RequestLog(RequestWindows.Subject(high: 0, low: 0))
        #expect(log.isOver(now: 0))
        #expect(log.admit(max: 100, window: 50, now: 20) == .admitted(remaining: 99))
        // A turn that began earlier and comes later counts as of the newest.
        #expect(log.admit(max: 100, window: 50, now: 15) == .admitted(remaining: 98))
        #expect(log.admit(max: 2, window: 50, now: 69) == .refused(wait: 1))
        #expect(!log.isOver(now: 69) && log.isOver(now: 70))
        for now in UInt64(70)..<170 { #expect(log.admit(max: 50, window: 50, now: now) != .refused(wait: 1)) }
        #expect(log.admit(max: 50, window: 50, now: 169) == .refused(wait: 1))
    }
}
