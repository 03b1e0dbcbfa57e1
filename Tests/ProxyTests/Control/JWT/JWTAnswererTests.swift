import Glibc
import Stores
import Testing

@testable import Config
@testable import Proxy

/// Asks an answerer as a worker does, and reads its mail.
private final class Scene {
    let callers = CallerIndex()
    let mailbox: Mailbox
    let mailboxes = Mailboxes()
    let answerer: JWTAnswerer
    let source: JWTKeySource
    private var asked: UInt64 = 0

    init(
        _ config: JWTConfig, _ source: JWTKeySource, keeper: StoreKeeper? = nil,
        maxStale: UInt64 = 60_000_000_000
    ) throws {
        mailbox = try Mailbox()
        mailboxes.use([mailbox])
        self.source = source
        answerer = JWTAnswerer(
            name: "staff", config: config, source: source, callers: callers, keeper: keeper,
            mailboxes: mailboxes,
            maxStale: maxStale)
        try source.start()
    }

    convenience init(_ config: JWTConfig = jwtConfig(), keeper: StoreKeeper? = nil) throws {
        let keys = try JWTKeySet(secret: TokenForge().secret)
        try self.init(config, JWTKeySource(.fixed(keys), display: "secret"), keeper: keeper)
    }

    deinit { source.stop() }

    func ask(_ token: [UInt8]) {
        let credential = token.withUnsafeBytes { PresentedCredential($0, digest: KeyDigest(sha256(token))) }
        asked += 1
        let ticket = Ticket(worker: 0, number: asked)
        answerer.answer(
            Question(ticket: ticket, answerer: answerer, subject: .credential(credential)),
            Reply(ticket: ticket, mailbox: mailbox))
    }

    /// The next answers, in the order in which they come.
    func answers(_ count: Int) -> [Answer] {
        var answers: [Answer] = []
        _ = eventually {
            for case .answered(_, let answer) in mailbox.takeAll() { answers.append(answer) }
            return answers.count >= count
        }
        return answers
    }

    /// Why only once a fetch is over: its thread puts the keys in before it says so, and who asks between the
    /// two is answered by that fetch in place of another one.
    func answer(_ token: [UInt8]) -> String {
        _ = eventually { !source.isFetching }
        ask(token)
        return answers(1).map(shown).joined(separator: ", ")
    }
}

private func shown(_ answer: Answer) -> String {
    switch answer {
    case .accepted(let caller): "accepted \(String(decoding: caller.label.bytes, as: UTF8.self))"
    case .refused(let reply): "\(reply)"
    case .reply: "reply"
    case .keys: "keys"
    }
}

