import CLinux
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

/// Actions over a real store on a file, with the threads that they have in the gateway.
final class ActionScene {
    let folder = TemporaryFolder()
    let keeper: StoreKeeper
    let hashes = HashPool(threads: 1)
    private let options: Store.Options
    private let mailbox: Mailbox
    private var asked: UInt64 = 0

    init(atRest: Store.Options.AtRest = .plain, userIDs: Store.Options.UserIDs = .uuid) throws {
        let path = folder.path + "/headgate.db"
        try Store.prepare(path)
        options = Store.Options(userIDs: userIDs, atRest: atRest)
        keeper = try StoreKeeper(path: path, options: options, passwordCost: 4)
        try keeper.start(migrates: false)
        mailbox = try Mailbox()
    }

    deinit { keeper.stop() }

    func action(
        _ kind: ActionConfig.Kind, errors: ErrorShape = .detail, tokens: BoundAction.TokenIssue? = nil,
        keyPrefix: String = "ws_", store: (any StoreAccess)? = nil
    ) -> BoundAction {
        BoundAction(
            ActionConfig(kind: kind, name: "test", store: "main"), errors: ErrorFormat(shape: errors),
            store: store ?? keeper, hashes: hashes, tokens: tokens, keyPrefix: keyPrefix)
    }

    /// Asks and waits for the one answer.
    /// - Parameter userStore: whose user `caller` is; nil: the scene's.
    func ask(
        _ action: BoundAction, _ body: String = "", type: String = "application/json", path: String = "",
        caller: Caller? = nil, of userStore: StoreKeeper? = nil, credential: String? = nil
    ) throws -> ActionTestAnswer {
        asked += 1
        let ticket = Ticket(worker: 0, number: asked)
        let auth = AuthPlan(
            name: "test", mode: .keys, callers: CallerIndex(),
            userStore: ObjectIdentifier(userStore ?? keeper))
        let request = ActionRequest(
            method: .post, pathRest: Array(path.utf8), query: [], contentType: Array(type.utf8),
            body: Array(body.utf8), caller: caller, auth: caller.map { _ in auth },
            credential: credential.map(presented),
            clientAddress: PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 1, isUnix: false),
            requestID: Array("test".utf8))
        action.answer(
            Question(ticket: ticket, answerer: action, subject: .action(request)),
            Reply(ticket: ticket, mailbox: mailbox))
        var mail: [Mail] = []
        #expect(
            eventually {
                mail += mailbox.takeAll()
                return !mail.isEmpty
            })
        guard mail.count == 1, case .answered(ticket, .reply(let reply)) = mail[0] else {
            throw Unexpected("not one answer: \(mail.count)")
        }
        return try ActionTestAnswer(reply)
    }

    /// What came since, which must be nothing.
    var moreMail: Int { mailbox.takeAll().count }

    /// Does something with the store as another program would.
    func withStore<Value>(_ body: (Store) throws -> Value) throws -> Value {
        let store = try Store(opening: keeper.path, options: options)
        defer { store.close() }
        return try body(store)
    }

    func caller(_ userID: Int64) -> Caller {
        Caller(digest: KeyDigest(sha256([1])), userID: userID, label: PlanText("test"))
    }

    /// A caller for a user as `auth` would find one.
    func newUser(_ name: String, active: Bool = true) throws -> Caller {
        try withStore { store in
            let user = try store.createUser(NewUser(username: name, email: "\(name)@example.com"))
            if !active { try store.setActive(user.id, false) }
            return caller(user.id)
        }
    }

    private func presented(_ text: String) -> PresentedCredential {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { PresentedCredential($0, digest: KeyDigest(sha256(bytes))) }
    }
}

struct ActionTestAnswer {
    let status: UInt16
    let fields: String
    let body: JSONValue
    let text: String

    init(_ reply: ActionReply) throws {
        status = reply.status
        fields = String(decoding: reply.headerLines, as: UTF8.self)
        text = String(decoding: reply.body, as: UTF8.self)
        body = try JSONValue.parse(reply.body)
    }

    var detail: String? { body["detail"]?.text }
    var isStored: Bool { !fields.contains("Cache-Control: no-store\r\n") }
}

extension ActionConfig.Kind {
    static func testLogin(
        _ identity: IdentityConfig = .either, _ response: LoginConfig.Response = .session,
        _ issues: IssueConfig = .session(lifetime: .seconds(3600))
    ) -> ActionConfig.Kind {
        .login(LoginConfig(identity: identity, issues: issues, response: response, keyName: "default"))
    }

    static func testRegister(
        required: [String] = ["email", "password"], optional: [String] = ["username"],
        issues: IssueConfig? = .session(lifetime: .seconds(3600)), duplicateStatus: Int = 409,
        passwordLengthMin: Int = 1
    ) -> ActionConfig.Kind {
        .register(
            RegisterConfig(
                required: required, optional: optional, issues: issues, fields: ["id", "email", "username"],
                duplicateStatus: duplicateStatus, passwordLengthMin: passwordLengthMin))
    }

    static func testGenerateKey(selfService: Bool = true) -> ActionConfig.Kind {
        .generateKey(
            GenerateKeyConfig(
                keys: "members", selfService: selfService, rateLimitMax: 60, rateLimitDefault: 20))
    }
}
