import Testing

@testable import CLI

/// `headgate key sync|ensure|validate|provision` and `explain key`: the chain of an upstream's keys, by hand.
@Suite(.scenario) struct KeySources {
    /// Knows keys by what is in them, and makes new ones.
    private static func upstream() throws -> ScriptedUpstream {
        try ScriptedUpstream.answering { request in
            let key = request["Authorization"] ?? ""
            if request.method == "POST" {
                guard key == "Bearer prov-key" else { return "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" }
                let text = "{\"key\": \"sk-or-v1-made-0123456789-made\"}"
                return ok(text)
            }
            let status =
                key.contains("bad") ? 401 : key.contains("poor") ? 402 : key.contains("odd") ? 500 : 200
            return "HTTP/1.1 \(status) X\r\nContent-Length: 2\r\n\r\n{}"
        }
    }

    private struct Scene {
        let store: StoreFolder
        let upstream: ScriptedUpstream

        init(chain: String = KeySources.chain) throws {
            upstream = try KeySources.upstream()
            let config = StoreFolder.config
                .replacing(
                    "upstreams: { openai: https://api.openai.com/v1 }",
                    with:
                        "env_file: .env\nupstreams: { openrouter: { url: \(upstream.url)/v1, key: \(chain) } }"
                ).replacing("to: openai", with: "to: openrouter")
            store = try StoreFolder(config, isPrepared: false)
            try store.folder.write(".env", "\n")
            _ = try store.succeed("db", "init", "--no-admin")
            for user in ["ann", "ben"] { _ = try store.succeed("user", "add", user, "--no-password") }
        }

        func has(file key: String) throws { try store.folder.write("key.txt", key + "\n") }
    }

    private static let chain = """
        { first_of: [ { database: main }, { file: key.txt }, { env: HG_TEST_ROUTER_KEY },
            { provision: { key: { env: HG_TEST_PROVISIONING_KEY } } } ],
          remember: database, prefix: sk-or-v1-, min_length: 21 }
        """

    private static let mask = String(repeating: "*", count: 15)

