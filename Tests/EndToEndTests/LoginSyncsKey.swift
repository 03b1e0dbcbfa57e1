import Testing

@testable import CLI

/// A login brings the user's upstream key about, by the order of sources: database, `key.txt`, environment, a
/// key made by the provider. Requests with the session's token then go out with it.
@Suite(.scenario) struct LoginSyncsKey {
    private static func chain(_ provider: String) -> String {
        """
        { first_of: [ { database: main }, { file: key.txt }, { env: OPENROUTER_API_KEY },
            { provision: { url: "\(provider)/v1/keys", key: { env: OPENROUTER_PROVISIONING_KEY } } } ],
          remember: database, prefix: sk-or-v1-, min_length: 21 }
        """
    }

    /// - Parameter provider: that makes keys; nil: the mock upstream beside the gate.
    private func makeScene(provider: String? = nil) throws -> KeyScene {
        let mock = try Address.free()
        let provider = provider ?? "http://\(mock.authority)"
        return try KeyScene(
            KeyScene.origin(), key: Self.chain(provider), options: ["--mock", mock.authority])
    }

    private func expectLogin(
        _ answer: Response, hasKey: Bool = true, source: MockJSON, synced: Bool, _ place: SourceLocation
    ) throws {
        #expect(answer.status == 200, sourceLocation: place)
        let status = try #require(try answer.json()["api_key_status"], sourceLocation: place)
        #expect(status["has_key"] == .bool(hasKey), sourceLocation: place)
        #expect(status["source"] == source, sourceLocation: place)
        #expect(status["synced"] == .bool(synced), sourceLocation: place)
    }

    /// Logs in, and asks with the token.
    /// - Returns: the key that the origin saw.
    private func keyUsed(
        _ scene: KeyScene, source: MockJSON, synced: Bool, place: SourceLocation = #_sourceLocation
    ) throws -> String {
        let login = try scene.logIn()
        try expectLogin(login, source: source, synced: synced, place)
        let token = try login.json().text("token")
        let answer = try scene.gate.chat(fields: ["Authorization: Bearer \(token)"])
        #expect(answer.status == 200, "\(answer.text)", sourceLocation: place)
        return answer.text
    }

    /// The lines stand in the log, one behind the other.
    private func expectLog(_ scene: KeyScene, from start: Int = 0, _ lines: [String]) throws -> Int {
        var found = start
        try waitUntil("in the log: \(lines)\n\(scene.log)", within: 5) {
            let log = Array(scene.log.split(separator: "\n"))
            var at = start
            for line in lines {
                guard let next = log[min(at, log.count)...].firstIndex(where: { $0.contains(line) }) else {
                    return false
                }
                at = next + 1
            }
            found = at
            return true
        }
        return found
    }

    private static func sync(_ lines: String...) -> [String] {
        ["[Login] User ann logged in, syncing API key...", "[KeyManager] ===== Syncing API key for user "]
            + lines.map { "[KeyManager] \($0)" }
    }

