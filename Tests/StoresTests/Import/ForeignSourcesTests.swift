// Covers ForeignDatabase.swift, ForeignFiles.swift, ImportedRecords.swift
import Glibc
import Testing

@testable import Stores

private func problem(_ path: String) -> String {
    do throws(ImportError) {
        _ = try ImportedRecords(path: path)
        return "none"
    } catch { return error.description }
}

private func database(_ folder: TemporaryFolder, _ sql: String) throws -> String {
    let path = folder.path + "/theirs.db"
    _ = try sqlite3(path, sql)
    return path
}

/// S3-02, S3-03
@Test func `tables are found by their columns, whatever they are called`() throws {
    let folder = TemporaryFolder()
    let path = try database(
        folder,
        """
        CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
        CREATE TABLE "the users" (ID INTEGER PRIMARY KEY, Username TEXT, email TEXT, password_hash TEXT,
            is_active BOOLEAN, created_at DATETIME);
        CREATE TABLE user_api_keys (id INTEGER PRIMARY KEY, user_id INTEGER, model_name TEXT, api_key TEXT,
            created_at TEXT, updated_at TEXT);
        INSERT INTO "the users" VALUES (7, 'ann', 'ann@example.com', '$2b$x', 1, '2025-11-26 10:30:00.5');
        INSERT INTO "the users" VALUES (8, 'bob', NULL, NULL, 0, NULL), (9, 'cy', '', 'h', 'false', 5);
        INSERT INTO user_api_keys VALUES (2, 7, 'gpt', 'new', NULL, '2025-02-01 00:00:00');
        INSERT INTO user_api_keys VALUES (1, 7, 'gpt', 'old', NULL, '2025-01-01 00:00:00');
        """)
    let records = try ImportedRecords(path: path)
    #expect(records.users.map(\.sourceID) == ["7", "8", "9"])
    #expect(records.users.map(\.username) == ["ann", "bob", "cy"])
    #expect(records.users.map(\.isActive) == [true, false, false])
    #expect(records.users.map(\.createdAt) == [1_764_153_000, nil, 5])
    #expect(records.users[0].email == "ann@example.com" && records.users[0].passwordHash == "$2b$x")
    #expect(records.upstreamKeys.map { $0.key.text } == ["old", "new"], "the last comes last")
    #expect(records.upstreamKeys.allSatisfy { $0.ownerID == "7" && $0.name == "gpt" })
    #expect(records.notes == [])
}

@Test func `a database of something else is refused with what it has`() throws {
    let folder = TemporaryFolder()
    let other = try database(folder, "CREATE TABLE books (id INTEGER, title TEXT)")
    #expect(
        problem(other).hasSuffix(
            "has no table with the columns id, username and hashed_password; its tables: books"))
    _ = try sqlite3(
        other,
        """
        CREATE TABLE a (id, username, password); CREATE TABLE b (id, username, hashed_password);
        """)
    #expect(problem(other).contains("several tables that may be its users: a, b"))
    let ours = try TestStore()
    #expect(problem(ours.path).contains("a store of headgate's already"))
    let withoutKeys = folder.path + "/users.db"
    _ = try sqlite3(
        withoutKeys, "CREATE TABLE users (id, username, password); INSERT INTO users VALUES (1, 'a', 'b')")
    #expect(try ImportedRecords(path: withoutKeys).notes.count == 1)
}

