import Stores
import Testing

@testable import Config
@testable import Proxy

/// Keys of one upstream over a real store, files in a folder, and a provider on loopback.
final class KeyScene {
    let folder = TemporaryFolder()
    let keeper: StoreKeeper
    let provider: KeyProvider
    let variables = Locked<[String: String]>([:])
    /// Monotonic nanoseconds that the provisioner sees.
    let now = Locked<UInt64>(1_000_000_000)
    private let lines = Locked<[String]>([])
    private let options = Store.Options(userIDs: .objectid, atRest: .plain)
    private let mailbox: Mailbox
    private let pool = FetchPool()
    private var asked: UInt64 = 0

    init() throws {
        let path = folder.path + "/headgate.db"
        try Store.prepare(path)
        keeper = try StoreKeeper(path: path, options: options, passwordCost: 4)
        try keeper.start(migrates: false)
        mailbox = try Mailbox()
        provider = try KeyProvider()
    }

    deinit {
        keeper.stop()
        provider.stop()
    }

    /// As the example of S1 has them.
    static let usual: [KeySourceConfig] = [
        .database(store: "main"), .file("key.txt"), .environment("OPENROUTER_API_KEY"), provision,
    ]
    static let provision = KeySourceConfig.provision(
        ProvisionConfig(
            url: nil, key: .environment("OPENROUTER_PROVISIONING_KEY"),
            nameTemplate: "auto-{user8}-{time}", field: "key", timeout: .seconds(5)))

    func sources(
        _ list: [KeySourceConfig] = KeyScene.usual, remembers: Bool = true,
        environmentFiles: [EnvironmentFileConfig] = []
    ) -> KeySources {
        let chain = KeyChainConfig(
            sources: list, remembers: remembers, prefix: "sk-or-v1-", lengthMin: 21)
        return KeySources(
            upstream: "openrouter", chain: chain, folder: folder.path, environmentFiles: environmentFiles,
            provisionURL: provider.url + "/keys",
            processEnvironment: { [variables] in variables.withLock { $0 } })
    }

    func chain(_ sources: KeySources? = nil) -> KeyChain {
        let sources = sources ?? self.sources()
        let field = KeyFieldLine(config: .bearer)
        let provisioner = sources.chain.provision.map {
            KeyProvisioner(
                Provisioning($0, url: sources.provisionURL, trust: FetchTrust()), on: pool,
                clock: { [now] in now.withLock { $0 } })
        }
        return KeyChain(
            sources, field: field, keeper: sources.chain.store == nil ? nil : keeper,
            provisioner: provisioner, validation: KeyValidation(baseURL: provider.url, field: field),
            credentials: CredentialPool(), pool: pool,
            diary: KeyDiary { [lines] _, line in lines.withLock { $0.append(line) } })
    }

    /// What was said since the last call.
    func takeLines() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    // MARK: - Asking

    func ask(
        _ chain: KeyChain, _ user: Int64 = 0, model: String = "", refused: KeySet? = nil
    ) throws -> Answer {
        try #require(try ask([(chain, user, model, refused)]).first)
    }

