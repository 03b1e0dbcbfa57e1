import Testing

@testable import CLI

/// `headgate explain REQUEST_ID`: what became of a request, asked for behind its back.
@Suite(.scenario) struct ExplainRequest {
    private func explained(_ gate: Gate, _ id: String) throws -> String {
        try waitFor("the story of \(id)") {
            let result = try gate.headgate("explain", id, "--admin", gate.adminPath)
            return result.code == 0 ? result.output : nil
        }
    }

    @Test func `each decision has its line, also without an access log`() throws {
        let dead = try Address.free()
        let two = try ScriptedUpstream.saying("hello")
        let gate = try Gate(
            """
            access_log: off
            models: { fast: { first_of: [one, two/small] } }
            limits: { per-ip: { by: ip, requests_per_minute: 2 } }
            upstreams:
              one: "http://\(dead.authority)"
              two: { url: \(two.url), key: { env: UP_KEY } }
            routes: [{ path: /v1/**, auth: open, limits: per-ip, to: models }]
            """, environment: ["UP_KEY=sk-canary-4711"])
        for id in ["first/1.txt", "second", "third"] {
            _ = try gate.exchange(
                "POST", "/v1/chat/completions", fields: ["X-Request-Id: \(id)"], body: chatBody(model: "fast")
            )
        }
        let first = try explained(gate, "first/1.txt")
        for line in [
            "request first/1.txt at ", "  asked     POST /v1/chat/completions of ",
            "  route     routes[0], by",
            "  auth      open, nobody in particular", "  model     fast",
            "  limits    passed; nearest was per-ip requests_per_minute, 1 of 2 used",
            "  attempt 1 one http://\(dead.authority): no connection after ",
            "  attempt 2 two \(two.url), with the key of environment ***************4711",
            "  answer    200, first byte after ",
            "  outcome   answered whole, after ",
        ] {
            #expect(first.contains(line), "\(line) in \(first)")
        }
        #expect(!first.contains("sk-canary"))
        let third = try explained(gate, "third")
        #expect(third.contains("limits    refused by per-ip requests_per_minute, 2 of 2 used"), "\(third)")
        #expect(third.contains("answer    429 rate_limit_exceeded by the gateway"))
        let json = try gate.headgate("explain", "request", "second", "--json", "--admin", gate.adminPath)
        let story = try MockJSONReader.read(Array(json.output.utf8))
        #expect(story["exchanges"]?.arrayValue?.first?["upstream_name"] == "two", "\(json.output)")
        #expect(story["exchanges"]?.arrayValue?.first?["limit"]?["used"] == 2)
    }

    @Test func `one that is not known is an error that says how far back it goes`() throws {
        let gate = try Gate("routes: [{ path: /**, auth: open, respond: { text: x } }]\naccess_log: off")
        _ = try gate.exchange("GET", "/", fields: ["X-Request-Id: known"])
        _ = try explained(gate, "known")
        let result = try gate.headgate("explain", "other", "--admin", gate.adminPath)
        #expect(result.code == 1 && result.output == "")
        #expect(
            result.errors.contains("no exchange with the request id other has ended here; 1 exchange since"))
    }
}
