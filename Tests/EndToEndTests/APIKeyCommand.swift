import Testing

@testable import CLI

/// `headgate apikey`: keys of users, told once.
@Suite(.scenario) struct APIKeyCommand {
    private func makeStore(_ config: String = StoreFolder.config) throws -> StoreFolder {
        let store = try StoreFolder(config)
        _ = try store.succeed("user", "add", "ann", "--no-password")
        return store
    }

    /// S4-18, S4-19, C22.
    @Test func `a new key stands alone on standard output and nowhere in the file`() throws {
        let store = try makeStore()
        let made = try store.headgate([
            "apikey", "create", "--user", "ann", "--name", "app", "--expires", "30d", "--limit", "7",
            "--models", "gpt-*, local/x",
        ])
        #expect(made.code == 0)
        #expect(made.output.wholeMatch(of: /ws_[A-Za-z0-9]{32}\n/) != nil)
        #expect(made.errors.hasPrefix("Key `app` of ann, valid until 20"))
        let credential = made.output.dropLast()
        #expect(!made.errors.contains(credential.dropFirst(11)))
        #expect(try !store.sqlite3(".dump").contains(credential.dropFirst(11)))
        let listed = try #require(try store.json("apikey", "list")["keys"]?.arrayValue?.first)
        #expect(listed["prefix"]?.stringValue == String(credential.prefix(11)))
        #expect(listed["name"] == "app" && listed["user"] == "ann" && listed["status"] == "active")
        #expect(listed["requests_per_minute"] == 7 && listed["models"] == ["gpt-*", "local/x"])
        #expect(listed["expires_at"]?.stringValue?.hasSuffix("Z") == true)
        #expect(listed["last_used_at"] == .null && listed["usage_count"] == 0)
    }

