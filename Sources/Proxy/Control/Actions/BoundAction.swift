import CLinux
import Config
import Stores
import Synchronization

/// A built-in endpoint as one route mounts it: the action's rules, and what it needs to follow them.
///
/// Reads on a thread of the desk, asks the store on the store's thread, hashes on the pool's. Whatever
/// happens on the way, one answer goes back (`ActionCall`). A caller's user is looked up again each time:
/// one who was deleted or disabled is refused at once, whatever the token says.
final class BoundAction: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass is; everything here is immutable.

    /// What `login` and `register` sign tokens with.
    struct TokenIssue: Sendable {
        let signer: JWTSigner
        /// What goes into `sub`.
        let subject: JWTConfig.Subject
    }

    /// What sessions begin with.
    static let sessionPrefix = "hgs_"

    private let config: ActionConfig
    private let errors: ErrorFormat
    private let store: any StoreAccess
    private let hashes: HashPool
    let tokens: TokenIssue?
    let keyPrefix: String
    /// What a login brings the user's key about by, and `key-status` looks into; nil: neither.
    let keys: KeyChain?
    /// bcrypt's cost, the highest that `login` has met.
    let costSeen = Atomic(0)
    private let storeTrouble = LogGate()

    /// - Parameters:
    ///   - store: of the action; of the `user-keys` entry for `generate-key` and `validate-key`.
    ///   - hashes: one pool for the whole process.
    ///   - tokens: where the action issues JWTs.
    ///   - keyPrefix: of the `user-keys` entry, for `generate-key` and `validate-key`; else of no meaning.
    ///   - keys: of the upstream that the action names, with the same store.
    init(
        _ config: ActionConfig, errors: ErrorFormat, store: any StoreAccess, hashes: HashPool,
        tokens: TokenIssue? = nil, keyPrefix: String = "", keys: KeyChain? = nil
    ) {
        self.config = config
        self.errors = errors
        self.store = store
        self.hashes = hashes
        self.tokens = tokens
        self.keyPrefix = keyPrefix
        self.keys = keys
        super.init()
    }

    override func answer(_ question: Question, _ reply: Reply) {
        guard case .action(let request) = question.subject else {
            preconditionFailure("an action is asked for actions alone")
        }
        let call = ActionCall(request, reply, errors)
        do throws(ActionFailure) { try begin(call) } catch { call.fail(error) }
    }

    private func begin(_ call: ActionCall) throws(ActionFailure) {
        switch config.kind {
        case .register(let rules): try register(call, rules)
        case .login(let rules): try logIn(call, rules)
        case .me(let fields): try tellUser(call) { ActionAnswers.user($0, fields: fields) }
        case .protected: try tellUser(call) { ActionAnswers.greeting($0) }
        case .setAPIKey(let rules): try setUpstreamKey(call, rules)
        case .listAPIKeys: try listUpstreamKeys(call)
        case .deleteAPIKey: try deleteUpstreamKey(call)
        case .generateKey(let rules): try generateKey(call, rules)
        case .validateKey: validateKey(call)
        case .keyStatus: try tellKeyStatus(call)
        case .limits, .models, .health, .openapi, .docs:
            preconditionFailure("it has an answerer of its own")
        }
    }

    private func tellUser(
        _ call: ActionCall, _ answer: @escaping @Sendable (User) -> ActionReply
    ) throws(ActionFailure) {
        let userID = try callerUserID(call)
        onStore(call) { try answer(BoundAction.activeUser(userID, in: $0)) }
    }

    // MARK: What all do

    var passwordCost: Int { store.passwordCost }

    /// Seconds since 1970.
    var now: Int64 { Int64(headgate_realtime_ns() / 1_000_000_000) }

    func members(_ call: ActionCall) throws(ActionFailure) -> MemberReader {
        try MemberReader(ActionMembers(body: call.request.body, contentType: call.request.contentType))
    }

    /// Runs `body` on the store's thread. What it returns or throws is the answer; nil: that comes later.
    func onStore(_ call: ActionCall, _ body: @escaping @Sendable (Store) throws -> ActionReply?) {
        let since = headgate_monotonic_ns()
        let willRun = store.performPromptly { [self] opened in
            let now = headgate_monotonic_ns()
            guard !ActionCall.isLate(arrival: call.arrival, since: since, now: now) else {
                return call.fail(.overloaded(retryAfterSeconds: 1))
            }
            do {
                if let answer = try body(opened.get()) { call.answer(answer) }
            } catch {
                call.fail(failure(error, call))
            }
        }
        if !willRun { call.fail(.overloaded(retryAfterSeconds: 1)) }
    }

    /// Runs `work` on a thread that may take its time, then `deliver` with what it gives, unless that is too
    /// late: then the call has been refused.
    func onHashThread<Value: Sendable>(
        _ call: ActionCall, _ work: @escaping @Sendable () -> Value,
        deliver: @escaping @Sendable (Value) -> Void
    ) {
        let job = HashPool.Job(
            work: {
                let value = work()
                return { deliver(value) }
            },
            overdue: { call.fail(.overloaded(retryAfterSeconds: 1)) })
        let refused = hashes.perform(for: call.request.clientAddress, arrival: call.arrival, job)
        if let seconds = refused { call.fail(.overloaded(retryAfterSeconds: seconds)) }
    }

    /// Within a job of the store: what was given out has to work by the time the client has it.
    func callersChanged() { store.keysChanged() }

    /// Row of the caller's user in the action's store.
    func callerUserID(_ call: ActionCall) throws(ActionFailure) -> Int64 {
        guard let caller = call.request.caller else { throw .notAuthenticated }
        // Why the store: the same row of another one is somebody else.
        guard caller.userID > 0, call.request.auth?.userStore == ObjectIdentifier(store) else {
            throw .userNeeded
        }
        return caller.userID
    }

    static func activeUser(_ id: Int64, in store: Store) throws -> User {
        guard let user = try store.user(.id(id)), user.isActive else { throw ActionFailure.userGone }
        return user
    }

    /// A token or session for a user who has just shown who they are.
    func issue(_ issue: IssueConfig, to user: User, in store: Store) throws -> String {
        switch issue {
        case .session(let lifetime):
            let session = NewClientKey(
                userID: user.id, kind: .session, name: "login", prefix: BoundAction.sessionPrefix,
                expiresAt: now + max(1, lifetime.components.seconds))
            let credential = try store.createKey(session).credential
            callersChanged()
            return String(decoding: credential.reveal(), as: UTF8.self)
        case .jwt(let auth):
            guard let tokens else { preconditionFailure("auth \(auth) signs what this action issues") }
            guard let subject = BoundAction.subject(tokens.subject, user) else {
                Log.error("\(config.name): user \(user.publicID) has no username for `sub` of auth \(auth)")
                throw ActionFailure.internalError
            }
            return tokens.signer.sign(subject: subject, now: now)
        }
    }

    static func subject(_ kind: JWTConfig.Subject, _ user: User) -> String? {
        switch kind {
        case .id: user.publicID
        case .username: user.username
        }
    }

    func log(_ message: String, _ call: ActionCall) {
        Log.info("\(config.name): \(message) (request \(call.requestID))")
    }

    private func failure(_ error: any Error, _ call: ActionCall) -> ActionFailure {
        if let failure = error as? ActionFailure { return failure }
        if let held = storeTrouble.admit(now: headgate_monotonic_ns()) {
            let more = held == 0 ? "" : "; \(held) more like it"
            Log.error("\(config.name): \(error) (request \(call.requestID)\(more))")
        }
        let isTransient = (error as? StoreError)?.isTransient ?? false
        return isTransient ? .storeUnavailable : .internalError
    }
}
