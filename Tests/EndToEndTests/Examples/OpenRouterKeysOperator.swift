import Glibc
import Testing

@testable import CLI

/// What `APIKeyManager` has for programs, by the verbs of `headgate key` on `examples/openrouter-keys.yaml`.
@Suite(.scenario) struct OpenRouterKeysOperator {
    /// S1-26…31, S1-33: one verb for each function.
    @Test func `each function has its verb`() throws {
        let verdicts = Guarded(["sk-or-v1-expired": 401, "sk-or-v1-poor": 402, "sk-or-v1-odd": 500])
        let scene = try OpenRouterKeysScene(verdicts: verdicts)
        let example = scene.example
        let user = ["--user", OpenRouterKeysScene.username]
        func json(_ arguments: [String], input: String? = nil) throws -> MockJSON {
            try parseJSON(example.headgate(arguments + ["--json"], input: input).output)
        }
        let none = try json(["key", "sync"] + user)
        #expect(none["key"] == .null && none["source"] == .null && none["synced"] == false)
        #expect(none["error"] == "No API key available")
        try scene.sh(#"echo "sk-or-v1-from-file" > key.txt"#)
        let synced = try json(["key", "sync"] + user)
        #expect(synced["key"]?.stringValue == OpenRouterKeysScene.mask + "file")
        #expect(synced["source"] == "key.txt" && synced["synced"] == true && synced["error"] == .null)
        let ensured = try json(["key", "ensure", "--validate"] + user)
        #expect(ensured["source"] == "database" && ensured["valid"] == true && ensured["error"] == .null)
        let asked = try #require(example.upstream.requests.last)
        #expect(asked.method == "GET" && asked.target == "/v1/models")
        #expect(asked["authorization"] == "Bearer sk-or-v1-from-file")
        for (key, valid, error) in [
            ("sk-or-v1-good", MockJSON.bool(true), MockJSON.null),
            ("sk-or-v1-expired", .bool(false), "Key is invalid or expired"),
            ("sk-or-v1-poor", .bool(false), "Out of credits"),
            ("sk-or-v1-odd", .null, "Unexpected status: 500"),
        ] {
            let told = try json(["key", "validate"], input: key)
            #expect(told["valid"] == valid && told["error"] == error, "\(key): \(told)")
        }
        let bad = try example.headgate(["key", "set"] + user, input: "sk-of-another-kind")
        #expect(bad.code != 0 && (bad.output + bad.errors).contains("sk-or-v1-"), "\(bad)")
        _ = try example.succeed("key", "set", "--user", OpenRouterKeysScene.username, input: "sk-or-v1-hand")
        let record = try example.json("key", "list")["keys"]?.arrayValue?.first
        #expect(record?["source"] == "manual")
        #expect(example.headgateFails(["key", "provision"] + user), "no provisioning key")
    }

    /// S1-32, S1-34…36, C22, C26: the record, sealed, one for a user and a provider.
    @Test func `what is stored is sealed, and can be wiped`() throws {
        let scene = try OpenRouterKeysScene()
        let example = scene.example
        _ = try example.succeed("key", "set", "--user", "admin", input: "sk-or-v1-the-first-one")
        _ = try example.succeed("key", "set", "--user", "admin", input: "sk-or-v1-the-second-one")
        _ = try scene.logIn()
        let listed = try example.json("key", "list")["keys"]?.arrayValue
        #expect(listed?.count == 1, "a new one stands in place of the old one")
        #expect(listed?.first?["key"]?.stringValue == OpenRouterKeysScene.mask + "-one")
        for name in ["created_at", "updated_at"] {
            let time = try #require(listed?.first).text(name)
            #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/) != nil, "\(time)")
        }
        for name in ["api_keys.db", "api_keys.db-wal"] {
            let bytes = readBytes(example.folder(name)) ?? []
            #expect(String(decoding: bytes, as: UTF8.self).firstRange(of: "the-second-one") == nil)
        }
        for name in ["api_keys.db", "master.key"] {
            var status = stat()
            #expect(stat(example.folder(name), &status) == 0 && status.st_mode & 0o777 == 0o600, "\(name)")
        }
        try scene.deleteKeys()
        #expect(try example.json("key", "list")["keys"]?.arrayValue?.isEmpty == true)
    }

    /// S1-48, S1-49: an upstream's 401 or 402 is about the key; where the provider may, it is made anew.
    @Test func `a key that the provider refuses is told apart from the gateway's 401, and renewed`() throws {
        let verdicts = Guarded<[String: Int]>([:])
        let scene = try OpenRouterKeysScene(
            "OPENROUTER_PROVISIONING_KEY=sk-or-v1-provisioning-key", verdicts: verdicts)
        #expect(try scene.ask("nobody").status == 401)
        let first = try scene.keyUsed(source: "auto-provisioned", synced: true)
        let session = try scene.logIn().json().text("token")
        verdicts.withLock { $0[first] = 402 }
        // Why: one process makes a user's key anew every five minutes at most, the first included.
        try scene.example.restart()
        let renewed = try scene.ask(session)
        #expect(renewed.status == 200, "\(renewed.text)")
        let second = try #require(scene.example.upstream.keysSeen.last)
        #expect(second != first && second.hasPrefix("sk-or-v1-"))
        // Why by hand: what is not made is not made anew.
        _ = try scene.example.succeed("key", "set", "--user", "ben", input: "sk-or-v1-of-ben")
        verdicts.withLock { $0["sk-or-v1-of-ben"] = 401 }
        let refused = try scene.ask(scene.logIn("ben").json().text("token"))
        #expect(refused.status == 502 && refused.errorCode == "upstream_credentials_exhausted")
    }

    /// S1-50: the status alone, of whoever asks.
    @Test func `the status of one's key is there for a dashboard`() throws {
        let scene = try OpenRouterKeysScene()
        let session = try scene.logIn().json().text("token")
        #expect(try scene.example.get("/api/key-status").status == 401)
        let none = try scene.example.get("/api/key-status", bearer: session)
        #expect(try none.status == 200 && none.json()["api_key_status"]?["has_key"] == false)
        _ = try scene.example.succeed("key", "set", "--user", "admin", input: "sk-or-v1-the-key-of-admin")
        let some = try scene.example.get("/api/key-status", bearer: session)
        let status = try some.json()["api_key_status"]
        #expect(status?["has_key"] == true && status?["source"] == "database")
        #expect(status?["synced"] == false, "it looks, and writes nothing")
        #expect(!some.text.contains("the-key-of"))
    }

    /// S1-11: the first start makes what the original had no need of, and says nothing of it in `check`.
    @Test func `without a database the first start makes one, and its master key`() throws {
        let example = try Example("openrouter-keys", starts: false)
        let check = try example.headgate(["check"])
        #expect(check.code == 0, "\(check.output)\(check.errors)")
        #expect(!(check.output + check.errors).contains("warning"), "\(check.output)\(check.errors)")
        try example.start()
        #expect(example.folder.exists("api_keys.db") && example.folder.exists("master.key"))
        _ = try example.succeed("user", "add", "admin", "--password-stdin", input: "password")
        let login = try example.post("/api/login", #"{"username":"admin","password":"password"}"#)
        #expect(login.status == 200, "\(login.text)")
    }
}

extension Example {
    fileprivate func headgateFails(_ arguments: [String]) -> Bool {
        (try? headgate(arguments).code) ?? 0 != 0
    }
}
