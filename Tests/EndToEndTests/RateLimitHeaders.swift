import Glibc
import Testing

@testable import CLI

/// What answers say of limits, in each family of fields, and what refusals look like in each shape.
@Suite(.scenario) struct RateLimitHeaders {
    private static let families = [
        "openai", "ietf", "webscout", "epoch", "delta", "none", "[openai, delta]",
    ]

    private func gate() throws -> Gate {
        let routes = Self.families.enumerated().map { index, family in
            "  - { path: /\(index), auth: open, limits: \"few-\(index)\", rate_limit_headers: \(family), "
                + "respond: { text: in } }"
        }
        let shapes = ["openai", "detail", "webscout"].map { shape in
            "  - { path: /\(shape), auth: open, limits: \(shape), errors: \(shape), "
                + "rate_limit_headers: webscout, respond: { text: in } }"
        }
        let limits = Self.families.indices.map { "few-\($0)" } + ["openai", "detail", "webscout"]
        return try Gate(
            "limits:\n" + limits.map { "  \($0): { by: ip, requests_per_minute: 2 }\n" }.joined()
                + "routes:\n" + (routes + shapes).joined(separator: "\n"))
    }

    private func told(_ answer: Response) -> [String] {
        answer.fields.map(\.name).filter { $0.lowercased().contains("ratelimit") }
    }

    /// A first answer, and the refusal after the second.
    private func answers(_ gate: Gate, _ path: String) throws -> (first: Response, refused: Response) {
        let first = try gate.exchange("GET", path)
        #expect(first.status == 200 && first["retry-after"] == nil)
        #expect(try gate.exchange("GET", path).status == 200)
        let refused = try gate.exchange("GET", path)
        #expect(refused.status == 429)
        let wait = try #require(refused["retry-after"].flatMap { Int($0) })
        #expect((1...60).contains(wait))
        return (first, refused)
    }

    private func seconds(_ answer: Response, _ name: String = "x-ratelimit-reset") throws -> Int {
        try #require(answer[name].flatMap { Int($0) }, "\(answer.fields)")
    }

    @Test func `openai: how many, how many are left, and when it is whole again`() throws {
        let (first, refused) = try answers(gate(), "/0")
        #expect(first["x-ratelimit-limit-requests"] == "2")
        #expect(first["x-ratelimit-remaining-requests"] == "1")
        #expect(
            first["x-ratelimit-reset-requests"]?.wholeMatch(of: /1m0s|60s|59\.\d+s/) != nil, "\(first.fields)"
        )
        #expect(refused["x-ratelimit-remaining-requests"] == "0")
        #expect(told(first).count == 3 && told(refused).count == 3)
    }

    /// C6.
    @Test func `ietf: each policy by its name`() throws {
        let (first, refused) = try answers(gate(), "/1")
        #expect(first["ratelimit-policy"] == #""few-1";q=2;w=60"#)
        #expect(first["ratelimit"]?.wholeMatch(of: /"few-1";r=1;t=(60|59)/) != nil, "\(first.fields)")
        #expect(refused["ratelimit"]?.wholeMatch(of: /"few-1";r=0;t=\d+/) != nil, "\(refused.fields)")
        #expect(told(first).count == 2 && told(refused).count == 2)
    }

    /// S4-40, S4-41
    @Test func `webscout: the moment as a date, epoch and delta: in seconds`() throws {
        let gate = try gate()
        let before = Int(time(nil))
        for (path, text) in [("/2", "webscout"), ("/3", "epoch"), ("/4", "delta")] {
            let (first, refused) = try answers(gate, path)
            #expect(first["x-ratelimit-limit"] == "2" && first["x-ratelimit-remaining"] == "1", "\(text)")
            #expect(refused["x-ratelimit-limit"] == "2" && refused["x-ratelimit-remaining"] == "0", "\(text)")
            #expect(told(first).count == 3 && told(refused).count == 3, "\(text)")
            switch text {
            case "webscout":
                let reset = try #require(first["x-ratelimit-reset"])
                #expect(reset.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(reset)")
                let moment = try #require(UTCTime.seconds(reset))
                #expect((before + 59...Int(time(nil)) + 61).contains(Int(moment)), "\(reset)")
            case "epoch":
                #expect((before + 59...Int(time(nil)) + 61).contains(try seconds(first)))
            case _:
                #expect((59...60).contains(try seconds(first)))
                #expect((1...60).contains(try seconds(refused)))
            }
        }
    }

    @Test func `none says nothing, and families stand beside each other`() throws {
        let gate = try gate()
        let none = try answers(gate, "/5")
        #expect(told(none.first).isEmpty && told(none.refused).isEmpty)
        let both = try answers(gate, "/6")
        #expect(
            both.first["x-ratelimit-remaining-requests"] == "1" && both.first["x-ratelimit-remaining"] == "1")
        #expect(told(both.first).count == 6)
    }

    /// S4-42
    @Test func `a refusal in each shape`() throws {
        let gate = try gate()
        let detail = try answers(gate, "/detail").refused
        #expect(detail.text == #"{"detail":"Rate limit exceeded. Please try again later."}"# + "\n")
        let openai = try answers(gate, "/openai").refused
        #expect(openai.errorCode == "rate_limit_exceeded")
        #expect(openai.errorMessage == "Rate limit of 2 requests per minute exceeded (openai)")
        let webscout = try answers(gate, "/webscout").refused
        let body = try webscout.json()
        #expect(body["error"] == "Rate limit exceeded" && body["code"] == "rate_limit_exceeded")
        let details = try #require(body["details"])
        #expect(details["message"] == "Rate limit of 2 requests per minute exceeded")
        #expect(details["retry_after"]?.integerValue == webscout["retry-after"].flatMap { Int($0) })
        #expect(details["reset_at"]?.stringValue == webscout["x-ratelimit-reset"])
    }

    @Test func `what the upstream says of its own limits gives way`() throws {
        let upstream = try ScriptedUpstream.answering { _ in
            ok(
                "in",
                fields: "X-RateLimit-Remaining-Requests: 77\r\nRateLimit: \"theirs\";r=5\r\nX-Other: 1\r\n")
        }
        let gate = try Gate(
            """
            limits: { few: { by: ip, requests_per_minute: 9 } }
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /told, auth: open, limits: few, to: up }
              - { path: /none, auth: open, limits: few, rate_limit_headers: none, to: up }
            """)
        let told = try gate.exchange("GET", "/told")
        #expect(told.all("x-ratelimit-remaining-requests") == ["8"] && told["x-other"] == "1")
        #expect(told.all("ratelimit").count == 1 && told["ratelimit"]?.contains("few") == true)
        #expect(try gate.exchange("GET", "/none")["x-ratelimit-remaining-requests"] == "77")
    }
}
