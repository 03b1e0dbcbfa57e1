import Config
import Stores

/// `login`: one answer, in one time, for an unknown user, a wrong password and a disabled user.
extension BoundAction {
    func logIn(_ call: ActionCall, _ rules: LoginConfig) throws(ActionFailure) {
        let attempt = try LoginAttempt(members(call), rules.identity)
        onStore(call) { [self] store in
            let found = try store.passwordHash(of: attempt.lookup)
            let level = timeLevel(found?.hash)
            onHashThread(call) { [self] in
                check(attempt.password, found, level)
            } deliver: { [self] verdict in
                guard verdict.isRight, let found, found.user.isActive else {
                    let reason = LoginAttempt.reason(
                        found, isRight: verdict.isRight, passwordCost: passwordCost)
                    log("refused: \(reason)", call)
                    return call.fail(.loginWrong(rules.identity))
                }
                welcome(found, verdict.renewedHash, call, rules)
            }
            return nil
        }
    }

    private struct Verdict: Sendable {
        let isRight: Bool
        /// With the cost that is configured now; nil: it has that already, or the login is refused.
        var renewedHash: String?
    }

    /// The cost whose time each refusal takes: the configured one, or the highest that was met above it, so
    /// that nobody sees by the time whether there is such a user.
    private func timeLevel(_ hash: String?) -> Int {
        let cost = hash.flatMap(PasswordHash.cost(of:)) ?? 0
        let isTried = cost <= PasswordHash.costMax(configured: passwordCost)
        return costSeen.max(max(passwordCost, isTried ? cost : 0), ordering: .relaxed).newValue
    }

    /// On a hash thread.
    private func check(
        _ password: [UInt8], _ found: (user: User, hash: String?)?, _ level: Int
    ) -> Verdict {
        let isRight = PasswordHash.verify(password, found?.hash, cost: passwordCost)
        let cost = found?.hash.flatMap(PasswordHash.cost(of:)) ?? passwordCost
        guard isRight, found?.user.isActive == true else {
            let isTried = cost <= PasswordHash.costMax(configured: passwordCost)
            PasswordHash.spend(
                from: isTried ? max(cost, passwordCost) : passwordCost, to: level, on: password)
            return Verdict(isRight: isRight)
        }
        let isRenewed = cost != passwordCost
        return Verdict(
            isRight: true, renewedHash: isRenewed ? PasswordHash.make(password, cost: passwordCost) : nil)
    }

    private func welcome(
        _ found: (user: User, hash: String?), _ renewed: String?, _ call: ActionCall, _ rules: LoginConfig
    ) {
        onStore(call) { [self] store in
            // Why again: the password may have been changed, to lock somebody out, while this one was hashed.
            guard let now = try store.passwordHash(of: .id(found.user.id)), now.hash == found.hash,
                now.user.isActive
            else {
                log("refused: user \(ActionAnswers.shownName(found.user)) was changed meanwhile", call)
                throw ActionFailure.loginWrong(rules.identity)
            }
            let user = now.user
            if let renewed { renew(user, renewed, in: store) }
            let token = try issue(rules.issues, to: user, in: store)
            log("user \(ActionAnswers.shownName(user)) logged in", call)
            switch rules.response {
            case .oauth2: return ActionAnswers.token(token, status: 200)
            case .session: return try tellKey(of: user, token, in: store, call, rules)
            }
        }
    }

    /// - Returns: nil: the answer comes later, because a key is being made or asked about.
    private func tellKey(
        of user: User, _ token: String, in store: Store, _ call: ActionCall, _ rules: LoginConfig
    ) throws -> ActionReply? {
        guard let keys, let sync = rules.sync else {
            let hasKey = try store.upstreamKeys(user: user.id).contains { $0.name == rules.keyName }
            return ActionAnswers.session(token, user, KeyStatus(stored: hasKey))
        }
        keys.sync(user, in: store, validates: sync.validates) { status in
            call.answer(ActionAnswers.session(token, user, status))
        }
        return nil
    }

    /// Why no failure: the old one is as good for this login.
    private func renew(_ user: User, _ hash: String, in store: Store) {
        do throws(StoreError) {
            try store.setPasswordHash(user.id, hash)
        } catch {
            Log.warning(
                "the password hash of user \(ActionAnswers.shownName(user)) is not made anew: \(error)")
        }
    }
}

/// Who somebody says they are, and by what.
struct LoginAttempt: Sendable {
    let lookup: UserLookup
    let password: [UInt8]

    /// - Parameter identity: `either`: the member `username` or `email`, each of which may hold both; form
    ///   clients know `username` alone (RFC 6749 §4.3.2).
    init(_ members: MemberReader, _ identity: IdentityConfig) throws(ActionFailure) {
        var members = members
        switch identity {
        case .email: lookup = .email(members.text("email", .identity))
        case .username: lookup = .username(members.text("username", .identity))
        case .either:
            let name = members.has("username") || !members.has("email") ? "username" : "email"
            lookup = .login(members.text(name, .identity))
        }
        password = Array(members.text("password", .password(lengthMin: 0)).utf8)
        try members.finish()
    }

    /// For the log. Names nobody who is unknown: people type passwords into the wrong field.
    static func reason(
        _ found: (user: User, hash: String?)?, isRight: Bool, passwordCost: Int
    ) -> String {
        guard let found else { return "no such user" }
        let name = ActionAnswers.shownName(found.user)
        if isRight { return "user \(name) is disabled" }
        guard let hash = found.hash else { return "user \(name) has no password" }
        guard let cost = PasswordHash.cost(of: hash) else { return "the hash of user \(name) is no bcrypt" }
        guard cost <= PasswordHash.costMax(configured: passwordCost) else {
            return "the hash of user \(name) has cost \(cost), which takes too long"
        }
        return "wrong password of user \(name)"
    }
}
