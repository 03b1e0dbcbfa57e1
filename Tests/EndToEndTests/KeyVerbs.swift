import Testing

@testable import CLI

/// `headgate key`: keys for upstreams, kept by the command line.
@Suite(.scenario) struct KeyVerbs {
    private static let upstream = """
        openrouter:
            url: http://127.0.0.1:9/v1
            key: { first_of: [ { database: main } ], prefix: sk-or-v1-, min_length: 21 }
        """

    private static let config = StoreFolder.config
        .replacing("upstreams: { openai: https://api.openai.com/v1 }", with: "upstreams:\n  \(upstream)")
        .replacing("to: openai", with: "to: openrouter")

    /// With users ann and ben.
    private func makeStore(_ config: String = config) throws -> StoreFolder {
        let store = try StoreFolder(config)
        for user in ["ann", "ben"] { _ = try store.succeed("user", "add", user, "--no-password") }
        return store
    }

    private func names(_ store: StoreFolder, _ owner: String...) throws -> [String?] {
        let result = try store.headgate(["key", "list", "--json"] + owner)
        return try parseJSON(result.output)["keys"]?.arrayValue?.map { $0["name"]?.stringValue } ?? []
    }

    /// S1-29, S1-32, S1-33, S1-43, S3-28, C27.
    @Test func `a key is set from standard input, listed by its end, and nowhere in clear`() throws {
        let store = try makeStore()
        let key = Fresh.text(30, prefix: "sk-or-v1-")
        let mask = String(repeating: "*", count: 15) + key.suffix(4)
        let said = try store.headgate(["key", "set", "--user", "ann"], input: "  \(key) \n")
        #expect(said.code == 0 && said.output == "set key `openrouter` of ann: \(mask)\n")
        let set = try store.json(
            "key", "set", "--shared", "--name", "default", "--source", "key.txt", input: key)["set"]
        #expect(set?["name"] == "default" && set?["shared"] == true && set?["user"] == .null)
        #expect(set?["key"]?.stringValue == mask && set?["source"] == "key.txt")
        #expect(set?["created_at"]?.stringValue?.hasSuffix("Z") == true && set?["last_validated"] == .null)
        let listed = try store.succeed("key", "list")
        let lines = listed.split(separator: "\n")
        #expect(lines.count == 3 && lines[1].hasPrefix("openrouter  ann       \(mask)  manual   20"))
        #expect(lines[2].hasPrefix("default     (shared)  \(mask)  key.txt  20"))
        #expect(lines[1].hasSuffix("  Never"))
        #expect(try names(store, "--user", "ann") == ["openrouter"])
        #expect(try names(store, "--shared") == ["default"])
        #expect(try names(store, "--all") == ["openrouter", "default"])
        #expect(try names(store, "--user", "ben") == [])
        let shown = try said.output + said.errors + listed + store.sqlite3(".dump")
        #expect(!shown.contains(key.dropFirst(9).dropLast(4)))
        #expect(try store.succeed("db", "check").hasPrefix("ok: "))
    }

    /// S1-19.
    @Test func `what cannot be a key of the upstream is refused and not shown`() throws {
        let store = try makeStore()
        for wrong in ["sk-canary-0123456789012", "sk-or-v1-canary", "sk-or-v1-canary 0123456789"] {
            let said = try store.fail("key", "set", "--user", "ann", input: wrong)
            #expect(said.contains("invalid key format") && said.contains("begin with `sk-or-v1-`"))
            #expect(!said.contains("canary"))
        }
        #expect(try store.fail("key", "set", "--user", "ann", input: "\n").contains("the key is empty"))
        #expect(try store.fail("key", "set", "--user", "nobody", input: "x").contains("no user `nobody`"))
        #expect(try store.fail("key", "set", "sk-canary", "--shared", code: 2).contains("canary") == false)
        for words in [["key", "set"], ["key", "set", "--shared", "--user", "ann"], ["key", "unset"]] {
            #expect(try store.headgate(words, input: "x").code == 2, "\(words)")
        }
        #expect(try store.succeed("key", "list") == "no keys\n")
    }

    @Test func `a key is typed at the terminal, which does not show it`() throws {
        let store = try makeStore()
        let terminal = try PseudoTerminal()
        let process = try ChildProcess(
            [
                "setsid", "-c", "-w", Gate.program, "key", "set", "--user", "ann", "-c",
                store.folder("headgate.yaml"),
            ], in: store.folder, standardInput: terminal.path)
        try terminal.wait(for: "Key: ")
        terminal.type("sk-or-v1-canary-0123456789\n")
        #expect(try process.waitForExit() == 0, "\(process.errors)")
        #expect(!terminal.shown.contains("canary"))
        #expect(terminal.isEchoing, "the terminal shows again what is typed")
        #expect(try names(store) == ["openrouter"])
    }

