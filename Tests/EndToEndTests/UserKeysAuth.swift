import Glibc
import JSON
import Testing

@testable import CLI

/// `user-keys`: keys of users in a store, made and taken back by the command line beside the daemon.
@Suite(.scenario) struct UserKeysAuth {
    private static let config = """
        access_log: { to: ./access.log }
        stores: { main: { sqlite: main.db, password_cost: 4 } }
        auth: { members: { mode: user-keys, store: main } }
        routes: [{ path: /**, auth: members, respond: { text: in } }]
        """

    private func gate(_ config: String = config) throws -> Gate {
        let folder = try Folder()
        let made = try run([Gate.program, "db", "init", "--no-admin", "--db", folder("main.db")], in: folder)
        #expect(made.code == 0, "\(made.output)\(made.errors)")
        return try Gate(config, folder: folder)
    }

    @discardableResult
    private func headgate(_ gate: Gate, _ arguments: String...) throws -> JSONValue {
        let path = gate.folder(Gate.configName)
        let result = try run([Gate.program] + arguments + ["-c", path, "--json"], in: gate.folder)
        guard result.code == 0 else { throw Trouble("\(arguments): \(result.output)\(result.errors)") }
        return try JSONValue.parse(Array(result.output.utf8))
    }

    private func makeKey(_ gate: Gate, _ more: String...) throws -> (key: String, id: String) {
        try headgate(gate, "user", "add", "ann", "--no-password")
        let path = gate.folder(Gate.configName)
        let result = try run(
            [Gate.program, "apikey", "create", "--user", "ann", "-c", path, "--json"] + more, in: gate.folder)
        let json = try JSONValue.parse(Array(result.output.utf8))
        return (try #require(json["api_key"]?.text), try #require(json["key_id"]?.text))
    }

    private func waitFor(_ wanted: Int, _ gate: Gate, _ key: String) throws {
        try waitUntil("\(key.prefix(6)) to get \(wanted)", within: 3) {
            try gate.exchange(fields: ["Authorization: Bearer \(key)"]).status == wanted
        }
    }

    @Test func `a key that is made, revoked, or whose user is disabled counts within moments`() throws {
        let gate = try gate()
        let (key, id) = try makeKey(gate)
        try waitFor(200, gate, key)
        try headgate(gate, "user", "disable", "ann")
        try waitFor(401, gate, key)
        try headgate(gate, "user", "enable", "ann")
        try waitFor(200, gate, key)
        try headgate(gate, "apikey", "revoke", id)
        try waitFor(401, gate, key)
        #expect(try gate.generation() == 1)
        let record = try gate.record { $0["status"]?.integerValue == 200 }
        #expect(record["auth"]?.stringValue == "members")
        #expect(record["caller"]?.stringValue?.hasPrefix("ann/") == true)
    }

    @Test func `uses are counted in the store`() throws {
        let gate = try gate()
        let (key, _) = try makeKey(gate)
        try waitFor(200, gate, key)
        for _ in 0..<9 { _ = try gate.exchange(fields: ["x-api-key: \(key)"]) }
        try waitUntil("ten uses in the store") {
            let list = try headgate(gate, "apikey", "list")
            let items = list.items ?? list["keys"]?.items ?? []
            return (items.first?["usage_count"]?.integer ?? 0) >= 10
        }
    }

    @Test func `a store that does not exist is an error at the start that names what makes it`() throws {
        let folder = try Folder()
        let address = try Address.free()
        try folder.write(Gate.configName, Gate.whole(Self.config, address, folder))
        let result = try run(
            [Gate.program, "run", "-c", folder(Gate.configName), "--admin", folder("admin.sock")], in: folder)
        #expect(result.code != 0)
        #expect(result.errors.contains("stores.main"), "\(result.errors)")
        #expect(result.errors.contains("headgate db init"))
    }

    @Test func `a damaged store fails the reload and leaves the old one in force`() throws {
        let gate = try gate()
        let (key, _) = try makeKey(gate)
        try waitFor(200, gate, key)
        try gate.folder.write("other.db", String(repeating: "no database", count: 1000))
        var text = Self.config
        text.replace("main.db", with: "other.db")
        try gate.edit(text)
        let result = try gate.reload()
        #expect(result.code != 0)
        let said = result.output + result.errors
        #expect(said.contains("stores.main.sqlite"), "\(said)")
        try waitFor(200, gate, key)
        #expect(try gate.generation() == 1)
    }

    @Test func `a reload keeps the callers, and a store that is gone keeps them too`() throws {
        let gate = try gate()
        let (key, _) = try makeKey(gate)
        try waitFor(200, gate, key)
        try gate.reconfigure(Self.config + "\nresolve_timeout: 3s")
        try waitFor(200, gate, key)
        try gate.folder.move("main.db", to: "away.db")
        try waitUntil("the doubt to show") {
            try gate.requireStatus()["auth"]?.arrayValue?.first?["in_doubt"]?.boolValue == true
        }
        try waitFor(200, gate, key)
        try gate.folder.move("away.db", to: "main.db")
        try waitUntil("the doubt to go") {
            try gate.requireStatus()["auth"]?.arrayValue?.first?["in_doubt"]?.boolValue == false
        }
    }
}
