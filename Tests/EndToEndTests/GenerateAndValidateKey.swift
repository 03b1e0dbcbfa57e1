import Testing

@testable import CLI

/// Anybody makes a key for themselves, uses it and asks what it is worth.
@Suite(.scenario) struct GenerateAndValidateKey {
    private static let config = """
        env_file: gate.env
        stores: { main: { sqlite: app.db, encryption_key: { env: MASTER_KEY } } }
        auth:
          open: { mode: none, ignore_credentials: true }
          members: { mode: user-keys, store: main, prefix: ws_, schemes: [bearer, raw] }
        routes:
          - { path: /v1/auth/generate-key, methods: POST, auth: open, errors: webscout,
              action: { name: generate-key, self_service: true } }
          - { path: /v1/auth/validate, methods: GET, auth: open, errors: webscout, action: validate-key }
          - { path: /**, auth: members, errors: webscout, respond: { json: { status: ok } } }
        """

    private func generate(_ scene: ActionsScene, _ body: String) throws -> CurlAnswer {
        try scene.curl(
            "-X", "POST", "$URL/v1/auth/generate-key", "-H", "Content-Type: application/json", "-d", body)
    }

    @Test func `a key works at once, is reported, and is one at a time`() throws {
        let scene = try ActionsScene(Self.config)
        let made = try generate(
            scene, #"{"username": "ada", "telegram_id": "123456789", "name": "My key", "rate_limit": 60}"#)
        #expect(made.status == 200)
        let key = try #require(made.text("api_key"))
        #expect(key.hasPrefix("ws_"))
        let bearer = "Authorization: Bearer \(key)"
        #expect(try scene.curl("$URL/v1/models", "-H", bearer).status == 200)
        #expect(try scene.curl("$URL/v1/models", "-H", "Authorization: \(key)").status == 200)
        let report = try scene.curl("$URL/v1/auth/validate", "-H", bearer)
        #expect(report.status == 200)
        #expect(report.json["valid"]?.boolValue == true)
        #expect(report.text("key_id") == made.text("key_id"))
        try waitUntil("the uses to be counted", within: 10) {
            try scene.curl("$URL/v1/auth/validate", "-H", bearer).json["usage_count"]?.integerValue == 2
        }

        let second = try generate(scene, #"{"username": "ada", "telegram_id": 123456789}"#)
        #expect(second.status == 409)
        #expect(second.text("error") == "User already has an active API key")
        #expect(try generate(scene, #"{"username": "ada", "telegram_id": 7}"#).status == 409)
        let short = try generate(scene, #"{"username": "ab", "telegram_id": 8}"#)
        #expect(short.status == 422)
        #expect(short.json["error"]?["type"]?.stringValue == "validation_error")

        _ = try scene.operatorOfGate.run("apikey", "revoke", made.text("key_id") ?? "")
        try waitUntil("the key to be refused", within: 5) {
            try scene.curl("$URL/v1/models", "-H", bearer).status == 401
        }
        let revoked = try scene.curl("$URL/v1/auth/validate", "-H", bearer)
        #expect(revoked.status == 200)
        #expect(revoked.text("error") == "API key is inactive")
        #expect(try generate(scene, #"{"username": "ada", "telegram_id": "123456789"}"#).status == 200)
    }

    @Test func `a key that is not good is a report`() throws {
        let scene = try ActionsScene(Self.config)
        for (key, error) in [("sk-x", "Invalid API key format"), ("ws_x", "API key not found")] {
            let report = try scene.curl("$URL/v1/auth/validate", "-H", "Authorization: Bearer \(key)")
            #expect(report.status == 200)
            #expect(report.json["valid"]?.boolValue == false)
            #expect(report.text("error") == error)
        }
    }
}