    /// S1-16, S1-36.
    @Test func `keys are deleted one by one, of one owner, and all together`() throws {
        let store = try makeStore()
        let key = "sk-or-v1-0123456789abcdef"
        func fill() throws {
            for owner in [["--user", "ann"], ["--user", "ben"], ["--shared"]] {
                for name in ["openrouter", "default"] {
                    let words = ["key", "set", "--name", name] + owner
                    #expect(try store.headgate(words, input: key).code == 0)
                }
            }
        }
        try fill()
        #expect(
            try store.succeed("key", "unset", "--user", "ann", "--name", "default")
                == "deleted 1 key `default` of ann\n")
        #expect(
            try store.fail("key", "unset", "--user", "ann", "--name", "default")
                == "headgate: no key `default` of ann\n")
        #expect(try names(store, "--user", "ann") == ["openrouter"])
        #expect(try store.json("key", "unset", "--shared")["deleted"] == 2)
        #expect(try store.succeed("key", "unset", "--shared") == "deleted 0 keys of all callers\n")
        #expect(try names(store).count == 3)
        #expect(try store.json("key", "unset", "--all", "--name", "openrouter")["deleted"] == 2)
        try fill()
        // Whoever has lost the master key can still delete.
        try store.folder.write("master.key", MasterKeyText.random)
        let remarks = try store.headgate(["key", "list"])
        #expect(remarks.code == 0 && remarks.errors.contains("sealed with master key"))
        #expect(try store.succeed("key", "unset", "--all") == "deleted 6 keys of everybody\n")
        #expect(try store.succeed("key", "list") == "no keys\n")
    }

    @Test func `of several upstreams the one is meant that is named, or that the key's name begins with`()
        throws
    {
        let more = "\n  other: { url: http://127.0.0.1:9, key: { first_of: [ { database: main } ] } }"
        let store = try makeStore(
            Self.config.replacing(Self.upstream, with: Self.upstream + more))
        let needed = try store.fail("key", "set", "--shared", code: 2, input: "k")
        #expect(needed.contains("--upstream NAME, one of: openrouter, other"))
        #expect(try store.fail("key", "set", "--shared", "--upstream", "othr").contains("no upstream `othr`"))
        _ = try store.succeed("key", "set", "--shared", "--upstream", "other", input: "k-other")
        #expect(
            try store.fail("key", "set", "--shared", "--name", "openrouter/gpt-4", input: "k-other")
                .contains("begin with `sk-or-v1-`"))
        _ = try store.succeed("key", "set", "--shared", "--name", "gpt-4", input: "k-other")
        #expect(try names(store) == ["other", "gpt-4"])
    }

    @Test func `master keys follow one another without a key being lost`() throws {
        let store = try makeStore()
        let key = "sk-or-v1-0123456789abcdef"
        for owner in [["--user", "ann"], ["--shared"]] {
            #expect(try store.headgate(["key", "set"] + owner, input: key).code == 0)
        }
        let old = store.folder.read("master.key")
        try store.folder.write("old.key", old)
        try store.folder.write("master.key", MasterKeyText.random)
        let next = Self.config.replacing(
            "encryption_key: { file: master.key }",
            with: "encryption_key: { file: master.key }, previous_encryption_keys: { file: old.key }")
        try store.folder.write("headgate.yaml", next)
        #expect(try !store.succeed("key", "list").contains("(sealed)"), "the old one opens them")
        let told = try store.fail("db", "check")
        #expect(told.contains("2 upstream keys are sealed with previous master key"))
        let rotated = try store.json("key", "rotate-master")
        #expect(rotated["sealed"] == 2 && rotated["other_master_key_ids"] == [])
        #expect(try store.sqlite3("SELECT DISTINCT master_key_id FROM upstream_keys").count == 9)
        let again = try store.headgate(["key", "rotate-master"])
        #expect(again.code == 0 && again.output.contains(" already\n"))
        #expect(again.errors.contains("it can leave `previous_encryption_keys`"))
        try store.folder.write("headgate.yaml", Self.config)
        #expect(try store.succeed("db", "check").hasPrefix("ok: "))
        #expect(try !store.succeed("key", "list").contains("(sealed)"))
    }

    @Test func `what cannot be opened is named, stays, and makes the outcome bad`() throws {
        let store = try makeStore()
        _ = try store.succeed("key", "set", "--shared", input: "sk-or-v1-0123456789abcdef")
        let lost = store.folder.read("master.key")
        try store.folder.write("master.key", MasterKeyText.random)
        _ = try store.succeed("key", "set", "--user", "ann", input: "sk-or-v1-0123456789abcdef")
        let result = try store.headgate(["key", "rotate-master"])
        #expect(result.code == 1)
        #expect(result.output.contains("other master keys that are needed still: "))
        #expect(result.errors.contains("`openrouter` (shared) cannot be opened and stays as it is"))
        try store.folder.write("master.key", lost)
        #expect(try store.succeed("key", "list", "--shared").contains("***cdef"))
        try store.folder.write("master.key", "nonsense")
        #expect(try store.fail("key", "rotate-master").contains("64 hex digits"))
        #expect(try store.fail("key", "set", "--shared", input: "x").contains("`encryption_key`"))
    }
}

/// Master keys that nobody has.
private enum MasterKeyText {
    static var random: String { Fresh.hex(64) + "\n" }
}
