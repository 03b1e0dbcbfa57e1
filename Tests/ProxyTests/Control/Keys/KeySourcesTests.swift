// Covers KeyQuery.swift, KeyResolution.swift
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

extension KeyResolution {
    /// `source state place` of each.
    fileprivate var shown: [String] { findings.map { "\($0.source) \($0.state.name) \($0.place)" } }
}

/// Looks as another program would, with the store open or not there.
extension KeyScene {
    fileprivate func look(
        _ query: KeyQuery = KeyQuery(), _ sources: KeySources? = nil
    ) throws -> KeyResolution {
        try withStore { (sources ?? self.sources()).look(for: query, in: .success($0)) }
    }
}

@Test func `S1-07: sources are asked in the order of the file, and the first that has a key wins`() throws {
    let scene = try KeyScene()
    let user = try scene.newUser()
    #expect(
        try scene.look(KeyQuery(user: user)).shown == [
            "database absent main", "key.txt absent key.txt", "environment absent OPENROUTER_API_KEY",
            "auto-provisioned absent \(scene.provider.url)/keys",
        ])
    #expect(try scene.look().why == "there is no key")
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "sk-or-v1-provisioning" }
    #expect(try scene.look().why == "there is no key yet: one is made when it is needed")
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey }
    #expect(try scene.look().winner?.source == "environment")
    scene.folder.write("key.txt", fileKey)
    #expect(try scene.look().winner?.source == "key.txt")
    #expect(try scene.look().why == "key.txt: database has none")
    try scene.store(databaseKey, for: user)
    let found = try scene.look(KeyQuery(user: user))
    #expect(
        found.shown == [
            "database used main: `openrouter`", "key.txt shadowed key.txt",
            "environment shadowed OPENROUTER_API_KEY",
            "auto-provisioned ready \(scene.provider.url)/keys",
        ])
    #expect(found.why == "database: it comes first")
    #expect(found.usable.map(\.source) == ["database", "key.txt", "environment"])
    #expect(found.differing.map(\.source) == ["key.txt", "environment"])
    // Nobody in particular has no row.
    #expect(try scene.look().winner?.source == "key.txt")
}

@Test
func
    `C25: rows count by model, UPSTREAM/MODEL, upstream, default, the user's own ones first`()
    throws
{
    let scene = try KeyScene()
    let user = try scene.newUser()
    let names = ["default", "openrouter", "openrouter/gpt", "gpt", "other"]
    for owner in [nil, user] {
        for name in names {
            try scene.store("sk-or-v1-\(owner?.username ?? "shared")-\(name)-key", name, for: owner)
        }
    }
    let rows = try scene.look(KeyQuery(user: user, model: "gpt")).findings.filter { $0.kind == .database }
    #expect(
        rows.map(\.place) == [
            "main: `gpt`", "main: `openrouter/gpt`", "main: `openrouter`", "main: `default`",
            "main: shared `gpt`", "main: shared `openrouter/gpt`", "main: shared `openrouter`",
            "main: shared `default`",
        ])
    #expect(rows.map(\.state) == [.used] + Array(repeating: .shadowed, count: 7))
    let unnamed = try scene.look(KeyQuery(user: user)).findings.filter { $0.kind == .database }
    #expect(unnamed.first?.place == "main: `openrouter`" && unnamed.count == 4)
    #expect(
        KeyQuery(model: "default").names(for: "openrouter") == [
            "default", "openrouter/default", "openrouter",
        ])
}

@Test
func
    `S1-17, S1-18, S1-20: files and variables are read when asked, and empty ones are unset`()
    throws
{
    let scene = try KeyScene()
    scene.folder.write("key.txt", " \n\(fileKey)\r\n\n")
    scene.folder.write(".env", "OPENROUTER_API_KEY=\(variableKey)\n")
    let sources = scene.sources(environmentFiles: [.init(path: ".env")])
    #expect(try scene.look(KeyQuery(), sources).usable.map(\.source) == ["key.txt", "environment"])
    scene.folder.write("key.txt", "\n")
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = "" }
    #expect(try scene.look(KeyQuery(), sources).usable.isEmpty)
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = nil }
    scene.folder.write(".env", "OPENROUTER_API_KEY=\(fileKey)\n")
    #expect(try scene.look(KeyQuery(), sources).winner?.key?.isEqual(to: Secret(fileKey)) == true)
}

