import Testing

@testable import CLI

/// What anybody may know of the gateway's stores, and what a user may know of their own key.
@Suite(.scenario) struct HealthAndKeyStatus {
    private static let routes = """
          - { path: /health, auth: open, action: { name: health, fields: [status, database, timestamp] } }
          - { path: /up, auth: open, action: health }
          - { path: /me/key, auth: members, action: { name: key-status, upstream: openrouter } }
        """

    private func makeScene() throws -> KeyScene {
        let chain = "{ first_of: [ { database: main }, { file: key.txt } ], remember: database }"
        return try KeyScene(KeyScene.origin(), key: chain, more: Self.routes, users: ["ann", "ben"])
    }

    /// S4-60, C41.
    @Test func `health says so while the store can be read, and when it cannot`() throws {
        let gate = try makeScene().gate
        let well = try gate.exchange("GET", "/health")
        #expect(well.status == 200 && well["cache-control"] == "no-store")
        #expect(
            well.text.contains(#/^{"status":"healthy","database":"SQLite","timestamp":"[-T:0-9]{19}Z"}\n$/#))
        #expect(try gate.exchange("GET", "/up").text == "{\"status\":\"healthy\"}\n")
        #expect(try gate.exchange("HEAD", "/up").status == 200)
        let refused = try gate.exchange("POST", "/up", body: "{}")
        #expect(refused.status == 405 && refused["allow"] == "GET, HEAD")
        try gate.folder.move("app.db", to: "away.db")
        try waitUntil("health to be bad") { try gate.exchange("GET", "/health").status == 503 }
        let ill = try gate.exchange("GET", "/health")
        #expect(try ill.json()["status"] == "unhealthy" && ill.json()["database"] == "SQLite: cannot be read")
        try gate.folder.move("away.db", to: "app.db")
        try waitUntil("health to be good") { try gate.exchange("GET", "/health").status == 200 }
    }

    /// S1-50.
    @Test func `each user is told of their own key, and asking changes nothing`() throws {
        let scene = try makeScene()
        func status(_ user: String) throws -> MockJSON {
            let answer = try scene.gate.exchange("GET", "/me/key", fields: scene.bearer(user))
            #expect(answer.status == 200 && !answer.text.contains("secret"))
            return try #require(try answer.json()["api_key_status"])
        }
        #expect(try status("ann")["has_key"] == false && status("ann")["source"] == .null)
        try scene.folder.write("key.txt", "secret-of-all")
        #expect(try status("ann")["source"] == "key.txt" && status("ben")["source"] == "key.txt")
        #expect(try status("ann")["synced"] == false)
        try scene.set("secret-of-ann", "--user", "ann")
        let told = try status("ann")
        #expect(told["has_key"] == true && told["source"] == "database" && told["provider"] == "openrouter")
        #expect(try told.text("created_at").hasSuffix("Z"))
        #expect(try status("ben")["source"] == "key.txt")
        let listed = try parseJSON(scene.succeed("key", "list", "--all", "--json").output)["keys"]?.arrayValue
        #expect(listed?.count == 1, "none was saved by asking")
        #expect(try scene.gate.exchange("GET", "/me/key").status == 401)
    }
}
