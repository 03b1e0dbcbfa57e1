import Testing

@testable import CLI

/// `headgate key` and `explain key` beside a gateway that is running: the next requests go by what they did.
@Suite(.scenario) struct KeyCommandsLive {
    private static let chain = "{ first_of: [ { database: main }, { file: key.txt }, { env: ROUTER_KEY } ] }"

    @Test
    func `S1-16, S1-25, S1-31: keys that are set, replaced, unset and synced count for the next requests`()
        throws
    {
        let scene = try KeyScene(
            KeyScene.origin(),
            key: "{ first_of: [ { database: main }, { file: key.txt } ], remember: database }",
            users: ["ann", "ben"])
        let missing = try scene.ask()
        #expect(missing.status == 403 && missing.errorCode == "upstream_key_missing")
        #expect(scene.origin.requests.isEmpty)
        try scene.set("own-key-1", "--user", "ann")
        try scene.waitForKey("own-key-1")
        try scene.set("own-key-2", "--user", "ann")
        try scene.waitForKey("own-key-2")
        try scene.set("shared-key", "--shared")
        try scene.waitForKey("shared-key", of: "ben")
        #expect(try scene.ask().text == "own-key-2")
        let explained = try parseJSON(
            scene.succeed("explain", "key", "openrouter", "--user", "ann", "--json").output)
        #expect(explained["resolution"]?["source"] == "database")
        let listed = try parseJSON(scene.succeed("key", "list", "--all", "--json").output)["keys"]?.arrayValue
        #expect(listed?.count == 2)
        #expect(listed?.allSatisfy { $0["key"]?.stringValue?.hasPrefix(KeyScene.mask) == true } == true)
        _ = try scene.succeed("key", "unset", "--user", "ann")
        try scene.waitForKey("shared-key")
        _ = try scene.succeed("key", "unset", "--shared")
        try waitUntil("no key to be left", within: 5) { try scene.ask().errorCode == "upstream_key_missing" }
        try scene.folder.write("key.txt", "file-key\n")
        #expect(try scene.succeed("key", "sync", "--user", "ben").output.contains("source: key.txt, synced"))
        try scene.waitForKey("file-key", of: "ben")
        #expect(try scene.succeed("key", "ensure", "--user", "ben", "--validate").output.contains("valid"))
        #expect(scene.origin.requests.last?.target == "/models")
        #expect(try scene.gate.exchange("GET", "/v1/models", fields: scene.bearer("ben")).text == "file-key")
    }

    @Test
    func
        `C25: of a user's keys the one for the model wins, then UPSTREAM/MODEL, the upstream's, the default`()
        throws
    {
        let scene = try KeyScene(KeyScene.origin(), key: "{ first_of: [ { database: main } ] }")
        try scene.set("key-default", "--user", "ann", "--name", "default")
        for model in ["gpt-4", "gpt-5", "other"] { try scene.waitForKey("key-default", model: model) }
        try scene.set("key-upstream", "--user", "ann", "--name", "openrouter")
        for model in ["gpt-4", "gpt-5", "other"] { try scene.waitForKey("key-upstream", model: model) }
        try scene.set("key-pair", "--user", "ann", "--name", "openrouter/gpt-5")
        try scene.set("key-exact", "--user", "ann", "--name", "gpt-4")
        try scene.set("key-lower", "--user", "ann", "--name", "openrouter/gpt-4")
        try scene.waitForKey("key-pair", model: "gpt-5")
        try scene.waitForKey("key-exact", model: "gpt-4")
        #expect(try scene.ask(model: "other").text == "key-upstream")
        let told = try scene.succeed(
            "explain", "key", "openrouter", "--user", "ann", "--model", "gpt-4", "--json")
        let winner = try parseJSON(told.output)["resolution"]?["sources"]?.arrayValue?.first {
            $0["state"] == "used"
        }
        #expect(winner?["place"]?.stringValue?.contains("gpt-4") == true, "\(told.output)")
        _ = try scene.succeed("key", "unset", "--user", "ann", "--name", "gpt-4")
        try scene.waitForKey("key-lower", model: "gpt-4")
    }

    @Test func `S1-20: files and variables with keys are followed without a restart`() throws {
        let scene = try KeyScene(KeyScene.origin(), key: Self.chain, variables: "ROUTER_KEY=env-1")
        try scene.waitForKey("env-1")
        try scene.folder.replace("gate.env", with: "ROUTER_KEY=env-2\n")
        try scene.waitForKey("env-2")
        try scene.folder.write("key.txt", "file-1\n")
        try scene.waitForKey("file-1")
        try scene.folder.replace("key.txt", with: "file-2\n")
        try scene.waitForKey("file-2")
        try scene.folder.write("key.txt", "file-three\n")
        try scene.waitForKey("file-three")
        try scene.folder.remove("key.txt")
        try scene.waitForKey("env-2")
        try scene.folder.write("one.key", "one-1\n")
        let one = KeyScene.config(scene.origin.url, key: "{ file: one.key }")
        try scene.gate.reconfigure(one)
        try scene.waitForKey("one-1")
        try scene.folder.replace("one.key", with: "one-2\n")
        try scene.waitForKey("one-2")
    }

