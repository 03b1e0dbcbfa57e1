import Testing

@testable import Proxy

// Covers LedgerSeed.swift

private func name(_ text: String) -> LimitSubject {
    Array(text.utf8).withUnsafeBytes { LimitSubject($0) }
}

@Suite(.tags(.fast)) struct LimitSubjectTests {
    @Test func `names and parts in another order are other subjects`() {
        let names = ["", "a", "b", "ab", "ba", "gpt-5-mini", "gpt-5-nano"].map { name($0) }
        #expect(Set(names).count == names.count)
        #expect(name("gpt-5-mini") == names[5])
        #expect(names[1].joined(with: names[2]) != names[2].joined(with: names[1]))
        #expect(names[1].joined(with: names[2]) == name("a").joined(with: name("b")))
    }

    @Test func `subjects that differ in few bits are spread over shards, otherwise in each process`() {
        let seeds = [LedgerSeed.random(), LedgerSeed.random()]
        for seed in seeds {
            var counts = [Int](repeating: 0, count: 16)
            for low in UInt64(0)..<16_000 { counts[Int(seed.hash(.test(low << 32)) & 15)] += 1 }
            #expect(counts.allSatisfy { $0 > 700 && $0 < 1300 }, "\(counts)")
        }
        #expect(seeds[0].hash(.everybody) != seeds[1].hash(.everybody))
    }
}
