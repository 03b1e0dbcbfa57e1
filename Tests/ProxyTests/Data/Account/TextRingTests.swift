import Synchronization
import Testing

@testable import Proxy

@Suite struct TextRingTests {
    private func append(_ ring: RecordRing, _ number: UInt64, text: [UInt8]) -> Bool {
        var record = ExchangeRecord()
        record.startedAt = number
        record.status = UInt16(truncatingIfNeeded: number)
        record.outcome = .truncated
        return text.withUnsafeBytes { bytes in
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            let part = UnsafeRawBufferPointer(rebasing: bytes[..<min(3, bytes.count)])
            var texts = RecordTexts(items: .init(repeating: none))
            texts.items[0] = bytes
            texts.items[2] = part
            texts.items[9] = bytes
            return ring.append(record, texts: texts)
        }
    }

    /// Numbers of the records taken, their texts checked against `text(of:)`.
    private func drain(_ ring: RecordRing, sizes: (UInt64) -> Int) -> [UInt64] {
        var numbers: [UInt64] = []
        ring.drain { record, texts in
            numbers.append(record.startedAt)
            let expected = text(of: record.startedAt, size: sizes(record.startedAt))
            #expect(texts.count == RecordText.allCases.count)
            #expect(texts[0].elementsEqual(expected) && texts[9].elementsEqual(expected))
            #expect(texts[1].isEmpty && texts[2].elementsEqual(expected.prefix(3)) && texts[6].isEmpty)
            #expect(
                record.status == UInt16(truncatingIfNeeded: record.startedAt) && record.outcome == .truncated)
        }
        return numbers
    }

    private func text(of number: UInt64, size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: number &* 31 &+ UInt64($0)) }
    }

    @Test func `records come out as they went in, over many turns of the ring`() {
        let ring = RecordRing()
        var random = SeededGenerator(seed: 7)
        var next: UInt64 = 0
        var sizes: [Int] = []
        var taken: [UInt64] = []
        // Twice round the ring and more, with records of every size.
        while taken.count < 3000 {
            for _ in 0..<Int.random(in: 1...200, using: &random) {
                let size = Int.random(in: 0...RecordRing.textMax, using: &random)
                #expect(append(ring, next, text: text(of: next, size: size)))
                sizes.append(size)
                next += 1
            }
            taken += drain(ring) { sizes[Int($0)] }
            #expect(ring.isEmpty)
        }
        #expect(taken == Array(0..<next))
        #expect(ring.dropped.load(ordering: .relaxed) == 0)
    }

    @Test func `a full ring drops the newest, counts them and goes on`() {
        let ring = RecordRing()
        var kept: UInt64 = 0
        while append(ring, kept, text: text(of: kept, size: 900)) { kept += 1 }
        #expect(kept > 400)
        #expect(!append(ring, 99, text: text(of: 99, size: 900)))
        #expect(ring.dropped.load(ordering: .relaxed) == 2)
        #expect(drain(ring) { _ in 900 } == Array(0..<kept))
        #expect(append(ring, 7, text: text(of: 7, size: 900)))
        #expect(drain(ring) { _ in 900 } == [7])
    }

    @Test func `long texts are cut`() {
        let ring = RecordRing()
        #expect(append(ring, 1, text: text(of: 1, size: 5000)))
        #expect(drain(ring) { _ in RecordRing.textMax } == [1])
    }

    @Test func `a writer on another thread misses nothing that was not dropped`() throws {
        let ring = RecordRing()
        let refused = Atomic<Int>(0)
        let producer = try TestThread { [self] in
            for number in 0..<UInt64(20_000)
            where !append(ring, number, text: text(of: number, size: Int(number % 60))) {
                refused.add(1, ordering: .relaxed)
            }
        }
        var taken: [UInt64] = []
        let isWhole = eventually {
            taken += drain(ring) { Int($0 % 60) }
            return taken.count + refused.load(ordering: .relaxed) == 20_000
        }
        producer.join()
        #expect(isWhole)
        #expect(zip(taken, taken.dropFirst()).allSatisfy { $0 < $1 })
        #expect(ring.dropped.load(ordering: .relaxed) == UInt64(refused.load(ordering: .relaxed)))
    }
}
