import Config
import Stores

extension BoundAction {
    func register(_ call: ActionCall, _ rules: RegisterConfig) throws(ActionFailure) {
        let registration = try Registration(members(call), rules)
        // Why here: a user who could be given no token must not be made.
        if rules.issues != nil, tokens?.subject == .username, registration.username == nil {
            throw .invalid([.missing("username")])
        }
        onStore(call) { [self] store in
            // Why before the hash: who is there already costs no hash. Who comes meanwhile is found below.
            if let taken = try registration.takenField(in: store) {
                throw ActionFailure.duplicate(field: taken, status: UInt16(rules.duplicateStatus))
            }
            onHashThread(call) { [passwordCost] in
                PasswordHash.make(registration.password, cost: passwordCost)
            } deliver: { [self] hash in
                onStore(call) { [self] in try create(registration, hash, call, rules, in: $0) }
            }
            return nil
        }
    }

    private func create(
        _ registration: Registration, _ hash: String, _ call: ActionCall, _ rules: RegisterConfig,
        in store: Store
    ) throws -> ActionReply {
        let new = NewUser(
            username: registration.username, email: registration.email, passwordHash: hash)
        let user: User
        do throws(StoreError) {
            user = try store.createUser(new)
        } catch {
            guard case .duplicate(let field) = error else { throw error }
            throw ActionFailure.duplicate(field: field, status: UInt16(rules.duplicateStatus))
        }
        callersChanged()
        log("user \(ActionAnswers.shownName(user)) registered", call)
        guard let issues = rules.issues else {
            return ActionAnswers.user(user, fields: rules.fields, status: 201)
        }
        return ActionAnswers.token(try issue(issues, to: user, in: store), status: 201)
    }
}

/// Who somebody wants to be. Members that the route does not name are left unread.
struct Registration: Sendable {
    let email: String?
    let username: String?
    let password: [UInt8]

    init(_ members: MemberReader, _ rules: RegisterConfig) throws(ActionFailure) {
        var members = members
        func read(_ name: String, _ rule: TextRule) -> String? {
            if rules.required.contains(name) { return members.text(name, rule) }
            return rules.optional.contains(name) ? members.optionalText(name, rule) : nil
        }
        username = read("username", .username(1...64))
        email = read("email", .email)
        password = Array(
            members.text("password", .password(lengthMin: max(1, rules.passwordLengthMin))).utf8)
        try members.finish()
    }

    /// What somebody else has already; nil: nothing.
    func takenField(in store: Store) throws -> String? {
        if let email, try store.user(.email(email)) != nil { return "email" }
        if let username, try store.user(.username(username)) != nil { return "username" }
        return nil
    }
}
