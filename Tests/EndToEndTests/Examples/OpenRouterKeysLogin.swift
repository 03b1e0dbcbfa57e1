import Testing

@testable import CLI

/// A login finds its user's key, through `examples/openrouter-keys.yaml`: Tests 1 to 4 of the documentation.
@Suite(.scenario) struct OpenRouterKeysLogin {
    private static let user = OpenRouterKeysScene.username
    private static let mask = OpenRouterKeysScene.mask + "-key"

    /// S1-01…04, S1-09, S1-14, S1-18, S1-20, S1-37…40, S1-43, C24, C27: Test 1, sync from the file.
    @Test func `Test 1: the key in the file is saved, and is the database's at the next login`() throws {
        let scene = try OpenRouterKeysScene()
        try scene.sh(#"echo "sk-or-v1-test-key" > key.txt"#)
        try scene.deleteKeys()
        let login = try scene.logIn()
        let json = try login.json()
        let (token, id) = (try json.text("token"), try json.text("user_id"))
        #expect(id.wholeMatch(of: /[0-9a-f]{24}/) != nil)
        let expected =
            #"{"token":"\#(token)","user_id":"\#(id)","username":"admin","#
            + #""api_key_status":{"has_key":true,"source":"key.txt","synced":true}}"#
        #expect(try json == parseJSON(expected), "\(login.text)")
        #expect(token.split(separator: ".").count == 1, "a session and no JWT")
        try scene.expectLog([
            "[Login] User admin logged in, syncing API key...",
            "[KeyManager] ===== Syncing API key for user \(id.prefix(8)) =====",
            "[KeyManager] ✅ Loaded key from key.txt: \(Self.mask)",
            "[KeyManager] ✅ Saved key to database (source: key.txt): \(Self.mask)",
            "[KeyManager] ✅ Using key from: key.txt", "[KeyManager] ✅ Key synced to database",
            "[KeyManager] ===== Sync complete =====",
            "[Login] ✅ API key ready: \(Self.mask) (source: key.txt)",
        ])
        let me = try scene.example.get("/api/me", bearer: token)
        #expect(try me.status == 200 && me.json()["id"]?.stringValue == id)
        let start = scene.logLines
        #expect(try scene.keyUsed(source: "database", synced: false) == "sk-or-v1-test-key")
        try scene.expectLog(
            since: start,
            [
                "✅ Loaded key from database: \(Self.mask)", "✅ Using key from: database",
                "===== Sync complete =====",
            ])
        #expect(!scene.example.log.contains("v1-test"), "a mask and nothing else")
    }

    /// S1-07, S1-12, S1-13, S1-16, S1-25, C39: Test 2, sync from the environment.
    @Test func `Test 2: the variable is the next source`() throws {
        let scene = try OpenRouterKeysScene()
        try scene.sh(#"echo "sk-or-v1-other-key" > key.txt"#)
        #expect(try scene.keyUsed(source: "key.txt", synced: true) == "sk-or-v1-other-key")
        try scene.sh("rm key.txt")
        try scene.sh(#"echo 'OPENROUTER_API_KEY="sk-or-v1-test-key"' > .env"#)
        try scene.deleteKeys()
        #expect(try scene.keyUsed(source: "environment", synced: true) == "sk-or-v1-test-key")
        #expect(try scene.keyUsed(source: "database", synced: false) == "sk-or-v1-test-key")
        let session = try scene.logIn().json().text("token")
        try scene.sh("rm .env")
        #expect(try scene.ask(session).status == 200)
        #expect(scene.example.upstream.keysSeen.last == "sk-or-v1-test-key")
        #expect(!scene.example.upstream.last!.headText.contains(session))
    }

    /// S1-08, S1-15, C21: Test 3, the database first.
    @Test func `Test 3: a key in the database wins over another one in the file`() throws {
        let scene = try OpenRouterKeysScene()
        _ = try scene.example.succeed("key", "set", "--user", Self.user, input: "sk-or-v1-database-key")
        try scene.sh(#"echo "sk-or-v1-another-key" > key.txt"#)
        let start = scene.logLines
        #expect(try scene.keyUsed(source: "database", synced: false) == "sk-or-v1-database-key")
        try scene.expectLog(
            since: start, ["⚠️ Key in key.txt differs from database", "✅ Using key from: database"])
        try scene.example.reload()
        #expect(try scene.keyUsed(source: "database", synced: false) == "sk-or-v1-database-key")
        let stored = try scene.example.json("key", "list")["keys"]?.arrayValue
        #expect(stored?.count == 1 && stored?.first?["source"] == "manual")
        _ = try scene.example.succeed("key", "unset", "--user", Self.user)
        #expect(try scene.keyUsed(source: "key.txt", synced: true) == "sk-or-v1-another-key")
    }

    /// S1-10, S1-17, S1-23, S1-42, S1-45: Test 4, a key that the provider makes.
    @Test func `Test 4: where there is none the provider makes one`() throws {
        let scene = try OpenRouterKeysScene()
        try scene.sh(#"echo "sk-or-v1-test-key" > key.txt"#)
        try scene.sh("rm key.txt")
        try scene.sh(#"echo 'OPENROUTER_API_KEY=""' > .env"#)
        try scene.sh(#"echo 'OPENROUTER_PROVISIONING_KEY="sk-or-v1-provisioning-key"' >> .env"#)
        let start = scene.logLines
        let key = try scene.keyUsed(source: "auto-provisioned", synced: true)
        #expect(key.hasPrefix("sk-or-v1-") && key.hasSuffix("a123"))
        let asked = try #require(scene.example.upstream.requests.first { $0.target == "/v1/keys" })
        #expect(asked.method == "POST" && asked["authorization"] == "Bearer sk-or-v1-provisioning-key")
        #expect(try asked.json().text("name").wholeMatch(of: /auto-[0-9a-f]{8}-\d{8}_\d{6}/) != nil)
        let mask = OpenRouterKeysScene.mask + "a123"
        try scene.expectLog(
            since: start,
            [
                "⚠️ No API key found in database, file, or environment", "🔄 Attempting auto-provision...",
                "🔄 Auto-provisioning new key for user ", "✅ Auto-provisioned new key: \(mask)",
                "✅ Saved key to database (source: auto-provisioned): \(mask)",
                "✅ Using key from: auto-provisioned", "✅ Key synced to database",
            ])
        #expect(try scene.keyUsed(source: "database", synced: false) == key)
        #expect(!scene.example.log.contains("provisioning-key") && !scene.example.log.contains(key))
        #expect(scene.example.upstream.requests.filter { $0.target == "/v1/keys" }.count == 1)
    }

    /// S1-11, S1-24, S1-41: without any key the login succeeds all the same, also where making one fails.
    @Test func `without any key a login says so`() throws {
        let verdicts = Guarded(["sk-or-v1-provisioning-key": 500])
        let scene = try OpenRouterKeysScene(verdicts: verdicts)
        let login = try scene.logIn()
        try scene.expect(login, hasKey: false, source: .null, synced: false)
        try scene.expectLog([
            "[KeyManager] ⚠️ No API key found in database, file, or environment",
            "[KeyManager] 🔄 Attempting auto-provision...",
            "[KeyManager] ⚠️ OPENROUTER_PROVISIONING_KEY not set, cannot auto-provision",
            "[KeyManager] ❌ No API key available",
        ])
        let refused = try scene.ask(login.json().text("token"))
        #expect(refused.status == 403 && refused.errorCode == "upstream_key_missing")
        try scene.example.folder.replace(
            ".env", with: "OPENROUTER_PROVISIONING_KEY=sk-or-v1-provisioning-key\n")
        let start = scene.logLines
        try scene.expect(scene.logIn(), hasKey: false, source: .null, synced: false)
        try scene.expectLog(since: start, ["❌ Auto-provision failed: ", "❌ No API key available"])
    }

    /// S1-05, S1-06, S1-19, S1-21: what is wrong with a source is told and passed over.
    @Test func `a wrong password syncs nothing, a key of another kind is passed over`() throws {
        let scene = try OpenRouterKeysScene("OPENROUTER_API_KEY=sk-or-v1-good-key")
        try scene.sh(#"echo "sk-of-another-kind" > key.txt"#)
        let before = scene.example.log
        #expect(try scene.logIn(password: "wrong").status == 401)
        #expect(try scene.logIn("nobody").status == 401)
        #expect(scene.example.log.dropFirst(before.count).firstRange(of: "Syncing API key") == nil)
        #expect(try scene.keyUsed(source: "environment", synced: true) == "sk-or-v1-good-key")
        try scene.expectLog(["⚠️ Invalid key format in key.txt"])
        try scene.deleteKeys()
        try scene.sh("rm key.txt && mkdir key.txt")
        #expect(try scene.keyUsed(source: "environment", synced: true) == "sk-or-v1-good-key")
        try waitUntil("the file to be named") { scene.example.log.contains(/KeyManager\] ⚠️ .*key\.txt/) }
    }

    /// S1-22: a key is one user's, for one provider.
    @Test func `each user has a key of their own`() throws {
        let scene = try OpenRouterKeysScene()
        for (user, key) in [("admin", "sk-or-v1-of-admin"), ("ben", "sk-or-v1-of-ben")] {
            _ = try scene.example.succeed("key", "set", "--user", user, input: key)
        }
        for (user, key) in [("admin", "sk-or-v1-of-admin"), ("ben", "sk-or-v1-of-ben")] {
            #expect(try scene.ask(scene.logIn(user).json().text("token")).status == 200)
            #expect(scene.example.upstream.keysSeen.last == key)
        }
    }
}
