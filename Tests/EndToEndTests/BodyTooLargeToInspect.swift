import Testing

@testable import CLI

/// Where the body decides, it has to be one that can be looked into.
@Suite(.scenario) struct BodyTooLargeToInspect {
    private func gate(_ upstream: ScriptedUpstream) throws -> Gate {
        try Gate(
            """
            models: { "*": { max_output: 10 } }
            limits: { tokens: { by: ip, tokens_per_minute: 1M } }
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /free/**, auth: open, inspect_body: 64KiB, to: up }
              - { path: /detail/**, auth: open, limits: tokens, inspect_body: 64KiB, errors: detail, to: up }
              - { path: /**, auth: open, limits: tokens, inspect_body: 64KiB, to: up }
            """)
    }

    /// A chat request of that many bytes.
    private func body(_ count: Int) -> String {
        let rest = chatBody(#""user":"","#).utf8.count
        return chatBody("\"user\":\"\(String(repeating: "x", count: count - rest))\",")
    }

    @Test func `a body over inspect_body is refused by that name, however it comes`() throws {
        let upstream = try ScriptedUpstream.saying("in")
        let gate = try gate(upstream)
        #expect(try gate.exchange("POST", "/v1/chat/completions", body: body(64 << 10)).text == "in")
        let refused = try gate.exchange("POST", "/v1/chat/completions", body: body(64 << 10 + 1))
        #expect(refused.status == 413 && refused.errorCode == "body_too_large_to_inspect")
        #expect(refused.errorMessage?.contains("inspect_body") == true, "\(refused.text)")
        #expect(refused.errorMessage?.contains("65536") == true, "\(refused.text)")
        // Of a chunked body nobody knows the size before it is there.
        let client = try gate.connect()
        let head = gate.request("POST", "/v1/chat/completions", fields: ["Transfer-Encoding: chunked"])
        try client.send(head + chunk(body(40 << 10)))
        try client.send(chunk(String(repeating: " ", count: 40 << 10)))
        #expect(try client.readResponse().errorCode == "body_too_large_to_inspect")
        #expect(upstream.requests.count == 1)
        let detail = try gate.exchange("POST", "/detail/v1/chat/completions", body: body(65 << 10))
        #expect(try detail.json()["detail"]?.stringValue?.contains("inspect_body") == true)
    }

    @Test func `the bound is none of a route whose limits no body decides`() throws {
        let gate = try gate(ScriptedUpstream.saying("in"))
        #expect(try gate.exchange("POST", "/free/v1/chat/completions", body: body(1 << 20)).text == "in")
        #expect(try gate.exchange("POST", "/free/v1/chat/completions", body: "no JSON").text == "in")
    }

    @Test(arguments: ["no JSON", "", "[1]", "{\"model\":\"m\"", "{\"model\":\"m\"}}", "\"m\""])
    func `what is no JSON object is refused where tokens are counted`(body: String) throws {
        let upstream = try ScriptedUpstream.saying("in")
        let gate = try gate(upstream)
        let answer = try gate.exchange("POST", "/v1/chat/completions", body: body)
        if body.isEmpty {
            // No body is none that could decide, and the upstream says what it thinks of it.
            #expect(answer.status == 200)
        } else {
            #expect(answer.status == 400 && answer.errorCode == "invalid_json", "\(answer.text)")
            #expect(upstream.requests.isEmpty)
            try waitUntil("the exchange to end") { try gate.sum("exchanges_running") == 0 }
        }
    }

    @Test func `what could be read in two ways is refused, and takes nothing`() throws {
        let upstream = try ScriptedUpstream.saying("in")
        let gate = try gate(upstream)
        for (more, code) in [
            (#""model":"other","#, "duplicate_model"),
            (#""max_tokens":1,"max_tokens":9,"#, "duplicate_member"),
            (#""max_tokens":0.5,"#, "invalid_value"), (#""stream":"yes","#, "invalid_value"),
        ] {
            let answer = try gate.chat(more)
            #expect(answer.status == 400 && answer.errorCode == code, "\(more): \(answer.text)")
        }
        let passed = try gate.chat(#""max_tokens":1,"#)
        #expect(passed.status == 200 && upstream.requests.count == 1)
        let left = try #require(passed["x-ratelimit-remaining-tokens"].flatMap { Int($0) })
        #expect(left > 999_900, "\(left)")
    }
}