    @Test func `C26: master keys follow one another under load, and no request fails`() throws {
        let users = ["ann", "ben", "cas"]
        let scene = try KeyScene(KeyScene.origin(), key: Self.chain, users: users)
        try scene.folder.write("key.txt", "lower-key\n")
        for user in users {
            try scene.set("key-of-\(user)", "--user", user)
            try scene.waitForKey("key-of-\(user)", of: user)
        }
        let (isOver, rounds, wrong, hasStopped) = (Signal(), Counter(), Guarded<[String]>([]), Signal())
        startThread {
            while !isOver.isOpen() {
                for user in users {
                    let text = (try? scene.ask(user).text) ?? "no answer"
                    if text != "key-of-\(user)" { wrong.withLock { $0.append("\(user): \(text)") } }
                }
                rounds.add()
            }
            hasStopped.open()
        }
        func pass() throws {
            let count = rounds.value
            try waitUntil("requests to go on") { rounds.value > count + 2 }
        }
        try scene.folder.write("next.key", Fresh.hex(64) + "\n")
        let next = KeyScene.config(scene.origin.url, key: Self.chain)
            .replacing("{ file: master.key }", with: "{ file: next.key }")
        try scene.gate.reconfigure(
            next.replacing(
                "{ file: next.key }",
                with: "{ file: next.key }, previous_encryption_keys: { file: master.key }"))
        try pass()
        // What is written now is sealed with the new one.
        try scene.set("key-of-cas", "--user", "cas")
        let rotated = try parseJSON(scene.succeed("key", "rotate-master", "--json").output)
        #expect(rotated["sealed"] == 2 && rotated["other_master_key_ids"] == [])
        try pass()
        try scene.gate.reconfigure(next)
        try scene.folder.remove("master.key")
        // Looked up anew, as the store has changed.
        for user in users { try scene.set("key-of-\(user)", "--user", user) }
        try pass()
        isOver.open()
        try hasStopped.wait()
        #expect(wrong.withLock { $0 } == [])
        #expect(try scene.succeed("db", "check").output.hasPrefix("ok"))
    }

    @Test func `a database that cannot be read is a 503, and nobody gets another's key for it`() throws {
        let scene = try KeyScene(
            KeyScene.origin(), key: Self.chain, variables: "ROUTER_KEY=env-1", users: ["ann", "ben"])
        try scene.folder.write("key.txt", "lower-key\n")
        for user in ["ann", "ben"] { try scene.set("key-of-\(user)", "--user", user) }
        try scene.waitForKey("key-of-ann")
        // What is sealed with a key that is not there is unreadable, not absent.
        try scene.folder.write("other.key", Fresh.hex(64) + "\n")
        let config = KeyScene.config(scene.origin.url, key: Self.chain)
        try scene.gate.reconfigure(config.replacing("{ file: master.key }", with: "{ file: other.key }"))
        let count = scene.origin.requests.count
        for user in ["ann", "ben"] {
            try waitUntil("the key of \(user) to be unavailable") {
                try scene.ask(user).errorCode == "upstream_key_unavailable"
            }
            #expect(try scene.ask(user).status == 503)
        }
        let seen = scene.keysSeen.dropFirst(count)
        #expect(seen.allSatisfy { $0 == "key-of-ann" || $0 == "key-of-ben" }, "\(Array(seen))")
        #expect(!scene.log.contains("key-of-") && !scene.log.contains("lower-key"))
        try scene.gate.reconfigure(config)
        for user in ["ann", "ben"] { try scene.waitForKey("key-of-\(user)", of: user) }
    }

    @Test func `a store that is gone gives nobody a key from below it`() throws {
        let scene = try KeyScene(KeyScene.origin(), key: Self.chain, users: ["ann", "ben"])
        try scene.folder.write("key.txt", "lower-key\n")
        for user in ["ann", "ben"] { try scene.set("key-of-\(user)", "--user", user) }
        try scene.waitForKey("key-of-ann")
        try scene.folder.move("app.db", to: "away.db")
        try waitUntil("the doubt to show") {
            try scene.gate.requireStatus()["auth"]?.arrayValue?.contains { $0["in_doubt"] == true } == true
        }
        for user in ["ann", "ben"] {
            let answer = try scene.ask(user)
            #expect(
                answer.text == "key-of-\(user)"
                    || answer.status == 503 && answer.errorCode == "upstream_key_unavailable", "\(answer)")
        }
        try scene.folder.move("away.db", to: "app.db")
        for user in ["ann", "ben"] { try scene.waitForKey("key-of-\(user)", of: user) }
        #expect(!scene.keysSeen.contains("lower-key"))
    }
}
