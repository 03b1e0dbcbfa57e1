import Stores
import Testing

@testable import Proxy

private func caller(_ name: String, user: Int64 = 0, until end: UInt64 = .max) -> Caller {
    Caller(
        digest: KeyDigest(sha256(Array(name.utf8))), userID: user, notAfter: end, label: PlanText(name))
}

/// What the index has of these.
private func found(_ callers: [Caller], in index: CallerIndex) -> [Bool] {
    callers.map { index.find($0.digest) === $0 }
}

@Test func `a verified token is in the index`() {
    let index = CallerIndex()
    let tokens = VerifiedTokens(index)
    let one = caller("one")
    #expect(tokens.put(one, epoch: tokens.epoch, now: 0))
    #expect(index.find(one.digest) === one)
    let again = caller("one")
    #expect(tokens.put(again, epoch: tokens.epoch, now: 0))
    #expect(index.find(one.digest) === again)
    #expect(tokens.count == 1)
}

@Test func `what was verified before a change is not put in`() {
    let tokens = VerifiedTokens(CallerIndex())
    let epoch = tokens.epoch
    tokens.removeAll()
    #expect(!tokens.put(caller("one"), epoch: epoch, now: 0))
    let later = tokens.epoch
    _ = tokens.remove(users: [7])
    #expect(!tokens.put(caller("one"), epoch: later, now: 0))
    #expect(tokens.callers.count == 0)
}

@Test func `expired ones make room first, and then the oldest`() {
    let index = CallerIndex()
    let tokens = VerifiedTokens(index, countMax: 3)
    let all = [caller("a"), caller("b", until: 10), caller("c"), caller("d"), caller("e")]
    for caller in all.prefix(3) { #expect(tokens.put(caller, epoch: 0, now: 5)) }
    #expect(tokens.put(all[3], epoch: 0, now: 10))
    #expect(found(all, in: index) == [true, false, true, true, false])
    #expect(tokens.put(all[4], epoch: 0, now: 10))
    #expect(found(all, in: index) == [false, false, true, true, true])
    #expect(index.count == 3)
}

@Test func `the bound holds over many tokens, and the last ones are there`() {
    let index = CallerIndex()
    let tokens = VerifiedTokens(index, countMax: 50)
    for round in 0..<40 {
        for number in 0..<25 {
            // Every second one comes again in the next round, as a new object.
            let name = number % 2 == 0 ? "\(number)" : "\(round) \(number)"
            #expect(tokens.put(caller(name, until: UInt64(round + 3)), epoch: 0, now: UInt64(round)))
            #expect(index.count <= 50 && index.count == tokens.count)
        }
    }
    #expect((0..<25).filter { $0 % 2 == 0 }.allSatisfy { index.find(caller("\($0)").digest) != nil })
}

@Test func `with other keys every token goes`() {
    let index = CallerIndex()
    let tokens = VerifiedTokens(index)
    for number in 0..<100 { _ = tokens.put(caller("\(number)"), epoch: 0, now: 0) }
    tokens.removeAll()
    #expect(index.count == 0 && tokens.count == 0)
    #expect(tokens.put(caller("0"), epoch: tokens.epoch, now: 0))
}

@Test func `whoever takes over knows of all who came in, and of those who are late`() {
    let (oldest, old, new) = (
        VerifiedTokens(CallerIndex()), VerifiedTokens(CallerIndex()), VerifiedTokens(CallerIndex())
    )
    let all = [caller("a", user: 7), caller("b", user: 8), caller("c", user: 7), caller("d", user: 7)]
    _ = oldest.put(all[0], epoch: 0, now: 0)
    #expect(old.takeOver(oldest).map(\.digest) == [all[0].digest])
    _ = old.put(all[1], epoch: 0, now: 0)
    _ = old.put(all[2], epoch: 0, now: 0)
    #expect(new.takeOver(old).count == 3)
    _ = oldest.put(all[3], epoch: 0, now: 0)
    #expect(new.callers.count == 0, "it is verified anew")
    #expect(Set(new.remove(users: [7]).map(\.digest)) == Set([all[0], all[2], all[3]].map(\.digest)))
}

@Test func `the tokens of a user go, and those that went before are named as well`() {
    let index = CallerIndex()
    let tokens = VerifiedTokens(index, countMax: 2)
    let all = [caller("a", user: 7), caller("b", user: 8), caller("c", user: 7)]
    for caller in all { _ = tokens.put(caller, epoch: 0, now: 0) }
    let affected = tokens.remove(users: [7])
    #expect(Set(affected.map(\.digest)) == [all[0].digest, all[2].digest])
    #expect(found(all, in: index) == [false, true, false])
    #expect(Set(tokens.remove(users: nil).map(\.userID)) == [7, 8])
    #expect(index.count == 0)
}
