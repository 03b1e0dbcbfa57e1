import Testing

/// Several requests at once on one connection: one answer each, in order (RFC 9112 §9.3.2).
@Suite(.scenario) struct PipelinedRequests {
    @Test func `requests sent at once are answered in order`() throws {
        let upstream = try ScriptedUpstream.answering { ok("\($0.target) \($0.text)") }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        let count = 200
        var bytes = ""
        for index in 0..<count {
            bytes +=
                index % 3 == 0
                ? gate.request("POST", "/\(index)", fields: ["Transfer-Encoding: chunked"])
                    + chunk("c\(index)") + "0\r\n\r\n"
                : gate.request(index % 2 == 0 ? "POST" : "PUT", "/\(index)", body: "b\(index)")
        }
        try client.send(bytes)
        for index in 0..<count {
            #expect(try client.readResponse().text == "/\(index) \(index % 3 == 0 ? "c" : "b")\(index)")
        }
        #expect(!client.isReadable)
        #expect(upstream.requests.map(\.target) == (0..<count).map { "/\($0)" })
    }

    @Test func `answers of headgate's own keep their place between others`() throws {
        let upstream = try ScriptedUpstream.saying("up")
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /up, auth: open, methods: GET, to: up }
              - { path: /here, auth: open, respond: { text: here } }
            """)
        let client = try gate.connect()
        let targets = ["/up", "/here", "/nowhere", "/up", "/here"]
        try client.send(
            targets.map { gate.request("GET", $0) }.joined() + gate.request("POST", "/up", body: "no"))
        #expect(try targets.map { _ in try client.readResponse().status } == [200, 200, 404, 200, 200])
        #expect(try client.readResponse().status == 405)
        try client.send(gate.request("GET", "/up"))
        #expect(try client.readResponse().text == "up")
    }

    @Test func `what follows Connection close is not read`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.target) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(
            gate.request("GET", "/last", fields: ["Connection: close"]) + gate.request("GET", "/after"))
        let response = try client.readResponse()
        #expect(response.text == "/last")
        #expect(response["connection"] == "close")
        #expect(try client.readToEnd().bytes.isEmpty)
        #expect(upstream.requests.map(\.target) == ["/last"])
    }
}
