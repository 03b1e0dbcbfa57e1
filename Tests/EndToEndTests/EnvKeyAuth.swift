import Glibc
import Testing

@testable import CLI

/// `env-key`: one or several variables are the keys.
@Suite(.scenario) struct EnvKeyAuth {
    private static func config(_ rest: String = "", more: String = "") -> String {
        """
        env_file: .env
        auth: { shared: { mode: env-key, variables: [GATE_KEY_ONE, GATE_KEY_TWO]\(rest) } }
        routes: [{ path: /**, auth: shared, respond: { text: in } }]
        \(more)
        """
    }

    private func gate(_ environment: String, _ rest: String = "") throws -> Gate {
        let folder = try Folder()
        try folder.write(".env", environment)
        return try Gate(Self.config(rest), folder: folder)
    }

    private func status(_ gate: Gate, _ key: String?) throws -> Int {
        try gate.exchange(fields: key.map { ["Authorization: Bearer \($0)"] } ?? []).status
    }

    /// S0-29, S0-33, C14
    @Test func `the first variable that is set is the only key`() throws {
        let gate = try gate("GATE_KEY_ONE=\nGATE_KEY_TWO=two\n")
        #expect(try status(gate, "two") == 200)
        let wrong = try gate.exchange(fields: ["Authorization: Bearer other"])
        #expect(wrong.status == 401)
        #expect(try wrong.json()["error"]?["type"]?.stringValue == "authentication_error")
        #expect(wrong["www-authenticate"] == "Bearer")
        #expect(try status(gate, nil) == 401)
        try gate.folder.write(".env", "GATE_KEY_ONE=one\nGATE_KEY_TWO=two\n")
        #expect(try gate.reload().code == 0)
        #expect(try status(gate, "one") == 200)
        #expect(try status(gate, "two") == 401)
    }

    /// C14
    @Test func `with match any each variable is a key`() throws {
        let gate = try gate("GATE_KEY_ONE=one\nGATE_KEY_TWO=two\n", ", match: any")
        #expect(try status(gate, "one") == 200)
        #expect(try status(gate, "two") == 200)
        #expect(try status(gate, "three") == 401)
    }

    /// C20
    @Test func `a key that is taken out of the file is refused once the reload has answered`() throws {
        let gate = try gate("GATE_KEY_ONE=old\n")
        let client = try gate.connect()
        for key in ["new", "newer", "newest"] {
            let before = key == "new" ? "old" : key == "newer" ? "new" : "newer"
            try client.send(gate.request(fields: ["Authorization: Bearer \(before)"]))
            #expect(try client.readResponse().status == 200)
            try gate.folder.write(".env", "GATE_KEY_ONE=\(key)\n")
            #expect(try gate.reload().code == 0)
            try client.send(gate.request(fields: ["Authorization: Bearer \(before)"]))
            #expect(try client.readResponse().status == 401, "the old key, on a connection from before")
            try client.send(gate.request(fields: ["Authorization: Bearer \(key)"]))
            #expect(try client.readResponse().status == 200)
        }
    }

    @Test func `a reload that fails leaves the keys as they were`() throws {
        let gate = try gate("GATE_KEY_ONE=old\n")
        try gate.folder.write(".env", "GATE_KEY_ONE=new\n")
        try gate.edit(Self.config(more: "lstn: x"))
        #expect(try gate.reload().code != 0)
        #expect(try status(gate, "old") == 200)
        #expect(try status(gate, "new") == 401)
    }

    /// S0-54
    @Test func `a file of variables that others can read is warned about`() throws {
        let folder = try Folder()
        try folder.write(".env", "GATE_KEY_ONE=one\n")
        #expect(chmod(folder(".env"), 0o644) == 0)
        let gate = try Gate(Self.config(), folder: folder)
        #expect(gate.process.errors.contains(".env can be read by others (mode 644): run `chmod 600 .env`"))
    }

    @Test func `status shows the entry and not the key`() throws {
        let gate = try gate("GATE_KEY_ONE=canary-key-value\n")
        #expect(try status(gate, "canary-key-value") == 200)
        let entry = try gate.requireStatus()["auth"]?.arrayValue?.first
        #expect(entry?["name"]?.stringValue == "shared")
        #expect(entry?["mode"]?.stringValue == "env-key")
        #expect(entry?["callers"]?.integerValue == 1)
        let text = try gate.headgate("status", "--admin", gate.adminPath)
        #expect(text.output.contains("shared env-key, 1 caller"))
        #expect(!(text.output + gate.process.errors).contains("canary"))
    }
}
