import Testing

@testable import CLI

/// Users keep keys for upstreams: stored sealed, listed without the key, deleted by name.
@Suite(.scenario) struct UpstreamKeyActions {
    private static let config = """
        env_file: gate.env
        stores: { main: { sqlite: app.db,
                    encryption_key: { env: MASTER_KEY }, password_cost: 4, user_ids: integer } }
        auth:
          open: { mode: none }
          logins: { mode: jwt, algorithms: [HS256], secret: { env: JWT_SECRET }, store: main,
              subject: username }
        routes:
          - { path: /register, methods: POST, auth: open, errors: detail,
              action: { name: register, require: [username, password], optional: [email], response: user } }
          - { path: /login, methods: POST, auth: open, errors: detail,
              action: { name: login, identity: username, issues: jwt } }
          - { path: /me, auth: logins, errors: detail, action: me }
          - { path: /set_api_key, methods: POST, auth: logins, errors: detail, action: set-api-key }
          - { path: /api_keys, methods: GET, auth: logins, errors: detail, action: list-api-keys }
          - { path: /api_keys/**, methods: DELETE, auth: logins, errors: detail, action: delete-api-key }
        """

    private func logIn(_ scene: ActionsScene, _ name: String) throws -> String {
        let made = try scene.curl(
            "-X", "POST", "$URL/register", "-H", "Content-Type: application/json", "-d",
            "{\"username\": \"\(name)\", \"password\": \"test123\"}")
        #expect(made.status == 201)
        let login = try scene.curl(
            "-X", "POST", "$URL/login", "-H", "Content-Type: application/x-www-form-urlencoded", "-d",
            "username=\(name)&password=test123")
        #expect(login.status == 200)
        return "Authorization: Bearer \(login.text("access_token") ?? "none")"
    }

    @Test func `keys are stored, listed and deleted by their owner alone`() throws {
        let scene = try ActionsScene(Self.config)
        let (ada, bob) = (try logIn(scene, "ada"), try logIn(scene, "bob"))
        #expect(try scene.curl("$URL/me", "-H", ada).text("username") == "ada")
        let key = Fresh.text(30, prefix: "sk-")
        let stored = try scene.curl(
            "-X", "POST", "$URL/set_api_key", "-H", ada, "-H", "Content-Type: application/json", "-d",
            "{\"model_name\": \"openai/gpt-4\", \"api_key\": \"\(key)\"}")
        #expect(stored.status == 200)
        #expect(stored.text("model_name") == "openai/gpt-4")
        let listed = try scene.curl("$URL/api_keys", "-H", ada)
        #expect(listed.json.arrayValue == [stored.json])
        #expect(try scene.curl("$URL/api_keys", "-H", bob).json.arrayValue == [])
        let others = try scene.curl("-X", "DELETE", "$URL/api_keys/openai%2Fgpt-4", "-H", bob)
        #expect(others.status == 404)
        let gone = try scene.curl("-X", "DELETE", "$URL/api_keys/openai%2Fgpt-4", "-H", ada)
        #expect(gone.status == 200)
        #expect(gone.text("msg") == "API key for model 'openai/gpt-4' deleted successfully")
        #expect(try scene.curl("-X", "DELETE", "$URL/api_keys/openai/gpt-4", "-H", ada).status == 404)
        #expect(!scene.gate.process.errors.contains(key))
        let files = ["app.db", "app.db-wal"].compactMap { readBytes(scene.gate.folder($0)) }
        #expect(!files.isEmpty)
        #expect(files.allSatisfy { $0.firstRange(of: Array(key.utf8)) == nil })
    }
}
