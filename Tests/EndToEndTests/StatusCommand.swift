import Glibc
import Testing

@testable import CLI

/// `headgate status`: what runs by which generation, and which limits are nearly used; once or again and
/// again.
@Suite(.scenario) struct StatusCommandScenario {
    private func gate() throws -> Gate {
        try Gate(
            """
            limits: { per-ip: { by: ip, requests_per_hour: 5 } }
            routes: [{ path: /, auth: open, limits: per-ip, respond: { text: x } }]
            """)
    }

    @Test func `who has nearly used a limit is named`() throws {
        let gate = try gate()
        for _ in 0..<3 { #expect(try gate.exchange().status == 200) }
        #expect(try gate.requireStatus()["limits_nearly_used"]?.arrayValue?.count == 0)
        for _ in 0..<2 { #expect(try gate.exchange().status == 200) }
        let line = try #require(try gate.requireStatus()["limits_nearly_used"]?.arrayValue?.first)
        #expect(line["limit"] == "per-ip" && line["key"] == "requests_per_hour")
        #expect(line["used"] == 5 && line["max"] == 5 && line["percent"] == 100)
        #expect(line["subject"] == "127.0.0.1")
        let text = try gate.headgate("status", "--admin", gate.adminPath).output
        #expect(text.contains("nearly used per-ip requests_per_hour: 5 of 5 (100 %) by 127.0.0.1"), "\(text)")
        #expect(text.contains("listener    main http://\(gate.address.authority), "))
        #expect(try gate.requireStatus()["generations"]?.arrayValue?.first?["served"] == true)
    }

    @Test func `watching shows it again until it is told to end`() throws {
        let gate = try gate()
        let arguments = [Gate.program, "status", "--watch", "0.1", "--admin", gate.adminPath]
        let watching = try ChildProcess(arguments, in: gate.folder)
        func count() -> Int {
            watching.output.split(separator: "\n").count { $0.hasPrefix("headgate ") }
        }
        try waitUntil("three looks") { count() >= 3 }
        #expect(!watching.output.contains("\u{1B}"), "nothing is cleared in a file")
        watching.send(SIGINT)
        #expect(try watching.waitForExit() == 128 + SIGINT)
        let json = try ChildProcess(arguments + ["--json"], in: gate.folder)
        try waitUntil("two lines") { json.output.split(separator: "\n").count >= 3 }
        #expect(try parseJSON(String(json.output.split(separator: "\n")[1]))["state"] == "serving")
    }

    @Test func `a daemon that has gone is said, and looked for again`() throws {
        let folder = try Folder()
        let arguments = [Gate.program, "status", "--watch=0.1"]
        #expect(try run(arguments, in: folder).code == 2, "the seconds stand behind it")
        let watching = try ChildProcess(
            [Gate.program, "status", "--watch", "0.1", "--admin", folder("none.sock")], in: folder)
        try waitUntil("two complaints") {
            watching.output.split(separator: "\n").count { $0.hasPrefix("headgate: no headgate answers") }
                >= 2
        }
        #expect(watching.exitCode == nil)
    }

    @Test func `seconds without watching are a slip`() throws {
        let folder = try Folder()
        #expect(try run([Gate.program, "status", "5"], in: folder).code == 2)
        #expect(try run([Gate.program, "status", "--watch", "soon"], in: folder).code == 2)
    }
}

@Test(arguments: [
    ("2", 2.0), ("0.5", 0.5), ("3600", 3600), ("0", nil), ("-1", nil), ("x", nil), ("nan", nil),
    ("1e9", nil), ("", nil),
])
func `seconds between two looks are few and some`(text: String, wanted: Double?) {
    #expect(StatusCommand.seconds(text) == wanted)
}

@Test func `a path goes through a query as it is`() {
    #expect(PlanCommand.escaped("/a b/é&=?.yaml") == "/a%20b/%C3%A9%26%3D%3F.yaml")
    #expect(PlanCommand.escaped("plain-file_1.yaml~") == "plain-file_1.yaml~")
}
