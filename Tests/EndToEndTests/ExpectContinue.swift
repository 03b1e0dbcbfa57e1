import Testing

/// `Expect: 100-continue` (RFC 9110 §10.1.1): a client that asks before it sends a body.
@Suite(.scenario) struct ExpectContinue {
    @Test func `a client that asks is told to go on`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.text) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        for body in ["one", "two"] {
            try client.send(gate.request("POST", "/", fields: ["Expect: 100-continue", "Content-Length: 3"]))
            let interim = try client.readHead()
            #expect(interim?.start == "HTTP/1.1 100 Continue")
            try client.send(body)
            #expect(try client.readResponse().text == body)
        }
    }

    @Test func `a client that sends without waiting is answered all the same`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.text) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(gate.request("POST", "/", fields: ["Expect: 100-continue"], body: "body"))
        let response = try client.readResponse()
        #expect(response.text == "body")
        #expect(response.interim.count <= 1)
    }

    @Test func `a refusal takes the place of the permission`() throws {
        let upstream = try ScriptedUpstream.saying("no")
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /v1/**, auth: open, max_body: 10KiB, to: up }]
            """)
        for (target, status) in [("/nowhere", 404), ("/v1/x", 413)] {
            let client = try gate.connect()
            try client.send(
                gate.request("POST", target, fields: ["Expect: 100-continue", "Content-Length: 20000"]))
            let response = try client.readResponse()
            #expect(response.status == status)
            #expect(response.interim.isEmpty)
        }
        #expect(upstream.requests.isEmpty)
    }

    @Test func `curl sends a big body without a pause`() throws {
        let upstream = try ScriptedUpstream.answering { ok("\($0.body.count)") }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        try gate.folder.write("body", String(repeating: "b", count: 1_500_000))
        let started = Clock.seconds
        let result = try run(
            [
                "curl", "-sS", "-H", "Expect: 100-continue", "--expect100-timeout", "20", "--data-binary",
                "@\(gate.folder("body"))", "http://\(gate.address.authority)/",
            ], in: gate.folder)
        #expect(result.output == "1500000")
        #expect(Clock.seconds - started < 10, "curl waited for its permission")
    }

    @Test func `interim answers of the upstream do not end the exchange`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try connection.send(
                    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                        + ok("done"))
            }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let response = try gate.exchange()
        #expect(response.status == 200)
        #expect(response.text == "done")
        let old = try gate.connect()
        try old.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try old.readResponse().interim.isEmpty, "an HTTP/1.0 client knows no interim answers")
    }
}