    /// Asks all, then waits for all; answers in the order in which they came.
    func ask(_ questions: [(chain: KeyChain, user: Int64, model: String, refused: KeySet?)]) throws
        -> [Answer]
    {
        for question in questions {
            asked += 1
            let request = KeyRequest(
                key: KeyScene.key(question.user, question.model), callerLabel: [],
                model: Array(question.model.utf8), refused: question.refused, requestID: [])
            let ticket = Ticket(worker: 0, number: asked)
            question.chain.answer(
                Question(ticket: ticket, answerer: question.chain, subject: .upstreamKey(request)),
                Reply(ticket: ticket, mailbox: mailbox))
        }
        var answers: [Answer] = []
        #expect(
            eventually {
                for case .answered(_, let answer) in mailbox.takeAll() { answers.append(answer) }
                return answers.count >= questions.count
            })
        return answers
    }

    static func key(_ user: Int64, _ model: String = "") -> KeyIndex.Key {
        KeyIndex.Key(userID: user, model: model.isEmpty ? .everybody : LimitSubject(name: model))
    }

    func login(_ chain: KeyChain, _ user: User, validates: Bool = false) throws -> KeyStatus {
        let status = Locked<KeyStatus?>(nil)
        _ = keeper.perform { opened in
            guard let store = try? opened.get() else { return }
            chain.sync(user, in: store, validates: validates) { told in status.withLock { $0 = told } }
        }
        #expect(eventually { status.withLock { $0 != nil } })
        return try #require(status.withLock { $0 })
    }

    /// - Parameter user: who asks; nil: nobody in particular.
    func act(_ action: BoundAction, _ body: String, by user: User? = nil) throws -> ActionTestAnswer {
        asked += 1
        let auth = AuthPlan(
            name: "test", mode: .keys, callers: CallerIndex(), userStore: ObjectIdentifier(keeper))
        let caller = user.map {
            Caller(digest: KeyDigest(sha256([1])), userID: $0.id, label: PlanText("test"))
        }
        let request = ActionRequest(
            method: .post, pathRest: [], query: [], contentType: Array("application/json".utf8),
            body: Array(body.utf8), caller: caller, auth: caller.map { _ in auth }, credential: nil,
            clientAddress: PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 1, isUnix: false),
            requestID: [])
        action.answer(
            Question(
                ticket: Ticket(worker: 0, number: asked), answerer: action, subject: .action(request)),
            Reply(ticket: Ticket(worker: 0, number: asked), mailbox: mailbox))
        var replies: [ActionReply] = []
        #expect(
            eventually {
                for case .answered(_, .reply(let reply)) in mailbox.takeAll() { replies.append(reply) }
                return !replies.isEmpty
            })
        return try ActionTestAnswer(try #require(replies.first))
    }

    // MARK: - The store

    /// Does something with the store as another program would.
    func withStore<Value>(_ body: (Store) throws -> Value) throws -> Value {
        let store = try Store(opening: keeper.path, options: options)
        defer { store.close() }
        return try body(store)
    }

    func newUser(_ name: String = "admin") throws -> User {
        try withStore { try $0.createUser(NewUser(username: name)) }
    }

    func store(_ key: String, _ name: String = "openrouter", for user: User?, source: String = "manual")
        throws
    {
        try withStore { store in
            _ = try store.setUpstreamKey(user: user?.id, name: name, key: Secret(key), source: source)
        }
    }

    /// The user's key under the upstream's name.
    func stored(_ user: User) throws -> (key: String, source: String)? {
        try withStore { store in
            guard let (row, key) = try store.upstreamKey(user: user.id, among: ["openrouter"]) else {
                return nil
            }
            return (String(decoding: key.reveal(), as: UTF8.self), row.source)
        }
    }
}

/// An upstream that makes keys and has models.
final class KeyProvider: Sendable {
    struct Script: Sendable {
        /// Of what makes a key.
        var status = 200
        /// Member of the answer.
        var field = "key"
        var modelsStatus = 200
        /// Requests wait while this holds.
        var isHeld = false
    }
    let script = Locked(Script())
    private let seen = Locked<[String]>([])
    private let server: ScriptedServer

    var url: String { server.url }
    /// Heads and bodies.
    var requests: [String] { seen.withLock { $0 } }

    init() throws {
        server = try ScriptedServer { [script, seen] connection in
            let request = connection.readHead()
            let number = seen.withLock { seen in
                seen.append(request)
                return seen.count
            }
            _ = eventually { !script.withLock { $0.isHeld } }
            let told = script.withLock { $0 }
            if request.hasPrefix("GET ") { return connection.answer(told.modelsStatus, "{}") }
            let body = #"{"data":{"name":"x"},"\#(told.field)":"\#(KeyProvider.key(number))"}"#
            connection.answer(told.status, body)
        }
    }

    /// The n-th that is made.
    static func key(_ number: Int) -> String { "sk-or-v1-provisioned-\(1000 + number)" }

    func stop() { server.stop() }
}

extension ScriptedConnection {
    fileprivate func answer(_ status: Int, _ body: String) {
        send("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

extension Answer {
    /// Keys as they would go out, with where they came from; empty: refused.
    var shown: [String] {
        guard case .keys(let set) = self else { return [] }
        return set.keys.map { key in
            let line = String(decoding: key.line, as: UTF8.self)
            // One character: the line end.
            let text = line.dropFirst("Authorization: Bearer ".count).dropLast()
            return "\(text) \(String(decoding: key.source.bytes, as: UTF8.self))"
        }
    }
    var set: KeySet? { if case .keys(let set) = self { set } else { nil } }
    var refusal: LocalReply? { if case .refused(let reply) = self { reply } else { nil } }
}

let fileKey = "sk-or-v1-of-the-file-b465"
let variableKey = "sk-or-v1-of-the-variable-c777"
let databaseKey = "sk-or-v1-of-the-database-d888"
