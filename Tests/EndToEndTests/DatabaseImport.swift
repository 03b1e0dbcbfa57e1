import Glibc
import Testing

@testable import CLI

/// `headgate db import`: users and keys of another program go on with what they have.
@Suite(.scenario) struct DatabaseImport {
    private static let userID = "5f1c2a9e-3b7d-4c65-9a10-0b6f6d2e8c41"
    private static let clientKey = "ws_" + String(repeating: "Kq7", count: 10) + "Zz"
    private static let upstreamKey = "sk-" + String(repeating: "u9", count: 16)

    /// bcrypt of `test123` by somebody else.
    private static let hash = "$2b$04$mirTjxJjCqhEyWVIoGVBGuVhYlrVvyUDqcTNrSUZr9vGb5N0nnQY6"

    private static let tables = """
        CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR UNIQUE, email VARCHAR,
            hashed_password VARCHAR, is_active INTEGER, created_at DATETIME, updated_at DATETIME);
        CREATE TABLE user_api_keys (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id),
            model_name VARCHAR, api_key VARCHAR, created_at DATETIME, updated_at DATETIME);
        """

    private func makeSource(_ folder: Folder, hash: String) throws {
        let rows = """
            INSERT INTO users VALUES (1, 'ann', 'ann@example.com', '\(hash)', 1, '2025-11-26 10:30:00.5', NULL),
                (2, 'bob', NULL, '\(hash)', 0, NULL, NULL);
            INSERT INTO user_api_keys VALUES (1, 1, 'openai', '\(Self.upstreamKey)', '2025-11-26 10:30:00', NULL);
            """
        let made = try run(
            ["sqlite3", "-batch", folder("theirs.db"), "PRAGMA journal_mode = WAL; \(Self.tables)\(rows)"],
            in: folder)
        guard made.code == 0 else { throw Trouble("sqlite3: \(made.errors)") }
    }

    private static func config(_ origin: String) -> String {
        """
        env_file: gate.env
        access_log: off
        stores: { main: { sqlite: app.db, encryption_key: { file: master.key }, password_cost: 4,
                          user_ids: uuid } }
        auth:
          open: { mode: none, ignore_credentials: true }
          logins: { mode: jwt, algorithms: [HS256], secret: { env: JWT_SECRET }, store: main }
          members: { mode: user-keys, store: main, prefix: ws_ }
        upstreams: { openai: { url: "\(origin)", key: { first_of: [{ database: main }] } } }
        routes:
          - { path: /login, methods: POST, auth: open, errors: detail, action: { name: login, issues: jwt } }
          - { path: "/v1/**", auth: [logins, members], to: openai }
        """
    }

    /// A hash that the library of the system makes, as passlib does.
    private func makeHash(_ password: String, in folder: Folder) throws -> String {
        let script = """
            import crypt
            print(crypt.crypt('\(password)', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))
            """
        let made = try run(["python3", "-W", "ignore", "-c", script], in: folder)
        let text = made.output.replacing("\n", with: "")
        guard made.code == 0, text.hasPrefix("$2b$") else { throw Trouble("crypt: \(made.errors)") }
        return text
    }

