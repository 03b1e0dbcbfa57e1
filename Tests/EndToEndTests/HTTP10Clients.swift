import Testing

/// HTTP/1.0 clients: no chunks, no connection kept unless asked (RFC 9112 §9.3, appendix C).
@Suite(.scenario) struct HTTP10Clients {
    private func gate() throws -> Gate {
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                request.target == "/chunked"
                    ? try connection.send(
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("ab") + chunk("cd")
                            + "0\r\n\r\n")
                    : try connection.send(ok("\(request.version) \(request["host"] ?? "-")"))
            }
        }
        return try Gate("upstreams: { up: \(upstream.url) }")
    }

    @Test func `a request without Host is served, and the upstream is asked in HTTP 1.1`() throws {
        let gate = try gate()
        let client = try gate.connect()
        try client.send("GET / HTTP/1.0\r\n\r\n")
        let response = try client.readResponse()
        #expect(response.status == 200)
        #expect(response.text.hasPrefix("HTTP/1.1 127."))
        #expect(try client.readToEnd().bytes.isEmpty)
    }

    @Test func `a chunked answer arrives without chunks and ends with the connection`() throws {
        let gate = try gate()
        let client = try gate.connect()
        try client.send("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let response = try client.readResponseHead()
        #expect(!response.isChunked)
        #expect(response["connection"]?.lowercased() != "keep-alive")
        let (bytes, end) = try client.readToEnd()
        #expect(String(decoding: bytes, as: UTF8.self) == "abcd")
        #expect(end == .fin)
    }

    @Test func `a connection is kept where the client asks and the length is known`() throws {
        let gate = try gate()
        let client = try gate.connect()
        for _ in 0..<3 {
            try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let response = try client.readResponse()
            #expect(response.status == 200)
            #expect(response["connection"]?.lowercased() == "keep-alive")
        }
    }

    @Test func `an upstream that dies within a chunked answer is seen as broken`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("half"))
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send("GET / HTTP/1.0\r\n\r\n")
        // Without a length and without chunks only a reset can say that the answer is not whole.
        #expect(try client.readToEnd().end == .reset)
    }
}
