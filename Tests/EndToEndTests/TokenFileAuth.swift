import Glibc
import JSON
import Testing

@testable import CLI

/// `token-file`: the file of `headgate token`, seen while the daemon runs, without a reload.
@Suite(.scenario) struct TokenFileAuth {
    private static let file = "data/api_tokens.json"
    private static let config = """
        access_log: off
        auth: { apps: { mode: token-file, file: \(file) } }
        routes: [{ path: /**, auth: apps, respond: { text: in } }]
        """

    private func gate(_ content: String? = nil, _ config: String = config) throws -> Gate {
        let folder = try Folder()
        try folder.makeFolder("data")
        if let content { try folder.write(Self.file, content) }
        return try Gate(config, folder: folder)
    }

    private func status(_ gate: Gate, _ token: String) throws -> Int {
        try gate.exchange(fields: ["Authorization: Bearer \(token)"]).status
    }

    private func create(_ gate: Gate, _ name: String = "one") throws -> String {
        let made = try gate.headgate("token", "create", name, "--file", gate.folder(Self.file), "--json")
        let json = try JSONValue.parse(Array(made.output.utf8))
        return try #require(json["token"]?.text, "\(made.output)\(made.errors)")
    }

    private func waitFor(_ wanted: Int, _ gate: Gate, _ token: String) throws {
        try waitUntil("\(token.prefix(8)) to get \(wanted)", within: 3) { try status(gate, token) == wanted }
    }

    private static func old(_ token: String, active: Bool = true) -> String {
        #"{"\#(token)": {"name": "old", "created_at": "2025-11-26T10:30:00.123456", "last_used": null, "#
            + #""active": \#(active)}}"#
    }

    /// S0-17, S0-18, S0-19, S0-34
    @Test func `tokens made, revoked and deleted by the command line count without a reload`()
        throws
    {
        let gate = try gate()
        let first = try create(gate)
        try waitFor(200, gate, first)
        let second = try create(gate, "two")
        try waitFor(200, gate, second)
        #expect(try status(gate, first) == 200)
        let file = gate.folder(Self.file)
        #expect(try gate.headgate("token", "revoke", String(first.prefix(14)), "--file", file).code == 0)
        try waitFor(401, gate, first)
        #expect(try gate.headgate("token", "delete", String(second.prefix(14)), "--file", file).code == 0)
        try waitFor(401, gate, second)
        #expect(try gate.generation() == 1)
    }

    /// S0-21, C19
    @Test func `an old file with tokens in clear is read as it is`() throws {
        let gate = try gate(Self.old("sk-in-clear"))
        #expect(try status(gate, "sk-in-clear") == 200)
        #expect(try status(gate, "sk-in-clea") == 401)
        #expect(try gate.exchange().status == 401)
    }

    /// S0-24, C37, C38
    @Test func `a use is written into the file, at most once a second, and nothing comes of that`() throws {
        let gate = try gate(Self.old("sk-used"))
        var inodes: Set<UInt> = []
        let began = Clock.seconds
        while Clock.seconds < began + 2.5 {
            #expect(try status(gate, "sk-used") == 200)
            var found = stat()
            if stat(gate.folder(Self.file), &found) == 0 { inodes.insert(found.st_ino) }
        }
        try waitUntil("a time in the file") { !gate.folder.read(Self.file).contains("null") }
        #expect(inodes.count <= 5, "one for each second")
        #expect(gate.folder.read(Self.file).contains("sk-used"))
        #expect(try gate.generation() == 1)
        #expect(!gate.process.errors.contains("error"))
        let file = gate.folder(Self.file)
        #expect(try gate.headgate("token", "delete", "sk-used", "--file", file).code == 0)
        try waitFor(401, gate, "sk-used")
        #expect(holds(for: 1.2) { !gate.folder.read(Self.file).contains("sk-used") }, "a delete stays")
    }

    @Test func `a broken file keeps the tokens that are known, doubts unknown ones, and recovers`() throws {
        let config = """
            auth: { apps: { mode: token-file, file: \(Self.file), max_stale: 1s } }
            routes: [{ path: /**, auth: apps, respond: { text: in } }]
            """
        let gate = try gate(Self.old("sk-known"), config)
        try gate.folder.write(Self.file, "{\"sk-known\": ")
        try waitFor(503, gate, "sk-other")
        #expect(try status(gate, "sk-known") == 200)
        let doubted = try gate.exchange(fields: ["Authorization: Bearer sk-other"])
        #expect(doubted.errorCode == "auth_backend_unavailable")
        #expect(gate.process.errors.contains("data/api_tokens.json"))
        #expect(try gate.requireStatus()["auth"]?.arrayValue?.first?["in_doubt"]?.boolValue == true)
        try gate.folder.replace(Self.file, with: Self.old("sk-known"))
        try waitFor(401, gate, "sk-other")
        #expect(try status(gate, "sk-known") == 200)
        try waitUntil("the log to say so") { gate.process.errors.contains("known again") }
    }

    /// S0-26
    @Test func `a file that is moved away has its tokens refused`() throws {
        let gate = try gate(Self.old("sk-known"))
        try gate.folder.move(Self.file, to: Self.file + ".backup")
        try waitUntil("its token to be refused") { try status(gate, "sk-known") == 401 }
        #expect(try gate.exchange().status == 401)
        try gate.folder.move(Self.file + ".backup", to: Self.file)
        try waitFor(200, gate, "sk-known")
    }
}
