// Covers Store+Keys.swift, Credential.swift, StoreRecords.swift
import Testing

@testable import Stores

@Suite struct StoreKeysTests {
    /// S4-18, S4-19, S4-29.
    @Test func `a key is told once and only its digest is kept`() throws {
        let test = try TestStore()
        let user = try test.user()
        let (key, credential) = try test.store.createKey(
            NewClientKey(
                userID: user.id, name: "app", prefix: "ws_", expiresAt: test.now + 60, requestsPerMinute: 7,
                models: ["gpt-*", "local/a,b"]))
        #expect(credential.text.wholeMatch(of: /ws_[A-Za-z0-9]{32}/) != nil)
        #expect(key.shownPrefix == credential.text.prefix(11))
        #expect(try test.store.keys(ofUser: user.id) == [key])
        #expect(try test.store.key(digest: sha256(credential.reveal())) == key)
        #expect(key.kind == .key && key.name == "app" && key.requestsPerMinute == 7)
        #expect(key.models == ["gpt-*", "local/a,b"])
        #expect(key.createdAt == test.now && key.expiresAt == test.now + 60 && key.revokedAt == nil)
        #expect(key.usageCount == 0 && key.lastUsedAt == nil)
        let dump = try test.query(".dump").joined()
        #expect(dump.contains(key.shownPrefix))
        #expect(!dump.contains(credential.text.dropFirst(key.shownPrefix.count)))
    }

    @Test func `no two credentials are alike, and every letter and digit turns up`() {
        let made = (0..<500).map { _ in Credential.make(prefix: "").secret.text }
        #expect(Set(made).count == 500)
        var counts: [Character: Int] = [:]
        for character in made.joined() { counts[character, default: 0] += 1 }
        #expect(counts.count == 62)
        // 16,000 draws, 258 each: 7 standard deviations are 112.
        for (character, count) in counts { #expect((146...370).contains(count), "\(character): \(count)") }
    }

    @Test func `a key for nobody is refused`() throws {
        let test = try TestStore()
        #expect(throws: StoreError.notFound("such user")) {
            try test.store.createKey(NewClientKey(userID: 5, name: "x", prefix: "hg_"))
        }
    }

