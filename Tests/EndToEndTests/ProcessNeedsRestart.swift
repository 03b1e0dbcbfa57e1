import Glibc
import Testing

@testable import CLI

/// What only a restart changes is said as long as it waits for one.
@Suite(.scenario) struct ProcessNeedsRestart {
    private static func config(_ process: String) -> String {
        "process: \(process)\nroutes: [{ path: /**, auth: open, respond: { text: x } }]\n"
    }
    private static let warning = "warning: process.workers: the change needs a restart and is not in force"

    @Test func `a reload that comes after the watch warns as well, and status tells until it is put back`()
        throws
    {
        let gate = try Gate(Self.config("{ workers: 1 }"))
        #expect(try gate.requireStatus()["restart_needed"] == .array([]))
        try gate.edit(Self.config("{ workers: 2 }"))
        try waitUntil("the watch to see it") { try gate.generation() == 2 }
        try waitUntil("the warning in the log") { gate.process.errors.contains(Self.warning) }
        for _ in 0..<2 {
            let result = try gate.reload()
            #expect(result.code == 0)
            #expect(result.output.contains(Self.warning), "\(result)")
            #expect(result.output.contains("unchanged, still generation 2"))
        }
        let json = try gate.headgate("reload", "--json", "--admin", gate.adminPath).output
        #expect(try MockJSONReader.read(Array(json.utf8))["report"]?["warnings"] == 1)
        gate.process.send(SIGHUP)
        try waitUntil("SIGHUP in the log") { gate.process.errors.contains("warning SIGHUP: unchanged") }
        let status = try gate.requireStatus()
        #expect(status["restart_needed"] == .array(["process.workers"]))
        #expect(status["workers"]?.arrayValue?.count == 1)
        let text = try gate.headgate("status", "--admin", gate.adminPath).output
        #expect(text.contains("restart     needed for process.workers: changed in the file"), "\(text)")
        try gate.reconfigure(Self.config("{ workers: 1 }"))
        #expect(try gate.requireStatus()["restart_needed"] == .array([]))
        #expect(try gate.reload().output == "unchanged, still generation 3\n")
    }
}
