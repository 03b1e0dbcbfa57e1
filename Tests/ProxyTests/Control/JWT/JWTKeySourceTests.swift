import Stores
import Testing

@testable import Proxy

/// Gives one answer after the other; the last one for ever.
final class FetchScript: Sendable {
    enum Answer: Sendable {
        case set(String)
        case status(UInt16)
        case failure
    }
    let count = Locked(0)
    private let answers: Locked<[Answer]>
    /// While locked away, fetches wait.
    let isHeld = Locked(false)

    init(_ answers: [Answer]) { self.answers = Locked(answers) }

    func next(_ answer: Answer) { answers.withLock { $0 = [answer] } }

    var fetch: JWTKeySource.Fetch {
        { [self] _ in
            count.withLock { $0 += 1 }
            _ = eventually { isHeld.withLock { !$0 } }
            let answer = answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
            switch answer {
            case .set(let text): return .success(.init(status: 200, body: Array(text.utf8)))
            case .status(let status): return .success(.init(status: status, body: Array(first.utf8)))
            case .failure: return .failure(.init(description: "nobody is there"))
            }
        }
    }

    func source(refreshSeconds: UInt64 = 3600) throws -> JWTKeySource {
        let refresh = refreshSeconds * 1_000_000_000
        return try JWTKeySource(
            .url(.init(url: "http://unasked.invalid/", refresh: refresh)), display: "keys", fetch: fetch)
    }
}

private let first = #"{"keys":[\#(ForeignTokens.jwks[0])]}"#

private func ids(_ source: JWTKeySource) -> [String?] { source.keys.keys.map(\.id) }

@Suite struct `Keys from a URL` {
    @Test func `are fetched at the start, off everybody's path`() throws {
        let script = FetchScript([.set(first)])
        let source = try script.source()
        #expect(source.keys.keys.isEmpty)
        #expect(source.isInDoubt(now: 0, maxStale: .max))
        try source.start()
        defer { source.stop() }
        #expect(eventually { ids(source) == ["rsa"] && !source.isFetching })
        #expect(!source.isInDoubt(now: .max, maxStale: 0))
    }

    @Test(arguments: [
        FetchScript.Answer.failure, .status(404), .status(204), .status(500), .set(""), .set("{}"),
        .set(#"{"keys":[]}"#), .set(#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#),
    ])
    func `are not replaced by what is none`(answer: FetchScript.Answer) throws {
        let script = FetchScript([.set(first)])
        let source = try script.source()
        try source.start()
        defer { source.stop() }
        #expect(eventually { ids(source) == ["rsa"] && !source.isFetching })
        script.next(answer)
        let asked = Locked(false)
        #expect(source.afterFetch { asked.withLock { $0 = true } })
        #expect(eventually { asked.withLock { $0 } })
        #expect(ids(source) == ["rsa"])
        #expect(source.problem != nil)
        let now = monotonicNow()
        #expect(!source.isInDoubt(now: now, maxStale: 60_000_000_000))
        #expect(source.isInDoubt(now: now + 60_000_000_000, maxStale: 60_000_000_000))
    }

    @Test func `come again after a failure, with a pause`() throws {
        let script = FetchScript([.failure, .set(first)])
        let source = try script.source()
        try source.start()
        defer { source.stop() }
        #expect(eventually { ids(source) == ["rsa"] && !source.isFetching })
        #expect(source.problem == nil)
        #expect(script.count.withLock { $0 } == 2)
    }

    @Test func `are looked for once for all who want one, and not again at once`() throws {
        let script = FetchScript([.set(first)])
        let source = try script.source()
        try source.start()
        defer { source.stop() }
        #expect(eventually { ids(source) == ["rsa"] && !source.isFetching })
        script.next(.set(ForeignTokens.nextJWKS))
        script.isHeld.withLock { $0 = true }
        let seen = Locked<[[String?]]>([])
        for _ in 0..<20 {
            let waits = source.afterFetch { [unowned source] in seen.withLock { $0.append(ids(source)) } }
            #expect(waits)
        }
        #expect(eventually { script.count.withLock { $0 } == 2 })
        #expect(source.afterFetch { seen.withLock { $0.append([]) } })
        script.isHeld.withLock { $0 = false }
        #expect(eventually { seen.withLock { $0.count } == 21 })
        #expect(seen.withLock { $0.prefix(20).allSatisfy { $0 == ["next"] } })
        #expect(!source.afterFetch {})
        #expect(script.count.withLock { $0 } == 2)
    }

    @Test func `that stay the same change nothing`() throws {
        let changes = Locked(0)
        let source = try FetchScript([.set(first)]).source()
        source.onChange { _ in changes.withLock { $0 += 1 } }
        try source.start()
        defer { source.stop() }
        #expect(eventually { ids(source) == ["rsa"] && !source.isFetching })
        let asked = Locked(false)
        #expect(source.afterFetch { asked.withLock { $0 = true } })
        #expect(eventually { asked.withLock { $0 } })
        #expect(changes.withLock { $0 } == 1)
    }

    @Test func `are not waited for when it stops`() throws {
        let script = FetchScript([.set(first)])
        let source = try script.source()
        #expect(!source.afterFetch {})
        try source.start()
        #expect(eventually { ids(source) == ["rsa"] && !source.isFetching })
        let asked = Locked(false)
        #expect(source.afterFetch { asked.withLock { $0 = true } })
        source.stop()
        #expect(asked.withLock { $0 })
        #expect(!source.afterFetch {})
    }
}

@Suite struct `Keys from a file` {
    @Test func `are read when told, and kept when they cannot be`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/keys.json"
        let source = try JWTKeySource(.file(path: path), display: "keys.json")
        #expect(throws: JWTKeyError.self) { try source.reload() }
        #expect(source.keys.keys.isEmpty)
        folder.write("keys.json", first)
        try source.reload()
        #expect(ids(source) == ["rsa"])
        #expect(source.problem == nil)
        folder.write("keys.json", "{")
        #expect(throws: JWTKeyError.self) { try source.reload() }
        #expect(ids(source) == ["rsa"])
        #expect(source.problem?.text.contains("JWK set") == true)
        folder.write("keys.json", ForeignTokens.nextJWKS)
        try source.reload()
        #expect(ids(source) == ["next"])
        #expect(!source.afterFetch {})
    }

    @Test func `given with the configuration stay`() throws {
        let keys = try JWTKeySet(secret: TokenForge().secret)
        let source = try JWTKeySource(.fixed(keys), display: "secret")
        try source.start()
        try source.reload()
        #expect(source.keys === keys)
        #expect(!source.isInDoubt(now: .max, maxStale: 0))
        source.stop()
    }
}
