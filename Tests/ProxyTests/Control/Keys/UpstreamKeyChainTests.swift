import Stores
import Testing

@testable import Config
@testable import Proxy

extension KeyScene {
    fileprivate var work: UpstreamKeyChain {
        let validation = KeyValidation(baseURL: provider.url, field: KeyFieldLine(config: .bearer))
        return UpstreamKeyChain(sources(), validation: validation, trust: FetchTrust())
    }
}

struct AskedVerdict: Sendable {
    var status: Int
    var isValid: Bool?
    var error: String?
}

@Test func `S1-26: the command line syncs as a login does, without a daemon`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    try scene.withStore { store in
        let none = scene.work.sync(KeyQuery(user: user), in: .success(store))
        #expect(none.key == nil && none.source == nil && none.error == "No API key available")
        scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning-key" }
        let made = scene.work.sync(KeyQuery(user: user), in: .success(store))
        #expect(
            made.source == "auto-provisioned" && made.isSynced && made.error == nil && made.isValid == nil)
        #expect(made.lines.last == "[KeyManager] ===== Sync complete =====")
        let known = scene.work.sync(KeyQuery(user: user), in: .success(store))
        #expect(known.source == "database" && !known.isSynced)
        #expect(known.key?.isEqual(to: Secret(KeyProvider.key(1))) == true)
        #expect(scene.work.explain(KeyQuery(user: user), in: .success(store)).winner?.source == "database")
    }
}

@Test(arguments: [
    AskedVerdict(status: 200, isValid: true),
    AskedVerdict(status: 401, isValid: false, error: "Key is invalid or expired"),
    AskedVerdict(status: 500, error: "Unexpected status: 500"),
])
func `S1-27, S1-33: ensuring a key may ask the upstream, and notes when it was good`(verdict: AskedVerdict)
    throws
{
    let scene = try KeyScene()
    let user = try scene.newUser()
    try scene.store(databaseKey, for: user)
    scene.provider.script.withLock { $0.modelsStatus = verdict.status }
    try scene.withStore { store in
        let report = scene.work.sync(KeyQuery(user: user), in: .success(store), validates: true)
        #expect(report.isValid == verdict.isValid && report.error == verdict.error)
        let validatedAt = try store.upstreamKeys(user: user.id).first?.lastValidatedAt
        #expect((validatedAt != nil) == (verdict.status == 200))
    }
}

@Test func `an upstream without several sources has nothing to sync`() throws {
    let folder = TemporaryFolder()
    let text = """
        version: 1
        listeners: { one: unix:/tmp/x }
        stores: { main: { sqlite: main.db, at_rest: plain } }
        auth: { a: { mode: none } }
        upstreams:
          a: http://a
          b: { url: http://b, key: literal-key-of-b }
          c: { url: http://c/v1, key: { first_of: [ { database: main } ] } }
        routes: [{ path: /, auth: a, to: a }]
        """
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    let config = try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))").config
    for name in ["a", "b", "none"] {
        #expect(try UpstreamKeyChain(upstream: name, of: config, folder: folder.path) == nil)
    }
    #expect(try UpstreamKeyChain(upstream: "c", of: config, folder: folder.path)?.store == "main")
}
