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
        #expect(try secure.check() == ["upstream key 1 is not encrypted; setting it again encrypts it"])
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
}
