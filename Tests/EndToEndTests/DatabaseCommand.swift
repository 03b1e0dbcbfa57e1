import Glibc
import Testing

@testable import CLI

/// `headgate db`: making, looking after and copying the database.
@Suite(.scenario) struct DatabaseCommand {
    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    /// S3-08, C47.
    @Test func `init makes what is missing, and doing it again changes nothing`() throws {
        let store = try StoreFolder(isPrepared: false)
        let made = try store.json("db", "init")
        #expect(made["created"] == true)
        #expect(made["master_key_file"]?.stringValue?.hasSuffix("/master.key") == true)
        #expect(made["admin_password"]?.stringValue?.count == 20)
        #expect(mode(store.folder("app.db")) == 0o600)
        #expect(mode(store.folder("master.key")) == 0o600)
        let key = store.folder.read("master.key")
        #expect(key.wholeMatch(of: /[0-9a-f]{64}\n/) != nil)
        let again = try store.json("db", "init")
        #expect(again["created"] == false && again["master_key_file"] == .null)
        #expect(again["admin_password"] == .null)
        #expect(store.folder.read("master.key") == key)
        #expect(try store.json("user", "list")["users"]?.arrayValue?.count == 1)
        #expect(try store.succeed("db", "check").hasPrefix("ok: "))
    }

