import Testing

@testable import CLI

/// An answer that is cut off looks cut off: no last chunk, no clean end (RFC 9112 §8).
@Suite(.scenario) struct UpstreamDiesMidResponse {
    struct Death: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let answer: String
        var resets = false
    }

    static let deaths = [
        Death(
            testDescription: "within a length", answer: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        Death(
            testDescription: "within a length, by reset",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", resets: true),
        Death(testDescription: "between chunks", answer: streamHead + chunk("half")),
        Death(testDescription: "within a chunk", answer: streamHead + "ff\r\nhalf"),
        Death(testDescription: "between chunks, by reset", answer: streamHead + chunk("half"), resets: true),
        Death(
            testDescription: "before the trailers' end",
            answer: streamHead + chunk("half") + "0\r\nX-A: b\r\n"),
        Death(
            testDescription: "without a framing, by reset", answer: "HTTP/1.1 200 OK\r\n\r\nhalf",
            resets: true),
        Death(testDescription: "after a malformed chunk", answer: streamHead + chunk("half") + "zz\r\n"),
    ]

    @Test(arguments: deaths) func `a cut answer looks cut`(death: Death) throws {
        let hasRead = Signal()
        let upstream = try ScriptedUpstream { connection in
            guard let request = try connection.readRequest() else { return }
            if request.target == "/after" { return try connection.send(ok("fine")) }
            try connection.send(death.answer)
            // Why: a reset overtakes what was not read yet.
            try hasRead.wait()
            if death.resets { connection.wire.reset() }
        }
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            access_log: $FOLDER/access.log
            """)
        let client = try gate.connect()
        try client.send(gate.request())
        let head = try client.readResponseHead()
        #expect(head.status == 200)
        let first = try client.readThrough("half")
        #expect(first != nil)
        hasRead.open()
        let (rest, end) = try client.readToEnd()
        let text = String(decoding: rest, as: UTF8.self)
        #expect(!text.contains("0\r\n\r\n"), "an end that was not sent")
        #expect(
            head.isChunked || end == .reset, "the end of the connection would read as the end of the answer")
        let record = try gate.record()
        #expect(record["fault"] == "upstream")
        #expect(record["outcome"] == "truncated")
        #expect(try gate.exchange("GET", "/after").text == "fine")
    }

    @Test(arguments: [
        ("nothing", ""), ("half a head", "HTTP/1.1 200 OK\r\nContent-"), ("no HTTP", "hello\r\n\r\n"),
        ("HTTP/2", "HTTP/2 200\r\n\r\n"), ("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        (
            "both framings",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        ("a folded field", "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n"),
        ("a coding that is not chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx"),
        ("a 101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        ("a NUL in a field", "HTTP/1.1 200 OK\r\nX-A: \u{0}\r\nContent-Length: 0\r\n\r\n"),
        ("lines that end with LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    ]) func `an upstream that does not answer in HTTP is a 502`(name: String, answer: String) throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(answer)
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(gate.request("POST", "/", body: "x"))
        let response = try client.readResponse()
        #expect(response.status == 502)
        #expect(
            ["upstream_closed", "upstream_bad_response"].contains(response.errorCode), "\(response.text)")
        #expect(response["x-request-id"]?.isEmpty == false)
        try client.send(gate.request("POST", "/", body: "y"))
        #expect(try client.readResponse().status == 502, "the client's connection is kept")
    }

    @Test func `an upstream that refuses is a 502 at once`() throws {
        let nobody = try Address.free()
        let gate = try Gate(
            "upstreams: { up: \(nobody.authority.isEmpty ? "" : "http://\(nobody.authority)") }")
        let response = try gate.exchange()
        #expect(response.status == 502)
        #expect(response.errorCode == "upstream_unreachable")
    }

    @Test func `an endpoint that refuses is passed over`() throws {
        let nobody = try Address.free()
        let upstream = try ScriptedUpstream.saying("alive")
        let gate = try Gate(
            "upstreams: { up: { endpoints: [\"http://\(nobody.authority)\", \(upstream.url)] } }")
        for _ in 0..<6 { #expect(try gate.exchange("POST", "/", body: "x").text == "alive") }
    }

    /// S4-06, C43: `first_byte` and `idle`.
    @Test func `the clocks of an upstream that is silent say 504`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard let request = try connection.readRequest() else { return }
            if request.target == "/slow" { try connection.send(streamHead + chunk("half")) }
            _ = try connection.wire.waitForEnd()
        }
        let gate = try Gate(
            """
            upstreams: { up: { url: "\(upstream.url)", timeouts: { first_byte: 300ms, idle: 300ms } } }
            """)
        let response = try gate.exchange("POST", "/silent", body: "x")
        #expect(response.status == 504)
        #expect(response.errorCode == "upstream_timeout")
        let client = try gate.connect()
        try client.send(gate.request("GET", "/slow"))
        let rest = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(rest.contains("half") && !rest.contains("0\r\n\r\n"))
        try waitUntil("the upstream's connections to be closed") { upstream.openCount == 0 }
    }

    /// C43: only where it is written.
    @Test func `total ends an exchange however busy it is`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(streamHead)
            while !connection.wire.hasEnded {
                try connection.sendChunk("data: x\n\n")
                pace(0.02) { !connection.wire.hasEnded }
            }
        }
        let gate = try Gate("upstreams: { up: { url: \"\(upstream.url)\", timeouts: { total: 400ms } } }")
        let client = try gate.connect()
        let started = Clock.seconds
        try client.send(gate.request())
        let rest = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(rest.contains("data: x") && !rest.contains("0\r\n\r\n"))
        #expect(Clock.seconds - started < 5)
    }
}