    /// S1-07, S1-09, S1-13, S1-14, S1-16, S1-26, S1-31.
    @Test func `sync finds the key in a file, saves it, and finds it in the database then`() throws {
        let scene = try Scene()
        try scene.has(file: "sk-or-v1-from-the-file-file")
        let first = try scene.store.headgate(["key", "sync", "--user", "ann"])
        #expect(first.code == 0 && first.output == "\(Self.mask)file, source: key.txt, synced\n")
        #expect(
            first.errors.contains("[KeyManager] ✅ Saved key to database (source: key.txt): \(Self.mask)file"))
        #expect(!first.errors.contains("from-the"))
        let second = try parseJSON(scene.store.succeed("key", "sync", "--user", "ann", "--json"))
        #expect(second["key"]?.stringValue == Self.mask + "file" && second["source"] == "database")
        #expect(second["synced"] == false && second["error"] == .null)
        // S1-15: what is in the database wins.
        try scene.has(file: "sk-or-v1-another-file-anot")
        let third = try scene.store.headgate(["key", "sync", "--user", "ann"])
        #expect(third.output.hasPrefix("\(Self.mask)file, source: database"))
        #expect(third.errors.contains("⚠️ Key in key.txt differs from database"))
        _ = try scene.store.succeed("key", "unset", "--user", "ann")
        #expect(
            try scene.store.succeed("key", "sync", "--user", "ann").hasPrefix(
                "\(Self.mask)anot, source: key.txt"))
    }

    /// S1-08, S1-11, S1-17, S1-41.
    @Test func `without any key sync says so, and that none can be made`() throws {
        let scene = try Scene()
        let result = try scene.store.headgate(["key", "sync", "--user", "ann", "--json"])
        #expect(result.code == 1)
        let told = try parseJSON(result.output)
        #expect(told["key"] == .null && told["source"] == .null && told["synced"] == false)
        #expect(told["error"] == "No API key available")
        let people = try scene.store.headgate(["key", "sync", "--user", "ann"])
        #expect(people.errors.contains("⚠️ HG_TEST_PROVISIONING_KEY not set, cannot auto-provision"))
        #expect(try scene.store.fail("key", "sync", code: 2).contains("needs --user USER"))
    }

    /// S1-10, S1-23, S1-30, S1-42, S1-45.
    @Test func `a key is made where there is none, and anew on demand, but never over a stored one`() throws {
        let scene = try Scene()
        #expect(
            try scene.store.fail("key", "provision", "--user", "ann").contains(
                "HG_TEST_PROVISIONING_KEY not set"))
        try scene.store.folder.write(".env", "HG_TEST_PROVISIONING_KEY=prov-key\n")
        let made = try scene.store.headgate(["key", "sync", "--user", "ann"])
        #expect(made.output == "\(Self.mask)made, source: auto-provisioned, synced\n")
        #expect(!(made.output + made.errors).contains("prov-key"))
        let anew = try scene.store.json("key", "provision", "--user", "ann")
        #expect(anew["source"] == "auto-provisioned" && anew["synced"] == true)
        #expect(scene.upstream.requests.count == 2)
        let body = String(decoding: scene.upstream.requests[0].body, as: UTF8.self)
        #expect(body.contains(/"name": ?"auto-[0-9a-f]{8}-\d{8}_\d{6}"/), "\(body)")
        _ = try scene.store.succeed("key", "set", "--user", "ben", input: "sk-or-v1-by-hand-0123456789")
        let refused = try scene.store.fail("key", "provision", "--user", "ben")
        #expect(refused.contains("there is a key with source `manual`"))
        #expect(scene.upstream.requests.count == 2)
    }

    @Test func `a key that would be written nowhere is not made`() throws {
        let scene = try Scene(chain: Self.chain.replacing("remember: database, ", with: ""))
        try scene.store.folder.write(".env", "HG_TEST_PROVISIONING_KEY=prov-key\n")
        #expect(try scene.store.fail("key", "provision", "--user", "ann").contains("`remember: database`"))
        #expect(try scene.store.headgate(["key", "sync", "--user", "ann"]).code == 1)
        #expect(scene.upstream.requests.isEmpty)
    }

    /// S1-27, S1-28, S1-33.
    @Test func `the upstream is asked what it thinks of a key`() throws {
        let scene = try Scene()
        for (key, valid, error) in [
            ("sk-or-v1-good-0123456789", MockJSON.bool(true), MockJSON.null),
            ("sk-or-v1-bad-0123456789", .bool(false), "Key is invalid or expired"),
            ("sk-or-v1-poor-0123456789", .bool(false), "Out of credits"),
            ("sk-or-v1-odd-01234567890", .null, "Unexpected status: 500"),
        ] {
            let result = try scene.store.headgate(["key", "validate", "--json"], input: key)
            let told = try parseJSON(result.output)
            #expect(
                result.code == (valid == true ? 0 : 1) && told["valid"] == valid && told["error"] == error,
                "\(key)")
            #expect(!(result.output + result.errors).contains(key))
        }
        #expect(scene.upstream.requests.allSatisfy { $0.target == "/v1/models" })
        try scene.has(file: "sk-or-v1-good-0123456789")
        let ensured = try scene.store.json("key", "ensure", "--user", "ann")
        #expect(ensured["source"] == "key.txt" && ensured["valid"] == .null)
        #expect(try scene.store.json("key", "list")["keys"]?.arrayValue?.first?["last_validated"] == .null)
        let asked = try scene.store.json("key", "ensure", "--user", "ann", "--validate")
        #expect(asked["source"] == "database" && asked["valid"] == true && asked["error"] == .null)
        #expect(try scene.store.sqlite3("SELECT last_validated IS NOT NULL FROM upstream_keys") == "1\n")
        #expect(
            try scene.store.succeed("key", "validate", "--user", "ann").hasSuffix("source: database, valid\n")
        )
        _ = try scene.store.succeed("key", "set", "--user", "ben", input: "sk-or-v1-bad-0123456789")
        #expect(
            try scene.store.fail("key", "ensure", "--user", "ben", "--validate").contains(
                "invalid or expired"))
    }

    /// S1-07, S1-20: nothing is changed by looking.
    @Test func `explain shows each source in order, which one wins and why`() throws {
        let scene = try Scene()
        try scene.has(file: "sk-or-v1-from-the-file-file")
        try scene.store.folder.write(".env", "HG_TEST_ROUTER_KEY=short\n")
        let told = try scene.store.headgate(["explain", "key", "openrouter", "--user", "ann"])
        #expect(told.code == 0)
        #expect(told.errors.contains("environment variables are those of this command"))
        let lines = told.output.split(separator: "\n")
        #expect(lines.count == 5)
        for (line, words) in zip(
            lines,
            [
                ["1", "database", "absent"], ["2", "key.txt", "used", "***file"],
                ["3", "HG_TEST_ROUTER_KEY", "bad format"],
            ])
        {
            #expect(words.allSatisfy { line.contains($0) }, "\(line)")
        }
        #expect(lines[4] == "openrouter: key.txt: database has none")
        #expect(!told.output.contains("short") && !told.output.contains("from-the"))
        _ = try scene.store.succeed(
            "key", "set", "--shared", "--name", "gpt-4", input: "sk-or-v1-for-gpt-4-0123456")
        let json = try scene.store.json("explain", "key", "openrouter", "--model", "gpt-4")
        #expect(json["model"] == "gpt-4" && json["resolution"]?["source"] == "database")
        #expect(json["resolution"]?["sources"]?.arrayValue?.count == 4)
        #expect(try scene.store.json("explain", "key", "openrouter")["resolution"]?["source"] == "key.txt")
        #expect(try scene.store.json("key", "list")["keys"]?.arrayValue?.count == 1)
        #expect(scene.upstream.requests.isEmpty)
        #expect(
            try scene.store.fail("explain", "key", "nothing").contains(
                "no upstream `nothing` (with `first_of`: openrouter)"))
        #expect(try scene.store.fail("explain", "key", code: 2).contains("needs UPSTREAM"))
    }
}
