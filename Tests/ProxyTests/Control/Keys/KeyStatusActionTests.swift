// Covers BoundAction+UpstreamKeys.swift, KeyStatus.swift
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

/// S1-50: `action: key-status` tells, and changes nothing.
@Suite struct KeyStatusActionTests {
    private let scene: KeyScene
    private let action: BoundAction
    private let user: User

    init() throws {
        scene = try KeyScene()
        user = try scene.newUser()
        action = BoundAction(
            ActionConfig(
                kind: .keyStatus(upstream: "openrouter"), name: "key-status", store: "main"),
            errors: ErrorFormat(), store: scene.keeper, hashes: HashPool(threads: 1), keys: scene.chain())
    }

    private func status() throws -> JSONValue {
        let answer = try scene.act(action, "", by: user)
        #expect(answer.status == 200 && !answer.isStored)
        for key in [fileKey, databaseKey, KeyProvider.key(1)] {
            #expect(!answer.text.contains(key.suffix(6)))
        }
        return try #require(answer.body["api_key_status"])
    }

    @Test func `what is nowhere, or could be made, is no key, and none is made`() throws {
        let names = [
            "has_key", "source", "synced", "provider", "created_at", "updated_at", "last_validated",
        ]
        scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
        let told = try status()
        #expect(told.members?.map(\.key) == names)
        #expect(told["has_key"] == .bool(false) && told["source"] == .null && told["synced"] == .bool(false))
        #expect(told["provider"] == .string("openrouter") && told["created_at"] == .null)
        #expect(scene.provider.requests.isEmpty)
    }

    @Test func `a key of the file is told of, and not saved`() throws {
        scene.folder.write("key.txt", fileKey)
        for _ in 0..<2 {
            let told = try status()
            #expect(told["has_key"] == .bool(true) && told["source"] == .string("key.txt"))
            #expect(told["synced"] == .bool(false) && told["updated_at"] == .null)
        }
        #expect(try scene.stored(user) == nil)
    }

    @Test func `of a key in the database it is told since when`() throws {
        try scene.store(databaseKey, for: user)
        scene.folder.write("key.txt", fileKey)
        let told = try status()
        #expect(told["source"] == .string("database"))
        #expect(told["created_at"]?.text?.hasSuffix("Z") == true && told["updated_at"] == told["created_at"])
        #expect(told["last_validated"] == .null)
        #expect(scene.takeLines().isEmpty)
    }

    @Test func `who is no user is told nothing`() throws {
        #expect(try scene.act(action, "").status == 401)
    }
}
