import Glibc
import Testing

@testable import CLI

/// Which records are kept, and what of them.
@Suite(.scenario) struct AccessLogOptions {
    private static let routes = """
        routes:
          - { path: /ok, auth: open, respond: { text: ok } }
          - { path: /slow, auth: open, to: up }

        """

    @Test func `a sample keeps all errors and slow ones, and what is redacted is nowhere in it`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                let start = Clock.seconds
                try waitUntil("a slow answer") { Clock.seconds - start > 0.06 }
                try connection.send(ok("slow"))
            }
        }
        let gate = try Gate(
            Self.routes + "upstreams: { up: \(upstream.url) }\n"
                + "access_log: { to: $FOLDER/access.log, sample: 0%, slow: 50ms, redact: [path, client] }")
        for _ in 0..<20 { #expect(try gate.exchange("GET", "/ok").status == 200) }
        #expect(try gate.exchange("GET", "/slow").text == "slow")
        #expect(try gate.exchange("GET", "/canary").status == 404)
        let slow = try gate.record { $0["slow"] == true }
        #expect(slow["status"] == 200 && slow["route"] == "routes[1]" && slow["path"] == "-")
        let wrong = try gate.record { $0["status"] == 404 }
        #expect(wrong["client"] == "-" && wrong["slow"] == false)
        #expect(try gate.records().allSatisfy { $0["status"] == 404 || $0["slow"] == true })
        #expect(!gate.folder.read("access.log").contains("canary"))
        try gate.reconfigure(
            Self.routes + "upstreams: { up: \(upstream.url) }\naccess_log: $FOLDER/access.log")
        _ = try gate.exchange("GET", "/ok")
        #expect(try gate.record { $0["path"] == "/ok" }["slow"] == nil, "it is not asked for")
    }

    @Test func `where there is no journal a start fails and says so`() throws {
        guard access("/run/systemd/journal/socket", F_OK) != 0 else { return }
        let folder = try Folder()
        let text = Self.routes + "upstreams: { up: http://127.0.0.1:1 }\naccess_log: journal\n"
        try folder.write("headgate.yaml", Gate.whole(text, try Address.free(), folder))
        let result = try run(
            [Gate.program, "run", "-c", folder("headgate.yaml"), "--admin", folder("a")], in: folder)
        #expect(result.code == 1)
        #expect(result.errors.contains("access_log.to: there is no journal at /run/systemd/journal/socket"))
    }
}
