// Covers KeyChain.swift, KeyAnswer.swift, KeyDiary.swift
import CLinux
import Glibc
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

@Test func `S1-25: a caller's key is looked up once and then known, without a line`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.folder.write("key.txt", fileKey)
    try scene.store(databaseKey, for: user)
    #expect(try scene.ask(chain, user.id).shown == ["\(databaseKey) database", "\(fileKey) key.txt"])
    #expect(scene.takeLines().first?.hasPrefix("[KeyManager] ===== Syncing") == true)
    let known = try #require(chain.index.find(KeyScene.key(user.id)))
    #expect(try scene.ask(chain, user.id).set === known)
    #expect(scene.takeLines() == [])
    #expect(try scene.ask(chain).shown == ["\(fileKey) key.txt"])
    #expect(chain.isByModel && !known.canRenew && known.choice == .first)
}

@Test func `S1-09, S1-13: what is remembered is in the database with the first answer, and in the index`()
    throws
{
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey }
    #expect(try scene.ask(chain, user.id).shown == ["\(variableKey) database"])
    #expect(try scene.stored(user)?.source == "environment")
    #expect(scene.takeLines().contains("[KeyManager] ✅ Key synced to database"))
    #expect(chain.index.find(KeyScene.key(user.id)) != nil)
}

@Test func `C25: keys are by model`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    try scene.store(databaseKey, "gpt-4", for: user)
    try scene.store(variableKey, "default", for: nil)
    #expect(
        try scene.ask(chain, user.id, model: "gpt-4").shown == [
            "\(databaseKey) database", "\(variableKey) database",
        ])
    #expect(try scene.ask(chain, user.id, model: "other").shown == ["\(variableKey) database"])
    #expect(try scene.ask(chain).shown == ["\(variableKey) database"])
}

@Test func `a key that is stored or deleted elsewhere counts at once`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let (one, two) = (try scene.newUser("one"), try scene.newUser("two"))
    #expect(try scene.ask(chain, one.id).refusal == .upstreamKeyMissing)
    #expect(try scene.ask(chain, two.id).refusal == .upstreamKeyMissing)
    try scene.store(databaseKey, for: one)
    #expect(eventually { (try? scene.ask(chain, one.id).shown) == ["\(databaseKey) database"] })
    try scene.store(variableKey, for: nil)
    #expect(eventually { (try? scene.ask(chain, two.id).shown) == ["\(variableKey) database"] })
    #expect(eventually { (try? scene.ask(chain, one.id).shown.count) == 2 })
    try scene.withStore { _ = try $0.deleteUpstreamKey(user: one.id, name: "openrouter") }
    #expect(eventually { (try? scene.ask(chain, one.id).shown) == ["\(variableKey) database"] })
}

@Test func `who has no key is told so, and the log once`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    for _ in 0..<5 { #expect(try scene.ask(chain, user.id).refusal == .upstreamKeyMissing) }
    let lines = scene.takeLines()
    #expect(lines.count { $0.hasSuffix("❌ No API key available") } == 1, "\(lines)")
}

@Test func `S1-19: a key in the wrong format is told once for each change`() throws {
    let scene = try KeyScene()
    let sources = scene.sources([.file("key.txt"), .environment("OPENROUTER_API_KEY")])
    let chain = scene.chain(sources)
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey }
    func problems() throws -> [String] {
        chain.index.forgetAll()
        #expect(try scene.ask(chain).shown.last == "\(variableKey) environment")
        return scene.takeLines().filter { $0.contains("⚠️") }
    }
    #expect(try problems() == [])
    scene.folder.write("key.txt", "sk-wrong")
    #expect(try problems() == ["[KeyManager] ⚠️ Invalid key format in key.txt"])
    #expect(try problems() == [])
    #expect(chain.problems == ["Invalid key format in key.txt"])
    scene.folder.write("key.txt", fileKey)
    #expect(try problems() == [] && chain.problems == [])
    scene.folder.write("key.txt", "sk-wrong")
    #expect(try problems().count == 1)
}

@Test func `S1-10: many who wait get the one key that is made`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
    scene.provider.script.withLock { $0.isHeld = true }
    let release = Locked(false)
    try ControlThread.start("test-release") { [provider = scene.provider] in
        _ = eventually { provider.requests.count == 1 || release.withLock { $0 } }
        provider.script.withLock { $0.isHeld = false }
    }
    let answers = try scene.ask((0..<10).map { _ in (chain, user.id, "", nil) })
    release.withLock { $0 = true }
    #expect(answers.allSatisfy { $0.shown == ["\(KeyProvider.key(1)) database"] })
    #expect(scene.provider.requests.count == 1)
    #expect(scene.takeLines().count { $0.contains("Auto-provisioned new key") } == 1)
    #expect(try scene.stored(user)?.source == "auto-provisioned")
    #expect(answers[0].set?.canRenew == true)
}

