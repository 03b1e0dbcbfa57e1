import Testing

/// Trailers pass where they are harmless and go nowhere near the head (RFC 9110 §6.5).
@Suite(.scenario) struct Trailers {
    @Test func `trailers pass both ways, those that could deceive do not`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try connection.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + chunk("body")
                        + "0\r\nX-Sum: 42\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\n\r\n")
            }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        for _ in 0..<2 {
            try client.send(
                gate.request("POST", "/", fields: ["Transfer-Encoding: chunked", "Trailer: X-Check"])
                    + chunk("hi")
                    + "0\r\nX-Check: 7\r\nContent-Length: 3\r\nHost: evil\r\nAuthorization: Bearer x\r\n\r\n")
            let response = try client.readResponse()
            #expect(response.text == "body")
            #expect(response.trailers == [Field(name: "X-Sum", value: "42")])
            #expect(response["x-sum"] == nil)
        }
        let requests = upstream.requests
        #expect(requests.count == 2)
        for request in requests {
            #expect(request.text == "hi")
            #expect(request.trailers == [Field(name: "X-Check", value: "7")])
            #expect(request["authorization"] == nil)
        }
    }

    @Test func `chunk extensions are dropped`() throws {
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.readRequest() { try connection.send(ok(request.text)) }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(
            gate.request("POST", "/", fields: ["Transfer-Encoding: chunked"]) + "3;a=b\r\nabc\r\n0;c\r\n\r\n")
        // The upstream's reader takes no extensions.
        #expect(try client.readResponse().text == "abc")
    }
}
