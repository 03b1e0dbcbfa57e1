import Config
import Stores
import Testing

@testable import Proxy

/// Reloads a file with upstreams, as the driver does.
private final class Scene {
    let folder = TemporaryFolder()
    let registry = KeyRegistry()
    private let auth = AuthRegistry(mailboxes: Mailboxes())

    init() throws {
        try Store.prepare(folder.path + "/main.db")
        folder.write(".env", "")
    }

    deinit { auth.stop() }

    func load(_ upstreams: String, stores: String = "main: { sqlite: main.db, at_rest: plain }") throws
        -> (loaded: LoadedConfig, inputs: InputFiles)
    {
        let text = """
            version: 1
            env_file: .env
            listeners: { one: unix:/tmp/x }
            stores: { \(stores) }
            auth: { a: { mode: user-keys, store: main } }
            upstreams:
              \(upstreams)
            routes: [{ path: /, auth: a, to: u }]
            """
        let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
        return (try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))"), outcome.inputs)
    }

    @discardableResult
    func serve(_ upstreams: String, stores: String = "main: { sqlite: main.db, at_rest: plain }") throws
        -> KeyRegistry.Entry
    {
        let loaded = try load(upstreams, stores: stores).loaded
        let places = DiagnosticPlaces(file: "x", document: nil)
        let set = auth.prepare(loaded, places, trigger: .start)
        let entries = registry.prepare(loaded, set)
        auth.commit(set)
        registry.commit(entries)
        auth.retire()
        return try #require(entries["u"])
    }
}

private let chain =
    "u: { url: https://u.example/v1, key: { first_of: [ { database: main }, { file: key.txt }, { env: KEY_THAT_NOBODY_SETS } ], remember: database } }"

extension KeyRegistry.Entry {
    fileprivate var fixed: KeySet? { if case .fixed(let set) = plan.source { set } else { nil } }
}

@Test func `a chain is kept as long as it means the same and its files and variables hold the same`() throws {
    let scene = try Scene()
    let first = try #require(try scene.serve(chain).chain)
    #expect(try scene.serve(chain).chain === first)
    #expect(try scene.serve(chain + "\n  v: http://v").chain === first)
    var last = first
    func expectNew(_ upstreams: String, _ what: String) throws {
        let next = try #require(try scene.serve(upstreams).chain)
        #expect(next !== last && next.index !== last.index, "\(what)")
        #expect(try scene.serve(upstreams).chain === next, "\(what)")
        last = next
    }
    scene.folder.write("key.txt", fileKey)
    try expectNew(chain, "file")
    scene.folder.write(".env", "KEY_THAT_NOBODY_SETS=\(variableKey)")
    try expectNew(chain, "variable")
    try expectNew(chain.replacing("u.example", with: "w.example"), "URL")
    try expectNew(chain.replacing("remember: database", with: "prefix: sk-"), "config")
    try expectNew(
        chain.replacing("remember: database } }", with: "prefix: sk- }, key_field: x-api-key }"), "field")
}

@Test func `a chain of another store is another chain, with that store's users`() throws {
    let scene = try Scene()
    let first = try scene.serve(chain)
    let keeper = try #require(first.chain?.keeper)
    #expect(first.plan.userStore == ObjectIdentifier(keeper) && first.plan.isByModel)
    try Store.prepare(scene.folder.path + "/other.db")
    let second = try scene.serve(chain, stores: "main: { sqlite: other.db, at_rest: plain }")
    #expect(second.chain !== first.chain && second.plan.userStore != first.plan.userStore)
    let none = try scene.serve("u: { url: https://u.example/v1, key: { first_of: [ { file: key.txt } ] } }")
    #expect(none.plan.userStore == nil && !none.plan.isByModel)
}

