// Covers Store+KeyChanges.swift
import Testing

@testable import Stores

/// What a reader of changes knows after each call.
private struct Reader {
    let store: Store
    var version: Int64?
    var keys: [[UInt8]: KeyRow] = [:]

    init(_ store: Store) { self.store = store }

    mutating func read() throws -> KeyChanges {
        let changes = try store.keyChanges(since: version)
        if changes.isComplete { keys = [:] }
        for digest in changes.removed { keys[digest] = nil }
        for row in changes.changed { keys[row.digest] = row }
        version = changes.version
        return changes
    }

    /// Whether it knows what somebody who reads everything knows.
    func isUpToDate() throws -> Bool {
        let all = try store.keyChanges(since: nil)
        return Dictionary(uniqueKeysWithValues: all.changed.map { ($0.digest, $0) }) == keys
    }
}

@Suite struct StoreKeyChangesTests {
    @Test func `the first look shows everything, the next one nothing`() throws {
        let test = try TestStore()
        let user = try test.user()
        let (key, credential) = try test.store.createKey(
            NewClientKey(
                userID: user.id, kind: .session, name: "app", prefix: "hg_", expiresAt: 9,
                requestsPerMinute: 4,
                models: ["m"]))
        let first = try test.store.keyChanges(since: nil)
        #expect(first.isComplete)
        #expect(first.users == [user.id])
        #expect(
            first.changed == [
                KeyRow(
                    id: key.id, userID: user.id, kind: .session, digest: sha256(credential.reveal()),
                    label: "ann/app", expiresAt: 9, revokedAt: nil, isUserActive: true, requestsPerMinute: 4,
                    models: ["m"])
            ])
        let next = try test.store.keyChanges(since: first.version)
        #expect(
            next
                == KeyChanges(version: first.version, changed: [], removed: [], users: [], isComplete: false))
    }

    @Test func `an empty store is followed from its first key on`() throws {
        let test = try TestStore()
        var reader = Reader(test.store)
        #expect(try reader.read().isComplete)
        _ = try test.key(try test.user())
        #expect(try !reader.read().isComplete)
        #expect(reader.keys.count == 1)
    }

    @Test func `each change is told alone, whoever made it`() throws {
        let test = try TestStore()
        let user = try test.user()
        let key = try test.key(user).key
        _ = try test.key(user, "other")
        var reader = Reader(test.store)
        _ = try reader.read()
        // Each makes one change to the key `app` or to its user.
        let edits: [() throws -> Void] = [
            { try test.store.revokeKey(key.id, at: 77) },
            { try test.other().revokeKey(key.id, at: 66) },
            { try test.query("UPDATE keys SET rate_limit = 5 WHERE id = \(key.id)") },
            { try test.query("UPDATE keys SET models = 'a' || char(10) || 'b' WHERE id = \(key.id)") },
            { try test.query("UPDATE keys SET name = 'new' WHERE id = \(key.id)") },
        ]
        for (index, edit) in edits.enumerated() {
            try edit()
            let changes = try reader.read()
            #expect(changes.changed.map(\.id) == [key.id], "\(index)")
            #expect(!changes.isComplete && changes.users == [] && changes.removed == [], "\(index)")
            #expect(try reader.isUpToDate(), "\(index)")
        }
        #expect(reader.keys.values.first { $0.id == key.id }?.models == ["a", "b"])
    }

    /// S3-06.
    @Test func `a user who is disabled or renamed changes with all keys`() throws {
        let test = try TestStore()
        let user = try test.user()
        let ids = Set([try test.key(user, "a").key.id, try test.key(user, "b").key.id])
        _ = try test.key(try test.user("ben"))
        var reader = Reader(test.store)
        _ = try reader.read()
        try test.store.setActive(user.id, false)
        let disabled = try reader.read()
        #expect(disabled.users == [user.id])
        #expect(Set(disabled.changed.map(\.id)) == ids)
        #expect(disabled.changed.allSatisfy { !$0.isUserActive })
        try test.query("UPDATE users SET username = 'cat' WHERE id = \(user.id)")
        #expect(Set(try reader.read().changed.map(\.label)) == ["cat/a", "cat/b"])
        #expect(try reader.isUpToDate())
    }

    @Test(arguments: [true, false])
    func `a user who is deleted leaves no key, even where the shell enforces nothing`(byShell: Bool) throws {
        let test = try TestStore()
        let user = try test.user()
        let (_, first) = try test.key(user)
        let (_, second) = try test.key(user, "b")
        var reader = Reader(test.store)
        _ = try reader.read()
        if byShell {
            try test.query("PRAGMA foreign_keys = OFF; DELETE FROM users")
        } else {
            try test.store.deleteUser(user.id)
        }
        let changes = try reader.read()
        #expect(changes.users == [user.id])
        #expect(Set(changes.removed) == [sha256(first.reveal()), sha256(second.reveal())])
        #expect(reader.keys.isEmpty)
        #expect(try test.store.check() == [])
    }

    @Test func `a digest that goes and comes back is not gone`() throws {
        let test = try TestStore()
        let key = try test.key(try test.user()).key
        var reader = Reader(test.store)
        _ = try reader.read()
        try test.query(
            """
            CREATE TEMP TABLE kept AS SELECT digest FROM keys;
            UPDATE keys SET digest = zeroblob(32); UPDATE keys SET digest = (SELECT digest FROM kept);
            """)
        let changes = try reader.read()
        #expect(changes.changed.map(\.id) == [key.id])
        #expect(changes.removed == [[UInt8](repeating: 0, count: 32)])
        #expect(try reader.isUpToDate())
    }

    /// Takes the place of the key of ann, whose id is 1 and whose public id is `'PID'`.
    static let replacements = [
        """
        REPLACE INTO keys (id, public_id, user_id, kind, name, shown_prefix, digest, created_at)
        SELECT id, public_id, user_id, kind, name, shown_prefix, zeroblob(32), 1 FROM keys WHERE id = 1
        """,
        """
        INSERT OR REPLACE INTO keys (public_id, user_id, kind, name, shown_prefix, digest, created_at)
        VALUES ('PID', 2, 'key', 'n', 'p', zeroblob(32), 1)
        """,
        "UPDATE OR REPLACE keys SET public_id = 'PID' WHERE id = 2",
        "UPDATE OR REPLACE keys SET id = 1 WHERE id = 2",
        "UPDATE keys SET user_id = 999 WHERE id = 1",
        """
        INSERT OR REPLACE INTO users (public_id, username, created_at, updated_at)
        VALUES ('new', 'ann', 1, 1), ('newer', 'cat', 1, 1)
        """,
        "REPLACE INTO users (public_id, email, created_at, updated_at) VALUES ('new', 'ANN@x.org', 1, 1)",
        "REPLACE INTO users (public_id, telegram_id, created_at, updated_at) VALUES ('new', '7', 1, 1)",
        "UPDATE OR REPLACE users SET username = 'ann' WHERE username = 'ben'",
        "UPDATE OR REPLACE users SET email = 'ann@x.org', updated_at = 5 WHERE username = 'ben'",
    ]

    @Test(arguments: replacements, ["OFF", "ON"])
    func `what is replaced, or belongs to nobody any more, is gone`(sql: String, foreignKeys: String) throws {
        let test = try TestStore()
        let ann = try test.store.createUser(
            NewUser(username: "ann", email: "ann@x.org", telegramID: "7"))
        let (key, credential) = try test.key(ann)
        let (_, other) = try test.key(try test.user("ben"))
        var reader = Reader(test.store)
        _ = try reader.read()
        let statement = sql.replacing("PID", with: key.publicID)
        if foreignKeys == "ON", sql.contains("user_id = 999") { return }
        try test.query("PRAGMA foreign_keys = \(foreignKeys); \(statement)")
        let changes = try reader.read()
        #expect(!changes.isComplete)
        #expect(reader.keys[sha256(credential.reveal())] == nil)
        #expect(reader.keys[sha256(other.reveal())] != nil || sql.contains("UPDATE OR REPLACE keys"))
        #expect(try reader.isUpToDate())
        #expect(try test.store.check() == [] || sql.contains("user_id = 999"))
    }

    @Test func `a user who is replaced under the same id keeps the keys that the file keeps`() throws {
        let test = try TestStore()
        _ = try test.key(try test.user())
        var reader = Reader(test.store)
        _ = try reader.read()
        try test.query(
            """
            PRAGMA foreign_keys = OFF;
            REPLACE INTO users SELECT id, public_id, username, email, telegram_id, NULL, 0, 1, 1 FROM users
            """)
        _ = try reader.read()
        #expect(reader.keys.values.map(\.isUserActive) == [false])
        #expect(try reader.isUpToDate())
    }

    @Test(arguments: [
        "INSERT OR IGNORE INTO users (public_id, username, created_at, updated_at) VALUES ('n', 'ann', 1, 1)",
        """
        INSERT INTO users (public_id, username, created_at, updated_at) VALUES ('n', 'ann', 1, 1)
        ON CONFLICT DO UPDATE SET updated_at = 9
        """,
        "UPDATE OR IGNORE users SET username = 'ann' WHERE username = 'ben'",
        "UPDATE users SET id = id, public_id = public_id, username = username",
        "UPDATE OR IGNORE keys SET id = 1 WHERE id = 2",
    ])
    func `a statement that replaces nothing takes nothing away`(sql: String) throws {
        let test = try TestStore()
        _ = try test.key(try test.user())
        _ = try test.key(try test.user("ben"))
        var reader = Reader(test.store)
        _ = try reader.read()
        try test.query("PRAGMA foreign_keys = OFF; \(sql)")
        #expect(try reader.read().removed == [])
        #expect(reader.keys.count == 2)
        #expect(try reader.isUpToDate())
    }

    @Test func `the id of a user, by which keys are sealed and tokens are held, never changes`() throws {
        let test = try TestStore()
        _ = try test.key(try test.user())
        #expect(throws: ShellFailure.self) { try test.query("UPDATE users SET id = 50") }
        #expect(try test.query("SELECT id FROM users") == ["1"])
    }

    /// Ann is 1, ben is 2; both and everybody have an upstream key `x`.
    private func withUpstreamKeys() throws -> TestStore {
        let test = try TestStore(Store.Options(atRest: .plain))
        for user in [try test.user("ann").id, try test.user("ben").id, nil] {
            try test.store.setUpstreamKey(user: user, name: "x", key: Secret("k"), source: "manual")
        }
        return test
    }

    static let upstreamKeyEdits: [(sql: String, users: Set<Int64>)] = [
        ("UPDATE upstream_keys SET key_encrypted = x'00' WHERE user_id = 1", [1]),
        ("UPDATE upstream_keys SET key_encrypted = x'00' WHERE user_id IS NULL", [0]),
        ("UPDATE upstream_keys SET name = 'y' WHERE user_id = 1", [1]),
        ("UPDATE upstream_keys SET name = 'y', user_id = NULL WHERE user_id = 1", [0, 1]),
        ("UPDATE upstream_keys SET name = 'y', user_id = 2 WHERE user_id IS NULL", [0, 2]),
        ("DELETE FROM upstream_keys WHERE user_id IS NULL", [0]),
        ("DELETE FROM upstream_keys", [0, 1, 2]),
        ("DELETE FROM users WHERE id = 1", [1]),
        (
            "REPLACE INTO upstream_keys SELECT id, 1, 'y', x'00', NULL, '', 1, 1, 1 FROM upstream_keys WHERE id = 2",
            [1, 2]
        ),
        ("REPLACE INTO upstream_keys SELECT NULL, NULL, 'x', x'00', NULL, '', 1, 1, 1", [0]),
        ("UPDATE OR REPLACE upstream_keys SET id = 2 WHERE user_id = 1", [1, 2]),
        ("UPDATE OR REPLACE upstream_keys SET user_id = 2 WHERE user_id = 1", [1, 2]),
    ]

    @Test(arguments: upstreamKeyEdits, ["OFF", "ON"])
    func `whose upstream keys have changed is told, 0 for the shared ones`(
        edit: (sql: String, users: Set<Int64>), foreignKeys: String
    ) throws {
        let test = try withUpstreamKeys()
        let version = try test.store.keyChanges(since: nil).version
        try test.query("PRAGMA foreign_keys = \(foreignKeys); \(edit.sql)")
        let changes = try test.store.keyChanges(since: version)
        #expect(Set(changes.users) == edit.users && !changes.isComplete)
        #expect(changes.changed == [] && changes.removed == [])
    }

    @Test func `that an upstream key was accepted is no change`() throws {
        let test = try withUpstreamKeys()
        let version = try test.store.keyChanges(since: nil).version
        #expect(try test.store.noteUpstreamKeyValidated(user: 1, name: "x"))
        #expect(try test.store.noteUpstreamKeyValidated(user: nil, name: "x"))
        #expect(try test.store.keyChanges(since: version).version == version)
    }

    /// Each key that goes is a change of its own, more than are looked back on.
    @Test(arguments: [
        "REPLACE INTO users (public_id, username, created_at, updated_at) VALUES ('new', 'ann', 1, 1)",
        "UPDATE OR REPLACE users SET username = 'ann' WHERE username = 'ben'",
    ])
    func `a user who is replaced leaves no key of either kind, however many`(sql: String) throws {
        let test = try withUpstreamKeys()
        let ann = try #require(try test.store.user(.username("ann")))
        for number in 0..<20 {
            _ = try test.key(ann, "key \(number)")
            try test.store.setUpstreamKey(
                user: ann.id, name: "key \(number)", key: Secret("k"), source: "manual")
        }
        var reader = Reader(test.store)
        _ = try reader.read()
        try test.query("PRAGMA foreign_keys = OFF; \(sql)")
        _ = try reader.read()
        #expect(reader.keys.isEmpty)
        #expect(try test.store.allUpstreamKeys().map(\.userID) == [2, nil])
        #expect(try test.store.check() == [])
    }

    @Test func `uses are no change`() throws {
        let test = try TestStore()
        let key = try test.key(try test.user()).key
        let version = try test.store.keyChanges(since: nil).version
        try test.store.recordUses([(key.id, 1, 1)])
        #expect(try test.store.keyChanges(since: version).version == version)
    }

    @Test func `whoever has missed too much, or comes from the future, is told everything`() throws {
        let test = try TestStore()
        let user = try test.user()
        _ = try test.key(user)
        let version = try test.store.keyChanges(since: nil).version
        #expect(try test.store.keyChanges(since: version + 1).isComplete)
        // Each statement changes the one user.
        try test.store.transaction { () throws(StoreError) in
            for _ in 0..<10_000 { try test.store.setActive(user.id, true) }
        }
        let kept = try test.store.keyChanges(since: version)
        #expect(!kept.isComplete && kept.users == [user.id] && kept.changed.count == 1)
        try test.store.setActive(user.id, true)
        let lost = try test.store.keyChanges(since: version)
        #expect(lost.isComplete && lost.version == version + 10_001)
        #expect(try test.query("SELECT count(*) FROM changes") == ["10000"], "the log is bounded")
    }

    @Test func `other connections show in the number of foreign changes`() throws {
        let test = try TestStore()
        let user = try test.user()
        let before = try test.store.foreignChanges()
        _ = try test.key(user)
        #expect(try test.store.foreignChanges() == before, "one's own commits do not")
        try test.other().setActive(user.id, false)
        let after = try test.store.foreignChanges()
        #expect(after != before)
        try test.query("UPDATE users SET is_active = 1")
        #expect(try test.store.foreignChanges() != after)
    }

    @Test func `a hundred thousand keys are read at once in well under a second, a change in no time`() throws
    {
        let test = try TestStore()
        let user = try test.user()
        try test.query(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
            INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, created_at)
            SELECT i, \(user.id), 'key', 'key ' || i, 'hg_' || i,
                CAST(printf('%032d', i) AS BLOB), 1800000000 FROM n
            """)
        let clock = ContinuousClock()
        var version: Int64 = 0
        let whole = try clock.measure {
            let changes = try test.store.keyChanges(since: nil)
            #expect(changes.changed.count == 100_000)
            version = changes.version
        }
        // Why so much: this is a debug build, perhaps with a sanitizer, on a busy machine. It takes 0.2 s.
        #expect(whole < .seconds(3))
        try test.store.revokeKey(500)
        let one = try clock.measure {
            let changes = try test.store.keyChanges(since: version)
            #expect(changes.changed.map(\.id) == [500])
        }
        #expect(one < .milliseconds(100))
    }
}
