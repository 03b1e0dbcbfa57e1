// Covers KeyStatus.swift
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

private func status(_ source: String?, synced: Bool) -> KeyStatus {
    var status = KeyStatus(stored: source != nil)
    status.source = source
    status.isSynced = synced
    return status
}

@Test func `S1 Test 1: the first login takes the key of the file, the second has it from the database`()
    throws
{
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.folder.write("key.txt", fileKey + "\n")
    #expect(try scene.login(chain, user) == status("key.txt", synced: true))
    let lines = scene.takeLines()
    #expect(lines.first == "[Login] User admin logged in, syncing API key...")
    #expect(lines.last == "[Login] ✅ API key ready: ***************b465 (source: key.txt)")
    #expect(lines.count == 8)
    #expect(try scene.login(chain, user) == status("database", synced: false))
    #expect(
        scene.takeLines().last == "[Login] ✅ API key ready: ***************b465 (source: database)")
    #expect(try scene.ask(chain, user.id).shown == ["\(fileKey) database"])
}

@Test func `S1 Test 2: without a file the key of the variable is taken`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey }
    #expect(try scene.login(chain, user) == status("environment", synced: true))
    #expect(try scene.stored(user)?.source == "environment")
}

@Test func `S1 Test 3: the database wins over another key in the file, until its key is deleted (S1-16)`()
    throws
{
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    try scene.store(databaseKey, for: user)
    scene.folder.write("key.txt", fileKey)
    #expect(try scene.login(chain, user) == status("database", synced: false))
    #expect(scene.takeLines().contains("[KeyManager] ⚠️ Key in key.txt differs from database"))
    #expect(try scene.stored(user)?.key == databaseKey)
    try scene.withStore { _ = try $0.deleteUpstreamKey(user: user.id, name: "openrouter") }
    #expect(try scene.login(chain, user) == status("key.txt", synced: true))
    #expect(try scene.stored(user)?.key == fileKey)
}

@Test func `S1 Test 4: without any key one is made`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.variables.withLock {
        $0["OPENROUTER_API_KEY"] = ""
        $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key"
    }
    #expect(try scene.login(chain, user) == status("auto-provisioned", synced: true))
    #expect(try scene.stored(user)?.key == KeyProvider.key(1))
    #expect(try scene.login(chain, user) == status("database", synced: false))
    #expect(scene.provider.requests.count == 1)
}

@Test func `S1-11, S1-24: a login without a key, or one that cannot be made, is a login`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    #expect(try scene.login(chain, user) == status(nil, synced: false))
    #expect(scene.takeLines().last == "[Login] ⚠️ No API key available")
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
    scene.provider.script.withLock { $0.status = 503 }
    #expect(try scene.login(chain, user) == status(nil, synced: false))
    #expect(scene.takeLines().contains("[KeyManager] ❌ Auto-provision failed: the answer has status 503"))
}

@Test(arguments: [
    (200, true, "✅ API key ready: ***************d888 (source: database)"),
    (401, false, "⚠️ API key not usable: ***************d888 (Key is invalid or expired)"),
    (402, false, "⚠️ API key not usable: ***************d888 (Out of credits)"),
    (500, true, "⚠️ API key not validated: ***************d888 (Unexpected status: 500)"),
])
func `S1-27, S1-28: a login may ask the upstream whether it takes the key`(
    code: Int, hasKey: Bool, line: String
) throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    try scene.store(databaseKey, for: user)
    scene.provider.script.withLock { $0.modelsStatus = code }
    #expect(try scene.login(chain, user, validates: true).hasKey == hasKey)
    #expect(scene.takeLines().last == "[Login] \(line)")
    let validated = { try scene.withStore { try $0.upstreamKeys(user: user.id) }.first?.lastValidatedAt }
    if code == 200 {
        #expect(eventually { (try? validated()) ?? nil != nil })
    } else {
        #expect(try validated() == nil)
    }
}

@Test func `S1-01...S1-06: the answer to a login has token, user and the status of the key`() throws {
    let scene = try KeyScene()
    scene.folder.write("key.txt", fileKey)
    let rules = LoginConfig(
        identity: .username, issues: .session(lifetime: .seconds(60)), response: .session,
        keyName: "default", sync: LoginSyncConfig(upstream: "openrouter", validates: false))
    let login = BoundAction(
        ActionConfig(kind: .login(rules), name: "login", store: "main"), errors: ErrorFormat(shape: .detail),
        store: scene.keeper, hashes: HashPool(threads: 1), keys: scene.chain())
    try scene.withStore { store in
        let hash = PasswordHash.make(Array("password".utf8), cost: 4)
        _ = try store.createUser(NewUser(username: "admin", passwordHash: hash))
    }
    let body = #"{"username": "admin", "password": "password"}"#
    let first = try scene.act(login, body)
    #expect(first.status == 200)
    #expect(first.body.members?.map(\.key) == ["token", "user_id", "username", "api_key_status"])
    #expect(first.body["user_id"]?.text?.count == 24 && first.body["username"]?.text == "admin")
    #expect(
        first.body["api_key_status"]
            == .object([
                .init("has_key", .bool(true)), .init("source", .string("key.txt")),
                .init("synced", .bool(true)),
            ]))
    let second = try scene.act(login, body)
    #expect(second.body["api_key_status"]?["source"]?.text == "database")
    #expect(second.body["api_key_status"]?["synced"]?.bool == false)
    #expect(try scene.act(login, body.replacing("\"password\"}", with: "\"wrong\"}")).status == 401)
}