@Test func `what cannot be read is told, and no content is quoted`() throws {
    let folder = TemporaryFolder()
    let magic = "SQLite format 3\0"
    for (content, wanted) in [
        ("", "is empty"), (" \n", "is empty"),
        ("hello sk-secret-text", "neither an SQLite database nor JSON"),
        (magic + String(repeating: "sk-secret-text", count: 600), "theirs: "),
        ("[{\"username\": \"sk-secret-text\"", "is not JSON"), ("[1]", "record 1 is none"),
        ("{\"a\": 1}", "record 1 is none"), ("[{\"x\": \"sk-secret-text\"}]", "neither a user nor a key"),
        ("\0\0\0\0", "neither an SQLite database nor JSON"),
    ] {
        let path = folder.write("theirs", content)
        let text = problem(path)
        #expect(text.contains(wanted) && !text.contains("secret"), "\(content.prefix(20)): \(text)")
    }
    #expect(problem(folder.path + "/nothing").contains("No such file"))
    #expect(problem(folder.path).contains("there is no users.json in it"))
    #expect(problem("/dev/null").contains("neither a file nor a folder"))
}

/// S4-65, S4-66
@Test func `records stand in a list or below their ids`() throws {
    let folder = TemporaryFolder()
    folder.write(
        "users.json",
        """
        [{"id": "u1", "username": "ann", "telegram_id": 123, "is_active": true, "metadata": {},
          "created_at": "2025-11-26T10:30:00+00:00"},
         {"_id": {"$oid": "0123456789abcdef01234567"}, "username": "bob", "telegram_id": 0,
          "created_at": {"$date": "2025-11-26T10:30:00Z"}}]
        """)
    folder.write(
        "api_keys.json",
        """
        {"k1": {"key": "ws_one", "user_id": "u1", "name": null, "rate_limit": 60, "expires_at": null,
                "is_active": false, "usage_count": 5, "last_used_at": 1764153000.25, "metadata": {"a": [1]}},
         "ws_two": {"user_id": "u1", "expires_at": "soon"}}
        """)
    folder.write("rate_limits.json", "broken, and not looked at")
    let records = try ImportedRecords(path: folder.path)
    #expect(records.users.map(\.sourceID) == ["u1", "0123456789abcdef01234567"])
    #expect(records.users.map(\.telegramID) == ["123", nil])
    #expect(records.users.map(\.createdAt) == [1_764_153_000, 1_764_153_000])
    #expect(records.clientKeys.map { $0.key.text } == ["ws_one", "ws_two"])
    let (first, second) = (records.clientKeys[0], records.clientKeys[1])
    #expect(
        first.sourceID == "k1" && first.requestsPerMinute == 60 && first.isActive == false
            && first.usageCount == 5)
    #expect(first.lastUsedAt == 1_764_153_000 && first.expiry == .never && first.metadata == "{\"a\":[1]}")
    #expect(second.isActive == true && second.expiry == .unreadable, "never good for ever by mistake")
    #expect(records.notes.count == 1 && records.notes[0].hasPrefix("rate_limits.json is left out"))
    #expect(try ImportedRecords(path: folder.path + "/api_keys.json").clientKeys.count == 2)
}

@Test func `a file of a running program is read as of its last commit, and left as it is`() throws {
    let folder = TemporaryFolder()
    let path = try database(
        folder, "PRAGMA journal_mode = WAL; CREATE TABLE users (id, username, password);")
    let other = try Database(path: path, busyTimeoutMilliseconds: 100)
    defer { other.close() }
    try other.run("INSERT INTO users VALUES (1, 'ann', 'h')")
    let before = try readFile(path, limitBytes: 1 << 20)
    try other.script("BEGIN IMMEDIATE")
    try other.run("INSERT INTO users VALUES (2, 'bob', 'h')")
    #expect(try ImportedRecords(path: path).users.map(\.username) == ["ann"])
    try other.script("COMMIT")
    #expect(try ImportedRecords(path: path).users.count == 2)
    #expect(try readFile(path, limitBytes: 1 << 20) == before)
}

@Test func `a file that nobody has open is read with nothing made beside it`() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/a%20?b#c.db"
    _ = try sqlite3(
        path,
        """
        PRAGMA journal_mode = WAL; CREATE TABLE users (id, username, password);
        INSERT INTO users VALUES (1, 'ann', 'h')
        """)
    let link = folder.path + "/link.db"
    #expect(symlink(path, link) == 0)
    for name in [path, link] {
        #expect(try ImportedRecords(path: name).users.map(\.username) == ["ann"])
        for ending in ["-wal", "-shm"] { #expect(PrivateFile.mode(path + ending) == nil, "\(ending)") }
    }
}