    /// S3-02, S3-03, S3-06, S3-26, S3-28, S4-65, S4-66: the old password logs in, the old key comes in, and
    /// the upstream gets the key that was stored there.
    @Test func `passwords and keys work in a running gateway, and none is in its file in clear`() throws {
        let origin = try KeyScene.origin()
        let folder = try Folder()
        try folder.write("gate.env", "JWT_SECRET=\(Fresh.text(40))\n")
        try makeSource(folder, hash: try makeHash("test123", in: folder))
        try folder.makeFolder("data")
        try folder.write(
            "data/users.json",
            """
            [{"id": "\(Self.userID)", "username": "cy", "telegram_id": 123456789, "is_active": true,
              "created_at": "2025-11-26T10:30:00+00:00", "metadata": {}}]
            """)
        try folder.write(
            "data/api_keys.json",
            """
            [{"id": "k1", "key": "\(Self.clientKey)", "user_id": "\(Self.userID)", "name": null,
              "rate_limit": 60, "expires_at": null, "is_active": true, "usage_count": 3, "metadata": {}}]
            """)
        try folder.write("data/request_logs.json", "[]")
        let gate = try Gate.withStore(Self.config(origin.url), folder: folder)
        let commands = gate.commands
        let trial = try commands.run("db", "import", folder("theirs.db"), "--dry-run")
        #expect(trial.hasPrefix("users: 2 made\nupstream keys: 1 made\n"), "\(trial)")
        #expect(trial.hasSuffix("\nnothing was changed\n"))
        #expect(try commands.run("user", "list") == "no users\n")
        _ = try commands.run("db", "import", folder("theirs.db"))
        let files = try commands.run("db", "import", folder("data"))
        #expect(files.hasPrefix("users: 1 made\nkeys of clients: 1 made\n"), "\(files)")
        #expect(files.contains("request_logs.json is left out"))
        for output in [trial, files] {
            #expect(!output.contains(Self.upstreamKey) && !output.contains(Self.clientKey))
        }

        func logIn(_ name: String) throws -> Response {
            try gate.exchange(
                "POST", "/login", fields: ["Content-Type: application/json"],
                body: "{\"username\": \"\(name)\", \"password\": \"test123\"}")
        }
        let login = try logIn("ann")
        #expect(login.status == 200, "\(login.text)")
        let token = try login.json().text("access_token")
        let answer = try gate.chat(fields: ["Authorization: Bearer \(token)"])
        #expect(answer.status == 200 && answer.text == Self.upstreamKey)
        #expect(try logIn("bob").status == 401, "disabled, as before")
        try waitUntil("the old key to come in") {
            try gate.chat(fields: ["Authorization: Bearer \(Self.clientKey)"]).status == 403
        }
        #expect(try commands.run("apikey", "list").contains("ws_Kq7Kq7Kq"))
        let users = try parseJSON(commands.run("user", "list", "--json"))["users"]?.arrayValue ?? []
        #expect(users.contains { $0["id"]?.stringValue == Self.userID && $0["username"] == "cy" })

        for name in ["app.db", "app.db-wal"] {
            guard let bytes = readBytes(folder(name)) else { continue }
            for secret in [Self.upstreamKey, Self.clientKey] {
                #expect(bytes.firstRange(of: Array(secret.utf8)) == nil, "\(name)")
            }
        }
        let again = try commands.run("db", "import", folder("theirs.db"))
        #expect(again == "users: 2 there already\nupstream keys: 1 there already\n")
    }

    @Test func `what differs is a conflict, and replace takes it`() throws {
        let store = try StoreFolder()
        try makeSource(store.folder, hash: Self.hash)
        _ = try store.succeed("db", "import", "theirs.db")
        _ = try store.succeed(
            "key", "set", "--user", "ann", "--name", "openai", input: "sk-of-this-store\n")
        let told = try store.json("db", "import", "theirs.db")
        #expect(told["dry_run"] == false && told["upstream_keys"]?["conflict"]?.integerValue == 1)
        #expect(told["users"]?["present"]?.integerValue == 2)
        let text = try store.headgate(["db", "import", "theirs.db"])
        #expect(text.code == 0)
        #expect(text.output.contains("\nconflict: upstream key of ann: openai: another key is there"))
        _ = try store.sqlite3("UPDATE users SET hashed_password = NULL WHERE username = 'ann'")
        let other = try store.json("db", "import", "theirs.db")
        #expect(other["users"]?["conflict"]?.integerValue == 1)
        #expect(other["upstream_keys"]?["left_out"]?.integerValue == 1, "it may be another ann")
        let replaced = try store.json("db", "import", "theirs.db", "--replace")
        #expect(replaced["users"]?["replaced"]?.integerValue == 1)
        #expect(replaced["upstream_keys"]?["replaced"]?.integerValue == 1)
        #expect(try store.json("db", "import", "theirs.db")["users"]?["present"]?.integerValue == 2)
    }

    @Test func `what cannot be read changes nothing`() throws {
        let store = try StoreFolder()
        let before = try store.sqlite3(".dump")
        try store.folder.write("broken.json", "[{\"username\": \"ann\"")
        try store.folder.write("text", "sk-not-a-database")
        for (path, wanted) in [
            ("none.db", "No such file"), ("broken.json", "is not JSON"),
            ("text", "neither an SQLite database"),
            (".", "no users.json"), ("app.db", "a store of headgate's already"),
        ] {
            let said = try store.fail("db", "import", path)
            #expect(said.contains(wanted) && !said.contains("sk-not"), "\(said)")
        }
        #expect(try store.sqlite3(".dump") == before)
        _ = try store.fail("db", "import", code: 2)
        try makeSource(store.folder, hash: Self.hash)
        try store.folder.move("master.key", to: "elsewhere.key")
        #expect(try store.fail("db", "import", "theirs.db").contains("master.key is not there"))
        #expect(try store.sqlite3(".dump") == before)
    }
}
