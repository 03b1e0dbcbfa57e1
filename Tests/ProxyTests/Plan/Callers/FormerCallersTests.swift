import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct FormerCallersTests {
    private func index(_ callers: Caller...) -> CallerIndex {
        let index = CallerIndex()
        for caller in callers { index.put(caller) }
        return index
    }

    @Test func `what becomes of a credential becomes of whoever had it before`() {
        let (first, second, third) = (Caller.test("a"), Caller.test("a"), Caller.test("a"))
        let oldest = index(first)
        let old = index(second)
        old.former.note(third)
        let new = index(Caller.test("a"))
        #expect(!old.takeOver(oldest) && !new.takeOver(old))
        #expect(!new.former.become(.active, first.digest))
        #expect(new.former.become(.disabled, first.digest))
        #expect([first, second, third].allSatisfy { $0.state == .disabled })
        #expect(!new.former.become(.revoked, first.digest), "nobody could come in any more")
        #expect(!new.former.become(.revoked, .test("b")))
    }

    @Test func `whom the next index does not know, or refuses, has lost it`() {
        let callers = ["a", "b", "c", "d"].map { Caller.test($0) }
        let old = index(callers[0], callers[1], callers[2])
        old.former.note(callers[3])
        let new = index(.test("a"), .test("b", state: .disabled))
        #expect(new.takeOver(old))
        #expect(callers.map(\.state) == [.active, .disabled, .revoked, .revoked])
        #expect(!index(.test("a")).takeOver(new))
    }

    @Test func `a source in doubt takes nothing from anybody`() {
        let (known, refused) = (Caller.test("a"), Caller.test("b"))
        let new = index(.test("b", state: .revoked))
        new.inDoubtSince.store(1, ordering: .relaxed)
        #expect(new.takeOver(index(known, refused)))
        #expect(known.state == .active && refused.state == .revoked)
    }

    @Test func `nobody is held alive`() {
        let new = CallerIndex()
        weak var gone: Caller?
        do {
            let caller = Caller.test("a")
            gone = caller
            new.former.note(caller)
            _ = new.takeOver(index(.test("b")))
        }
        #expect(gone == nil)
        new.former.prune()
        var count = 0
        new.former.forEach { _ in count += 1 }
        #expect(count == 0)
    }
}