@Test func `a key that is made and not remembered is kept for its user`() throws {
    let scene = try KeyScene()
    let chain = scene.chain(scene.sources(remembers: false))
    let user = try scene.newUser()
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
    #expect(try scene.ask(chain, user.id).shown == ["\(KeyProvider.key(1)) auto-provisioned"])
    chain.index.forgetAll()
    #expect(try scene.ask(chain, user.id).shown == ["\(KeyProvider.key(1)) auto-provisioned"])
    // Nothing could be remembered for somebody who is no user: no key is made.
    #expect(try scene.ask(chain).refusal == .upstreamKeyMissing)
    #expect(scene.provider.requests.count == 1)
}

@Test func `S1-49: keys that are refused make way for the next, and one that was made is renewed once`()
    throws
{
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
    let first = try #require(try scene.ask(chain, user.id).set)
    let later = headgate_monotonic_ns() + 60_000_000_000
    first.keys[0].refuse(status: 402, until: later)
    scene.now.withLock { $0 += KeyProvisioner.renewalPause }
    _ = scene.takeLines()
    let answer = try scene.ask(chain, user.id, refused: first)
    #expect(answer.shown == ["\(KeyProvider.key(2)) database"])
    #expect(try scene.stored(user)?.key == KeyProvider.key(2))
    let second = try #require(answer.set)
    #expect(chain.index.find(KeyScene.key(user.id)) === second)
    // Somebody who was late with the first one gets what there is.
    #expect(try scene.ask(chain, user.id, refused: first).set === second)
    second.keys[0].refuse(status: 402, until: later)
    for _ in 0..<3 {
        #expect(try scene.ask(chain, user.id, refused: second).refusal == .upstreamCredentialsExhausted)
    }
    #expect(scene.provider.requests.count == 2)
    // Found below what was refused: taken in its stead.
    scene.folder.write("key.txt", fileKey)
    chain.index.forgetAll()
    #expect(
        eventually {
            (try? scene.ask(chain, user.id, refused: second).shown.last) == "\(fileKey) key.txt"
        })
}

@Test func `a database that cannot be read is 503, never a lower source in silence`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    scene.folder.write("key.txt", fileKey)
    scene.folder.write("other", String(repeating: "no database at all ", count: 300))
    rename(scene.folder.path + "/other", scene.keeper.path)
    #expect(eventually { scene.keeper.problem != nil })
    #expect(try scene.ask(chain, user.id).refusal == .upstreamKeyUnavailable)
    #expect(try scene.ask(chain).refusal == .upstreamKeyUnavailable)
    #expect(!scene.takeLines().isEmpty)
    scene.keeper.stop()
    #expect(try scene.ask(chain, user.id).refusal == .upstreamKeyUnavailable)
}

@Test func `C12, S1-45: no line, no text and no JSON ever holds a whole key`() throws {
    let scene = try KeyScene()
    let chain = scene.chain()
    let user = try scene.newUser()
    let provisioning = "sk-or-v1-provisioning-canary"
    let canaries = [fileKey, variableKey, databaseKey, provisioning, KeyProvider.key(1), KeyProvider.key(2)]
    var told: [String] = []
    func run() throws {
        for validates in [false, true] {
            _ = try scene.login(chain, user, validates: validates)
            _ = try scene.ask(chain, user.id)
            _ = try scene.ask(chain)
        }
        told += scene.takeLines() + chain.problems
        let found = try scene.withStore { scene.sources().look(for: KeyQuery(user: user), in: .success($0)) }
        var json = JSONWriter()
        found.write(to: &json)
        told += [found.text, json.text, "\(found)", "\(chain.index.find(KeyScene.key(user.id)) as Any)"]
    }
    scene.provider.script.withLock { $0.status = 500 }
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = provisioning }
    try run()
    scene.now.withLock { $0 += KeyProvisioner.backOffMax }
    scene.provider.script.withLock { $0.status = 200 }
    try run()
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey }
    scene.folder.write("key.txt", fileKey)
    try scene.store(databaseKey, for: user)
    scene.provider.script.withLock { $0.modelsStatus = 401 }
    try run()
    #expect(told.count > 20)
    for text in told {
        for canary in canaries { #expect(!text.contains(canary.dropFirst(4).prefix(14)), "\(text)") }
    }
}
