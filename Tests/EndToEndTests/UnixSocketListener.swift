import Glibc
import Testing

@testable import CLI

/// A listener that is a socket file.
@Suite(.scenario) struct UnixSocketListener {
    @Test func `a socket file is served, replaced after a crash, and removed at the end`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0["x-forwarded-for"] ?? "-") }
        let folder = try Folder()
        let path = folder("gate.sock")
        // As a process that was killed leaves it.
        let left = try Listener(.unix(path))
        left.close()
        let gate = try Gate(
            """
            listeners: { main: "unix:$FOLDER/gate.sock" }
            upstreams: { up: \(upstream.url) }
            access_log: $FOLDER/access.log
            """,
            folder: folder)
        let response = try gate.exchange(at: .unix(path))
        #expect(response.status == 200)
        #expect(try gate.record()["client"] == "unix")
        let curl = try run(
            [
                "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", path,
                "http://localhost/",
            ], in: folder)
        #expect(curl.output == "200")
        gate.process.send(SIGTERM)
        #expect(try gate.process.waitForExit() == 0)
        #expect(!folder.exists("gate.sock"))
    }

    @Test func `a file that is no socket is not touched`() throws {
        let folder = try Folder()
        try folder.write("gate.sock", "precious")
        try folder.write(
            "headgate.yaml",
            """
            version: 1
            \(Gate.open)
            listeners: { main: "unix:\(folder("gate.sock"))" }
            routes: [{ path: /**, auth: open, respond: { text: x } }]
            """)
        let result = try run(
            [Gate.program, "run", "-c", folder("headgate.yaml"), "--admin", folder("a.sock")], in: folder)
        #expect(result.code != 0)
        #expect(result.errors.contains("listeners.main") || result.errors.contains("main"))
        #expect(folder.read("gate.sock") == "precious")
    }
}
