import Testing

/// The other side of strictness: what is rare but right passes.
@Suite(.scenario) struct UnusualButValid {
    @Test func `rare forms of requests arrive as they were meant`() throws {
        let upstream = try ScriptedUpstream.answering { ok("\($0.method) \($0.target) \($0.text)") }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let chunked = "Transfer-Encoding: Chunked\r\n\r\n"
        let table = [
            ("an empty line first", "\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a "),
            ("a method of one's own", "PURGE /a HTTP/1.1\r\nHost: a\r\n\r\n", "PURGE /a "),
            ("a method in lower case", "get /a HTTP/1.1\r\nHost: a\r\n\r\n", "get /a "),
            (
                "a coding in capitals", "PUT /a HTTP/1.1\r\nHost: a\r\n\(chunked)1\r\nx\r\n0\r\n\r\n",
                "PUT /a x"
            ),
            (
                "hexadecimal sizes",
                "PUT /a HTTP/1.1\r\nHost: a\r\n\(chunked)00A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",
                "PUT /a 01234567890123456789"
            ),
            ("a GET with a body", "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "GET /a hi"),
            (
                "a DELETE with a body", "DELETE /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
                "DELETE /a hi"
            ),
            ("a POST of nothing", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /a "),
            ("a POST without a length", "POST /a HTTP/1.1\r\nHost: a\r\n\r\n", "POST /a "),
            ("an empty chunked body", "POST /a HTTP/1.1\r\nHost: a\r\n\(chunked)0\r\n\r\n", "POST /a "),
            (
                "every character of a path", "GET /a-._~!$&'()*+,;=:@%20%7E HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a-._~!$&'()*+,;=:@%20%7E "
            ),
            (
                "dots that are no dot segments", "GET /a.../..b/c.. HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a.../..b/c.. "
            ),
            ("an IPv6 host", "GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /a "),
            ("white space around a value", "GET /a HTTP/1.1\r\nHost: \t a \t\r\n\r\n", "GET /a "),
        ]
        for (name, bytes, expected) in table {
            let client = try gate.connect()
            try client.send(bytes)
            let response = try client.readResponse()
            #expect(response.status == 200, "\(name): \(response.text)")
            #expect(response.text == expected, "\(name)")
            try client.send(gate.request("GET", "/next"))
            #expect(try client.readResponse().text == "GET /next ", "\(name): the connection is kept")
        }
    }

    @Test func `values pass byte for byte`() throws {
        let upstream = try ScriptedUpstream.answering { _ in
            ok("x", fields: "X-Back: caf\u{E9} \u{2603}\t\"x\"\r\nX-Empty:\r\n")
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Value: caf\u{E9} \u{2603}\t\"x\"\r\nX-Empty:\r\nx-CASE: Y\r\n\r\n"
        )
        let response = try client.readResponse()
        #expect(response["x-back"] == "caf\u{E9} \u{2603}\t\"x\"")
        #expect(response["x-empty"] == "")
        let request = try #require(upstream.requests.first)
        #expect(request["x-value"] == "caf\u{E9} \u{2603}\t\"x\"")
        #expect(request["x-empty"] == "")
        #expect(request["x-case"] == "Y")
    }

    @Test func `rare forms of answers arrive whole`() throws {
        let answers = [
            ("no reason phrase", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200),
            ("a status of one's own", "HTTP/1.1 299 Mine\r\nContent-Length: 2\r\n\r\nok", 299),
            ("an old upstream", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
            (
                "chunks of one byte",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n", 200
            ),
            (
                "an answer that ends its connection",
                "HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 404
            ),
            (
                "a big head",
                "HTTP/1.1 200 OK\r\nX-Big: \(String(repeating: "b", count: 20_000))\r\nContent-Length: 2\r\n\r\nok",
                200
            ),
        ]
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                guard let index = Int(request.target.dropFirst()) else { return }
                try connection.send(answers[index].1)
                if answers[index].1.contains("close") || answers[index].1.contains("HTTP/1.0") { return }
            }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        for (index, answer) in answers.enumerated() {
            try client.send(gate.request("GET", "/\(index)"))
            let response = try client.readResponse()
            #expect(response.version == "HTTP/1.1", "\(answer.0)")
            #expect(response.status == answer.2, "\(answer.0)")
            #expect(response.text == "ok", "\(answer.0)")
        }
    }

    @Test func `an answer's head beyond all bounds is a 502`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nX-Big: \(String(repeating: "b", count: 1 << 20))\r\n\r\n")
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let response = try gate.exchange()
        #expect(response.status == 502)
        #expect(response.errorCode == "upstream_bad_response")
    }
}
