// Covers Store.swift, PrivateFile.swift
import CSQLite
import Glibc
import Testing

@testable import Stores

private func open(_ path: String) throws -> Store { try Store(opening: path, options: Store.Options()) }

/// Runs `body` as a user who is not root, on this thread alone, so that permissions count.
private func withoutPrivileges<Result>(_ body: () throws -> Result) rethrows -> Result {
    let nobody: uid_t = 65_534
    guard geteuid() == 0 else { return try body() }
    _ = NotImported.setfsuid(nobody)
    defer { _ = NotImported.setfsuid(0) }
    return try body()
}

@Suite struct StoreTests {
    @Test func `a new store is the owner's alone, with all that SQLite puts beside it`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/app.db"
        let mask = umask(0)
        defer { umask(mask) }
        #expect(try Store.prepare(path) == nil)
        let store = try open(path)
        _ = try store.createUser(NewUser(username: "ann"))
        for ending in ["", "-wal", "-shm"] { #expect(PrivateFile.mode(path + ending) == 0o600, "\(ending)") }
        #expect(try Store.prepare(path) == Store.schemaVersion)
        #expect(try store.users().count == 1)
        store.close()
        #expect(PrivateFile.mode(path + "-wal") == nil, "the last one tidies up")
    }

    @Test func `a file for a secret is the owner's alone, and overwrites nothing`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/master.key"
        #expect(try PrivateFile.create(path, holding: Secret("abc")))
        #expect(try !PrivateFile.create(path, holding: Secret("other")))
        #expect(try readFile(path, limitBytes: 10) == Array("abc\n".utf8))
        #expect(PrivateFile.mode(path) == 0o600)
        #expect(throws: StoreError.self) {
            try PrivateFile.create(folder.path + "/none/none/key", holding: Secret("abc"))
        }
        let made = folder.path + "/data/key"
        #expect(try PrivateFile.create(made, holding: Secret("abc")), "one folder is made along")
        #expect(PrivateFile.mode(folder.path + "/data") == 0o700 && PrivateFile.mode(made) == 0o600)
    }

    /// S3-05, S3-07.
    @Test func `the shell reads and backs up a store that is open`() throws {
        let test = try TestStore()
        _ = try test.user()
        #expect(try test.query("PRAGMA journal_mode; SELECT username FROM users") == ["wal", "ann"])
        let copy = test.folder.path + "/copy.db"
        try test.query(".backup \(copy)")
        test.store.close()
        #expect(try open(copy).users().map(\.username) == ["ann"])
        #expect(try test.other().users().map(\.username) == ["ann"])
    }

    @Test func `what is not there is missing`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/none.db"
        #expect(throws: StoreError.missing(path: path)) { try open(path) }
        #expect(PrivateFile.mode(path) == nil, "looking makes nothing")
        #expect(throws: StoreError.self) { try Store.prepare(folder.path + "/none/app.db") }
        #expect(throws: StoreError.self) { try Store.prepare(folder.path) }
        #expect(throws: StoreError.self) { try open(folder.path) }
        #expect(throws: StoreError.self) { try open("") }
    }

    @Test func `what SQLite keeps beside a file that is gone is not lost to a new one`() throws {
        for ending in ["-wal", "-shm", "-journal"] {
            let folder = TemporaryFolder()
            let path = folder.path + "/app.db"
            let beside = folder.write("app.db" + ending, "committed")
            let reason = "\(beside) is there without \(path): put the database back beside it, or remove it"
            #expect(throws: StoreError.failed(reason)) { try Store.prepare(path) }
            #expect(try readFile(beside, limitBytes: 100) == Array("committed".utf8))
            #expect(PrivateFile.mode(path) == nil)
            #expect(unlink(beside) == 0)
            #expect(try Store.prepare(path) == nil)
        }
    }

    @Test func `an empty file is a store that has to be made`() throws {
        let folder = TemporaryFolder()
        let path = folder.write("app.db", "")
        #expect(throws: StoreError.schemaTooOld(found: 0, known: Store.schemaVersion)) { try open(path) }
        #expect(try Store.prepare(path) == nil)
        #expect(try open(path).users() == [])
    }

    @Test func `garbage and somebody else's database are told apart, and stay as they are`() throws {
        let folder = TemporaryFolder()
        let text = String(repeating: "this is no database\n", count: 100)
        let garbage = folder.write("garbage.db", text)
        #expect(throws: StoreError.corrupt("it is not an SQLite file")) { try open(garbage) }
        #expect(throws: StoreError.corrupt("it is not an SQLite file")) { try Store.prepare(garbage) }
        #expect(try readFile(garbage, limitBytes: 10_000) == Array(text.utf8))
        let foreign = folder.path + "/foreign.db"
        try sqlite3(foreign, "CREATE TABLE users (id)")
        #expect(throws: StoreError.notAStore(path: foreign)) { try open(foreign) }
        #expect(throws: StoreError.notAStore(path: foreign)) { try Store.prepare(foreign) }
        #expect(
            try sqlite3(foreign, "SELECT name FROM sqlite_schema; PRAGMA journal_mode") == [
                "users", "delete",
            ])
    }

    @Test func `a store of another time is neither read nor changed`() throws {
        let test = try TestStore()
        let known = Store.schemaVersion
        try test.query("PRAGMA user_version = \(known + 1)")
        #expect(throws: StoreError.schemaTooNew(found: known + 1, known: known)) { try open(test.path) }
        #expect(throws: StoreError.schemaTooNew(found: known + 1, known: known)) {
            try Store.prepare(test.path)
        }
        try test.query("PRAGMA user_version = 0")
        #expect(throws: StoreError.schemaTooOld(found: 0, known: known)) { try open(test.path) }
    }

    @Test func `damaged pages are told as damage`() throws {
        let test = try TestStore()
        for number in 0..<50 { _ = try test.user("user \(number)") }
        let root = try test.query("SELECT rootpage FROM sqlite_schema WHERE name = 'users'").first
        let offset = (try #require(root.flatMap { Int($0) }) - 1) * 4096
        test.store.close()
        let descriptor = Glibc.open(test.path, O_WRONLY)
        let junk = [UInt8](repeating: 0xA5, count: 4096)
        #expect(pwrite(descriptor, junk, junk.count, offset) == junk.count)
        close(descriptor)
        let store = try open(test.path)
        #expect {
            try store.users()
        } throws: { error in
            guard case .corrupt = error as? StoreError else { return false }
            return true
        }
        #expect(try store.check().first?.hasPrefix("the file is damaged") == true)
    }

    @Test func `another process's lock is waited for, then told`() throws {
        let test = try TestStore()
        _ = try test.user()
        let shell = try Shell(["sqlite3", "-batch", test.path])
        shell.say("BEGIN IMMEDIATE; SELECT 'held';")
        #expect(shell.hear() == "held\n")
        let other = try test.other(Store.Options(busyTimeoutMilliseconds: 50))
        let clock = ContinuousClock()
        let waited = clock.measure {
            #expect(throws: StoreError.locked) { try other.setActive(1, false) }
        }
        #expect(waited >= .milliseconds(45))
        #expect(try other.users().first?.isActive == true, "reading goes on")
        shell.say("COMMIT;")
        #expect(shell.finish().code == 0)
        try other.setActive(1, false)
        #expect(try test.store.users().first?.isActive == false)
    }

    @Test func `a store that cannot be written can be read`() throws {
        let folder = TemporaryFolder()
        chmod(folder.path, 0o777)
        let path = folder.path + "/app.db"
        try Store.prepare(path)
        let user = try open(path).createUser(NewUser(username: "ann"))
        chmod(path, 0o444)
        try withoutPrivileges {
            let store = try open(path)
            #expect(try store.users() == [user])
            #expect(throws: StoreError.readOnly) { try store.setActive(user.id, false) }
            #expect(throws: StoreError.readOnly) {
                try Store(opening: path, options: .init()).deleteUser(user.id)
            }
            #expect(try store.keyChanges(since: nil).users == [user.id])
        }
    }

    @Test func `a store of somebody else's is not opened`() throws {
        let test = try TestStore()
        chmod(test.folder.path, 0o755)
        chmod(test.path, 0)
        withoutPrivileges {
            #expect(throws: StoreError.permissionDenied(path: test.path)) { try open(test.path) }
            let beside = test.folder.path + "/new.db"
            if geteuid() == 0 {
                #expect(throws: StoreError.permissionDenied(path: beside)) { try Store.prepare(beside) }
            }
        }
    }

    @Test func `a file that has no room fails, keeps what it holds and goes on when there is room`() throws {
        let test = try TestStore()
        let user = try test.user()
        test.store.close()
        let store = try test.other()
        let pages = try store.database.integer("PRAGMA page_count") ?? 0
        try store.database.script("PRAGMA max_page_count = \(pages)")
        let models = [String(repeating: "m", count: 100_000)]
        let new = NewClientKey(userID: user.id, name: "x", prefix: "hg_", models: models)
        #expect(throws: StoreError.diskFull) { try store.createKey(new) }
        #expect(try store.users() == [user])
        #expect(try store.keys(ofUser: nil) == [])
        #expect(try store.check() == [])
        try store.database.script("PRAGMA max_page_count = 100000")
        _ = try store.createKey(new)
        #expect(try store.keys(ofUser: nil).count == 1)
    }

    @Test func `a file that was replaced or removed is noticed`() throws {
        let test = try TestStore()
        _ = try test.store.foreignChanges()
        let other = test.folder.path + "/other.db"
        try Store.prepare(other)
        #expect(rename(other, test.path) == 0)
        #expect(throws: StoreError.failed("\(test.path) has been replaced by another file")) {
            try test.store.foreignChanges()
        }
        #expect(unlink(test.path) == 0)
        #expect(throws: StoreError.missing(path: test.path)) { try test.store.foreignChanges() }
    }

    @Test func `two that prepare at once make one store`() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/app.db"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { try Store.prepare(path) } }
            try await group.waitForAll()
        }
        #expect(try open(path).check() == [])
    }
}