    /// C17.
    @Test func `a key is named by its id, itself or its beginning, if that is one key's alone`() throws {
        let test = try TestStore()
        let user = try test.user()
        let (key, credential) = try test.key(user)
        let names = [
            key.publicID, credential.text, key.shownPrefix, "\(key.shownPrefix)...", "\(key.shownPrefix)…",
            "h",
        ]
        for name in names { #expect(try test.store.key(named: name) == key, "\(name)") }
        let (other, _) = try test.key(user, "other")
        #expect(throws: StoreError.ambiguous([key.shownPrefix + "...", other.shownPrefix + "..."])) {
            try test.store.key(named: "hg_")
        }
        let longer = String(credential.text.dropLast())
        for name in ["", "...", "%", "hg%", "x", longer, String(key.publicID.dropLast())] {
            #expect {
                try test.store.key(named: name)
            } throws: { error in
                guard case .notFound(let what) = error as? StoreError else { return false }
                return !what.contains(longer)
            }
        }
    }

    /// S4-24, S4-25.
    @Test func `a key ends when it expires or is revoked, at the time that was said`() throws {
        let test = try TestStore()
        let user = try test.user()
        let (key, _) = try test.store.createKey(
            NewClientKey(userID: user.id, name: "a", prefix: "hg_", expiresAt: test.now + 10))
        #expect(key.state(at: test.now + 9) == .active)
        #expect(key.state(at: test.now + 10) == .expired)
        try test.store.revokeKey(key.id, at: test.now + 5)
        func current() throws -> ClientKey { try test.store.key(named: key.publicID) }
        #expect(try current().state(at: test.now + 4) == .active)
        #expect(try current().state(at: test.now + 5) == .revoked)
        try test.store.revokeKey(key.id)
        #expect(try current().revokedAt == test.now)
        try test.store.revokeKey(key.id, at: test.now + 100)
        #expect(try current().revokedAt == test.now, "a revocation is not put off")
        #expect(try test.query("SELECT is_active FROM keys") == ["0"])
        #expect(throws: StoreError.notFound("such key")) { try test.store.revokeKey(99) }
    }

    @Test func `a rotated key goes on for the overlap beside its successor`() throws {
        let test = try TestStore()
        let user = try test.user()
        let (old, oldCredential) = try test.store.createKey(
            NewClientKey(
                userID: user.id, name: "a", prefix: "my_", expiresAt: test.now + 1000, requestsPerMinute: 3,
                models: ["m"]))
        test.now += 400
        let (new, credential) = try test.store.rotateKey(old.id, overlapSeconds: 60)
        #expect(credential.text.hasPrefix("my_") && credential.text.count == 35)
        #expect(!credential.isEqual(to: oldCredential))
        #expect(new.name == "a" && new.requestsPerMinute == 3 && new.models == ["m"] && new.userID == user.id)
        #expect(new.expiresAt == test.now + 1000)
        #expect(try test.store.key(named: old.publicID).revokedAt == test.now + 60)
        test.now += 60
        #expect(throws: StoreError.self) { try test.store.rotateKey(old.id, overlapSeconds: 60) }
        test.now += 1000
        #expect(throws: StoreError.self) { try test.store.rotateKey(new.id, overlapSeconds: 60) }
        #expect(try test.store.keys(ofUser: nil).count == 2)
    }

    /// S4-27.
    @Test func `uses add up, and the last one stays the last`() throws {
        let test = try TestStore()
        let (key, _) = try test.key(try test.user())
        try test.store.recordUses([(key.id, 3, 500), (99, 1, 1)])
        try test.store.recordUses([(key.id, 2, 400)])
        try test.store.recordUses([])
        let used = try test.store.key(named: key.publicID)
        #expect(used.usageCount == 5)
        #expect(used.lastUsedAt == 500)
    }

    @Test func `sessions that have long expired go when a new one comes, keys stay`() throws {
        let test = try TestStore()
        let user = try test.user()
        func make(_ kind: ClientKey.Kind) throws -> ClientKey {
            try test.store.createKey(
                NewClientKey(
                    userID: user.id, kind: kind, name: "x", prefix: "hg_", expiresAt: test.now + 10)
            ).key
        }
        let key = try make(.key)
        let session = try make(.session)
        test.now += 10
        let second = try make(.session)
        #expect(try test.store.keys(ofUser: user.id) == [key, session, second])
        test.now += 86_411
        let third = try make(.session)
        #expect(try test.store.keys(ofUser: user.id) == [key, third])
    }

    @Test func `a row that counts no further, or refuses, keeps no other from being counted`() throws {
        let test = try TestStore()
        let user = try test.user()
        let ids = try ["full", "refuses", "good"].map { try test.key(user, $0).key.id }
        try test.query("UPDATE keys SET usage_count = 9223372036854775807 WHERE name = 'full'")
        try test.query(
            """
            CREATE TRIGGER odd BEFORE UPDATE ON keys WHEN NEW.name = 'refuses'
            BEGIN SELECT RAISE(ABORT, 'no'); END
            """)
        try test.store.recordUses(ids.map { (key: $0, count: 2, lastUsedAt: 9) })
        let counts = try test.query("SELECT usage_count FROM keys ORDER BY id")
        #expect(counts == ["9223372036854775807", "0", "2"])
    }

    @Test func `a key that all but never expires can be rotated`() throws {
        let test = try TestStore()
        let key = try test.key(try test.user()).key
        for end in ["9223372036854775807", "67768036191676799"] {
            try test.query("UPDATE keys SET expires_at = \(end), created_at = -5 WHERE id = \(key.id)")
            let rotated = try test.store.rotateKey(key.id, overlapSeconds: .max).key
            #expect(try #require(rotated.expiresAt) > test.now)
            #expect(try test.store.key(named: key.publicID).state(at: test.now) == .active)
        }
    }

    @Test func `whoever names a key by more than is shown is told how much that is`() throws {
        let test = try TestStore()
        let (key, credential) = try test.key(try test.user())
        let longer = String(credential.text.prefix(14))
        #expect {
            try test.store.key(named: longer)
        } throws: { error in
            let text = "\(error)"
            return text.contains(longer) && text.contains("the first 11 characters (\(key.shownPrefix)...)")
                && text.contains("the whole key")
        }
    }

    @Test func `the sessions of one user end together`() throws {
        let test = try TestStore()
        let (ann, ben) = (try test.user("ann"), try test.user("ben"))
        for user in [ann, ben] {
            _ = try test.key(user)
            _ = try test.store.createKey(
                NewClientKey(userID: user.id, kind: .session, name: "s", prefix: "hg_"))
        }
        #expect(try test.store.endSessions(ofUser: ann.id) == 1)
        #expect(try test.store.endSessions(ofUser: ann.id) == 0)
        let states = try test.store.keys(ofUser: nil).map { $0.state(at: test.now) }
        #expect(states == [.active, .revoked, .active, .active])
    }
}
