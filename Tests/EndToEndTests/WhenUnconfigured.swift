import Glibc
import Testing

@testable import CLI

/// `when_unconfigured: allow`: nobody is known, so everybody is let in. Never by accident (C11).
@Suite(.scenario) struct WhenUnconfigured {
    private static let file = "tokens.json"
    private static let config = """
        access_log: off
        env_file: .env
        auth:
          shared: { mode: env-key, variables: [GATE_KEY], when_unconfigured: allow }
          apps: { mode: token-file, file: \(file), when_unconfigured: allow }
        routes: [{ path: /**, auth: [shared, apps], respond: { text: in } }]
        """

    private func gate(_ environment: String = "", tokens: String? = nil, _ config: String = config) throws
        -> Gate
    {
        let folder = try Folder()
        try folder.write(".env", environment)
        if let tokens { try folder.write(Self.file, tokens) }
        return try Gate(config, folder: folder)
    }

    private func status(_ gate: Gate, _ token: String? = nil) throws -> Int {
        try gate.exchange(fields: token.map { ["Authorization: Bearer \($0)"] } ?? []).status
    }

    private static func tokens(active: Bool = true) -> String {
        #"{"sk-one": {"name": "a", "created_at": "2025-11-26T10:30:00", "last_used": null, "#
            + #""active": \#(active)}}"#
    }

    /// S0-28, S0-31, C13
    @Test func `with nobody configured everybody is let in, loudly`() throws {
        let gate = try gate("GATE_KEY=\n")
        #expect(try status(gate) == 200)
        #expect(try status(gate, "anything") == 200)
        let warning = "EVERYBODY IS LET IN at routes[0]"
        #expect(gate.process.errors.contains(warning))
        let again = try gate.reload()
        #expect(again.code == 0 && again.output.contains(warning), "\(again.output)\(again.errors)")
        let text = try gate.headgate("status", "--admin", gate.adminPath).output
        #expect(text.contains("apps token-file, UNCONFIGURED, lets everybody in"), "\(text)")
    }

    /// C11, S0-19, S0-34: what stands open is closed by the first token, and that is told once; revoking it
    /// opens nothing.
    @Test func `the first token closes what stands open`() throws {
        let gate = try gate()
        let told = "\(Self.file) has a token by now: nobody comes in at routes[0] without one any more"
        #expect(try status(gate) == 200)
        #expect(!gate.process.errors.contains(told))
        try gate.folder.replace(Self.file, with: Self.tokens())
        try waitUntil("the route to be closed") { try status(gate) == 401 }
        #expect(try status(gate, "sk-one") == 200)
        try gate.folder.replace(Self.file, with: Self.tokens(active: false))
        try waitUntil("the token to be refused") { try status(gate, "sk-one") == 401 }
        #expect(try status(gate) == 401)
        #expect(try gate.reload().code == 0)
        #expect(try status(gate) == 401)
        #expect(gate.process.errors.split(separator: "\n").filter { $0.contains(told) }.count == 1)
    }

    @Test func `while the config file is broken a door stays open, and closes once it is mended`() throws {
        let gate = try gate()
        let good = gate.folder.read(Gate.configName)
        try gate.folder.replace(Gate.configName, with: good + "\nkex: 1\n")
        try waitUntil("the mistake to be seen") { gate.process.errors.contains("unknown key `kex`") }
        try gate.folder.replace(Self.file, with: Self.tokens())
        try waitUntil("the token to be seen") { gate.process.errors.contains("has a token by now") }
        try gate.folder.replace(Gate.configName, with: good + "\n# mended\n")
        try waitUntil("the route to be closed") { try status(gate) == 401 }
    }

    @Test func `deny is what holds without the word`() throws {
        let config = """
            auth: { apps: { mode: token-file, file: \(Self.file) } }
            routes: [{ path: /**, auth: apps, respond: { text: in } }]
            """
        let gate = try gate("", config)
        #expect(try status(gate) == 401)
    }

