import Stores
import Testing

@testable import Config
@testable import Proxy

extension KeyScene {
    /// Runs the steps of a sync as the command line would, waiting for a key that is made.
    fileprivate func sync(
        _ user: User?, _ sources: KeySources? = nil, isRefused: (Secret) -> Bool = { _ in false }
    ) throws -> KeySync {
        let sources = sources ?? self.sources()
        return try withStore { store in
            let query = KeyQuery(user: user)
            var sync = KeySync(sources, for: query, in: .success(store))
            guard case .provision(let key) = sync.begin(in: .success(store), isRefused: isRefused) else {
                return sync
            }
            let provision = try #require(sources.chain.provision)
            let provisioning = Provisioning(provision, url: sources.provisionURL, trust: FetchTrust())
            let made = Result { () throws(Provisioning.Failure) -> Secret in
                try provisioning.make(user8: query.shortID, with: key)
            }
            sync.take(made, in: .success(store))
            return sync
        }
    }
}

extension KeySync {
    fileprivate var text: String { lines.map(\.text).joined(separator: "\n") }
}

@Test func `S1-09, S1-38, S1-39, S1-40: a key of the file is used and saved`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    scene.folder.write("key.txt", fileKey)
    let sync = try scene.sync(user)
    let short = user.publicID.prefix(8)
    #expect(
        sync.text == """
            [KeyManager] ===== Syncing API key for user \(short) =====
            [KeyManager] ✅ Loaded key from key.txt: ***************b465
            [KeyManager] ✅ Saved key to database (source: key.txt): ***************b465
            [KeyManager] ✅ Using key from: key.txt
            [KeyManager] ✅ Key synced to database
            [KeyManager] ===== Sync complete =====
            """)
    #expect(sync.outcome.source == "key.txt" && sync.outcome.isSynced && sync.outcome.error == nil)
    #expect(try scene.stored(user)?.key == fileKey && scene.stored(user)?.source == "key.txt")
}

@Test func `S1-08, S1-14, S1-15, C21: a key of the database wins, stays, and what differs is told`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    try scene.store(databaseKey, for: user)
    let short = user.publicID.prefix(8)
    #expect(
        try scene.sync(user).text == """
            [KeyManager] ===== Syncing API key for user \(short) =====
            [KeyManager] ✅ Loaded key from database: ***************d888
            [KeyManager] ✅ Using key from: database
            [KeyManager] ===== Sync complete =====
            """)
    scene.folder.write("key.txt", fileKey)
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = databaseKey }
    let sync = try scene.sync(user)
    #expect(
        sync.lines.map(\.text).dropFirst(2).prefix(2) == [
            "[KeyManager] ⚠️ Key in key.txt differs from database",
            "[KeyManager] 💡 Keeping database key (priority)",
        ])
    #expect(!sync.text.contains("environment") && !sync.outcome.isSynced)
    #expect(try scene.stored(user)?.key == databaseKey && scene.stored(user)?.source == "manual")
}

@Test func `S1-10, S1-42: a key that is made is saved`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
    let sync = try scene.sync(user)
    let short = user.publicID.prefix(8)
    #expect(
        sync.text == """
            [KeyManager] ===== Syncing API key for user \(short) =====
            [KeyManager] ⚠️ No API key found in database, file, or environment
            [KeyManager] 🔄 Attempting auto-provision...
            [KeyManager] 🔄 Auto-provisioning new key for user \(short)...
            [KeyManager] ✅ Auto-provisioned new key: ***************1001
            [KeyManager] ✅ Saved key to database (source: auto-provisioned): ***************1001
            [KeyManager] ✅ Using key from: auto-provisioned
            [KeyManager] ✅ Key synced to database
            [KeyManager] ===== Sync complete =====
            """)
    #expect(try scene.stored(user)?.key == KeyProvider.key(1))
    let request = try #require(scene.provider.requests.first)
    #expect(request.contains("\r\nAuthorization: Bearer sk-or-v1-provisioning-key\r\n"))
    #expect(request.contains(#"{"name":"auto-\#(short)-"#))
}

