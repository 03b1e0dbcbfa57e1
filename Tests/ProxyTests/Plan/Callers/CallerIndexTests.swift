import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct CallerIndexTests {
    @Test func `callers are found by their digest until they are taken out`() {
        let index = CallerIndex()
        let callers = (0..<5000).map { Caller.test("key-\($0)", label: "caller \($0)") }
        for caller in callers { index.put(caller) }
        #expect(index.count == 5000)
        for caller in callers { #expect(index.find(caller.digest) === caller) }
        #expect(index.find(.test("nobody")) == nil)
        let newer = Caller.test("key-7")
        index.put(newer)
        #expect(index.find(newer.digest) === newer && index.count == 5000)
        for caller in callers.prefix(2500) { #expect(index.remove(caller.digest)?.digest == caller.digest) }
        #expect(index.remove(newer.digest) == nil)
        #expect(index.count == 2500)
        for caller in callers.suffix(2500) { #expect(index.find(caller.digest) === caller) }
        var seen = 0
        index.forEach { _ in seen += 1 }
        #expect(seen == 2500)
    }

    @Test func `a source is in doubt when it has been so for longer than it may`() {
        let index = CallerIndex()
        #expect(!index.isInDoubt(now: 100))
        index.inDoubtSince.store(100, ordering: .relaxed)
        index.maxStale.store(30, ordering: .relaxed)
        #expect(!index.isInDoubt(now: 129) && index.isInDoubt(now: 130))
        index.inDoubtSince.store(0, ordering: .relaxed)
        #expect(!index.isInDoubt(now: 1000))
    }
}