    /// C18.
    @Test func `list shows beginnings, names, users, states and uses`() throws {
        let store = try makeStore()
        #expect(try store.succeed("apikey", "list") == "no keys\n")
        let key = try store.succeed("apikey", "create", "--user", "ann").dropLast()
        _ = try store.succeed("user", "add", "ben", "--no-password")
        _ = try store.succeed("apikey", "create", "--user", "ben", "--expires", "2126-01-31")
        let session = "INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, created_at)"
        _ = try store.sqlite3("\(session) VALUES ('s', 1, 'session', 'login', 'ws_session', zeroblob(32), 1)")
        let lines = try store.succeed("apikey", "list").split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("\(key.prefix(11))...  default  ann"))
        #expect(
            lines[1].contains(" active ") && lines[1].contains(" never ")
                && lines[1].hasSuffix(" Never      0"))
        #expect(lines[2].contains(" 2126-01-31T00:00:00Z "))
        #expect(try store.succeed("apikey", "list", "--user", "ann").split(separator: "\n").count == 2)
        #expect(try store.succeed("apikey", "list", "--sessions").contains("login (session)"))
        _ = try store.sqlite3("UPDATE keys SET usage_count = 12, last_used_at = 1800000000 WHERE id = 1")
        #expect(try store.succeed("apikey", "list").contains("2027-01-15T08:00:00Z  12\n"))
        _ = try store.succeed("user", "disable", "ann")
        #expect(try store.succeed("apikey", "list", "--user", "ann").contains(" user disabled "))
    }

    @Test func `names that would not show as what they are are refused`() throws {
        let store = try makeStore()
        for name in ["evil\r\nX: 1", "\u{1B}[31m", "a\u{202E}b", String(repeating: "n", count: 101)] {
            let told = try store.fail("apikey", "create", "--user", "ann", "--name", name)
            #expect(told.contains("the name of a key must be 1 to 100 visible characters"))
        }
        for models in ["a,,b", "a\nb", "a\u{202E}"] {
            let told = try store.fail("apikey", "create", "--user", "ann", "--models", models, code: 2)
            #expect(told.contains("`--models` takes names"))
        }
        #expect(try store.succeed("apikey", "list") == "no keys\n")
        _ = try store.succeed("apikey", "create", "--user", "ann")
        _ = try store.sqlite3("UPDATE keys SET name = char(8238) || 'x' || char(27)")
        #expect(try store.succeed("apikey", "list").contains("  \u{FFFD}x\u{FFFD}   ann"))
    }

    @Test func `whatever time stands in the file is listed, and such a key rotated`() throws {
        let store = try makeStore()
        let key = try store.succeed("apikey", "create", "--user", "ann").prefix(11)
        for seconds in ["9223372036854775807", "67768036191676799"] {
            _ = try store.sqlite3("UPDATE keys SET expires_at = \(seconds)")
            #expect(try store.succeed("apikey", "list").contains(" 9999-12-31T23:59:59Z "))
        }
        #expect(try store.headgate(["apikey", "rotate", String(key)]).code == 0)
    }

    /// C17.
    @Test func `a key is revoked by its beginning, if that is one key's alone`() throws {
        let store = try makeStore()
        let first = try store.succeed("apikey", "create", "--user", "ann").dropLast()
        let second = try store.succeed("apikey", "create", "--user", "ann").dropLast()
        let several = try store.fail("apikey", "revoke", "ws_")
        #expect(several == "headgate: several match: \(first.prefix(11))..., \(second.prefix(11))...\n")
        #expect(try store.fail("apikey", "revoke", "ws_!").contains("no key begins with ws_!"))
        #expect(try store.fail("apikey", "revoke", "").contains("empty"))
        let longer = try store.fail("apikey", "revoke", String(first.prefix(13)))
        #expect(longer.contains("the first 11 characters (\(first.prefix(11))...), or by the whole key"))
        let revoked = try store.succeed("apikey", "revoke", "\(first.prefix(11))...")
        #expect(revoked == "revoked \(first.prefix(11))... (`default` of ann)\n")
        let list = try store.json("apikey", "list")["keys"]?.arrayValue ?? []
        #expect(list.map { $0["status"] } == ["revoked", "active"])
        let id = try #require(list[1]["key_id"]?.stringValue)
        #expect(try store.json("apikey", "revoke", id)["revoked"]?["status"] == "revoked")
        #expect(try store.fail("apikey", "rotate", id).contains("is revoked"))
    }

    @Test func `a rotated key is followed by another, and goes on for the overlap`() throws {
        let store = try makeStore()
        let old = try store.succeed("apikey", "create", "--user", "ann", "--name", "app").dropLast()
        let made = try store.headgate(["apikey", "rotate", String(old.prefix(11)), "--overlap", "2h"])
        #expect(made.code == 0 && made.output.hasPrefix("ws_") && made.output.dropLast() != old)
        #expect(made.errors.contains("The old one, \(old.prefix(11))..., is accepted until 20"))
        let states = {
            try store.json("apikey", "list")["keys"]?.arrayValue?.map { $0["status"]?.stringValue }
        }
        #expect(try states() == ["ending", "active"])
        let again = try store.json("apikey", "rotate", String(made.output.prefix(11)), "--overlap", "0s")
        #expect(again["api_key"]?.stringValue?.hasPrefix("ws_") == true)
        #expect(again["name"] == "app" && again["replaces"]?["status"] == "revoked")
        #expect(try states() == ["ending", "revoked", "active"])
    }

    @Test func `keys begin as the user-keys entry says`() throws {
        let two = StoreFolder.config.replacing(
            "auth:\n", with: "auth:\n  bots: { mode: user-keys, store: main, prefix: bot_ }\n")
        let store = try makeStore(two)
        let choose = try store.fail("apikey", "create", "--user", "ann")
        #expect(choose.contains("choose by --auth NAME: bots (bot_…), members (ws_…)"))
        let key = try store.succeed("apikey", "create", "--user", "ann", "--auth", "bots")
        #expect(key.hasPrefix("bot_"))
        #expect(
            try store.fail("apikey", "create", "--user", "ann", "--auth", "x").contains("no `auth` entry `x`")
        )
        #expect(try store.succeed("apikey", "create", "--user", "ann", "--db", "app.db").hasPrefix("hg_"))
    }

    @Test(arguments: [
        (["create"], "needs --user"), (["create", "--user", "ann", "--expires", "soon"], "`soon`"),
        (["create", "--user", "ann", "--expires", "2020-01-01"], "expired already"),
        (["create", "--user", "ann", "--limit", "0"], "1 to 1000000"),
        (["create", "--user", "ann", "--models", "a,,b"], "commas"),
        (["rotate", "x", "--overlap", "-1h"], "`-1h`"),
        (["revoke"], "needs PREFIX|ID"), (["create", "--limt", "5"], "did you mean `--limit`?"),
    ])
    func `a wrong command line makes nothing, and exit 2`(words: [String], message: String) throws {
        let store = try makeStore()
        let result = try store.headgate(["apikey"] + words)
        #expect(result.code == 2 && result.errors.contains(message), "\(result)")
        #expect(try store.succeed("apikey", "list") == "no keys\n")
    }

    @Test func `several commands at once all succeed`() throws {
        let store = try makeStore()
        let processes = try (0..<6).map { _ in
            try ChildProcess(
                [Gate.program, "-c", store.folder("headgate.yaml"), "apikey", "create", "--user", "ann"],
                in: store.folder)
        }
        for process in processes { #expect(try process.waitForExit() == 0, "\(process.errors)") }
        #expect(try store.json("apikey", "list")["keys"]?.arrayValue?.count == 6)
        #expect(Set(processes.map(\.output)).count == 6)
    }
}