@Test func `S1-19, S1-21: what is no key, and what cannot be read, is passed over and told`() throws {
    let scene = try KeyScene()
    scene.folder.write("key.txt", "sk-wrong-0123456789012345")
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey }
    let bad = try scene.look()
    #expect(bad.winner?.source == "environment")
    #expect(bad.findings[1].problem == "Invalid key format in key.txt" && bad.findings[1].masked == nil)
    // A folder in its place cannot be read by root either.
    let sources = scene.sources(
        [.file("."), .environment("OPENROUTER_API_KEY")], environmentFiles: [.init(path: "none")])
    let found = sources.look(for: KeyQuery(), in: nil)
    #expect(found.findings[0].problem == "Cannot read .: Is a directory")
    #expect(found.winner?.source == "environment")
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = nil }
    let none = sources.look(for: KeyQuery(), in: nil)
    #expect(none.findings[1].state == .unreadable("none: no such file"))
}

@Test
func `a database that cannot be read stands in the way of what comes behind it, not of what comes before`()
    throws
{
    let scene = try KeyScene()
    scene.folder.write("key.txt", fileKey)
    let failure: KeySync.Opened = .failure(.locked)
    let behind = scene.sources().look(for: KeyQuery(), in: failure)
    #expect(behind.isBlocked && behind.winner == nil && behind.usable.isEmpty)
    #expect(behind.why == "the database cannot be read, and what it may hold comes first")
    let before = scene.sources([.file("key.txt"), .database(store: "main")]).look(
        for: KeyQuery(), in: failure)
    #expect(!before.isBlocked && before.winner?.source == "key.txt")
}

@Test func `a credential of systemd is a source like a file`() throws {
    let scene = try KeyScene()
    let sources = scene.sources([.credential("openrouter-key")])
    #expect(sources.look(for: KeyQuery(), in: nil).shown == ["credential absent openrouter-key"])
    scene.variables.withLock { $0["CREDENTIALS_DIRECTORY"] = scene.folder.path }
    scene.folder.write("openrouter-key", fileKey + "\n")
    #expect(sources.look(for: KeyQuery(), in: nil).shown == ["credential used openrouter-key"])
}

@Test func `a provisioning key that would begin another field makes no keys`() throws {
    let scene = try KeyScene()
    scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = "a\r\nX: y" }
    #expect(scene.sources().provisioningKey() == nil)
    #expect(try scene.look().findings[3].state == .badFormat)
}

@Test func `what the sources hold is compared without the database`() throws {
    let scene = try KeyScene()
    let sources = scene.sources()
    var seen = [sources.contentDigests()]
    func expectChange(_ change: () -> Void) {
        change()
        let now = sources.contentDigests()
        #expect(!seen.contains(now))
        seen.append(now)
        #expect(sources.contentDigests() == now)
    }
    expectChange { scene.folder.write("key.txt", fileKey) }
    expectChange { scene.folder.write("key.txt", databaseKey) }
    expectChange { scene.folder.write("key.txt", "no key") }
    expectChange { scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey } }
    expectChange { scene.variables.withLock { $0["OPENROUTER_PROVISIONING_KEY"] = variableKey } }
    try scene.store(databaseKey, for: nil)
    #expect(sources.contentDigests() == seen.last)
}

@Test func `a resolution is told as text and as JSON, keys masked`() throws {
    let scene = try KeyScene()
    scene.folder.write("key.txt", "sk-wrong")
    scene.variables.withLock { $0["OPENROUTER_API_KEY"] = variableKey }
    let found = try scene.look(KeyQuery(), scene.sources(Array(KeyScene.usual.dropLast())))
    #expect(
        found.text == """
            1  database     main                absent
            2  file         key.txt             bad format
            3  environment  OPENROUTER_API_KEY  used        ***************c777
            openrouter: environment: database has none, key.txt has one in an invalid format
            """)
    var json = JSONWriter()
    found.write(to: &json)
    let told = try JSONValue.parse(json.bytes)
    #expect(told["source"]?.text == "environment" && told["key"]?.text == "***************c777")
    let states = told["sources"]?.items?.compactMap { $0["state"]?.text }
    #expect(states == ["absent", "bad format", "used"])
    #expect(told["sources"]?.items?[1]["key"] == .null)
}
