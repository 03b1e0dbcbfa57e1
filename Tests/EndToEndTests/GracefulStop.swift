import Glibc
import Testing

@testable import CLI

/// SIGTERM: nobody new, those who are there finish, and not for ever.
@Suite(.scenario) struct GracefulStop {
    /// Streams until told to end.
    private func streaming(_ isEnding: Signal) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try connection.send(streamHead + chunk("data: 0\n\n"))
                while !isEnding.isOpen(), !connection.wire.hasEnded {
                    try connection.sendChunk("data: x\n\n")
                    pace(0.02) { !isEnding.isOpen() && !connection.wire.hasEnded }
                }
                try connection.send(chunk("data: [DONE]\n\n") + "0\r\n\r\n")
            }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func `a stop lets the stream finish and takes nobody new`(
        signal: Int32
    ) throws {
        let isEnding = Signal()
        let gate = try Gate(
            "upstreams: { up: \(try streaming(isEnding).url) }\naccess_log: $FOLDER/access.log")
        let idle = try gate.connect()
        let client = try gate.connect()
        try client.send(gate.request())
        _ = try client.readThrough("data: 0\n\n")
        gate.process.send(signal)
        #expect(try idle.readToEnd().bytes.isEmpty, "an idle connection is closed")
        try waitUntil("new connections to be refused") {
            guard let late = try? gate.connect() else { return true }
            late.close()
            return false
        }
        _ = try client.readThrough("data: x\n\n")
        #expect(gate.process.exitCode == nil)
        isEnding.open()
        let rest = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(rest.hasSuffix("data: [DONE]\n\n\r\n0\r\n\r\n"))
        #expect(try gate.process.waitForExit() == 0)
        #expect(try gate.records().last?["outcome"] == "complete")
        #expect(!gate.folder.exists("admin.sock"))
    }

    @Test func `drain_timeout cuts what does not end, visibly`() throws {
        let isEnding = Signal()
        let gate = try Gate(
            """
            process: { drain_timeout: 500ms }
            upstreams: { up: \(try streaming(isEnding).url) }
            access_log: $FOLDER/access.log
            """)
        let client = try gate.connect()
        try client.send(gate.request())
        _ = try client.readThrough("data: 0\n\n")
        let started = Clock.seconds
        gate.process.send(SIGTERM)
        let rest = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(!rest.contains("\r\n0\r\n\r\n") && !rest.contains("[DONE]"))
        // What the SDKs raise as an error, as the last event.
        #expect(
            rest.contains("data: {\"error\":{\"message\":\"The gateway is shutting down.\"")
                && rest.hasSuffix("\"code\":\"draining\"}}\n\n\r\n"), "\(rest.suffix(200))")
        #expect(try gate.process.waitForExit() == 0)
        #expect(Clock.seconds - started < 4)
        #expect(try gate.records().last?["outcome"] == "cut")
        isEnding.open()
    }

    @Test func `a request in flight is answered, and its connection then closed`() throws {
        let goOn = Signal()
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try goOn.wait()
                try connection.send(ok("late"))
            }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(gate.request("POST", "/", body: "x"))
        try waitUntil("the request at the upstream") { upstream.requests.count == 1 }
        gate.process.send(SIGTERM)
        try waitUntil("the stop to begin") { gate.process.errors.contains("stopping") }
        goOn.open()
        let response = try client.readResponse()
        #expect(response.text == "late")
        #expect(response["connection"] == "close")
        #expect(try client.readToEnd().bytes.isEmpty)
        #expect(try gate.process.waitForExit() == 0)
    }

    @Test func `a second signal ends at once`() throws {
        let isEnding = Signal()
        let gate = try Gate("upstreams: { up: \(try streaming(isEnding).url) }")
        let client = try gate.connect()
        try client.send(gate.request())
        _ = try client.readThrough("data: 0\n\n")
        gate.process.send(SIGTERM)
        try waitUntil("the stop to begin") { gate.process.errors.contains("stopping") }
        gate.process.send(SIGTERM)
        #expect(try gate.process.waitForExit(within: 5) == 1)
        isEnding.open()
    }
}
