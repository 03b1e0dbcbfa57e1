import Testing

@testable import Proxy

// Covers LedgerSeed.swift, LimitSubject+Parts.swift

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

    private func subject(
        _ parts: LimitSubjectParts, _ caller: Caller? = nil, _ auth: AuthPlan? = nil, address: UInt64 = 1
    ) -> LimitSubject {
        let peer = PeerAddress(high: 0, low: 0xFFFF_0000_0000 | address, port: 1, isUnix: false)
        return LimitSubject(of: parts, caller: caller, auth: auth, address: peer)
    }

    @Test func `somebody without a credential is their address, also where limits are by key or user`() {
        let parts: [LimitSubjectParts] = [.key, .user, .ip, [.key, .ip]]
        for part in parts { #expect(subject(part) != subject(part, address: 2)) }
        #expect(
            subject(.key) == subject(.ip) && subject(.key) == LimitSubject(high: 0, low: 0xFFFF_0000_0001))
        #expect(subject(.user) == LimitSubject.everybody.joined(with: subject(.ip)))
    }

    @Test func `all keys of a user are one by user, and each its own by key`() {
        let keys = ["a", "b"].map { text in
            Caller(digest: KeyDigest.test(text), userID: 7, label: PlanText(text))
        }
        let auth = AuthPlan.keys(keys)
        #expect(subject(.key, keys[0], auth) != subject(.key, keys[1], auth))
        #expect(subject(.user, keys[0], auth) == subject(.user, keys[1], auth, address: 2))
        #expect(subject([.user, .ip], keys[0], auth) != subject([.user, .ip], keys[1], auth, address: 2))
        let stranger = Caller.test("c")
        #expect(subject(.user, stranger, auth) != subject(.user, keys[0], auth))
    }

    @Test func `routes, upstreams and models tell apart where a limit is by them alone`() {
        let peer = PeerAddress(high: 0, low: 1, port: 1, isUnix: false)
        func subject(_ parts: LimitSubjectParts, _ which: String) -> LimitSubject {
            Array(which.utf8).withUnsafeBytes {
                LimitSubject(
                    of: parts, caller: nil, auth: nil, address: peer, route: name(which),
                    upstream: name(which), model: LimitSubject($0))
            }
        }
        for part in [LimitSubjectParts.route, .upstream, .model, [.key, .model]] {
            #expect(subject(part, "a") != subject(part, "b"))
            #expect(!part.areOfCaller)
        }
        #expect(subject([.key, .ip], "a") == subject([.key, .ip], "b"))
        #expect(LimitSubjectParts([.key, .user, .ip]).areOfCaller)
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
