import Testing

@testable import Proxy

@Suite struct LocalAnswerTests {
    private func worker(_ routes: [RoutePlan], _ change: (inout GenerationSketch) -> Void = { _ in }) throws
        -> WorkerUnderTest
    {
        var sketch = GenerationSketch()
        sketch.routes = routes
        change(&sketch)
        return try WorkerUnderTest(sketch)
    }

    @Test func `a route's own answer has its body, or its length alone on HEAD`() throws {
        let worker = try worker([.responding("/", "hello")])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n"
                + "Host: a\r\n\r\n"
        )
        for hasBody in [true, false, true] {
            let answer = try client.readMessage(hasBody: hasBody)
            #expect(answer.startLine == "HTTP/1.1 200 OK")
            #expect(answer["content-type"] == "text/plain; charset=utf-8")
            #expect(answer["content-length"] == "5")
            #expect(answer["date"]?.hasSuffix(" GMT") == true)
            #expect(answer.body == (hasBody ? "hello" : ""))
        }
        #expect(try worker.records(3).map(\.record.responseBodyBytes) == [5, 0, 5])
    }

    @Test func `a large fixed answer arrives whole at a slow reader`() throws {
        let text = String(repeating: "0123456789", count: 400_000)
        let worker = try worker([.responding("/", text)])
        defer { worker.stop() }
        let client = try worker.connect(receiveBuffer: 8192)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.readMessage().body == text)
        #expect(try client.readMessage().body == text)
    }

    @Test func `204 and 304 have neither body nor length`() throws {
        let worker = try worker([
            .responding("/none", "", status: 204), .responding("/same", "", status: 304),
        ])
        defer { worker.stop() }
        let client = try worker.connect()
        for (path, status) in [("/none", 204), ("/same", 304)] {
            try client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try client.readHead()
            #expect(answer.status == status)
            #expect(answer["content-length"] == nil)
        }
        #expect(client.held.isEmpty)
    }

    @Test func `the connection survives a 404 with a body of any framing`() throws {
        let worker = try worker([.responding("/", "yes")])
        defer { worker.stop() }
        let client = try worker.connect()
        let bodies = [
            "Content-Length: 5\r\n\r\nGET /", "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nGET /\r\n0\r\n\r\n",
            "Content-Length: 0\r\n\r\n", "\r\n",
        ]
        for body in bodies {
            for slowly in [false, true] {
                let request = "POST /nope HTTP/1.1\r\nHost: a\r\n" + body
                if slowly { try client.sendSlowly(request) } else { try client.send(request) }
                let answer = try client.readMessage()
                #expect(answer.status == 404)
                #expect(answer.code == "unknown_url")
                #expect(answer["connection"] == nil)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.readMessage().body == "yes")
            }
        }
    }

    @Test func `a refused body that is too large to read on is answered and then closed without RST`() throws
    {
        let worker = try worker([.responding("/", "yes")])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 404)
        #expect(answer["connection"] == "close")
        try client.send([UInt8](repeating: 0x61, count: 300_000))
        #expect(try client.readToEnd() == ("", .fin))
    }

    @Test func `a client that waits for 100 is not asked for the body of a refused request`() throws {
        let worker = try worker([.responding("/", "yes")])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST /nope HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 404)
        #expect(answer["connection"] == "close")
        #expect(try client.readToEnd() == ("", .fin))
    }

    @Test func `Connection close and HTTP/1.0 are honoured`() throws {
        let worker = try worker([.responding("/", "yes")])
        defer { worker.stop() }
        for request in ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
            let client = try worker.connect()
            try client.send(request)
            let answer = try client.readMessage()
            #expect(answer.body == "yes")
            #expect(answer["connection"] == "close")
            #expect(try client.readToEnd() == ("", .fin))
        }
        let client = try worker.connect()
        for _ in 0..<2 {
            try client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            #expect(try client.readMessage()["connection"] == "keep-alive")
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400, "invalid_host"),
        ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_path"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400, "malformed_headers"),
        ("GET / HTTP/2.0\r\n\r\n", 505, "unsupported_http_version"),
        ("\u{16}\u{3}\u{1}\r\n\r\n", 400, "malformed_request"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "ambiguous_framing"
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417, "expectation_failed"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "connect_not_supported"),
    ])
    func `what is no request is answered and the connection closed`(bytes: String, status: Int, code: String)
        throws
    {
        let worker = try worker([.responding("/", "yes")])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(bytes + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == status)
        #expect(answer.code == code)
        #expect(answer["connection"] == "close")
        #expect(try client.readToEnd() == ("", .fin))
        let seen = try worker.record()
        #expect(seen[.errorCode] == code)
        #expect(seen[.requestID] == answer["x-request-id"])
        #expect(seen.fault == .client)
    }

    @Test func `a head over max_head or max_fields is a 431, whole or in pieces`() throws {
        let worker = try worker([.responding("/", "yes")]) {
            $0.headLimits = HeadLimits(maxBytes: 512, maxFields: 8)
        }
        defer { worker.stop() }
        let long = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 600) + "\r\n\r\n"
        let many = "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 9) + "\r\n"
        for (request, code) in [(long, "headers_too_large"), (many, "too_many_headers")] {
            for slowly in [false, true] {
                let client = try worker.connect()
                if slowly {
                    // It may be refused before its end.
                    for byte in request.utf8 where client.isQuiet(milliseconds: 0) { try client.send([byte]) }
                } else {
                    try client.send(request)
                }
                let answer = try client.readMessage()
                #expect(answer.status == 431)
                #expect(answer.code == code)
            }
        }
    }

    @Test func `a 405 names what is allowed`() throws {
        let getAndPost = MethodSet(bits: 0b1011, others: [])
        let custom = MethodSet(bits: 0b1_0000, others: [Array("PURGE".utf8)])
        let worker = try worker([
            .test(methods: getAndPost), .test(.exact(Array("/x".utf8)), methods: custom),
        ])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("PATCH /x HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 405)
        #expect(answer["allow"] == "GET, HEAD, PUT, DELETE, PURGE")
    }
}
