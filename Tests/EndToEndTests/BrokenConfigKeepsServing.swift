import Glibc
import Testing

@testable import CLI

/// A file that is wrong changes nothing, and says what is wrong with it to everybody who may want to know.
@Suite(.scenario) struct BrokenConfigKeepsServing {
    private static let good = "routes: [{ path: /**, auth: open, respond: { text: good } }]"
    private static let bad = """
        routes:
          - { path: /**, auth: open, to: opnai }
          - { path: /x, auth: nobody, respond: { text: x }, tineouts: {} }
        upstreams: { openai: "http://127.0.0.1:1" }
        """

    @Test func `headgate reload fails with every problem and its place`() throws {
        let gate = try Gate(Self.good)
        try gate.edit(Self.bad)
        let result = try gate.reload()
        #expect(result.code == 1)
        let said = result.output + result.errors
        for part in [
            "error: ", "opnai", "did you mean `openai`?", "tineouts", "did you mean `timeouts`?", "nobody",
            "headgate.yaml:", "still serving generation 1",
        ] {
            #expect(said.contains(part), "\(part) in:\n\(said)")
        }
        #expect(try gate.exchange().text == "good")
        let json = try gate.headgate("reload", "--json", "--admin", gate.adminPath)
        #expect(json.code == 1)
        #expect(try MockJSONReader.read(Array(json.output.utf8))["result"] == "failed")
    }

    @Test(arguments: ["watch", "signal"]) func `the log and status tell of a failed reload`(trigger: String)
        throws
    {
        let gate = try Gate(Self.good)
        try gate.edit(Self.bad)
        if trigger == "signal" { gate.process.send(SIGHUP) }
        try waitUntil("the failure in the log") { gate.process.errors.contains("still serving generation 1") }
        #expect(gate.process.errors.contains("did you mean `openai`?"))
        let failure = try #require(try gate.requireStatus()["last_failure"])
        #expect(failure["text"]?.stringValue?.contains("opnai") == true)
        #expect(failure["when"]?.stringValue?.isEmpty == false)
        let text = try gate.headgate("status", "--admin", gate.adminPath)
        #expect(text.output.contains("last failure"))
        #expect(try gate.exchange().text == "good")
        #expect(try gate.generation() == 1)
        // Putting it right is seen as well.
        try gate.edit(Self.good.replacing("good", with: "better"))
        try waitUntil("the better file to be served") { try gate.exchange().text == "better" }
    }

    @Test(arguments: [
        "version: 1\nlisteners: {", "\u{FEFF}", "version: 1\n\tx: y", "version: 1\na: &a [*a, *a]\n",
        "version: 1\nlisteners: {}\nlisteners: {}\n", "", "[[[[[[", "version: 2", "version: 1\nroutes: \u{0}",
    ]) func `whatever the file holds, it is refused with a place, and requests go on`(text: String) throws {
        let gate = try Gate(Self.good)
        try gate.folder.replace(Gate.configName, with: text)
        let result = try gate.reload()
        #expect(result.code == 1)
        #expect((result.output + result.errors).contains("headgate.yaml:"), "\(result)")
        #expect(try gate.exchange().text == "good")
    }

    @Test func `a hostile file is refused quickly`() throws {
        let gate = try Gate(Self.good)
        let laughs =
            "version: 1\na: &a [x,x,x,x,x,x,x,x,x]\n"
            + zip("bcdefghij", "abcdefghi").map { name, inner in
                "\(name): &\(name) [" + Array(repeating: "*\(inner)", count: 9).joined(separator: ",") + "]\n"
            }.joined()
        for text in [
            laughs, String(repeating: "[", count: 200_000), "a: " + String(repeating: "x", count: 5 << 20),
        ] {
            try gate.folder.replace(Gate.configName, with: text)
            let started = Clock.seconds
            #expect(try gate.reload().code == 1)
            #expect(Clock.seconds - started < 5)
        }
        #expect(try gate.exchange().text == "good")
    }

    @Test func `a start with a broken file exits with 78 and says why`() throws {
        let folder = try Folder()
        try folder.write("headgate.yaml", "version: 1\nlistners: {}\n")
        let result = try run(
            [Gate.program, "run", "-c", folder("headgate.yaml"), "--admin", folder("a")], in: folder)
        #expect(result.code == 78)
        #expect(result.errors.contains("did you mean `listeners`?"))
    }
}
