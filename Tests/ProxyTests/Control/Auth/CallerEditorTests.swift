import Testing

@testable import Proxy

private func digest(_ number: UInt64) -> KeyDigest { KeyDigest(words: (number, 0, 0, number)) }

private func caller(_ number: UInt64, _ label: String = "a", limit: UInt32 = 0, state: Caller.State = .active)
    -> Caller
{
    Caller(
        digest: digest(number), keyID: Int64(number), label: PlanText(label), requestsPerMinute: limit,
        state: state)
}

@Test func `a caller that stays the same stays the same object`() throws {
    var editor = CallerEditor(CallerIndex())
    let first = caller(1)
    editor.put(first)
    editor.put(caller(1))
    #expect(editor.callers.find(digest(1)) === first)
    #expect(!editor.hasCut)
}

@Test func `a caller whose state alone changes is changed in place`() {
    var editor = CallerEditor(CallerIndex())
    let first = caller(1)
    editor.put(first)
    editor.put(caller(1, state: .disabled))
    #expect(editor.callers.find(digest(1)) === first)
    #expect(first.state == .disabled)
    #expect(editor.hasCut)
    editor.put(caller(1))
    #expect(first.state == .active)
}

@Test func `a revocation reaches exchanges that hold the caller as it was before a change`() {
    var editor = CallerEditor(CallerIndex())
    let running = caller(1)
    editor.put(running)
    editor.put(caller(1, limit: 5))
    #expect(editor.callers.find(digest(1))?.requestsPerMinute == 5)
    #expect(running.state == .active)
    editor.revoke(digest(1))
    #expect(running.state == .revoked)
    #expect(editor.callers.find(digest(1))?.state == .revoked)
    #expect(editor.hasCut)
}

@Test func `who is removed is not found, and revoked for whoever holds it`() {
    var editor = CallerEditor(CallerIndex())
    let (kept, gone) = (caller(1), caller(2))
    editor.put(kept)
    editor.put(gone)
    editor.removeAll(but: [digest(1)])
    #expect(editor.callers.find(digest(2)) == nil)
    #expect(gone.state == .revoked && kept.state == .active)
    #expect(editor.hasCut)
}

@Test func `no use is lost when a caller is replaced or removed`() {
    var editor = CallerEditor(CallerIndex())
    let (first, second) = (caller(1), caller(2))
    editor.put(first)
    editor.put(second)
    first.noteUse(at: 7)
    second.noteUse(at: 8)
    second.noteUse(at: 9)
    editor.put(caller(1, "b"))
    editor.remove(digest(2))
    let uses = editor.takeUses().sorted { $0.keyID < $1.keyID }
    #expect(uses.map(\.count) == [1, 2])
    #expect(uses.map(\.last) == [7, 9])
    #expect(editor.takeUses() == [])
}
