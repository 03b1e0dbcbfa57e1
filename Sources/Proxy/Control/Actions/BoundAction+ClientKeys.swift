import Config
import Stores

/// Keys of users for this gateway.
extension BoundAction {
    /// A user has one active key at most. Another is made once it has expired or was revoked. Without
    /// self-service that is for callers who came by a login: whoever came by a key has one.
    func generateKey(_ call: ActionCall, _ rules: GenerateKeyConfig) throws(ActionFailure) {
        let userID = rules.selfService ? nil : try callerUserID(call)
        let wish = try KeyWish(members(call), rules)
        onStore(call) { [self] store in
            let known: User?
            if let userID {
                known = try BoundAction.activeUser(userID, in: store)
            } else {
                known = try wish.findUser(in: store)
            }
            if let known {
                let keys = try store.keys(ofUser: known.id).filter { $0.kind == .key }
                try refuseSecondKey(keys, call, in: store)
                if rules.selfService { try wish.requireSelfMade(known, keys) }
            }
            let (user, made) = try makeKey(wish, for: known, in: store)
            callersChanged()
            log("user \(ActionAnswers.shownName(user)) has a new key \(made.key.publicID)", call)
            return ActionAnswers.generatedKey(made.key, made.credential, of: user)
        }
    }

    private func refuseSecondKey(_ keys: [ClientKey], _ call: ActionCall, in store: Store) throws {
        let moment = now
        let active = keys.filter { $0.state(at: moment) == .active }
        guard !active.isEmpty else { return }
        let presented = try call.request.credential.flatMap { try store.key(digest: $0.digest.bytes) }
        throw ActionFailure.activeKeyExists(isPresented: active.contains { $0.id == presented?.id })
    }

    /// - Parameter known: nil: a new user is made as well. Both or none: a user without a key would be taken
    ///   for one who was made by hand.
    private func makeKey(
        _ wish: KeyWish, for known: User?, in store: Store
    ) throws -> (user: User, made: (key: ClientKey, credential: Secret)) {
        do throws(StoreError) {
            return try store.transaction { () throws(StoreError) in
                let user: User
                if let known { user = known } else { user = try store.createUser(wish.newUser) }
                let key = NewClientKey(
                    userID: user.id, name: wish.name, prefix: keyPrefix,
                    expiresAt: wish.lifetimeSeconds.map { now + $0 },
                    requestsPerMinute: wish.requestsPerMinute)
                return (user, try store.createKey(key))
            }
        } catch {
            throw KeyWish.reason(error)
        }
    }

    /// Tells what the presented key is worth. A session is no key.
    func validateKey(_ call: ActionCall) {
        let credential = call.request.credential
        guard let credential, credential.reveal().starts(with: keyPrefix.utf8) else {
            return call.answer(ActionAnswers.invalidKey(.format))
        }
        onStore(call) { [self] store in
            guard let key = try store.key(digest: credential.digest.bytes) else {
                return ActionAnswers.invalidKey(.unknown)
            }
            guard key.kind == .key else { return ActionAnswers.invalidKey(.format) }
            guard let user = try store.user(.id(key.userID)) else {
                return ActionAnswers.invalidKey(.unknown)
            }
            if let fault = KeyFault(key, of: user, now: now) { return ActionAnswers.invalidKey(fault) }
            return ActionAnswers.validKey(key, of: user)
        }
    }
}

/// The key that somebody asks for.
struct KeyWish: Sendable {
    /// Of `self_service`: who asks. The telegram id tells users apart, the name is what they are shown as.
    struct Requester: Equatable, Sendable {
        let username: String
        let telegramID: String
    }
    let requester: Requester?
    let name: String
    let requestsPerMinute: Int?
    /// nil: never expires.
    let lifetimeSeconds: Int64?

    init(_ members: MemberReader, _ rules: GenerateKeyConfig) throws(ActionFailure) {
        var members = members
        requester =
            rules.selfService
            ? Requester(
                username: members.text("username", .username(3...50)),
                telegramID: members.textOrNumber("telegram_id", .telegramID))
            : nil
        name = members.optionalText("name", .name(max: 100)) ?? "default"
        let limit = members.optionalInteger("rate_limit", in: 1...Int64(max(1, rules.rateLimitMax)))
        requestsPerMinute = limit.map(Int.init) ?? rules.rateLimitDefault
        lifetimeSeconds = members.optionalInteger("expires_in_days", in: 1...36_500).map { $0 * 86_400 }
        try members.finish()
    }

    /// - Returns: nil: the requester is new.
    /// - Throws: `.usernameTaken`: also where somebody without a telegram id has the name, whose keys are not
    ///   given to whoever names them. `.loginNeeded`: the user has a password to show first.
    func findUser(in store: Store) throws -> User? {
        guard let requester else { preconditionFailure("asked of a self-service wish alone") }
        if let holder = try store.user(.username(requester.username)),
            holder.telegramID != requester.telegramID
        {
            throw ActionFailure.usernameTaken
        }
        guard let known = try store.user(.telegramID(requester.telegramID)) else { return nil }
        guard known.isActive else { throw ActionFailure.userDisabled }
        // Why: a telegram id is no secret.
        guard !known.hasPassword else { throw ActionFailure.loginNeeded }
        return known
    }

    /// - Parameter keys: all that the user ever had. Whom `generate-key` has made has one, and no more than
    ///   a name and a telegram id.
    func requireSelfMade(_ user: User, _ keys: [ClientKey]) throws(ActionFailure) {
        guard user.username == requester?.username else { throw .telegramIDTaken }
        guard !keys.isEmpty, user.email == nil else { throw .userNotSelfMade }
    }

    var newUser: NewUser {
        NewUser(username: requester?.username, telegramID: requester?.telegramID)
    }

    /// Another process may have been faster; one that made the same user is found by the next try.
    static func reason(_ error: StoreError) -> any Error {
        guard case .duplicate(let field) = error else { return error }
        return field == "username" ? ActionFailure.usernameTaken : .overloaded(retryAfterSeconds: 1)
    }
}
