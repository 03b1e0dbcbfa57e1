import Glibc
import Testing

@testable import CLI

/// The file `app.db` of `examples/userkeys.yaml`, for whoever runs it.
@Suite(.scenario) struct UserKeysDatabase {
    /// S3-01…03: names of columns as they were.
    @Test func `app dot db lies in the folder that it is run from`() throws {
        let scene = try UserKeys()
        #expect(scene.example.folder.exists("app.db"))
        let columns = { (table: String) in
            try scene.sqlite3("SELECT name FROM pragma_table_info('\(table)')").split(separator: "\n")
        }
        let user = ["id", "username", "email", "hashed_password", "is_active", "created_at", "updated_at"]
        #expect(try Set(columns("users")).isSuperset(of: user.map { Substring($0) }))
        let key = ["id", "user_id", "name", "key_encrypted", "created_at", "updated_at"]
        #expect(try Set(columns("upstream_keys")).isSuperset(of: key.map { Substring($0) }))
        _ = try scene.register("ann")
        let twice = try scene.example.sh(
            "sqlite3 -batch app.db \"INSERT INTO users SELECT 9, 'x', * FROM (SELECT username, email, "
                + "telegram_id, hashed_password, is_active, created_at, updated_at FROM users)\"")
        #expect(twice.code != 0 && twice.errors.contains("UNIQUE"), "\(twice.errors)")
    }

    /// S3-05: users, tokens and keys.
    @Test func `a restart forgets nothing`() throws {
        let scene = try UserKeys()
        let token = try scene.register("ann")
        #expect(try scene.set("sk-kept", for: "openai", token).status == 200)
        try scene.example.restart()
        #expect(try scene.example.get("/me", bearer: token).status == 200)
        #expect(try scene.logIn("ann").status == 200)
        #expect(try scene.chat("gpt-4", token).status == 200)
        #expect(scene.keysPassed == ["sk-kept"])
    }

    /// S3-07, S3-30: while the server runs, by either program.
    @Test func `sqlite3 reads and copies the file, and so does the backup verb`() throws {
        let scene = try UserKeys()
        _ = try scene.register("ann")
        #expect(try scene.sqlite3("SELECT username FROM users") == "ann\n")
        let copied = try scene.example.sh(
            "sqlite3 app.db '.backup copy.db' && sqlite3 copy.db 'PRAGMA integrity_check'")
        #expect(copied.output == "ok\n", "\(copied.errors)")
        _ = try scene.example.succeed("db", "backup", scene.example.folder("second.db"))
        let users = try scene.example.sh(
            "sqlite3 second.db 'SELECT username FROM users'; stat -c %a second.db")
        #expect(users.output == "ann\n600\n", "\(users.errors)")
    }

    /// S3-25: what is in the way is told, and it ends.
    @Test func `a database that cannot be used ends the start with the reason`() throws {
        for (what, words) in [("folder", "Is a directory"), ("text", "not an SQLite file")] {
            let example = try Example("userkeys", starts: false) { example in
                _ = try example.succeed("db", "init", "--no-admin")
                _ = try example.sh("rm -f app.db*")
                if what == "folder" {
                    try example.folder.makeFolder("app.db")
                } else {
                    try example.folder.write("app.db", String(repeating: "no database ", count: 100))
                }
            }
            let run = try example.sh("timeout 20 headgate run -c \(example.file) --admin admin.sock")
            #expect(run.code != 0 && run.code != 124, "\(what): \(run)")
            #expect(run.errors.contains("app.db") && run.errors.contains(words), "\(run.errors)")
        }
    }

    /// S3-27: made for its owner alone, and one that others may read is warned about.
    @Test func `the database and its key are private`() throws {
        let scene = try UserKeys()
        #expect(try scene.example.sh("stat -c %a app.db master.key jwt.secret").output == "600\n600\n600\n")
        let opened = try scene.example.sh(
            "chmod 644 app.db master.key && headgate check \(scene.example.file)")
        #expect(
            opened.errors.contains("master.key") && opened.errors.contains("chmod 600"), "\(opened.errors)")
    }
}
