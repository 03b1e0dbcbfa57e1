import Testing

@testable import Proxy
@testable import Stores

@Suite struct KeyAudienceTests {
    private func row(_ kind: ClientKey.Kind) -> KeyRow {
        KeyRow(
            id: 1, userID: 1, kind: kind, digest: [UInt8](repeating: 1, count: 32), label: "ann/app",
            expiresAt: nil, revokedAt: nil, isUserActive: true, requestsPerMinute: nil, models: [])
    }

    private func changes(_ rows: KeyRow..., isComplete: Bool = false) -> KeyChanges {
        KeyChanges(version: 1, changed: rows, removed: [], users: [], isComplete: isComplete)
    }

    @Test func `a key that becomes one of a kind that is not taken is gone`() throws {
        let callers = CallerIndex()
        let audience = KeyAudience(callers, acceptsKeys: true, acceptsSessions: false)
        audience.apply(changes(row(.key)), now: 0)
        let held = try #require(callers.find(KeyDigest(row(.key).digest)))
        audience.apply(changes(row(.session)), now: 0)
        #expect(callers.find(held.digest) == nil)
        #expect(held.state == .revoked)
        #expect(audience.takeCut())
    }

    @Test(arguments: [(false, 7), (true, 0)])
    func `a key's own limit holds, unless the entry ignores it`(ignores: Bool, limit: UInt32) throws {
        let callers = CallerIndex()
        let audience = KeyAudience(
            callers, acceptsKeys: true, acceptsSessions: true, ignoresOwnLimits: ignores)
        var row = row(.key)
        row.requestsPerMinute = 7
        audience.apply(changes(row), now: 0)
        #expect(try #require(callers.find(KeyDigest(row.digest))).requestsPerMinute == limit)
    }

    @Test func `whoever is not named in a whole table is gone`() {
        let callers = CallerIndex()
        let audience = KeyAudience(callers, acceptsKeys: true, acceptsSessions: true)
        audience.apply(changes(row(.key), isComplete: true), now: 0)
        #expect(callers.count == 1)
        audience.apply(changes(isComplete: true), now: 0)
        #expect(callers.count == 0)
    }
}
