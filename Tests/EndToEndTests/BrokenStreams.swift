import Testing

@testable import CLI

/// A stream of events that its upstream breaks off says so itself, as one more event between two others.
@Suite(.scenario) struct BrokenStreams {
    private static let eventHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    private static let whole = "data: {\"n\":1}\n\n"

    /// What the client gets of a stream that begins so and breaks off.
    private func broken(
        after start: String, route: String = "", options: String = "", stalls: Bool = false
    ) throws -> (text: String, end: Connection.End, record: MockJSON) {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(start)
            if stalls { _ = try connection.wire.waitForEnd() }
        }
        let gate = try Gate(
            """
            upstreams: { up: { url: "\(upstream.url)", timeouts: { idle: 300ms } } }
            access_log: $FOLDER/access.log
            routes: [{ path: /**, auth: open, to: up\(route) }]
            \(options)
            """)
        let client = try gate.connect()
        try client.send(gate.request("POST", "/v1/chat/completions", body: "{}"))
        let (bytes, end) = try client.readToEnd()
        return (String(decoding: bytes, as: UTF8.self), end, try gate.record())
    }

    /// S0-40, C49: an error event, and then no `[DONE]` and no clean end.
    @Test func `an upstream that dies between two events is told in the stream`() throws {
        let (text, _, record) = try broken(after: Self.eventHead + chunk(Self.whole))
        let event = """
            data: {"error":{"message":"The upstream broke off in the middle of its answer.",\
            "type":"upstream_error","param":null,"code":"upstream_closed"}}\n\n
            """
        #expect(text.contains(chunk(event)), "\(text)")
        #expect(!text.contains("[DONE]") && !text.hasSuffix("0\r\n\r\n"))
        #expect(record["outcome"] == "truncated" && record["code"] == "upstream_closed")
    }

    @Test func `one that stalls is told as well`() throws {
        let (text, _, record) = try broken(after: Self.eventHead + chunk(Self.whole), stalls: true)
        #expect(text.contains("\"code\":\"upstream_timeout\"") && !text.contains("[DONE]"), "\(text)")
        #expect(record["code"] == "upstream_timeout")
    }

    /// S4-59, C49.
    @Test func `with stream_error_end done the end looks like that of a whole one`() throws {
        let (text, _, record) = try broken(
            after: Self.eventHead + chunk(Self.whole), route: ", errors: webscout, stream_error_end: done")
        let events = """
            data: {"error":{"message":"The upstream broke off in the middle of its answer.",\
            "type":"server_error","code":"streaming_error"}}\n\ndata: [DONE]\n\n
            """
        #expect(text.hasSuffix(chunk(events) + "0\r\n\r\n"), "\(text)")
        #expect(record["outcome"] == "truncated", "the record knows better")
    }

    @Test func `where usage is tapped, the event comes as well`() throws {
        let (text, _, _) = try broken(
            after: Self.eventHead + chunk(Self.whole), route: ", limits: tokens",
            options: "limits: { tokens: { by: ip, tokens_per_minute: 1M, default_reserve: 10 } }")
        #expect(text.contains("\"code\":\"upstream_closed\""), "\(text)")
    }

    @Test(arguments: [
        ("within an event", "data: {\"n\":", ""), ("behind the last event", "data: [DONE]\n\n", ""),
        ("within an event, done", "data: {\"n\":", ", stream_error_end: done"),
    ])
    func `where no event has a place, none comes`(name: String, last: String, route: String) throws {
        let (text, _, _) = try broken(
            after: Self.eventHead + chunk(Self.whole) + chunk(last), route: route)
        #expect(!text.contains("\"error\"") && !text.hasSuffix("0\r\n\r\n"), "\(text)")
    }

    @Test func `behind the last event none comes where usage is tapped either`() throws {
        let (text, _, _) = try broken(
            after: Self.eventHead + chunk(Self.whole) + chunk("data: [DONE]\n\n"),
            route: ", limits: tokens, stream_error_end: done",
            options: "limits: { tokens: { by: ip, tokens_per_minute: 1M, default_reserve: 10 } }")
        #expect(!text.contains("\"error\""), "\(text)")
    }

    @Test func `the time for all is told as what it is`() throws {
        let (text, _, record) = try broken(
            after: Self.eventHead + chunk(Self.whole), route: ", timeouts: { total: 200ms, idle: 20s }",
            stalls: true)
        #expect(text.contains("\"code\":\"total_timeout\""), "\(text)")
        #expect(record["outcome"] == "cut")
    }

    @Test func `within a chunk, within a length and in other media types nothing is added`() throws {
        let plain = Self.eventHead.replacing("text/event-stream", with: "application/json")
        let sized = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n"
        for start in [
            Self.eventHead + chunk(Self.whole) + "ff\r\ndata: x\n\n", sized + Self.whole,
            plain + chunk(Self.whole),
        ] {
            let (text, _, _) = try broken(after: start, route: ", stream_error_end: done")
            #expect(!text.contains("\"error\"") && !text.contains("[DONE]"), "\(text)")
        }
    }
}
