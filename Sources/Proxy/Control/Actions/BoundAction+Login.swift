import Config
import Stores

/// `login`: one answer, in one time, for an unknown user, a wrong password and a disabled user.
extension BoundAction {
    func logIn(_ call: ActionCall, _ rules: LoginConfig) throws(ActionFailure) {
        let attempt = try LoginAttempt(members(call), rules.identity)
        onStore(call) { [self] store in
            let found = try store.passwordHash(of: attempt.lookup)
            onHashThread(call) { [passwordCost] in
                PasswordHash.verify(attempt.password, found?.hash, cost: passwordCost)
            } deliver: { [self] isRight in
                guard isRight, let user = found?.user, user.isActive else {
                    log("refused: \(LoginAttempt.reason(found?.user, isRight: isRight))", call)
                    return call.fail(.loginWrong(rules.identity))
                }
                welcome(user, call, rules)
            }
            return nil
        }
    }

    private func welcome(_ user: User, _ call: ActionCall, _ rules: LoginConfig) {
        onStore(call) { [self] store in
            let token = try issue(rules.issues, to: user, in: store)
            log("user \(ActionAnswers.shownName(user)) logged in", call)
            switch rules.response {
            case .oauth2: return ActionAnswers.token(token, status: 200)
            case .session:
                let keys = try store.upstreamKeys(user: user.id)
                return ActionAnswers.session(
                    token, user, hasKey: keys.contains { $0.name == rules.keyName })
            }
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
    static func reason(_ user: User?, isRight: Bool) -> String {
        guard let user else { return "no such user" }
        let name = ActionAnswers.shownName(user)
        if isRight { return "user \(name) is disabled" }
        return user.hasPassword ? "wrong password of user \(name)" : "user \(name) has no password"
    }
}