    /// C47, S3-09.
    @Test func `an admin is made where there is no user, with a random password or the known one`() throws {
        let random = try StoreFolder(isPrepared: false)
        let first = try random.headgate(["db", "init"])
        let word = try #require(
            first.output.firstMatch(of: /made the user admin with the password (\w{20})\n/))
        let password = String(word.1)
        #expect(first.code == 0 && first.errors.contains("is not shown again"))
        #expect(try !random.succeed("db", "init").contains("admin with"))
        #expect(try random.json("user", "list")["users"]?.arrayValue?.count == 1)
        #expect(try !random.sqlite3(".dump").contains(password))
        let known = try StoreFolder(isPrepared: false)
        let made = try known.headgate(["db", "init", "--default-admin"])
        #expect(made.code == 0 && made.output.contains("admin123") && made.errors.contains("change it"))
        let hash = try known.sqlite3("SELECT hashed_password FROM users")
        #expect(try known.headgate(["db", "init", "--default-admin"]).code == 0)
        #expect(try known.sqlite3("SELECT hashed_password FROM users") == hash)
        #expect(try known.fail("db", "init", "--no-admin", "--default-admin", code: 2).contains("exclude"))
        let none = try StoreFolder(isPrepared: false)
        _ = try none.succeed("db", "init", "--no-admin")
        #expect(try none.succeed("user", "list") == "no users\n")
        _ = try none.succeed("user", "add", "ann", "--no-password")
        #expect(try none.json("db", "init")["admin_password"] == .null)
        #expect(try none.json("user", "list")["users"]?.arrayValue?.count == 1)
    }

    @Test func `without a key file in the config init says how to make a key`() throws {
        let store = try StoreFolder(
            StoreFolder.config.replacing(", encryption_key: { file: master.key }", with: ""),
            isPrepared: false)
        let result = try store.headgate(["db", "init"])
        #expect(result.code == 0 && result.errors.contains("`headgate db init --print-key`"))
        let first = try store.succeed("db", "init", "--print-key")
        #expect(first.wholeMatch(of: /[0-9a-f]{64}\n/) != nil)
        #expect(try store.succeed("db", "init", "--print-key") != first)
        let variable = try StoreFolder(
            StoreFolder.config.replacing("{ file: master.key }", with: "{ env: NOT_SET_ANYWHERE }"),
            isPrepared: false)
        #expect(try variable.headgate(["db", "init"]).code == 0, "what is missing yet does not stop it")
        #expect(variable.folder.exists("app.db"))
    }

    @Test func `a master key that has gone is not replaced while something is sealed with it`() throws {
        let store = try StoreFolder()
        _ = try store.succeed("user", "add", "ann", "--no-password")
        _ = try store.sqlite3(
            """
            INSERT INTO upstream_keys (user_id, name, key_encrypted, master_key_id, source, created_at, updated_at)
            VALUES (1, 'x', x'00', 'abcdef01', 'manual', 1, 1)
            """)
        try store.folder.remove("master.key")
        #expect(try store.fail("db", "init").contains("sealed with master key abcdef01: put it back"))
        #expect(!store.folder.exists("master.key"))
        let findings = try store.fail("db", "check")
        #expect(findings.contains("master.key is not there"))
        #expect(findings.contains("upstream key 1 cannot be opened"))
    }

    @Test func `check tells what is wrong, and exit 1`() throws {
        let store = try StoreFolder()
        chmod(store.folder("app.db"), 0o640)
        let report = try store.json("db", "check")
        #expect(report["ok"] == false)
        #expect(report["findings"]?.arrayValue?.first?.stringValue?.contains("mode 640") == true)
        #expect(try store.fail("db", "check").contains("chmod 600"))
        try store.folder.write("app.db", String(repeating: "garbage ", count: 1000))
        #expect(try store.fail("db", "check").contains("is damaged: it is not an SQLite file"))
        #expect(try store.fail("user", "list").contains("it is not an SQLite file"))
        #expect(try store.fail("db", "init").contains("it is not an SQLite file"))
        try store.folder.remove("app.db")
        #expect(try store.fail("db", "check").contains("`headgate db init` makes it"))
    }

    @Test func `a backup is a store, and overwrites nothing`() throws {
        let store = try StoreFolder()
        _ = try store.succeed("user", "add", "ann", "--no-password")
        _ = try store.succeed("db", "backup", "copy.db")
        #expect(mode(store.folder("copy.db")) == 0o600)
        #expect(try store.succeed("user", "list", "--db", "copy.db").contains("ann"))
        #expect(try store.succeed("db", "check", "--db", "copy.db").hasPrefix("ok: copy.db"))
        #expect(try store.fail("db", "backup", "copy.db").contains("is there already"))
        #expect(try store.fail("db", "backup", "none/copy.db").contains("the folder is not there"))
    }

    @Test func `an empty file is closed to others, and a link to nothing is told`() throws {
        let store = try StoreFolder(isPrepared: false)
        try store.folder.write("app.db", "")
        chmod(store.folder("app.db"), 0o644)
        _ = try store.succeed("db", "init")
        #expect(mode(store.folder("app.db")) == 0o600)
        #expect(try store.succeed("db", "check").hasPrefix("ok: "))
        try store.folder.remove("app.db")
        symlink("nowhere.db", store.folder("app.db"))
        #expect(try store.fail("db", "init").contains("is a link to a file that is not there"))
    }

    @Test func `migrate leads to the newest schema and makes no file`() throws {
        let store = try StoreFolder(isPrepared: false)
        #expect(try store.fail("db", "migrate").contains("no such file"))
        #expect(!store.folder.exists("app.db"))
        try store.folder.write("app.db", "")
        #expect(try store.fail("user", "list").contains("run `headgate db migrate`"))
        let done = try store.json("db", "migrate")
        #expect(done["from"] == 0 && done["to"]?.integerValue ?? 0 > 0)
        #expect(try store.succeed("db", "migrate").contains("already"))
        _ = try store.sqlite3("PRAGMA user_version = 999")
        #expect(try store.fail("user", "list").contains("use a newer headgate"))
        #expect(try store.fail("db", "migrate").contains("use a newer headgate"))
    }

    @Test func `somebody else's database is left alone`() throws {
        let store = try StoreFolder(isPrepared: false)
        _ = try store.sqlite3("CREATE TABLE users (name); INSERT INTO users VALUES ('theirs')")
        for verb in ["init", "check", "migrate"] {
            #expect(
                try store.fail("db", verb).contains("is an SQLite file, but not one of headgate's"), "\(verb)"
            )
        }
        #expect(try store.sqlite3("SELECT * FROM users") == "theirs\n")
    }

    @Test func `a database that cannot grow is told as a full disk, and goes on when it can`() throws {
        let store = try StoreFolder()
        _ = try store.succeed("user", "add", "ann", "--no-password")
        let models = Array(repeating: String(repeating: "m", count: 250), count: 400).joined(separator: ",")
        let create = ["apikey", "create", "--user", "ann", "--models", models]
        // 80 blocks of 512 bytes for any file; the signal would end the process.
        let script = "cd \"$0\" && trap '' XFSZ && ulimit -f 80 && exec \"$@\""
        let full = try run(
            ["/bin/sh", "-c", script, store.folder.path, Gate.program] + create, in: store.folder)
        #expect(full.code == 1 && full.errors == "headgate: the disk is full\n", "\(full)")
        #expect(try store.succeed("apikey", "list") == "no keys\n")
        #expect(try store.succeed("db", "check").hasPrefix("ok: "))
        #expect(try store.headgate(create).code == 0)
    }

    @Test func `a database that another process holds is told as locked`() throws {
        let store = try StoreFolder()
        _ = try store.succeed("user", "add", "ann", "--no-password")
        try store.folder.write(
            "hold.sql",
            "BEGIN IMMEDIATE;\n.shell touch held; until test -e go; do sleep 0.05; done\nCOMMIT;\n")
        let holder = try ChildProcess(
            ["/bin/sh", "-c", "cd \"$0\" && exec sqlite3 -batch app.db", store.folder.path], in: store.folder,
            standardInput: store.folder("hold.sql"))
        try waitUntil("the lock to be held") { store.folder.exists("held") }
        #expect(try store.succeed("user", "list").contains("ann"), "reading goes on")
        #expect(
            try store.fail("user", "disable", "ann")
                == "headgate: the database is locked by another process\n")
        try store.folder.write("go", "")
        #expect(try holder.waitForExit() == 0)
        #expect(try store.succeed("user", "disable", "ann") == "disabled ann\n")
    }
}
