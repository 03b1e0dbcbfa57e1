import Testing

@testable import CLI

/// Users make themselves, log in and are known by what they are given.
@Suite(.scenario) struct RegisterAndLogin {
    private static let config = """
        env_file: gate.env
        stores: { main: { sqlite: app.db, encryption_key: { env: MASTER_KEY }, password_cost: 4 } }
        auth:
          open: { mode: none, ignore_credentials: true }
          logins: { mode: jwt, algorithms: [HS256], secret: { env: JWT_SECRET }, store: main }
          members: { mode: user-keys, store: main }
        routes:
          - { path: /auth/register, methods: POST, auth: open, errors: detail,
              action: { name: register, response: token, issues: jwt, duplicate_status: 400 } }
          - { path: /auth/login, methods: POST, auth: open, errors: detail,
              action: { name: login, identity: email, issues: jwt } }
          - { path: /auth/me, methods: GET, auth: logins, errors: detail,
              action: { name: me, fields: [id, email] } }
          - { path: /api/login, methods: POST, auth: open,
              action: { name: login, identity: either, response: session, issues: session } }
          - { path: /protected, methods: GET, auth: [logins, members], errors: detail, action: protected }
        """
    private static let json = "Content-Type: application/json"
    private static let ada = #"{"email": "ada@example.com", "password": "test123"}"#

    private func register(_ scene: ActionsScene) throws -> CurlAnswer {
        try scene.curl("-X", "POST", "$URL/auth/register", "-H", Self.json, "-d", Self.ada)
    }

    private func bearer(_ token: String?) -> String { "Authorization: Bearer \(token ?? "none")" }

    /// C1: JSON or a form, by what it is, at any path.
    @Test func `whoever registers is logged in, and comes back by e-mail and password`() throws {
        let scene = try ActionsScene(Self.config)
        let made = try register(scene)
        #expect(made.status == 201)
        #expect(made.text("token_type") == "bearer")
        let me = try scene.curl("$URL/auth/me", "-H", bearer(made.text("access_token")))
        #expect(me.status == 200)
        #expect(me.text("email") == "ada@example.com")

        let login = try scene.curl("-X", "POST", "$URL/auth/login", "-H", Self.json, "-d", Self.ada)
        #expect(login.status == 200)
        let greeting = try scene.curl("$URL/protected", "-H", bearer(login.text("access_token")))
        #expect(greeting.text("msg") == "Hello, ada@example.com! This is protected.")

        // A form, and JSON that curl calls a form.
        let session = try scene.curl(
            "$URL/api/login", "-d", "username=ada%40example.com&password=test123")
        #expect(session.status == 200)
        #expect(session.json["api_key_status"]?["has_key"]?.boolValue == false)
        #expect(session.text("user_id") == me.text("id"))
        let opaque = try scene.curl("$URL/protected", "-H", bearer(session.text("token")))
        #expect(opaque.status == 200)
        #expect(try scene.curl("$URL/api/login", "-d", Self.ada).status == 200)
    }

    @Test func `what is wrong is told alike, and never quoted`() throws {
        let scene = try ActionsScene(Self.config)
        #expect(try register(scene).status == 201)
        let again = try register(scene)
        #expect(again.status == 400)
        #expect(again.text("detail") == "Email already registered")
        for body in [
            #"{"email": "ada@example.com", "password": "canary-1"}"#,
            #"{"email": "nobody@example.com", "password": "canary-1"}"#,
        ] {
            let answer = try scene.curl("$URL/auth/login", "-H", Self.json, "-d", body)
            #expect(answer.status == 401)
            #expect(answer.text("detail") == "Incorrect email or password")
        }
        let short = try scene.curl("$URL/auth/register", "-H", Self.json, "-d", #"{"email": "x"}"#)
        #expect(short.status == 422)
        #expect(try scene.curl("$URL/protected").status == 401)
        #expect(!scene.gate.process.errors.contains("canary"))
        #expect(!scene.gate.process.errors.contains("test123"))
    }

    @Test func `a user who is disabled or deleted is refused with the token they have`() throws {
        let scene = try ActionsScene(Self.config)
        let token = try register(scene).text("access_token")
        let me = { try scene.curl("$URL/auth/me", "-H", bearer(token)).status }
        #expect(try me() == 200)
        _ = try scene.operatorOfGate.run("user", "disable", "ada@example.com")
        try waitUntil("the token to be refused", within: 5) { try me() == 401 }
        #expect(try scene.curl("$URL/auth/login", "-H", Self.json, "-d", Self.ada).status == 401)
        _ = try scene.operatorOfGate.run("user", "enable", "ada@example.com")
        try waitUntil("the token to be taken again", within: 5) { try me() == 200 }
        _ = try scene.operatorOfGate.run("user", "delete", "ada@example.com")
        try waitUntil("the token to be refused", within: 5) { try me() == 401 }
    }
}
