// Covers Store+Care.swift
import Glibc
import Testing

@testable import Stores

@Suite struct StoreCareTests {
    @Test func `a good store has nothing wrong with it`() throws {
        let test = try TestStore(Store.Options(atRest: .plain))
        let user = try test.user()
        _ = try test.key(user)
        _ = try test.store.setUpstreamKey(user: user.id, name: "gpt", key: Secret("k"), source: "manual")
        #expect(try test.store.check() == [])
        try test.query("CREATE INDEX by_name ON keys (name); CREATE VIEW names AS SELECT name FROM keys")
        #expect(try test.store.check() == [], "what somebody added is no fault")
    }

    @Test func `a changed schema, stray rows and open files are told`() throws {
        let test = try TestStore()
        _ = try test.key(try test.user())
        let digest = "CAST('0123456789abcdef0123456789abcdef' AS BLOB)"
        try test.query(
            """
            DROP TRIGGER keys_inserted; DROP INDEX keys_by_user; ALTER TABLE users ADD COLUMN shoe_size TEXT;
            PRAGMA foreign_keys = OFF;
            INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, created_at)
            VALUES ('k', 99, 'key', 'n', 'hg_', \(digest), 1);
            """)
        chmod(test.path, 0o644)
        #expect(
            Set(try test.store.check()) == [
                "row 2 of keys belongs to nobody in users", "index keys_by_user is missing",
                "trigger keys_inserted is missing", "table users has been changed",
                "\(test.path) can be reached by others (mode 644); `chmod 600` it",
            ])
        #expect(try test.store.keyChanges(since: nil).changed.map(\.id) == [1], "a stray key lets nobody in")
    }

    @Test func `a backup is whole and private, made while another process writes`() throws {
        let test = try TestStore()
        let user = try test.user()
        _ = try test.key(user)
        let shell = try Shell(["sqlite3", "-batch", test.path])
        shell.say("BEGIN IMMEDIATE; DELETE FROM keys; SELECT 'held';")
        #expect(shell.hear() == "held\n")
        let copy = test.folder.path + "/copy.db"
        let mask = umask(0)
        defer { umask(mask) }
        try test.store.backUp(to: copy)
        shell.say("COMMIT;")
        #expect(shell.finish().code == 0)
        #expect(PrivateFile.mode(copy) == 0o600)
        let restored = try Store(opening: copy, options: Store.Options())
        #expect(try restored.users() == [user])
        #expect(try restored.keys(ofUser: nil).count == 1)
        #expect(try restored.check() == [])
        #expect(try test.store.keys(ofUser: nil) == [])
    }

    @Test func `a backup overwrites nothing and leaves nothing half done`() throws {
        let test = try TestStore()
        let taken = test.folder.write("taken", "something")
        for target in [taken, test.path, test.folder.path] {
            #expect(throws: StoreError.failed("\(target) is there already")) {
                try test.store.backUp(to: target)
            }
        }
        #expect(try readFile(taken, limitBytes: 100) == Array("something".utf8))
        #expect(throws: StoreError.self) { try test.store.backUp(to: test.folder.path + "/none/copy") }
        var names: [String] = []
        let folder = try #require(opendir(test.folder.path))
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        #expect(Set(names).isSubset(of: [".", "..", "taken", "app.db", "app.db-wal", "app.db-shm"]))
    }
}