private let farAway = TokenForge(claims: #"{"sub":"alice","exp":4102444800,"rpm":60,"models":["a"]}"#).token

@Suite struct `A token that a worker asks about` {
    @Test func `is accepted, and found by the next request`() throws {
        let scene = try Scene(jwtConfig(leeway: .seconds(30), limit: "rpm", models: "models"))
        #expect(scene.answer(farAway) == "accepted alice")
        let caller = try #require(scene.callers.find(KeyDigest(sha256(farAway))))
        #expect(caller.notAfter == 4_102_444_830_000_000_000)
        #expect(caller.requestsPerMinute == 60)
        #expect(caller.models?.names == [Array("a".utf8)])
        #expect(caller.userID == 0)
    }

    @Test(arguments: [
        (#"{"sub":"alice","exp":1000}"#, "tokenExpired"), (#"{"sub":"alice"}"#, "tokenInvalid"),
        (#"{"sub":"alice","exp":4102444800,"nbf":4102444700}"#, "tokenInvalid"),
        ("no claims", "tokenInvalid"),
    ])
    func `is refused where it is no good`(claims: String, expected: String) throws {
        let scene = try Scene()
        #expect(scene.answer(TokenForge(claims: claims).token) == expected)
        #expect(scene.callers.count == 0)
    }

    @Test func `counts for limits together with all others of its subject`() throws {
        let scene = try Scene(jwtConfig(requiresExpiry: false))
        func subject(_ claims: String) throws -> LimitSubject {
            let token = TokenForge(claims: claims).token
            #expect(scene.answer(token).hasPrefix("accepted"))
            return try #require(scene.callers.find(KeyDigest(sha256(token)))).rateSubject
        }
        let first = try subject(#"{"sub":"alice"}"#)
        #expect(try subject(#"{"sub":"alice","jti":"2"}"#) == first)
        #expect(try subject(#"{"sub":"bob"}"#) != first)
    }

    @Test func `that never ends is kept for ever`() throws {
        let scene = try Scene(jwtConfig(requiresExpiry: false))
        let token = TokenForge(claims: #"{"sub":7}"#).token
        #expect(scene.answer(token) == "accepted 7")
        #expect(scene.callers.find(KeyDigest(sha256(token)))?.notAfter == .max)
    }

    @Test func `is all that is answered`() throws {
        let scene = try Scene()
        let ticket = Ticket(worker: 0, number: 1)
        let request = ActionRequest(
            method: .get, pathRest: [], query: [], contentType: [], body: [], caller: nil, auth: nil,
            credential: nil, clientAddress: PeerAddress(high: 0, low: 1, port: 0, isUnix: true), requestID: []
        )
        scene.answerer.answer(
            Question(ticket: ticket, answerer: scene.answerer, subject: .action(request)),
            Reply(ticket: ticket, mailbox: scene.mailbox))
        #expect(scene.answers(1).map(shown) == ["internalError"])
    }
}

@Suite struct `Keys that come and go` {
    private let config = jwtConfig(algorithms: ["RS256"])
    private let known = Array(ForeignTokens.namedRSA.utf8)
    private let next = Array(ForeignTokens.namedOther.utf8)
    private let set = #"{"keys":[\#(ForeignTokens.jwks[0])]}"#

    @Test func `a new key is found by the first token that has it`() throws {
        let script = FetchScript([.set(set)])
        let scene = try Scene(config, script.source())
        #expect(scene.answer(known) == "accepted alice")
        script.next(.set(ForeignTokens.nextJWKS))
        #expect(scene.answer(next) == "accepted alice")
        // The key of the first is gone, and so is what was known by it.
        #expect(scene.callers.find(KeyDigest(sha256(known))) == nil)
        #expect(scene.answer(known) == "tokenInvalid")
        #expect(script.count.withLock { $0 } == 2)
    }

    @Test func `all who wait for a key are answered by one fetch`() throws {
        let script = FetchScript([.set(set)])
        let scene = try Scene(config, script.source())
        #expect(scene.answer(known) == "accepted alice")
        script.isHeld.withLock { $0 = true }
        script.next(.set(ForeignTokens.nextJWKS))
        for _ in 0..<50 { scene.ask(next) }
        script.isHeld.withLock { $0 = false }
        #expect(Set(scene.answers(50).map(shown)) == ["accepted alice"])
        #expect(script.count.withLock { $0 } == 2)
    }

    @Test func `a source that fails leaves what is known, and says 503 of the rest in time`() throws {
        for (maxStale, expected) in [(UInt64(60_000_000_000), "tokenInvalid"), (0, "authBackendUnavailable")]
        {
            let script = FetchScript([.set(set)])
            let scene = try Scene(config, script.source(), maxStale: maxStale)
            #expect(scene.answer(known) == "accepted alice")
            script.next(.failure)
            #expect(scene.answer(next) == expected)
            #expect(scene.answer(next) == expected)
            #expect(scene.answer(known) == "accepted alice")
        }
    }

    @Test func `a source that was never there says 503`() throws {
        let scene = try Scene(config, FetchScript([.failure]).source())
        #expect(scene.answer(known) == "authBackendUnavailable")
        #expect(scene.answer(Array("a.b.c".utf8)) == "tokenInvalid")
    }
}

@Suite struct `Tokens of users` {
    private let folder = TemporaryFolder()

    private func keeper() throws -> StoreKeeper {
        let path = folder.path + "/users.db"
        try Store.prepare(path)
        let keeper = try StoreKeeper(path: path, options: Store.Options(), passwordCost: 4)
        try keeper.start(migrates: false)
        return keeper
    }

    private func token(_ subject: String) -> [UInt8] {
        TokenForge(claims: #"{"sub":"\#(subject)","exp":4102444800}"#).token
    }

    @Test func `are good while the user is active`() throws {
        let keeper = try keeper()
        defer { keeper.stop() }
        let user = try keeper.ask { opened in
            Result { () throws(StoreError) in try opened.get().createUser(NewUser(username: "alice")) }
        }.get()
        let scene = try Scene(jwtConfig(store: "main"), keeper: keeper)
        #expect(scene.answer(token("nobody")) == "tokenInvalid")
        let good = token(user.publicID)
        #expect(scene.answer(good) == "accepted \(user.publicID)")
        let caller = try #require(scene.callers.find(KeyDigest(sha256(good))))
        #expect(caller.userID == user.id)
        let changed = keeper.ask { opened in
            Result { () throws(StoreError) in try opened.get().setActive(user.id, false) }.map {
                keeper.keysChanged()
            }
        }
        try changed.get()
        #expect(eventually { caller.state == .disabled })
        #expect(scene.callers.find(caller.digest) == nil)
        #expect(scene.answer(good) == "tokenInvalid")
    }

    @Test func `are taken from who came in by the entry as it was before an edit`() throws {
        let keeper = try keeper()
        defer { keeper.stop() }
        let user = try keeper.ask { opened in
            Result { () throws(StoreError) in try opened.get().createUser(NewUser(username: "alice")) }
        }.get()
        let good = token(user.publicID)
        let next = try Scene(jwtConfig(leeway: .seconds(1), store: "main"), keeper: keeper)
        let held: Caller
        do {
            let old = try Scene(jwtConfig(store: "main"), keeper: keeper)
            #expect(old.answer(good).hasPrefix("accepted"))
            held = try #require(old.callers.find(KeyDigest(sha256(good))))
            next.answerer.takeOver(old.answerer)
        }
        #expect(held.state == .active)
        try keeper.ask { opened in
            Result { () throws(StoreError) in try opened.get().setActive(user.id, false) }.map {
                keeper.keysChanged()
            }
        }.get()
        #expect(eventually { held.state == .disabled })
    }

    @Test func `are looked up once for all who ask meanwhile`() throws {
        let keeper = try keeper()
        defer { keeper.stop() }
        let user = try keeper.ask { opened in
            Result { () throws(StoreError) in try opened.get().createUser(NewUser(username: "alice")) }
        }.get()
        let scene = try Scene(jwtConfig(store: "main"), keeper: keeper)
        let (gate, isHeld) = (try Bell(), try Bell())
        // The store waits, as for a lock that another program holds.
        #expect(
            keeper.perform { _ in
                isHeld.ring()
                var wanted = pollfd(fd: gate.descriptor, events: Int16(POLLIN), revents: 0)
                poll(&wanted, 1, 10_000)
            })
        var wanted = pollfd(fd: isHeld.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&wanted, 1, 10_000)
        let asked = StoreKeeper.waitingMax + 100
        for _ in 0..<asked { scene.ask(token(user.publicID)) }
        #expect(keeper.perform { _ in }, "there is room for others")
        gate.ring()
        let answers = scene.answers(asked).map(shown)
        #expect(answers.count == asked && Set(answers) == ["accepted \(user.publicID)"])
    }

    @Test func `by name, where the entry says so`() throws {
        let keeper = try keeper()
        defer { keeper.stop() }
        _ = try keeper.ask { opened in
            Result { () throws(StoreError) in try opened.get().createUser(NewUser(username: "alice")) }
        }.get()
        var config = jwtConfig(store: "main")
        config.subject = .username
        let scene = try Scene(config, keeper: keeper)
        #expect(scene.answer(token("alice")) == "accepted alice")
    }

    @Test func `cannot be decided without their store`() throws {
        let path = folder.path + "/missing.db"
        let keeper = try StoreKeeper(path: path, options: Store.Options(), passwordCost: 4)
        try keeper.start(migrates: false)
        let scene = try Scene(jwtConfig(store: "main"), keeper: keeper)
        #expect(scene.answer(token("alice")) == "authBackendUnavailable")
        keeper.stop()
        #expect(scene.answer(token("alice")) == "authBackendUnavailable")
    }
}