    @Test func `one entry that is configured closes the route for all`() throws {
        let gate = try gate("GATE_KEY=key\n")
        #expect(try status(gate) == 401)
        #expect(try status(gate, "key") == 200)
    }

    /// S0-31: an edit alone opens nothing; asking for a reload does, also where the watch has been faster.
    @Test func `a variable that was emptied opens the route when a reload is asked for`() throws {
        let gate = try gate("GATE_KEY=key\n")
        let before = try gate.generation()
        try gate.folder.replace(".env", with: "GATE_KEY=\n")
        try waitUntil("the edit to be served") { try gate.generation() > before }
        #expect(try status(gate) == 401)
        #expect(try gate.reload().code == 0)
        #expect(try status(gate) == 200)
    }

    @Test(arguments: [tokens(active: false), "{", ""])
    func `a file of revoked tokens, or one that cannot be read, opens nothing`(content: String) throws {
        let gate = try gate(tokens: content)
        #expect(try status(gate) != 200)
        #expect(try status(gate, "sk-one") != 200)
    }

    @Test func `revoking and deleting the last token leaves the route closed while it runs`() throws {
        let gate = try gate(tokens: Self.tokens())
        #expect(try status(gate, "sk-one") == 200)
        try gate.folder.replace(Self.file, with: Self.tokens(active: false))
        try waitUntil("the token to be refused") { try status(gate, "sk-one") == 401 }
        try gate.folder.replace(Self.file, with: "{}")
        #expect(try holds(for: 0.5) { try status(gate) == 401 })
        // What was asked for is asked anew, though no input file has changed.
        #expect(try gate.reload().code == 0)
        #expect(try status(gate) == 200)
        try gate.folder.replace(Self.file, with: Self.tokens())
        #expect(try gate.reload().code == 0)
        #expect(try status(gate) == 401)
        #expect(try status(gate, "sk-one") == 200)
    }

    /// S0-32
    @Test func `a file that stays away opens the route when a reload is asked for, and not before`() throws {
        let gate = try gate(tokens: Self.tokens())
        try gate.folder.remove(Self.file)
        try waitUntil("the token to be refused") { try status(gate, "sk-one") == 401 }
        #expect(try status(gate) == 401)
        // A watched edit is no such question.
        try gate.edit(Self.config + "\nresolve_timeout: 3s")
        try waitUntil("the edit to be served") { try gate.generation() == 2 }
        #expect(try status(gate) == 401)
        #expect(try gate.reload().code == 0)
        #expect(try status(gate) == 200)
    }

    @Test func `a variable that is set in the watched file closes what stood open`() throws {
        let gate = try gate()
        #expect(try status(gate) == 200)
        try gate.folder.replace(".env", with: "GATE_KEY=key\n")
        try waitUntil("the route to close") { try status(gate) == 401 }
        try gate.folder.replace(".env", with: "\n")
        try waitUntil("the edit to be served") { try status(gate, "key") == 401 }
        #expect(try status(gate) == 401, "only a question opens it again")
    }

    @Test func `a file that is taken away and made again a thousand times admits nobody`() throws {
        let gate = try gate(tokens: Self.tokens())
        let (done, admitted) = (Guarded(false), Guarded(0))
        let asked = Guarded(0)
        for _ in 0..<2 {
            startThread {
                while !done.withLock({ $0 }) {
                    guard let answer = try? gate.exchange() else { continue }
                    asked.withLock { $0 += 1 }
                    if answer.status != 401 { admitted.withLock { $0 += 1 } }
                }
            }
        }
        for round in 0..<1000 {
            try gate.folder.remove(Self.file)
            if round % 100 == 99 { gate.process.send(SIGHUP) }
            try gate.folder.write(Self.file, Self.tokens())
        }
        try waitUntil("requests enough") { asked.withLock { $0 } > 200 }
        done.withLock { $0 = true }
        #expect(admitted.withLock { $0 } == 0)
        try waitUntil("the token to be good") { try status(gate, "sk-one") == 200 }
    }
}
