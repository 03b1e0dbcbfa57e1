import Testing

@testable import CLI

/// `headgate user`: who there is, whether the daemon runs or not.
@Suite(.scenario) struct UserCommand {
    @Test func `a user is added, listed, disabled, enabled and deleted`() throws {
        let store = try StoreFolder()
        let added = try store.json(
            "user", "add", "ann", "--email", "ann@x.org", "--telegram-id", "77", "--password-stdin",
            input: "canary-1\n")
        #expect(added["username"] == "ann")
        #expect(added["email"] == "ann@x.org")
        #expect(added["telegram_id"] == "77")
        #expect(added["has_password"] == true)
        #expect(
            try store.succeed("user", "add", "ben@x.org", "--no-password").hasPrefix("added ben@x.org, id "))
        #expect(try store.succeed("user", "disable", "ANN@x.org") == "disabled ann\n")
        let id = try #require(added["id"]?.stringValue)
        let lines = try store.succeed("user", "list").split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("ID "))
        #expect(lines[1].contains(id) && lines[1].contains(" disabled ") && lines[1].contains(" yes "))
        #expect(lines[2].contains("ben@x.org  ben@x.org") && lines[2].contains(" active "))
        #expect(try store.json("user", "enable", id)["enabled"]?["is_active"] == true)
        #expect(try store.succeed("user", "delete", "ann") == "deleted ann\n")
        #expect(try store.json("user", "list")["users"]?.arrayValue?.count == 1)
        #expect(try store.fail("user", "delete", "ann") == "headgate: no user `ann`\n")
        _ = try store.succeed("user", "delete", "ben@x.org")
        #expect(try store.succeed("user", "list") == "no users\n")
    }

    /// S3-02: bcrypt, and nothing else.
    @Test func `a password stands nowhere in clear, and can be changed`() throws {
        let store = try StoreFolder()
        let made = try store.headgate(["user", "add", "ann", "--password-stdin"], input: "canary-1\nrest\n")
        #expect(made.code == 0)
        let first = try store.sqlite3("SELECT hashed_password FROM users")
        #expect(first.wholeMatch(of: /\$2[aby]\$04\$.{53}\n/) != nil, "\(first)")
        let changed = try store.headgate(["user", "passwd", "ann", "--password-stdin"], input: "canary-2")
        #expect(changed.output == "changed the password of ann; 0 sessions ended\n")
        #expect(try store.sqlite3("SELECT hashed_password FROM users") != first)
        let dump = try store.sqlite3(".dump")
        for text in [made.output, made.errors, changed.output, changed.errors, dump] {
            #expect(!text.contains("canary"))
        }
    }

    @Test func `a password is typed twice at the terminal, which does not show it`() throws {
        let store = try StoreFolder()
        for (second, code) in [("canary-7", Int32(0)), ("canary-8", 1)] {
            let terminal = try PseudoTerminal()
            let process = try ChildProcess(
                [
                    "setsid", "-c", "-w", Gate.program, "user", "add", "user\(code)", "-c",
                    store.folder("headgate.yaml"),
                ], in: store.folder, standardInput: terminal.path)
            try terminal.wait(for: "Password: ")
            terminal.type("canary-7\n")
            try terminal.wait(for: "Again: ")
            terminal.type(second + "\n")
            #expect(try process.waitForExit() == code, "\(process.errors)")
            #expect(!terminal.shown.contains("canary"))
            #expect(terminal.isEchoing, "the terminal shows again what is typed")
            #expect(process.errors.contains("the two differ") == (code == 1))
        }
        #expect(try store.json("user", "list")["users"]?.arrayValue?.count == 1)
    }

    @Test func `what cannot be is refused, and nothing is made`() throws {
        let store = try StoreFolder()
        _ = try store.succeed(
            "user", "add", "ann", "--email", "ann@x.org", "--telegram-id", "7", "--no-password")
        let taken = [
            (["ann"], "username is taken"), (["ANN@x.org"], "email is taken"),
            (["b", "--email", "ann@X.org"], "email is taken"),
            (["b", "--telegram-id", "7"], "telegram_id is taken"),
        ]
        for (words, message) in taken {
            let result = try store.headgate(["user", "add", "--no-password"] + words)
            #expect(result.code == 1 && result.errors == "headgate: \(message)\n", "\(words): \(result)")
        }
        #expect(
            try store.fail("user", "add", "b", "--email", "nobody", "--no-password").contains(
                "must be an e-mail address"))
        for name in ["", "b\u{1B}[31m", "a/b", "a\u{202E}b", " a", "a\nb", "a@b"] {
            let told = try store.fail("user", "add", name, "--no-password")
            #expect(told.contains("the name must be 1 to 64 visible characters"), "\(told)")
            #expect(!told.contains("\u{1B}") && !told.contains("\u{202E}"))
        }
        #expect(
            try store.fail("user", "add", "b", "--telegram-id", "7\r", "--no-password").contains(
                "the telegram id must be"))
        #expect(try store.fail("user", "add", "b", "--password-stdin", input: "\n").contains("is empty"))
        let long = String(repeating: "x", count: 5000)
        #expect(try store.fail("user", "add", "b", "--password-stdin", input: long).contains("longer than"))
        #expect(try store.fail("user", "add", "b", code: 2).contains("--password-stdin"))
        #expect(
            try store.fail("user", "add", "b", "--password-stdin", "--no-password", code: 2).contains(
                "exclude"))
        #expect(try store.fail("user", "add", code: 2).contains("needs NAME"))
        #expect(try store.fail("user", "lst", code: 2).contains("did you mean `list`?"))
        let wrong = try store.json("user", "enable", "nobody")
        #expect(wrong["error"] == "no user `nobody`")
        #expect(try store.json("user", "list")["users"]?.arrayValue?.count == 1)
    }

    @Test func `the store is found by config file, by name or by path`() throws {
        let store = try StoreFolder(
            StoreFolder.config.replacing("stores:", with: "stores:\n  other: { sqlite: other.db }"),
            isPrepared: false)
        #expect(try store.fail("user", "list").contains("choose by --store NAME: other, main"))
        #expect(try store.fail("user", "list", "--store", "mian").contains("no store `mian`"))
        #expect(try store.fail("user", "list", "--store", "other").contains("`headgate db init` makes it"))
        _ = try store.succeed("db", "init", "--no-admin", "--store", "other")
        _ = try store.succeed("--store", "other", "user", "add", "ann", "--no-password")
        #expect(try store.succeed("user", "list", "--db", "other.db").contains("ann"))
        #expect(try store.fail("user", "list", "--db", "a", "--store", "b", code: 2).contains("exclude"))
        try store.folder.remove("headgate.yaml")
        #expect(try store.fail("user", "list").contains("--db PATH"))
    }
}
