import Testing

@testable import Config

@Suite struct StoreConfigTests {
    static func store(_ text: String) throws -> StoreConfig {
        try #require(
            try config("version: 1\nstores: { s: \(text) }\n", environment: ["K": "canary"]).stores.first)
    }

    @Test func `a path is all that a store needs`() throws {
        let store = try Self.store("data/a.db")
        #expect(
            store
                == StoreConfig(
                    name: "s", path: "data/a.db", encryptionKey: nil, storesPlain: false, userIDs: .uuid,
                    passwordCost: 10))
        #expect(try Self.store("{ sqlite: data/a.db }") == store)
    }

    @Test func `every key is read (C22, C26)`() throws {
        let store = try Self.store(
            "{ sqlite: a, encryption_key: { env: K }, user_ids: objectid, password_cost: 4 }")
        #expect(
            store.encryptionKey == .environment("K") && store.userIDs == .objectid && store.passwordCost == 4)
        #expect(try Self.store("{ sqlite: a, at_rest: plain }").storesPlain)
    }

    @Test func `keys of before stand beside the one of now`() throws {
        let hex = String(repeating: "0aF9", count: 16)
        #expect(
            try Self.store("{ sqlite: a, encryption_key: { env: K }, previous_encryption_keys: { file: o } }")
                .previousEncryptionKeys == [.file("o")])
        #expect(
            try Self.store(
                "{ sqlite: a, encryption_key: { env: K }, previous_encryption_keys: [{ file: o }, \(hex)] }"
            ).previousEncryptionKeys == [.file("o"), .literal(hex)])
        let bad = "version: 1\nstores: { s: { sqlite: a, previous_encryption_keys: { file: o } } }\n"
        #expect(read(bad).config == nil)
    }

    @Test func `a key in the file is 32 bytes in one of two spellings`() throws {
        let hex = String(repeating: "0aF9", count: 16)
        let base = String(repeating: "aB+/", count: 10) + "abA="
        for key in [hex, base, String(base.dropLast()), "'" + String(repeating: "1", count: 64) + "'"] {
            #expect(try Self.store("{ sqlite: a, encryption_key: \(key) }").encryptionKey != nil)
        }
        for key in ["''", "~", "short", hex + "0", String(hex.dropLast()) + "g", base + "=", "[\(hex)]"] {
            let text = "version: 1\nstores: { s: { sqlite: a, encryption_key: \(key) } }\n"
            #expect(read(text).config == nil, "\(key)")
        }
    }
}
