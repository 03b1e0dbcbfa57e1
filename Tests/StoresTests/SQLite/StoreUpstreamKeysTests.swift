// Covers Store+UpstreamKeys.swift
import Testing

@testable import Stores

private let master = MasterKey.generate()

private func sealed(_ key: Secret = master) throws -> Store.Options {
    Store.Options(atRest: .sealed(try MasterKey(key)))
}

@Suite struct StoreUpstreamKeysTests {
    /// C26, S3-03: nothing of it stands in the file.
    @Test func `a key is sealed in the file and opened by its owner and name alone`() throws {
        let test = try TestStore(try sealed())
        let (ann, ben) = (try test.user("ann"), try test.user("ben"))
        let key = Secret("sk-or-v1-canary-0123456789")
        _ = try test.store.setUpstreamKey(user: ann.id, name: "openai/gpt-4", key: key, source: "manual")
        #expect(try test.store.revealUpstreamKey(user: ann.id, name: "openai/gpt-4")?.text == key.text)
        // S3-21.
        #expect(try test.store.revealUpstreamKey(user: ben.id, name: "openai/gpt-4") == nil)
        #expect(try test.store.revealUpstreamKey(user: ann.id, name: "openai") == nil)
        for ending in ["", "-wal"] {
            let bytes = try readFile(test.path + ending, limitBytes: 10_000_000)
            #expect(!String(decoding: bytes, as: UTF8.self).contains("canary"))
        }
        #expect(try test.store.masterKeyIDs() == [try MasterKey(master).id])
        #expect(try test.store.check() == [])
        // Rows that were swapped by hand do not open.
        try test.query("UPDATE upstream_keys SET user_id = \(ben.id)")
        #expect(throws: StoreError.self) {
            try test.store.revealUpstreamKey(user: ben.id, name: "openai/gpt-4")
        }
        #expect(try test.store.check().count == 1)
    }

    /// S3-04, S3-22, S1-33.
    @Test func `setting again replaces: id and time of making stay`() throws {
        let test = try TestStore(Store.Options(atRest: .plain))
        let user = try test.user()
        func set(_ name: String, _ key: String, _ source: String) throws -> UpstreamKey {
            try test.store.setUpstreamKey(user: user.id, name: name, key: Secret(key), source: source)
        }
        let first = try set("openai/gpt-4", "a", "manual")
        let other = try set("default", "b", "key.txt")
        try test.query("UPDATE upstream_keys SET last_validated = 5")
        test.now += 30
        let second = try set("openai/gpt-4", "c", "environment")
        #expect(second.id == first.id && second.createdAt == first.createdAt)
        #expect(second.updatedAt == first.updatedAt + 30 && second.source == "environment")
        #expect(second.lastValidatedAt == nil, "the new one has not been tried")
        #expect(try test.store.upstreamKeys(user: user.id).map(\.id) == [first.id, other.id])
        #expect(try test.store.revealUpstreamKey(user: user.id, name: "openai/gpt-4")?.text == "c")
        #expect(try test.store.deleteUpstreamKey(user: user.id, name: "openai/gpt-4"))
        #expect(try !test.store.deleteUpstreamKey(user: user.id, name: "openai/gpt-4"))
        #expect(try test.store.upstreamKeys(user: user.id).map(\.name) == ["default"])
    }

    @Test func `without a master key nothing is stored, unless plain is written`() throws {
        let test = try TestStore()
        let user = try test.user()
        #expect {
            try test.store.setUpstreamKey(user: user.id, name: "x", key: Secret("canary"), source: "manual")
        } throws: { error in
            guard case .cannotSeal(let why) = error as? StoreError else { return false }
            return why.contains("encryption_key") && !why.contains("canary")
        }
        #expect(try test.store.upstreamKeys(user: user.id) == [])
        let plain = try test.other(Store.Options(atRest: .plain))
        _ = try plain.setUpstreamKey(user: user.id, name: "x", key: Secret("k"), source: "manual")
        #expect(try test.store.revealUpstreamKey(user: user.id, name: "x")?.text == "k")
    }

    @Test func `what was stored plain stays readable and is told, what is sealed needs its own key`() throws {
        let test = try TestStore(Store.Options(atRest: .plain))
        let user = try test.user()
        _ = try test.store.setUpstreamKey(user: user.id, name: "x", key: Secret("k"), source: "manual")
        let secure = try test.other(try sealed())
        #expect(try secure.revealUpstreamKey(user: user.id, name: "x")?.text == "k")
        #expect(
            try secure.check() == [
                "upstream key 1 is not encrypted; setting it again or `headgate key rotate-master` encrypts it"
            ])
        _ = try secure.setUpstreamKey(user: user.id, name: "x", key: Secret("k2"), source: "manual")
        #expect(try secure.check() == [])
        for wrong in [test.store, try test.other(try sealed(MasterKey.generate()))] {
            #expect {
                try wrong.revealUpstreamKey(user: user.id, name: "x")
            } throws: { error in
                guard case .cannotSeal = error as? StoreError else { return false }
                return true
            }
            #expect(try wrong.check().count == 1)
        }
    }

    @Test func `a key for nobody is refused`() throws {
        let test = try TestStore(Store.Options(atRest: .plain))
        #expect(throws: StoreError.notFound("such user")) {
            try test.store.setUpstreamKey(user: 9, name: "x", key: Secret("k"), source: "manual")
        }
    }

    /// S1-07, S3-21.
    @Test func `a shared key stands beside those of users, and everybody has one of each name`() throws {
        let test = try TestStore(try sealed())
        let (ann, ben) = (try test.user("ann"), try test.user("ben"))
        for (user, key) in [(nil, "all"), (ann.id, "ann's"), (ben.id, "ben's")] as [(Int64?, String)] {
            try test.store.setUpstreamKey(user: user, name: "x", key: Secret("old"), source: "manual")
            let set = try test.store.setUpstreamKey(
                user: user, name: "x", key: Secret(key), source: "key.txt")
            #expect(set.userID == user)
        }
        #expect(try test.store.revealUpstreamKey(user: nil, name: "x")?.text == "all")
        #expect(try test.store.revealUpstreamKey(user: ben.id, name: "x")?.text == "ben's")
        #expect(try test.store.upstreamKeys(user: nil).map(\.userID) == [nil])
        #expect(try test.store.upstreamKeys(user: ann.id).map(\.userID) == [ann.id])
        #expect(try test.store.allUpstreamKeys().map(\.userID) == [nil, ann.id, ben.id])
        #expect(try test.store.deleteUpstreamKey(user: nil, name: "x"))
        #expect(try !test.store.deleteUpstreamKey(user: nil, name: "x"))
        #expect(try test.store.allUpstreamKeys().map(\.userID) == [ann.id, ben.id])
    }

    /// S1-36.
    @Test func `all keys of one, all shared ones, and all there are go at once`() throws {
        let test = try TestStore(Store.Options(atRest: .plain))
        let (ann, ben) = (try test.user("ann"), try test.user("ben"))
        func fill() throws {
            for user in [nil, ann.id, ben.id] {
                for name in ["x", "y"] {
                    try test.store.setUpstreamKey(user: user, name: name, key: Secret("k"), source: "manual")
                }
            }
        }
        try fill()
        #expect(try test.store.deleteUpstreamKeys(user: ann.id) == 2)
        #expect(try test.store.allUpstreamKeys().map(\.userID) == [nil, nil, ben.id, ben.id])
        #expect(try test.store.deleteUpstreamKeys(user: nil) == 2)
        #expect(try test.store.allUpstreamKeys().map(\.userID) == [ben.id, ben.id])
        try fill()
        #expect(try test.store.deleteAllUpstreamKeys() == 6)
        #expect(try test.store.deleteAllUpstreamKeys() == 0)
        try fill()
        try test.store.deleteUser(ben.id)
        #expect(try test.store.allUpstreamKeys().map(\.userID) == [nil, nil, ann.id, ann.id])
    }

    /// C25.
    @Test func `of several names the first that there is a key by counts, whichever was made first`() throws {
        let test = try TestStore(try sealed())
        let ann = try test.user("ann")
        func set(_ user: Int64?, _ name: String) throws {
            try test.store.setUpstreamKey(user: user, name: name, key: Secret("\(name)!"), source: "manual")
        }
        for name in ["default", "openai", "openai/gpt"] { try set(ann.id, name) }
        try set(nil, "gpt")
        func found(_ user: Int64?, _ names: String...) throws -> String? {
            guard let (key, secret) = try test.store.upstreamKey(user: user, among: names) else { return nil }
            #expect(secret.text == "\(key.name)!" && key.userID == user)
            return key.name
        }
        #expect(try found(ann.id, "gpt", "openai/gpt", "openai", "default") == "openai/gpt")
        #expect(try found(ann.id, "openai", "openai/gpt") == "openai")
        #expect(try found(ann.id, "gpt", "other", "default") == "default")
        #expect(try found(nil, "gpt", "openai/gpt", "openai", "default") == "gpt")
        #expect(try found(ann.id, "gpt") == nil)
        #expect(try found(ann.id) == nil)
        #expect(try found(ann.id + 1, "openai") == nil)
        // What cannot be opened is not passed over in silence.
        try test.query("UPDATE upstream_keys SET key_encrypted = x'01' WHERE name = 'openai/gpt'")
        #expect(throws: StoreError.self) { try found(ann.id, "openai/gpt", "openai") }
    }

    /// S1-33.
    @Test func `that a key was accepted is noted, until it is set again`() throws {
        let test = try TestStore(Store.Options(atRest: .plain))
        let ann = try test.user("ann")
        for user in [nil, ann.id] {
            try test.store.setUpstreamKey(user: user, name: "x", key: Secret("k"), source: "manual")
        }
        test.now += 7
        #expect(try test.store.noteUpstreamKeyValidated(user: nil, name: "x"))
        #expect(try !test.store.noteUpstreamKeyValidated(user: nil, name: "y"))
        #expect(try test.store.allUpstreamKeys().map(\.lastValidatedAt) == [test.now, nil])
        #expect(try test.store.upstreamKeys(user: nil).map(\.updatedAt) == [test.now - 7])
        #expect(try test.store.noteUpstreamKeyValidated(user: ann.id, name: "x"))
        #expect(try test.store.upstreamKeys(user: ann.id).map(\.lastValidatedAt) == [test.now])
    }

    @Test(arguments: [
        "UPDATE upstream_keys SET user_id = 2, name = name || '2' WHERE user_id = 1",
        "UPDATE upstream_keys SET user_id = NULL, name = name || '2' WHERE user_id = 1",
        "UPDATE upstream_keys SET user_id = 1, name = name || '2' WHERE user_id IS NULL",
        "UPDATE upstream_keys SET name = 'other' WHERE user_id = 1",
    ])
    func `a sealed row that is given to another, or shared by hand, does not open`(sql: String) throws {
        let test = try TestStore(try sealed())
        let users = [nil, try test.user("ann").id, try test.user("ben").id]
        for user in users {
            try test.store.setUpstreamKey(user: user, name: "x", key: Secret("k"), source: "manual")
        }
        try test.query(sql)
        var failures = 0
        for key in try test.store.allUpstreamKeys() {
            do { _ = try test.store.revealUpstreamKey(user: key.userID, name: key.name) } catch {
                failures += 1
            }
        }
        #expect(failures == 1)
        #expect(try test.store.check().count == 1)
    }
}
