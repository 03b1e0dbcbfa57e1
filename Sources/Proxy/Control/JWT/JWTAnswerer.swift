import CLinux
import Config
import Stores

/// Answers what workers ask about tokens of one `jwt` entry: verifies, looks the subject up where the entry
/// names a store, and puts the caller into the entry's index, where the next request finds it.
///
/// A token whose key is not known waits for one fetch of the keys, together with all others; nobody else
/// waits.
///
/// Cost of the first request with a token, on a thread of the desk: its text, and the signature. By
/// `openssl speed` (3.0, one core) RS… and PS256 with 2048 bits take 12 µs, ES256 36 µs, EdDSA 60 µs and
/// ES384 460 µs; HS… is two hashes of a few blocks. The requests after it cost what a key does.
final class JWTAnswerer: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass says so; everything here is immutable or locked.

    /// The key of the entry in the file.
    let name: String
    let source: JWTKeySource
    private let config: JWTConfig
    private let verifier: JWTVerifier
    private let tokens: VerifiedTokens
    private let questions = TokenQuestions()
    private let keeper: StoreKeeper?
    private let mailboxes: Mailboxes
    /// Nanoseconds.
    private let maxStale: UInt64
    private let logGate = LogGate()

    /// - Parameters:
    ///   - keeper: of the store that `config` names; nil: the token alone decides.
    ///   - maxStale: nanoseconds that the source of the keys may be unreadable before unknown keys are
    ///     answered 503 instead of 401.
    init(
        name: String, config: JWTConfig, source: JWTKeySource, callers: CallerIndex,
        keeper: StoreKeeper? = nil,
        mailboxes: Mailboxes, maxStale: UInt64
    ) {
        self.name = name
        self.config = config
        self.source = source
        self.keeper = keeper
        self.mailboxes = mailboxes
        self.maxStale = maxStale
        verifier = JWTVerifier(config, keys: source.keys)
        tokens = VerifiedTokens(callers)
        super.init()
        source.onChange { [weak self] keys in self?.use(keys) }
        // What came between the two lines above.
        verifier.use(source.keys)
        _ = keeper?.onUserChanges(self) { [weak self] in self?.usersChanged($0, $1) }
    }

    override func answer(_ question: Question, _ reply: Reply) {
        switch question.subject {
        case .credential(let credential):
            switch questions.join(credential.digest, reply) {
            case .first(let question): decide(credential, question, mayFetch: true)
            case .waits: break
            case .full: reply.send(.refused(.tooManyQuestions))
            }
        case .action, .upstreamKey: reply.send(.refused(.internalError))
        }
    }

    // MARK: - Deciding

    private func decide(_ credential: PresentedCredential, _ reply: TokenQuestion, mayFetch: Bool) {
        let epoch = tokens.epoch
        do throws(JWTVerifier.Refusal) {
            let now = Int64(headgate_realtime_ns() / 1_000_000_000)
            let verified = try verifier.verify(credential.reveal(), now: now)
            guard let keeper else { return accept(credential, verified, user: 0, epoch, reply) }
            try lookUp(credential, verified, keeper, epoch, reply)
        } catch {
            if mayFetch, error.mayBeMendedByKeys {
                let waits = source.afterFetch { [self] in decide(credential, reply, mayFetch: false) }
                if waits { return }
            }
            refuse(error, reply)
        }
    }

    /// The subject must be an active user of the store.
    private func lookUp(
        _ credential: PresentedCredential, _ verified: JWTVerifier.Verified, _ keeper: StoreKeeper,
        _ epoch: Int, _ reply: TokenQuestion
    ) throws(JWTVerifier.Refusal) {
        guard let subject = verified.subject else { throw .claimMissing("sub") }
        let lookup: UserLookup =
            switch config.subject {
            case .id: .publicID(subject)
            case .username: .username(subject)
            }
        let isAccepted = keeper.perform { [self] opened in
            do throws(StoreError) {
                guard let user = try opened.get().user(lookup), user.isActive,
                    // Why: it was made for somebody who had the name before.
                    verified.issuedAt.map({ $0 >= user.createdAt }) ?? true
                else {
                    return refuse(.subjectUnknown, reply)
                }
                accept(credential, verified, user: user.id, epoch, reply)
            } catch {
                note("a token cannot be decided: \(error.description)")
                reply.send(.refused(.authBackendUnavailable))
            }
        }
        if !isAccepted { reply.send(.refused(.authBackendUnavailable)) }
    }

    private func accept(
        _ credential: PresentedCredential, _ verified: JWTVerifier.Verified, user: Int64, _ epoch: Int,
        _ reply: TokenQuestion
    ) {
        let caller = Caller(
            digest: credential.digest, userID: user,
            notAfter: verified.expiresAt.map(nanosecondsSince1970) ?? .max,
            label: PlanText(verified.caller), requestsPerMinute: UInt32(verified.requestsPerMinute ?? 0),
            models: verified.models.isEmpty ? nil : ModelList(verified.models),
            rateSubject: rateSubject(verified, user: user))
        guard tokens.put(caller, epoch: epoch, now: headgate_realtime_ns()) else {
            // Keys or users have changed since it was verified.
            return decide(credential, reply, mayFetch: false)
        }
        reply.send(.accepted(caller))
    }

    /// Why not the token: whoever gets another one would have their limits filled up again.
    private func rateSubject(_ verified: JWTVerifier.Verified, user: Int64) -> LimitSubject {
        let who = user > 0 ? "user \(user)" : verified.subject.map { "sub \($0)" } ?? verified.caller
        return LimitSubject(KeyDigest(sha256(Array("\(name)\0\(who)".utf8))))
    }

    private func refuse(_ refusal: JWTVerifier.Refusal, _ reply: TokenQuestion) {
        note("a token was refused: \(refusal.description)")
        let isInDoubt = source.isInDoubt(now: headgate_monotonic_ns(), maxStale: maxStale)
        reply.send(.refused(refusal.reply(isInDoubt: isInDoubt)))
    }

    private func note(_ message: String) {
        guard let heldBack = logGate.admit(now: headgate_monotonic_ns()) else { return }
        Log.info("auth.\(name): \(message)" + (heldBack > 0 ? " (and \(heldBack) more)" : ""))
    }

    // MARK: - Changes

    private func use(_ keys: JWTKeySet) {
        verifier.use(keys)
        tokens.removeAll()
    }

    /// This one is asked in place of `old`. What was verified by that one is forgotten, but whoever came in
    /// by it goes on, as long as their users are of this store and active.
    func takeOver(_ old: JWTAnswerer) {
        guard let keeper, keeper.path == old.keeper?.path else { return }
        let affected = tokens.takeOver(old.tokens)
        guard !affected.isEmpty else { return }
        let isAccepted = keeper.performInAnyCase { [weak self] opened in
            if case .success(let store) = opened { self?.disableInactive(affected, store) }
        }
        // A store that was stopped can vouch for nobody.
        if !isAccepted { affected.forEach { $0.become(.disabled) } }
    }

    /// On the store's thread.
    private func usersChanged(_ users: [Int64]?, _ store: Store) {
        disableInactive(tokens.remove(users: users), store)
    }

    private func disableInactive(_ affected: [Caller], _ store: Store) {
        var hasCut = false
        var isActive: [Int64: Bool] = [:]
        for caller in affected {
            if isActive[caller.userID] == nil { isActive[caller.userID] = isGood(caller.userID, store) }
            guard isActive[caller.userID] == false else { continue }
            caller.become(.disabled)
            hasCut = true
        }
        if hasCut { mailboxes.post(.cutRevoked) }
    }
}

/// Why true where the store fails: what is known goes on.
private func isGood(_ user: Int64, _ store: Store) -> Bool {
    do throws(StoreError) { return try store.user(.id(user))?.isActive ?? false } catch { return true }
}

extension JWTVerifier.Refusal {
    /// Other keys may decide otherwise.
    var mayBeMendedByKeys: Bool {
        switch self {
        case .keyUnknown, .keysUnavailable: true
        case .malformed, .algorithmNotAllowed, .signatureWrong, .expired, .notYetValid, .issuerWrong,
            .audienceWrong, .claimMissing, .subjectUnknown:
            false
        }
    }

    /// What the client is told.
    /// - Parameter isInDoubt: a key that is not known here may be known to the source.
    func reply(isInDoubt: Bool) -> LocalReply {
        switch self {
        case .expired: .tokenExpired
        case .keysUnavailable: .authBackendUnavailable
        case .keyUnknown: isInDoubt ? .authBackendUnavailable : .tokenInvalid
        case .malformed, .algorithmNotAllowed, .signatureWrong, .notYetValid, .issuerWrong, .audienceWrong,
            .claimMissing, .subjectUnknown:
            .tokenInvalid
        }
    }
}
