import Testing

/// Bytes arrive as the network likes: nothing may depend on where a segment ends.
@Suite(.scenario) struct OneByteReads {
    @Test func `a request that arrives byte by byte is one request`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.text) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        for body in ["first", "second"] {
            try client.sendByteByByte(gate.request("POST", "/v1/x?q=1", fields: ["X-A: b"], body: body))
            let response = try client.readResponse()
            #expect(response.status == 200)
            #expect(response.text == body)
        }
        #expect(upstream.requests.map(\.target) == ["/v1/x?q=1", "/v1/x?q=1"])
        #expect(upstream.requests.allSatisfy { $0["x-a"] == "b" })
    }

    @Test func `a chunked request body that arrives byte by byte is whole`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.text) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.sendByteByByte(
            gate.request("POST", "/", fields: ["Transfer-Encoding: chunked"]) + chunk("Hello, ")
                + chunk("world") + "0\r\n\r\n")
        #expect(try client.readResponse().text == "Hello, world")
    }

    @Test func `an answer that arrives byte by byte is whole, whatever its framing`() throws {
        let answers = [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("pla") + chunk("in")
                + "0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nplain",
        ]
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                guard let index = Int(request.target.dropFirst()) else { return }
                try connection.wire.sendByteByByte(answers[index])
                if index == 2 { return }
            }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        for index in answers.indices {
            let response = try gate.exchange("GET", "/\(index)")
            #expect(response.status == 200)
            #expect(response.text == "plain", "answer \(index)")
        }
    }

}
