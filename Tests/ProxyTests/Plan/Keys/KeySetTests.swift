import Testing

@testable import Proxy

// Covers KeySet.swift, UpstreamCredential.swift, KeyPlan.swift

func testCredential(_ key: String, source: String = "environment", weight: Int = 1) -> UpstreamCredential {
    UpstreamCredential(
        line: Array("Authorization: Bearer \(key)\r\n".utf8), source: PlanText(source),
        masked: PlanText("***************" + key.suffix(4)), weight: weight)
}

@Suite(.tags(.fast)) struct `Keys of one request` {
    private func chain(_ count: Int) -> KeySet {
        KeySet((0..<count).map { testCredential("k\($0)") }, choice: .first)
    }

    private func ring(_ weights: [Int]) -> KeySet {
        KeySet(weights.map { testCredential("w\($0)", weight: $0) }, choice: .weighted)
    }

    @Test func `of a chain the first that is not refused is taken`() {
        let set = chain(3)
        #expect(set.pick(tried: 0, now: 5, random: .max) == 0)
        set.keys[0].refuse(status: 401, until: 10)
        #expect(set.pick(tried: 0, now: 5, random: 0) == 1)
        #expect(set.pick(tried: 0b010, now: 5, random: 0) == 2)
        #expect(set.pick(tried: 0b110, now: 5, random: 0) == nil)
        #expect(set.pick(tried: 0b110, now: 10, random: 0) == 0)
        #expect(set.pick(tried: 0b111, now: 10, random: 0) == nil)
        #expect(set.keys[0].refusedBy.load(ordering: .relaxed) == 401)
    }

    @Test func `where all were refused before, the first is asked all the same, once`() {
        let set = chain(2)
        for key in set.keys { key.refuse(status: 402, until: 100) }
        #expect(set.pick(tried: 0, now: 5, random: 0) == 0)
        #expect(set.pick(tried: 1, now: 5, random: 0) == nil)
    }

    @Test func `several are taken by weight`() {
        let set = ring([1, 3, 6])
        var counts = [0, 0, 0]
        for draw in 0..<10_000 {
            let random = UInt64(draw) &* (UInt64.max / 10_000)
            counts[set.pick(tried: 0, now: 0, random: random)!] += 1
        }
        #expect(counts.map { ($0 + 5) / 10 } == [100, 300, 600])
    }

    @Test func `one that cools down is left out, and where all do the one that is done first is taken`() {
        let set = ring([1, 1])
        set.keys[0].cooledUntil.store(50, ordering: .relaxed)
        #expect((0..<8).allSatisfy { set.pick(tried: 0, now: 5, random: UInt64($0) << 61) == 1 })
        #expect(set.pick(tried: 0b10, now: 5, random: 0) == nil)
        set.keys[1].cooledUntil.store(40, ordering: .relaxed)
        #expect(set.pick(tried: 0, now: 5, random: 0) == 1)
        #expect(set.pick(tried: 0, now: 50, random: 0) == 0)
    }

    @Test func `refused ones of several are left out as well, until all are`() {
        let set = ring([1, 1])
        set.keys[0].refuse(status: 401, until: 50)
        #expect((0..<8).allSatisfy { set.pick(tried: 0, now: 5, random: UInt64($0) << 61) == 1 })
        set.keys[1].refuse(status: 401, until: 50)
        #expect(set.pick(tried: 0, now: 5, random: 0) != nil)
    }

    @Test func `no more are held than an exchange can tell apart`() {
        #expect(chain(100).keys.count == KeySet.keysMax)
    }

    @Test func `a key never prints`() {
        let key = testCredential("sk-secret-canary")
        #expect("\(key)" == "<upstream credential>")
        var text = ""
        dump(key, to: &text)
        #expect(!text.contains("canary") && !String(reflecting: key).contains("canary"))
        #expect(String(decoding: key.line, as: UTF8.self) == "Authorization: Bearer sk-secret-canary\r\n")
    }

    @Test func `what is no choice is known`() {
        let field = Array("authorization".utf8)
        #expect(!KeyPlan(source: .fixed(chain(1)), field: field).isChoice)
        #expect(KeyPlan(source: .fixed(chain(2)), field: field).isChoice)
        let asked = KeyPlan(
            source: .chain(KeyIndex(), answerer: Answerer(), byModel: true), field: field)
        #expect(asked.isChoice && asked.isByModel)
        #expect(!KeyPlan(source: .fixed(chain(2)), field: field).isByModel)
    }
}
