import Testing

@testable import Config

@Suite struct LoginConfigTests {
    static func login(_ text: String) throws -> LoginConfig {
        guard case .login(let login) = try ActionConfigTests.action(text).kind else { throw Noted() }
        return login
    }

    static func register(_ text: String) throws -> RegisterConfig {
        guard case .register(let register) = try ActionConfigTests.action(text).kind else { throw Noted() }
        return register
    }

    @Test func `login gives out a JWT, or a session where that is its answer (C1, C24)`() throws {
        let plain = LoginConfig(
            identity: .either, issues: .jwt(auth: "logins"), response: .oauth2, keyName: "default")
        #expect(try Self.login("login") == plain)
        let session = try Self.login("{ name: login, response: session, identity: username, key_name: main }")
        #expect(session.issues == .session(lifetime: .seconds(86_400)) && session.identity == .username)
        #expect(session.response == .session && session.keyName == "main")
        #expect(
            try Self.login("{ name: login, response: session, issues: jwt }").issues == .jwt(auth: "logins"))
        #expect(
            try Self.login("{ name: login, issues: session, lifetime: 1h }").issues
                == .session(lifetime: .seconds(3600)))
    }

    @Test func `login looks for the keys of its user`() throws {
        func sync(_ text: String, others: String = "") -> (sync: LoginSyncConfig?, errors: [String]) {
            let text = """
                version: 1
                listeners: { l: 127.0.0.1:1 }
                stores: { s: s.db, t: t.db }
                auth: { open: { mode: none }, members: { mode: user-keys, store: s } }
                upstreams:
                  u: { url: http://u, key: { first_of: [{ database: s }, { env: X }] } }
                  v: { url: http://v, key: { first_of: [{ database: t }] } }
                  w: { url: http://w, key: { first_of: [{ env: X }] } }
                routes:
                  - { path: /a, auth: open, action: { name: login, store: s, \(text) } }
                  - { path: /b, auth: members, to: u }

                """
            let result = read(text)
            let errors = result.diagnostics.filter { $0.severity == .error }.map(\.keyPath)
            guard case .action(let action)? = result.config?.routes[0].action,
                case .login(let login) = action.kind
            else { return (nil, errors) }
            return (login.sync, errors)
        }
        #expect(
            sync("response: session, sync: u") == (LoginSyncConfig(upstream: "u", validates: false), []))
        #expect(
            sync("response: session, sync: { upstream: u, validate: true }")
                == (LoginSyncConfig(upstream: "u", validates: true), []))
        let place = "routes[0].action.sync"
        #expect(sync("response: session, sync: { validate: true }").errors == [place])
        #expect(sync("response: session, sync: n").errors == [place])
        #expect(sync("response: session, sync: v").errors == [place])
        #expect(sync("response: session, sync: { upstream: w }").errors == [place + ".upstream"])
        #expect(sync("response: session, sync: u, key_name: k").errors == ["routes[0].action.key_name"])
        #expect(sync("issues: session, sync: u").errors == [place])
    }

    @Test func `register makes a user and logs it in (C2)`() throws {
        let plain = RegisterConfig(
            required: ["email", "password"], optional: [], issues: .jwt(auth: "logins"),
            fields: ["id", "email"],
            duplicateStatus: 409, passwordLengthMin: 1)
        #expect(try Self.register("register") == plain)
        let user = try Self.register(
            """
            { name: register, require: [username, password], optional: [email], response: user, fields: [id], \
            duplicate_status: 400, password_min: 8 }
            """)
        #expect(
            user.required == ["username", "password"] && user.optional == ["email"] && user.issues == nil)
        #expect(user.fields == ["id"] && user.duplicateStatus == 400 && user.passwordLengthMin == 8)
    }

    @Test(arguments: [
        "name: login, issues: session, jwt: logins", "name: login, lifetime: 1h", "name: login, identity: id",
        "name: register, require: [email]", "name: register, require: [password]",
        "name: register, require: []",
        "name: register, optional: [email]", "name: register, fields: [id]",
        "name: register, response: user, issues: jwt", "name: register, response: user, lifetime: 1h",
        "name: register, duplicate_status: 422",
    ])
    func `what contradicts itself is refused, once`(_ text: String) {
        let routes =
            "- { path: /a, auth: open, action: { \(text) } }\n- { path: /b, auth: [logins, members], respond: {} }\n"
        let errors = read(ActionConfigTests.head + routes).diagnostics.filter { $0.severity == .error }
        #expect(errors.count == 1, "\(renderReport(errors))")
    }
}
