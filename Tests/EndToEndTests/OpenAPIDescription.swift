import Glibc
import Testing

@testable import CLI

/// `action: openapi`: what the description says is what the gateway does, as a program of others finds out.
@Suite(.scenario) struct OpenAPIDescription {
    static let config = """
        stores: { main: { sqlite: app.db, encryption_key: { file: master.key }, password_cost: 4 } }
        auth:
          open: { mode: none, ignore_credentials: true }
          members: { mode: user-keys, store: main, prefix: ws_ }
        limits: { much: { by: key, requests_per_minute: 10000 } }
        models: { mock: up, mock-large: up }
        upstreams:
          up: { url: "$MOCK/v1", key: { first_of: [ { database: main }, { file: key.txt } ] } }
        routes:
          - { path: /openapi.json, auth: open,
              action: { name: openapi, title: "Cats & <dogs>", description: All of it., version: "2.1" } }
          - { path: /docs, auth: open, action: { name: docs, title: "Cats & <dogs>" } }
          - { path: /up, methods: GET, auth: open, respond: { json: { status: ok } } }
          - { path: /health, auth: open, action: { name: health, fields: [status, database, timestamp] } }
          - { path: /auth/register, auth: open, errors: detail, action: { name: register,
              optional: [username], response: user, fields: [id, email, username, created_at] } }
          - { path: /auth/login, auth: open, errors: detail, action: { name: login, response: session } }
          - { path: /auth/me, auth: members, errors: detail, action: { name: me, fields: [id, is_active] } }
          - { path: /protected, auth: members, action: protected }
          - { path: /set_api_key, auth: members, errors: detail, action: set-api-key }
          - { path: /api_keys, auth: members, errors: detail, action: list-api-keys }
          - { path: /api_keys/*, auth: members, errors: detail, action: delete-api-key }
          - { path: /key_status, auth: members, action: { name: key-status, upstream: up } }
          - { path: /v1/auth/generate-key, auth: open, errors: webscout,
              action: { name: generate-key, keys: members, self_service: true } }
          - { path: /v1/auth/validate, auth: open, errors: webscout, action: validate-key }
          - { path: /limits, auth: members, limits: much, action: limits }
          - { path: /v1/models/**, auth: members, action: models }
          - { path: /api/chat, methods: POST, auth: members, errors: detail, transform: simple_chat, to: up }
          - { path: /v1/chat/completions, methods: POST, auth: members, to: models }
          - { path: /openai/**, methods: POST, auth: members, limits: much, strip_prefix: /openai, to: up }
        """

    /// With a user's key for the gate.
    static func start() throws -> (gate: Gate, key: String) {
        let folder = try Folder()
        try folder.write("key.txt", "sk-of-all\n")
        chmod(folder("key.txt"), 0o600)
        let mock = try Address.free()
        let config = config.replacing("$MOCK", with: "http://\(mock.authority)")
        var key = ""
        let gate = try Gate.withStore(config, folder: folder, options: ["--mock", mock.authority]) {
            commands in
            try commands.addUser("ann")
            key = try commands.createKey(of: "ann")
        }
        return (gate, key)
    }

    /// S2-34, S4-12.
    @Test func `it is there for those who may ask, with the words of the file`() throws {
        let (gate, _) = try Self.start()
        let answer = try gate.exchange("GET", "/openapi.json")
        #expect(answer.status == 200 && answer["content-type"] == "application/json")
        #expect(answer["cache-control"] == "no-cache")
        let told = try answer.json()
        #expect(told["openapi"] == "3.1.0" && told["info"]?["title"] == "Cats & <dogs>")
        #expect(told["info"]?["description"] == "All of it." && told["info"]?["version"] == "2.1")
        #expect(told["paths"]?["/openai/v1/embeddings"]?["post"]?["requestBody"] != nil)
        #expect(try gate.exchange("POST", "/openapi.json", body: "{}")["allow"] == "GET, HEAD")
    }

    @Test func `a reload changes it`() throws {
        let (gate, _) = try Self.start()
        let path = "/another/way"
        #expect(try !gate.exchange("GET", "/openapi.json").text.contains(path))
        let written = gate.folder.read(Gate.configName)
        try gate.reconfigure(written + "\n  - { path: \(path), auth: open, respond: { text: hello } }\n")
        #expect(try gate.exchange("GET", "/openapi.json").text.contains(path))
    }

    /// Every check that Schemathesis has, on every operation. What is let go:
    /// - what an upstream takes is for the upstream to judge, and a member that counts is refused in another
    ///   spelling, such as `N`;
    /// - which characters are visible no pattern can say, so names that look right may be refused.
    @Test func `Schemathesis finds nothing that is not as described`() throws {
        let (gate, key) = try Self.start()
        try gate.folder.write(
            "schemathesis.toml",
            """
            [[operations]]
            include-tag = "Passed on"
            [operations.checks.negative_data_rejection]
            enabled = false
            [operations.checks.positive_data_acceptance]
            expected-statuses = ["2xx", "400", "401", "403", "404"]

            [[operations]]
            include-operation-id = ["register", "setKey", "generateKey"]
            [operations.checks.positive_data_acceptance]
            expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

            """)
        let result = try Python.run(
            "openapi.py", gate.folder("schemathesis.toml"), "http://\(gate.address.authority)/openapi.json",
            key, in: gate.folder)
        #expect(result.code == 0, "\(result.output.suffix(12_000))\(result.errors)")
        #expect(result.output.contains("Selected: 27/27"), "\(result.output.suffix(3000))")
    }
}