    @Test
    func `S1-02, S1-04, S1-09, S1-14, S1-25, S1-37 to S1-40: a key in the file is saved, and then found`()
        throws
    {
        let scene = try makeScene()
        let key = Fresh.text(40, prefix: "sk-or-v1-") + "b465"
        let mask = "***************b465"
        try scene.folder.write("key.txt", "  \(key) \n")
        let login = try scene.logIn()
        try expectLogin(login, source: "key.txt", synced: true, #_sourceLocation)
        let json = try login.json()
        #expect(json["username"] == "ann")
        #expect(try json.text("user_id").contains(/^[0-9a-f]{24}$/))
        let user8 = try json.text("user_id").prefix(8)
        let end = try expectLog(
            scene,
            Self.sync(
                "✅ Loaded key from key.txt: \(mask)", "✅ Saved key to database (source: key.txt): \(mask)",
                "✅ Using key from: key.txt", "✅ Key synced to database", "===== Sync complete =====")
                + ["[Login] ✅ API key ready: \(mask) (source: key.txt)"])
        #expect(scene.log.contains("===== Syncing API key for user \(user8) ====="))
        #expect(try keyUsed(scene, source: "database", synced: false) == key)
        _ = try expectLog(
            scene, from: end,
            Self.sync(
                "✅ Loaded key from database: \(mask)", "✅ Using key from: database",
                "===== Sync complete =====")
                + ["[Login] ✅ API key ready: \(mask) (source: database)"])
        let second = scene.log.split(separator: "\n").dropFirst(end)
        #expect(!second.contains { $0.contains("synced to database") })
        #expect(!scene.log.contains(key.dropFirst(9).dropLast(4)))
        #expect(try scene.ask().text == key, "their own client key leads to the same")
    }

    @Test func `S1-07, S1-12, S1-17, S1-20: a variable is a source, an empty one is none`() throws {
        let scene = try makeScene()
        try scene.folder.replace("gate.env", with: "OPENROUTER_API_KEY=\"\"\n")
        try expectLogin(scene.logIn(), hasKey: false, source: .null, synced: false, #_sourceLocation)
        let key = Fresh.text(40, prefix: "sk-or-v1-")
        try scene.folder.replace("gate.env", with: "OPENROUTER_API_KEY=\(key)\n")
        #expect(try keyUsed(scene, source: "environment", synced: true) == key)
        #expect(try keyUsed(scene, source: "database", synced: false) == key)
        let mask = KeyScene.mask + key.suffix(4)
        #expect(scene.log.contains("✅ Saved key to database (source: environment): \(mask)"))
        #expect(!scene.log.contains(key))
    }

    @Test func `S1-08, S1-15, S1-16: a key in the database wins until it is unset`() throws {
        let scene = try makeScene()
        let (own, other) = (Fresh.text(40, prefix: "sk-or-v1-"), Fresh.text(40, prefix: "sk-or-v1-"))
        try scene.set(own, "--user", "ann")
        try scene.folder.write("key.txt", other)
        #expect(try keyUsed(scene, source: "database", synced: false) == own)
        _ = try expectLog(
            scene, Self.sync("⚠️ Key in key.txt differs from database", "✅ Using key from: database"))
        let listed = try parseJSON(scene.succeed("key", "list", "--json").output)["keys"]?.arrayValue
        #expect(listed?.count == 1 && listed?.first?["source"] == "manual")
        #expect(listed?.first?["key"]?.stringValue == KeyScene.mask + own.suffix(4))
        _ = try scene.succeed("key", "unset", "--user", "ann")
        #expect(try keyUsed(scene, source: "key.txt", synced: true) == other)
        #expect(!scene.log.contains(own) && !scene.log.contains(other))
    }

    @Test func `S1-10, S1-11, S1-23, S1-41, S1-42, S1-45: without any key the provider makes one if it may`()
        throws
    {
        let scene = try makeScene()
        try expectLogin(scene.logIn(), hasKey: false, source: .null, synced: false, #_sourceLocation)
        let end = try expectLog(
            scene,
            Self.sync(
                "⚠️ No API key found in database, file, or environment", "🔄 Attempting auto-provision...",
                "⚠️ OPENROUTER_PROVISIONING_KEY not set, cannot auto-provision", "❌ No API key available"))
        let refused = try scene.ask()
        #expect(refused.status == 403 && refused.errorCode == "upstream_key_missing")
        let pass = Fresh.text(40, prefix: "sk-prov-")
        try scene.folder.replace("gate.env", with: "OPENROUTER_PROVISIONING_KEY=\(pass)\n")
        let key = try keyUsed(scene, source: "auto-provisioned", synced: true)
        #expect(key.contains(/^sk-or-v1-[0-9a-f]{64}$/))
        let mask = KeyScene.mask + key.suffix(4)
        _ = try expectLog(
            scene, from: end,
            Self.sync("🔄 Attempting auto-provision...", "🔄 Auto-provisioning new key for user ")
                + [
                    "✅ Auto-provisioned new key: \(mask)",
                    "✅ Saved key to database (source: auto-provisioned): \(mask)",
                    "[Login] ✅ API key ready: \(mask) (source: auto-provisioned)",
                ])
        #expect(try keyUsed(scene, source: "database", synced: false) == key)
        #expect(!scene.log.contains(key) && !scene.log.contains(pass))
    }

    @Test func `S1-05, S1-19, S1-21, S1-24: what is wrong with sources is told, and the login succeeds`()
        throws
    {
        let provider = try ScriptedUpstream.answering { _ in
            "HTTP/1.1 500 No\r\nContent-Length: 12\r\n\r\nsk-or-canary"
        }
        let scene = try makeScene(provider: provider.url)
        try scene.folder.replace("gate.env", with: "OPENROUTER_PROVISIONING_KEY=pass-canary\n")
        try scene.folder.write("key.txt", "sk-canary-of-another-kind\n")
        try expectLogin(scene.logIn(), hasKey: false, source: .null, synced: false, #_sourceLocation)
        _ = try expectLog(
            scene,
            Self.sync(
                "⚠️ Invalid key format in key.txt", "❌ Auto-provision failed: ", "❌ No API key available"))
        #expect(provider.requests.count == 1)
        #expect(provider.requests.first?["Authorization"] == "Bearer pass-canary")
        try scene.folder.remove("key.txt")
        // Why not by permissions: root may read all.
        try scene.folder.makeFolder("key.txt")
        try expectLogin(scene.logIn(), hasKey: false, source: .null, synced: false, #_sourceLocation)
        try waitUntil("the file to be named") { scene.log.contains(/KeyManager\] ⚠️ .*key\.txt.*directory/) }
        #expect(!scene.log.contains("canary"))
        let count = scene.log.split(separator: "\n").count { $0.contains("Syncing API key") }
        #expect(try scene.logIn(password: "wrong").status == 401)
        #expect(scene.log.split(separator: "\n").count { $0.contains("Syncing API key") } == count)
    }
}