@Test func `S1-11, S1-41: without any key that is said, step by step`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    let short = user.publicID.prefix(8)
    let sync = try scene.sync(user)
    #expect(
        sync.text == """
            [KeyManager] ===== Syncing API key for user \(short) =====
            [KeyManager] ⚠️ No API key found in database, file, or environment
            [KeyManager] 🔄 Attempting auto-provision...
            [KeyManager] ⚠️ OPENROUTER_PROVISIONING_KEY not set, cannot auto-provision
            [KeyManager] ❌ No API key available
            """)
    #expect(sync.outcome.key == nil && sync.outcome.error == "No API key available")
    let short2 = try scene.sync(user, scene.sources([.database(store: "main"), .file("key.txt")]))
    #expect(!short2.text.contains("auto-provision"))
}

@Test func `S1-24: a key that cannot be made is no key, and why is said`() throws {
    let scene = try KeyScene()
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
    scene.provider.script.withLock { $0.status = 401 }
    let user = try scene.newUser()
    #expect(
        try scene.sync(user).lines.suffix(2).map(\.text) == [
            "[KeyManager] ❌ Auto-provision failed: the answer has status 401",
            "[KeyManager] ❌ No API key available",
        ])
    scene.provider.script.withLock {
        $0.status = 200
        $0.field = "other"
    }
    #expect(try scene.sync(user).text.contains("failed: the answer has no member `key`"))
    #expect(try scene.stored(user) == nil)
}

@Test func `what is not remembered, what nobody can own, and what somebody else has stored is not saved`()
    throws
{
    let scene = try KeyScene()
    scene.folder.write("key.txt", fileKey)
    let user = try scene.newUser()
    #expect(try !scene.sync(user, scene.sources(remembers: false)).outcome.isSynced)
    #expect(try scene.stored(user) == nil)
    #expect(try !scene.sync(nil).outcome.isSynced)
    #expect(try scene.withStore { try $0.upstreamKeys(user: nil) }.isEmpty)
    // A row in the wrong format is passed over, and stays.
    try scene.store("sk-wrong", for: user)
    let sync = try scene.sync(user)
    #expect(sync.outcome.source == "key.txt" && !sync.outcome.isSynced)
    #expect(sync.text.contains("⚠️ Invalid key format in database"))
    #expect(try scene.stored(user)?.key == "sk-wrong")
    // Where the file comes first, it is used, and the row stays.
    try scene.store(databaseKey, for: user)
    let first = try scene.sync(user, scene.sources([.file("key.txt"), .database(store: "main")]))
    #expect(first.outcome.source == "key.txt" && !first.outcome.isSynced)
    #expect(try scene.stored(user)?.key == databaseKey)
}

@Test func `S1-49: a key that was made and is refused is replaced, one that somebody stored is not`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
    try scene.store(databaseKey, for: user, source: "auto-provisioned")
    let renewed = try scene.sync(user) { $0.isEqual(to: Secret(databaseKey)) }
    #expect(renewed.text.contains("⚠️ Key from database is refused by openrouter: ***************d888"))
    #expect(renewed.outcome.isSynced && renewed.unsaved == nil)
    #expect(try scene.stored(user)?.key == KeyProvider.key(1))
    try scene.store(databaseKey, for: user, source: "manual")
    let other = try scene.sync(user) { $0.isEqual(to: Secret(databaseKey)) }
    // None could take its place, so that each start would make one more.
    #expect(other.outcome.key == nil && other.unsaved == nil)
    #expect(other.text.contains("⚠️ The stored key stands in the way, cannot auto-provision"))
    #expect(try scene.stored(user)?.key == databaseKey && scene.provider.requests.count == 1)
}

@Test func `a database that cannot be written leaves the key in use`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    scene.folder.write("key.txt", fileKey)
    let sealed = try Store(
        opening: scene.keeper.path, options: Store.Options(userIDs: .objectid, atRest: .refused))
    defer { sealed.close() }
    var sync = KeySync(scene.sources(), for: KeyQuery(user: user), in: .success(sealed))
    guard case .done = sync.begin(in: .success(sealed)) else { throw Unexpected("a key is to be made") }
    #expect(sync.text.contains("❌ Error saving key to database: no master key"))
    #expect(sync.outcome.source == "key.txt" && !sync.outcome.isSynced)
}

@Test func `a database that cannot be read is no missing key`() throws {
    let scene = try KeyScene()
    scene.folder.write("key.txt", fileKey)
    var sync = KeySync(scene.sources(), for: KeyQuery(), in: .failure(.locked))
    guard case .done = sync.begin(in: .failure(.locked)) else { throw Unexpected("a key is to be made") }
    #expect(sync.outcome.isUnavailable && sync.outcome.key == nil)
    #expect(sync.text.contains("⚠️ Cannot read database: the database is locked by another process"))
}