@Test func `keys of one upstream stay the same objects over reloads`() throws {
    let scene = try Scene()
    scene.folder.write("a.txt", fileKey + "\n")
    scene.folder.write("b.txt", variableKey)
    let both = "u: { url: http://u, key: { any_of: [ { file: a.txt }, { file: b.txt, weight: 2 } ] } }"
    let first = try #require(try scene.serve(both).fixed)
    #expect(first.choice == .weighted && first.keys.map(\.weight) == [1, 2])
    #expect(String(decoding: first.keys[0].line, as: UTF8.self) == "Authorization: Bearer \(fileKey)\r\n")
    #expect(String(decoding: first.keys[0].source.bytes, as: UTF8.self) == "a.txt")
    let second = try #require(try scene.serve(both + "\n  v: http://v").fixed)
    #expect(second.keys[0] === first.keys[0] && second.keys[1] === first.keys[1])
    scene.folder.write("b.txt", databaseKey)
    let third = try #require(try scene.serve(both).fixed)
    #expect(third.keys[0] === first.keys[0] && third.keys[1] !== first.keys[1])
    let one = try #require(
        try scene.serve("u: { url: http://u, key: { file: a.txt }, key_field: api-key }").fixed)
    #expect(one.choice == .first && one.keys[0] !== first.keys[0])
    #expect(String(decoding: one.keys[0].line, as: UTF8.self) == "Api-Key: \(fileKey)\r\n")
}

@Test func `what is not published changes nothing`() throws {
    let scene = try Scene()
    let served = try scene.serve(chain)
    let next = try scene.load(chain.replacing("u.example", with: "w.example")).loaded
    #expect(scene.registry.prepare(next, AuthSet())["u"]?.chain !== served.chain)
    #expect(scene.registry.served["u"]?.chain === served.chain)
}

@Test func `keys that were made stay known where the chain changes, and are made where its URL says`() throws
{
    let scene = try Scene()
    let making = { (rest: String) in
        "u: { url: https://u.example/v1, key: { first_of: [ { database: main }, { file: key.txt }, { provision: { key: { env: NOBODY_SETS }\(rest) } } ] } }"
    }
    let first = try #require(try scene.serve(making("")).chain?.provisioner)
    #expect(first.provisioning.url == "https://u.example/v1/keys")
    #expect(first.provisioning.timeoutMilliseconds == 10_000)
    scene.folder.write("key.txt", fileKey)
    #expect(try scene.serve(making("")).chain?.provisioner === first)
    let other = try #require(try scene.serve(making(", url: https://p.example/x?y")).chain?.provisioner)
    #expect(other !== first && other.provisioning.url == "https://p.example/x?y")
}

@Test func `files of chains are watched, there or not, and may be missing`() throws {
    let scene = try Scene()
    let loaded = try scene.load(
        "u: { url: http://u, key: { first_of: [ { database: main }, { file: key.txt }, { provision: { key: { file: p.txt } } } ] } }"
    )
    #expect(loaded.inputs.contents[scene.folder.path + "/key.txt"] == .missing)
    #expect(loaded.inputs.contents[scene.folder.path + "/p.txt"] == .missing)
}

@Test func `status tells what is wrong with the sources of keys`() throws {
    let scene = try Scene()
    let entry = try scene.serve("u: { url: http://u, key: { first_of: [ { file: key.txt } ], prefix: sk- } }")
    scene.folder.write("key.txt", "wrong")
    let chain = try #require(entry.chain)
    let mailbox = try Mailbox()
    let request = KeyRequest(
        key: KeyScene.key(0), callerLabel: [], model: [], refused: nil, requestID: [])
    let ticket = Ticket(worker: 0, number: 1)
    chain.answer(
        Question(ticket: ticket, answerer: chain, subject: .upstreamKey(request)),
        Reply(ticket: ticket, mailbox: mailbox))
    let status = KeySourceStatus(scene.registry.served)
    #expect(status.lines == ["keys        u: Invalid key format in key.txt"])
    var json = JSONText()
    json.object { status.append(to: &$0) }
    #expect(json.text == #"{"keys":[{"upstream":"u","problems":["Invalid key format in key.txt"]}]}"#)
}
