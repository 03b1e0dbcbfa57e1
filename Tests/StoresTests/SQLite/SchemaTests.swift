// Covers Schema.swift, Schema+UpstreamKeys.swift
import Testing

@testable import Stores

@Suite struct SchemaTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/app.db" }

    /// Prepares with the real migrations and some more.
    private func prepare(_ more: String...) throws -> Int? {
        try Store.prepare(path, by: Schema.migrations + more)
    }

    @Test func `a store is led from its schema to the newest, step by step, data and all`() throws {
        #expect(try prepare() == nil)
        try sqlite3(
            path, "INSERT INTO users (public_id, username, created_at, updated_at) VALUES ('a', 'ann', 1, 1)")
        let second = "ALTER TABLE users ADD COLUMN colour TEXT"
        let third = "UPDATE users SET colour = 'green'"
        #expect(try prepare(second, third) == Schema.migrations.count)
        #expect(try prepare(second, third) == Schema.migrations.count + 2)
        let seen = try sqlite3(
            path, "PRAGMA user_version; PRAGMA application_id; SELECT username, colour FROM users")
        #expect(seen == ["\(Schema.migrations.count + 2)", String(Schema.applicationID), "ann|green"])
    }

    /// What a released migration has made stands in files everywhere: only new ones may be added.
    @Test func `the migrations that were released are as they were`() {
        let released = ["8031b8960b962fb92f09a76d52ac603b961850a344493e3de37b11c2d698011c"]
        let found = Schema.migrations.prefix(released.count).map { lowercaseHex(sha256(Array($0.utf8))) }
        #expect(found == released)
    }

    @Test func `a store of the first schema keeps what it holds, and can hold usage`() throws {
        _ = try Store.prepare(path, by: [Schema.migrations[0]])
        try sqlite3(
            path,
            """
            INSERT INTO users (public_id, username, created_at, updated_at) VALUES ('a', 'ann', 1, 1);
            INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, created_at)
            VALUES ('k', 1, 'key', 'n', 'hg_', zeroblob(32), 1);
            """)
        #expect(throws: StoreError.schemaTooOld(found: 1, known: Store.schemaVersion)) {
            try Store(opening: path, options: Store.Options())
        }
        #expect(try Store.prepare(path) == 1)
        let store = try Store(opening: path, options: Store.Options())
        #expect(try store.check() == [])
        #expect(try store.users().map(\.username) == ["ann"])
        #expect(try store.keys(ofUser: 1).map(\.name) == ["n"])
        try store.addUsage([UsageSubject(day: 20_000, userID: 1): UsageSums(requests: 1)])
        #expect(try store.usage(by: .user, days: 0...30_000).map(\.username) == ["ann"])
    }

    /// A file of schema 2 with users, whose upstream keys are `rows`: id, user, name.
    private func prepareSecond(_ rows: String) throws {
        _ = try Store.prepare(path, by: Array(Schema.migrations.prefix(2)))
        try sqlite3(
            path,
            """
            PRAGMA foreign_keys = OFF;
            INSERT INTO users (public_id, username, created_at, updated_at) VALUES ('a', 'ann', 1, 1), ('b', 'ben', 1, 1);
            INSERT INTO upstream_keys (id, user_id, name, key_encrypted, source, created_at, updated_at, last_validated)
            SELECT column1, column2, column3, CAST('k' || column1 AS BLOB), 'key.txt', 5, 6, 7 FROM (VALUES \(rows));
            DELETE FROM upstream_keys WHERE name = 'gone';
            """)
    }

    @Test func `a store of the second schema keeps upstream keys, ids and all, and can share some`() throws {
        try prepareSecond("(3, 1, 'x'), (4, 2, 'x'), (9, 1, 'y'), (40, 1, 'gone')")
        #expect(try Store.prepare(path) == 2)
        let store = try Store(opening: path, options: Store.Options(atRest: .plain))
        #expect(try store.check() == [])
        let keys = try store.allUpstreamKeys()
        #expect(keys.map(\.id) == [3, 4, 9] && keys.map(\.userID) == [1, 2, 1])
        #expect(keys.map(\.name) == ["x", "x", "y"])
        #expect(keys.allSatisfy { $0.createdAt == 5 && $0.updatedAt == 6 && $0.lastValidatedAt == 7 })
        #expect(try store.revealUpstreamKey(user: 1, name: "y")?.text == "k9")
        let shared = try store.setUpstreamKey(user: nil, name: "x", key: Secret("s"), source: "manual")
        #expect(shared.id == 41, "no id is given twice")
        try store.deleteUser(1)
        #expect(try store.allUpstreamKeys().map(\.userID) == [2, nil])
    }

    @Test func `an upstream key that belonged to nobody does not keep a store from being led on`() throws {
        try prepareSecond("(1, 1, 'x'), (2, 77, 'x'), (3, 0, 'x')")
        #expect(try Store.prepare(path) == 2)
        let store = try Store(opening: path, options: Store.Options(atRest: .plain))
        #expect(try store.check() == [])
        #expect(try store.allUpstreamKeys().map(\.id) == [1])
    }

    @Test func `a migration that fails leaves what the ones before it made`() throws {
        _ = try prepare()
        let before = try sqlite3(path, ".schema")
        #expect(throws: StoreError.self) {
            try prepare("CREATE TABLE extra (a)", "CREATE TABLE half (a); nonsense")
        }
        #expect(try sqlite3(path, "PRAGMA user_version") == ["\(Schema.migrations.count + 1)"])
        let after = try sqlite3(path, ".schema")
        #expect(after.filter { !before.contains($0) } == ["CREATE TABLE extra (a);"])
    }

    /// S1-32, S1-34, S3-02, S3-03, S4-66.
    @Test func `the tables hold what the records say`() throws {
        _ = try prepare()
        func columns(_ table: String) throws -> Set<String> {
            Set(try sqlite3(path, "SELECT name FROM pragma_table_xinfo('\(table)')"))
        }
        let users = [
            "id", "username", "email", "telegram_id", "hashed_password", "is_active", "created_at",
            "updated_at",
        ]
        #expect(try columns("users").isSuperset(of: users))
        let keys = [
            "id", "digest", "user_id", "name", "rate_limit", "expires_at", "is_active", "usage_count",
            "last_used_at", "metadata",
        ]
        #expect(try columns("keys").isSuperset(of: keys))
        let upstreamKeys = [
            "id", "user_id", "name", "key_encrypted", "source", "created_at", "updated_at", "last_validated",
        ]
        #expect(try columns("upstream_keys").isSuperset(of: upstreamKeys))
        let usage = [
            "day", "auth", "caller", "key_id", "user_id", "model", "upstream", "requests", "failures",
            "input_tokens", "output_tokens", "cached_input_tokens", "nano_usd", "estimated",
        ]
        #expect(try columns("usage") == Set(usage))
        #expect(try columns("ledger") == ["measure", "subject", "state", "updated_at", "expires_at"])
    }

    private static let sharedKey = "NULL, 'x', x'00', NULL, 'manual', 1, 1, NULL"

    @Test(arguments: [
        "INSERT INTO users (public_id, created_at, updated_at) VALUES ('x', 1, 1)",
        "UPDATE users SET is_active = 2", "UPDATE users SET created_at = 'yesterday'",
        "UPDATE keys SET digest = 'short'", "UPDATE keys SET kind = 'other'",
        "UPDATE keys SET rate_limit = 0",
        "PRAGMA foreign_keys = ON; UPDATE keys SET user_id = 9",
        "UPDATE upstream_keys SET user_id = 0", "INSERT INTO upstream_keys SELECT 9, \(sharedKey)",
        "INSERT INTO upstream_keys SELECT 1, \(sharedKey)",
        "PRAGMA foreign_keys = ON; UPDATE upstream_keys SET user_id = 9",
        "UPDATE usage SET requests = -1", "UPDATE usage SET day = 'today'",
        "UPDATE ledger SET subject = x'00'", "UPDATE ledger SET state = NULL",
    ])
    func `by hand nothing is written that could not be read`(statement: String) throws {
        _ = try prepare()
        try sqlite3(
            path,
            """
            INSERT INTO users (public_id, username, created_at, updated_at) VALUES ('a', 'ann', 1, 1);
            INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, created_at)
            VALUES ('k', 1, 'key', 'n', 'hg_', zeroblob(32), 1);
            INSERT INTO upstream_keys SELECT 1, \(Self.sharedKey);
            INSERT INTO usage VALUES (1, '', '', 0, 0, '', '', 1, 0, 0, 0, 0, 0, 0);
            INSERT INTO ledger VALUES ('m', zeroblob(16), x'00', 1, 1);
            """)
        #expect(throws: ShellFailure.self) { try sqlite3(path, statement) }
    }
}
