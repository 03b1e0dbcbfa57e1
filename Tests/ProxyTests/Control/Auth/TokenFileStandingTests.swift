import Testing

@testable import Proxy

private typealias Standing = TokenFileStanding

/// Looks in turn, from a file that is good, and gives what is to be done after each.
private func actions(_ looks: [(Standing.Look, seconds: Double)], first: Standing.Look = .content)
    -> ([Standing.Action], Standing.State)
{
    var standing = Standing(first: first)
    let actions = looks.map { standing.looked($0.0, now: UInt64($0.seconds * 1e9)) }
    return (actions, standing.state)
}

@Test func `a file that is gone for a moment changes nothing`() {
    let (done, state) = actions([(.missing, 10), (.missing, 11.9), (.content, 12)])
    #expect(done == [.wait, .wait, .apply(recovers: false)])
    #expect(state == .good)
}

@Test func `a file that stays away for two seconds has no tokens any more, until it is back`() {
    let (done, state) = actions([(.missing, 10), (.missing, 12), (.missing, 13), (.content, 14)])
    #expect(done == [.wait, .refuseAll, .wait, .apply(recovers: true)])
    #expect(state == .good)
}

@Test func `what cannot be read is doubted once it stays so, and each new reason once`() {
    let (done, state) = actions([
        (.unusable("a"), 10), (.unusable("a"), 10.1), (.unusable("a"), 10.2), (.unusable("a"), 11),
        (.unusable("b"), 12), (.unusable("b"), 13),
    ])
    #expect(done == [.wait, .wait, .doubt("a"), .wait, .doubt("b"), .wait])
    #expect(state == .broken("b"))
}

@Test func `a half written file that becomes whole was never in doubt`() {
    let (done, _) = actions([(.unusable("a"), 10), (.content, 10.1)])
    #expect(done == [.wait, .apply(recovers: false)])
}

@Test func `a broken file that goes away is waited for and refused like any other`() {
    let (done, state) = actions([(.missing, 10), (.missing, 12)], first: .unusable("a"))
    #expect(done == [.wait, .refuseAll])
    #expect(state == .gone)
}

@Test func `a gone file that comes back broken leaves its tokens refused and is doubted`() {
    let (done, _) = actions([(.unusable("a"), 10), (.unusable("a"), 10.2), (.content, 11)], first: .missing)
    #expect(done == [.wait, .doubt("a"), .apply(recovers: true)])
}

@Test func `the first look has nothing to wait for`() {
    #expect(Standing(first: .content).state == .good)
    #expect(Standing(first: .missing).state == .gone)
    #expect(Standing(first: .unusable("a")).state == .broken("a"))
    #expect(Standing(first: .missing).lookAgainAt == nil)
}

@Test func `what is waited for is looked at again in time`() {
    var standing = Standing(first: .content)
    #expect(standing.lookAgainAt == nil)
    _ = standing.looked(.missing, now: 10_000_000_000)
    #expect(standing.lookAgainAt == 12_000_000_000)
    _ = standing.looked(.unusable("a"), now: 11_000_000_000)
    #expect(standing.lookAgainAt == 11_000_000_000 + Standing.unsettledMax)
}
