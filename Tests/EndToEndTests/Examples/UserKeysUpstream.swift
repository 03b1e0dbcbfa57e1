import Testing

@testable import CLI

/// The keys that users of `examples/userkeys.yaml` store: whose they are, and what goes upstream.
@Suite(.scenario) struct UserKeysUpstream {
    /// S3-23, C25: the exact model, the provider's model, the provider, `default`.
    @Test func `the key that fits a model best goes upstream`() throws {
        let scene = try UserKeys()
        let token = try scene.register("ann")
        let none = try scene.chat("gpt-4", token)
        #expect(none.status == 403, "there is no key yet: \(none.text)")
        #expect(scene.passed.isEmpty)
        let names = ["default", "openai", "openai/gpt-4", "gpt-4"]
        for name in names {
            #expect(try scene.set("sk-for-\(name)", for: name, token).status == 200)
            #expect(try scene.chat("gpt-4", token).status == 200)
            #expect(scene.keysPassed.last == "sk-for-\(name)")
        }
        #expect(try scene.chat("gpt-5-mini", token).status == 200)
        #expect(scene.keysPassed.last == "sk-for-openai", "by the provider's name")
        #expect(try scene.chat("openai/gpt-4", token).status == 200)
        #expect(try scene.passed.last?.json()["model"] == "gpt-4")
        for name in names.reversed() {
            #expect(scene.keysPassed.contains("sk-for-\(name)"))
            let path = name.replacing("/", with: "%2F")
            #expect(try scene.delete(path, token).status == 200)
        }
        #expect(try scene.chat("gpt-4", token).status == 403)
        let text = scene.passed.map { "\($0.fields)" }.joined()
        #expect(!text.contains(token))
    }

    /// S3-04: the id stays, the time moves, and the new key is the one that is used.
    @Test func `setting a key again replaces it`() throws {
        let scene = try UserKeys()
        let token = try scene.register("ann")
        let first = try scene.set("sk-first", for: "openai", token).json()
        _ = try scene.sqlite3("UPDATE upstream_keys SET created_at = 1000, updated_at = 1000")
        let second = try scene.set("sk-second", for: "openai", token).json()
        #expect(first["id"] == second["id"])
        #expect(second["created_at"] == "1970-01-01T00:16:40Z")
        let row = try scene.sqlite3(
            "SELECT count(*), min(created_at), min(updated_at) > 1000 FROM upstream_keys")
        #expect(row == "1|1000|1\n")
        #expect(try scene.chat("gpt-4", token).status == 200)
        #expect(scene.keysPassed == ["sk-second"])
        #expect(try scene.names(token) == ["openai"])
    }

    /// S3-21, S3-22: neither seen, nor deleted, nor used.
    @Test func `users do not reach each other's keys`() throws {
        let scene = try UserKeys()
        let (ann, ben) = (try scene.register("ann"), try scene.register("ben"))
        for name in ["openai", "openai/gpt-4", "a b?c"] {
            #expect(try scene.set("sk-of-ann", for: name, ann).status == 200)
        }
        #expect(try scene.set("sk-of-ben", for: "openai", ben).status == 200)
        #expect(try scene.names(ben) == ["openai"])
        #expect(try scene.delete("openai%2Fgpt-4", ben).status == 404)
        #expect(try scene.delete("openai", ben).status == 200)
        #expect(try scene.chat("gpt-4", ben).status == 403)
        #expect(try Set(scene.names(ann)) == ["openai", "openai/gpt-4", "a b?c"])
        #expect(try scene.chat("gpt-4", ann).status == 200)
        #expect(scene.keysPassed == ["sk-of-ann"])
        #expect(try scene.delete("a%20b%3Fc", ann).status == 200)
        #expect(try scene.delete("openai/gpt-4", ann).status == 200)
        #expect(try scene.names(ann) == ["openai"])
    }

    /// S3-28, S3-29, C26: sealed with the master key, which lies beside the database.
    @Test func `no key and no password stands in the files or the log`() throws {
        let scene = try UserKeys()
        let token = try scene.register("ann")
        let key = Fresh.text(40, prefix: "sk-")
        #expect(try scene.set(key, for: "openai", token).status == 200)
        #expect(try scene.chat("gpt-4", token).status == 200)
        #expect(scene.keysPassed == [key])
        for name in ["app.db", "app.db-wal"] {
            let bytes = readBytes(scene.example.folder(name)) ?? []
            #expect(bytes.firstRange(of: Array(key.utf8)) == nil, "\(name)")
            #expect(bytes.firstRange(of: Array(UserKeys.password.utf8)) == nil, "\(name)")
        }
        #expect(try scene.sqlite3("SELECT hashed_password LIKE '$2%' FROM users") == "1\n")
        #expect(!scene.example.log.contains(key) && !scene.example.log.contains(UserKeys.password))
        let listed = try scene.example.succeed("key", "list", "--all")
        #expect(!listed.contains(key) && listed.contains(key.suffix(4)))
    }
}
