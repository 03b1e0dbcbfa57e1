import Testing

@testable import CLI

/// How much by `examples/webscout.yaml`: by key, by address without one, told in each answer.
@Suite(.scenario) struct WebscoutLimits {
    private func number(_ answer: Response, _ name: String) throws -> Int {
        try #require(answer[name].flatMap { Int($0) }, "\(name): \(answer.fields)")
    }

    /// S4-23, S4-39…43, S4-46, C3, C6, C7, C10, C35.
    @Test func `each answer tells what is left, and a refusal when to come again`() throws {
        let scene = try Webscout(limit: 3)
        for left in [2, 1, 0] {
            let answer = try scene.chat()
            #expect(answer.status == 200)
            #expect(answer["x-ratelimit-limit"] == "3")
            #expect(answer["x-ratelimit-remaining"] == "\(left)")
            let reset = try #require(answer["x-ratelimit-reset"])
            #expect(reset.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(reset)")
            #expect(answer["retry-after"] == nil && answer["retry-after-ms"] == nil)
        }
        for _ in 0..<4 {
            let refused = try scene.chat()
            #expect(refused.status == 429)
            let wait = try number(refused, "retry-after")
            #expect((1...60).contains(wait))
            #expect((1...60_000).contains(try number(refused, "retry-after-ms")))
            #expect(refused["x-ratelimit-remaining"] == "0")
            let reset = try #require(refused["x-ratelimit-reset"])
            let details =
                #"{"message":"Rate limit of 3 requests per minute exceeded","#
                + #""retry_after":\#(wait),"reset_at":"\#(reset)"}"#
            #expect(
                refused.text
                    == #"{"error":"Rate limit exceeded","code":"rate_limit_exceeded","details":\#(details)}"#
                    + "\n")
        }
        #expect(scene.passed.count == 3, "nothing of a refused request goes on")
    }

    /// S4-03, S4-47, C8, C10: 60 is written in the file; looking takes nothing, and neither does a refusal.
    @Test func `what is left is told to whoever asks, and asking takes nothing`() throws {
        let scene = try Webscout()
        #expect(try scene.chat()["x-ratelimit-limit"] == "60")
        func used() throws -> Int? {
            let limits = try scene.example.get("/limits", bearer: scene.key).json()["limits"]?.arrayValue
            let own = limits?.first { $0["name"] == "callers_false" }
            #expect(own?["limit"]?.integerValue == 60 && own?["window_seconds"]?.integerValue == 60)
            return own?["used"]?.integerValue
        }
        let before = try used()
        #expect(try scene.chat(key: "ws_wrong").status == 401)
        #expect(try used() == before)
        let file = scene.example.folder.read("examples/webscout.yaml")
        #expect(file.contains("requests_per_minute: 60 ") && file.contains("default_rate_limit: 60"))
    }

    /// S4-08, S4-10, S4-48: also for keys with a limit of their own.
    @Test func `without limits nothing is refused, and fields say so`() throws {
        let scene = try Webscout(.keys, ["WEBSCOUT_NO_RATE_LIMIT=true"], limit: 2)
        for _ in 0..<5 {
            let answer = try scene.chat()
            #expect(answer.status == 200 && answer["x-ratelimit-limit"] == "999999", "\(answer.fields)")
        }
        try scene.example.restart(["WEBSCOUT_NO_RATE_LIMIT=false"])
        #expect(try scene.chat()["x-ratelimit-limit"] == "2")
    }

    /// S4-33, S4-39, S4-44, S4-61, C9: who a proxy says that it is, if the proxy is trusted.
    @Test func `without keys each address has its own count`() throws {
        let scene = try Webscout(
            .open, options: ["--set", "limits.requests_false.requests_per_minute=2"])
        func status(_ fields: String..., from source: String = "127.0.0.1") throws -> String {
            let more = fields.map { "-H '\($0)'" }.joined(separator: " ")
            return try scene.example.sh(
                "curl --interface \(source) -o /dev/null -w '%{http_code}' \(more) http://localhost:8000/v1/models"
            ).output
        }
        for address in ["203.0.113.1", "203.0.113.2"] {
            let statuses = try (0..<3).map { _ in try status("X-Forwarded-For: \(address)") }
            #expect(statuses == ["200", "200", "429"], "\(address)")
        }
        #expect(try status("X-Real-IP: 203.0.113.3") == "200")
        #expect(try status("X-Real-IP: 203.0.113.1") == "429")
        // It is not trusted: whatever it says, it is itself.
        let others = try (7..<10).map {
            try status("X-Forwarded-For: 203.0.113.\($0)", from: "127.0.0.2")
        }
        #expect(others == ["200", "200", "429"])
    }

    /// S4-15, C45: one process with N threads, and one exact count.
    @Test func `a limit is exact over all workers`() throws {
        let scene = try Webscout(.keys, ["WEBSCOUT_WORKERS=4"], limit: 40)
        #expect(try scene.example.status()?["workers"]?.arrayValue?.count == 4)
        let result = try scene.example.sh(
            """
            seq 100 | xargs -P 8 -I{} curl -s -o /dev/null -w '%{http_code}\\n' \
              -H 'Authorization: Bearer \(scene.key)' http://localhost:8000/v1/models
            """)
        let statuses = result.output.split(separator: "\n")
        #expect(statuses.count { $0 == "200" } == 40 && statuses.count { $0 == "429" } == 60)
    }
}