@Test func `the newest of several keys comes last, by when it was changed or made`() throws {
    let users = "CREATE TABLE users (id, username, password); CREATE TABLE k "
    for (sql, wanted) in [
        (
            """
            (id, user_id, model, api_key, created_at, updated_at);
            INSERT INTO k VALUES (1, 1, 'gpt', 'new', '2025-03-01', NULL),
                (2, 1, 'gpt', 'old', '2025-01-01', '2025-02-01'), (3, 1, 'gpt', 'older', NULL, NULL)
            """, ["older", "old", "new"]
        ),
        (
            """
            (id, user_id, model, api_key, created_at);
            INSERT INTO k VALUES (9, 1, 'gpt', 'new', 5), (8, 1, 'gpt', 'old', 5), (10, 1, 'gpt', 'older', 4)
            """, ["older", "old", "new"]
        ),
        (
            "(id, user_id, model, api_key); INSERT INTO k VALUES (2, 1, 'gpt', 'b'), (1, 1, 'gpt', 'a')",
            ["a", "b"]
        ),
        ("(user_id, model, api_key); INSERT INTO k VALUES (1, 'gpt', 'a')", ["a"]),
    ] as [(String, [String])] {
        let folder = TemporaryFolder()
        let path = try database(folder, users + sql)
        #expect(try ImportedRecords(path: path).upstreamKeys.map { $0.key.text } == wanted, "\(sql)")
    }
}

@Test func `only what says that it is active is active`() throws {
    let folder = TemporaryFolder()
    let path = try database(
        folder,
        """
        CREATE TABLE users (id INTEGER, username, password, is_active);
        INSERT INTO users VALUES (1, 'a', '', 1), (2, 'b', '', NULL), (3, 'c', '', 1.0), (4, 'd', '', 0.0),
            (5, 'e', '', x'01');
        """)
    #expect(try ImportedRecords(path: path).users.map(\.isActive) == [true, nil, true, false, false])
    let file = folder.write(
        "keys.json",
        """
        [{"key": "k1", "user_id": 1}, {"key": "k2", "user_id": 1, "is_active": null},
         {"key": "k3", "user_id": 1, "is_active": 1.0, "rate_limit": 59.5},
         {"key": "k4", "user_id": 1, "is_active": {}, "rate_limit": 1e30}]
        """)
    let keys = try ImportedRecords(path: file).clientKeys
    #expect(keys.map(\.isActive) == [true, nil, true, false])
    #expect(keys.map(\.requestsPerMinute) == [nil, nil, 60, Int64.max])
}

@Test func `a record below a key is a key, whatever it says of its user`() throws {
    let folder = TemporaryFolder()
    let key = "ws_" + String(repeating: "k", count: 32)
    let mark = "\u{FEFF}"
    let file = folder.write(
        "keys.json",
        """
        \(mark){"\(key)": {"user_id": "u1", "username": "ann"},
         "k2": {"key": "\(key)2", "user_id": "u1", "username": "ann"},
         "0a1b2c3d-0000-4000-8000-00000000abcd": {"user_id": "u2", "username": "bob"},
         "user_0123456789abcdef": {"user_id": "user_0123456789abcdef", "username": "cy"},
         "somebody_with_a_long_name": {"user_id": 7, "username": "somebody_with_a_long_name"}}
        """)
    let records = try ImportedRecords(path: file)
    #expect(records.clientKeys.map { $0.key.text } == [key, key + "2"])
    #expect(records.clientKeys.allSatisfy { $0.ownerID == "u1" })
    #expect(records.users.map(\.username) == ["bob", "cy", "somebody_with_a_long_name"])
}
