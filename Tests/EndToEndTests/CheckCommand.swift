import Testing

@testable import CLI

/// `headgate check`: everything that is wrong with a file, at once.
@Suite(.scenario) struct CheckCommand {
    private func check(_ text: String, _ options: String...) throws -> (
        code: Int32, output: String, errors: String
    ) {
        let folder = try Folder()
        try folder.write("gate.yaml", text)
        let result = try run(
            ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, Gate.program, "check", "gate.yaml"]
                + options, in: folder)
        return result
    }

    private static let good = """
        version: 1
        listeners: { main: 127.0.0.1:8000 }
        auth: { open: { mode: none } }
        upstreams: { openai: https://api.openai.com/v1 }
        routes: [{ path: /v1/**, auth: open, to: openai }]

        """

    @Test func `a good file is ok, with a summary, and exit 0`() throws {
        let result = try check(Self.good)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.output == "ok: 1 listener, 1 route, 1 upstream\n")
        #expect(result.errors == "")
    }

    @Test func `every problem is told with place, excerpt and suggestion, and exit 1`() throws {
        let result = try check(
            """
            version: 1
            listeners: { main: 127.0.0.1:8000 }
            auth: { open: { mode: none } }
            upstreams: { openai: https://api.openai.com/v1 }
            routes:
              - path: /v1/**
                auth: open
                to: opnai
              - path: /health
                auth: open
                respond: { txt: fine }

            """)
        #expect(result.code == 1)
        #expect(result.output == "")
        #expect(
            result.errors == """
                gate.yaml:8:9: error: upstream `opnai` is not defined (defined: openai)
                    8 |     to: opnai
                      |         ^^^^^ did you mean `openai`?
                gate.yaml:11:16: error: unknown key `txt` in routes[1].respond
                   11 |     respond: { txt: fine }
                      |                ^^^ did you mean `text`?
                2 errors

                """)
    }

    @Test func `with json it speaks to programs`() throws {
        let bad = try check(Self.good.replacing("to: openai", with: "to: opnai"), "--json")
        #expect(bad.code == 1)
        let report = try MockJSONReader.read(Array(bad.output.utf8))
        #expect(report["errors"] == 1)
        let diagnostic = try #require(report["diagnostics"]?.arrayValue?.first)
        #expect(diagnostic["file"] == "gate.yaml")
        #expect(diagnostic["line"] == 5)
        #expect(diagnostic["severity"] == "error")
        #expect(diagnostic["key_path"] == "routes[0].to")
        #expect(diagnostic["message"]?.stringValue?.contains("opnai") == true)
        let good = try check(Self.good, "--json")
        #expect(good.code == 0)
        #expect(try MockJSONReader.read(Array(good.output.utf8))["errors"] == 0)
    }

    @Test func `a file that is not there is said so`() throws {
        let folder = try Folder()
        let result = try run([Gate.program, "check", folder("none.yaml")], in: folder)
        #expect(result.code == 1)
        #expect(result.errors.contains("none.yaml"))
    }

    @Test func `nothing is bound and no name is asked for`() throws {
        let busy = try ScriptedUpstream.saying("x")
        let result = try check(
            Self.good.replacing("127.0.0.1:8000", with: busy.address.authority)
                .replacing("api.openai.com", with: "no-such-host.invalid"))
        #expect(result.code == 0)
    }
}
