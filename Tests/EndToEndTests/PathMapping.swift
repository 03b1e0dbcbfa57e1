import Testing

/// From the client's path to the upstream's: byte for byte, but for the prefixes that the file names.
@Suite(.scenario) struct PathMapping {
    @Test func `url, prefixes and the path join as documented`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.target) }
        let gate = try Gate(
            """
            upstreams:
              plain: \(upstream.url)
              v1: \(upstream.url)/v1
              deep: \(upstream.url)/api/v1
            routes:
              - { path: /strip/**, auth: open, strip_prefix: /strip, to: plain }
              - { path: /add/**, auth: open, add_prefix: /v2, to: plain }
              - { path: /both/**, auth: open, strip_prefix: /both, add_prefix: /v2, to: plain }
              - { path: /deep/**, auth: open, strip_prefix: /deep, to: deep }
              - { path: /raw/**, auth: open, to: plain }
              - { path: /**, auth: open, to: v1 }
            """)
        let table = [
            ("/raw/a", "/raw/a"), ("/raw/a?x=1&y=%20#", ""), ("/raw/a?x=1&y=%20", "/raw/a?x=1&y=%20"),
            ("/raw/?", "/raw/?"),
            ("/raw//a///b/", "/raw//a///b/"), ("/raw/a%2Fb", "/raw/a%2Fb"), ("/raw/%41%7e~", "/raw/%41%7e~"),
            ("/raw/a?b=../../c", "/raw/a?b=../../c"),
            ("/strip/a/b?q", "/a/b?q"), ("/strip/", "/"), ("/add/a", "/v2/add/a"), ("/both/a", "/v2/a"),
            ("/%73trip/a", "/a"),
            ("/v1/chat/completions", "/v1/chat/completions"), ("/chat/completions", "/v1/chat/completions"),
            ("/v1/models/a%2Fb", "/v1/models/a%2Fb"), ("/v1x/a", "/v1/v1x/a"),
            ("/deep/v1/models", "/api/v1/models"), ("/deep/models", "/api/v1/models"),
        ]
        for (asked, expected) in table {
            let response = try gate.exchange("GET", asked)
            if expected.isEmpty {
                #expect(response.status == 400, "\(asked)")
            } else {
                #expect(response.text == expected, "\(asked)")
            }
        }
    }

    @Test func `an absolute target is served as its path, and its authority is the host`() throws {
        let upstream = try ScriptedUpstream.answering { ok("\($0["x-forwarded-host"] ?? "-") \($0.target)") }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        #expect(
            try gate.exchange("GET", "http://api.example/v1/x?q", fields: ["Host: other"]).text
                == "api.example /v1/x?q")
        #expect(
            try gate.exchange("GET", "http://api.example", fields: ["Host: api.example"]).text
                == "api.example /")
        #expect(
            try gate.exchange("GET", "http://api.example?q", fields: ["Host: api.example"]).text
                == "api.example /?q")
    }

    @Test func `routes match the path with harmless escapes decoded, in file order`() throws {
        let gate = try Gate(
            """
            routes:
              - { path: /health, auth: open, respond: { text: exact } }
              - { path: /v1/chat*, auth: open, respond: { text: prefix } }
              - { path: /v1/**, auth: open, methods: [GET, POST], respond: { text: subtree } }
              - { path: /v2/**, auth: open, methods: DELETE, respond: { text: delete } }
              - { path: /tier, auth: open, headers: { x-tier: gold }, respond: { text: gold } }
              - { path: /tier, auth: open, headers: { x-beta: true }, respond: { text: beta } }
            """)
        let table = [
            ("/health", "exact"), ("/%68ealth", "exact"), ("/health?x", "exact"),
            ("/v1/chat/completions", "prefix"),
            ("/v1/chatx", "prefix"), ("/v1/cha", "subtree"), ("/v1/", "subtree"), ("/v1/a%2Fb", "subtree"),
        ]
        for (target, text) in table { #expect(try gate.exchange("GET", target).text == text, "\(target)") }
        for target in ["/health/", "/Health", "//health", "/v1x", "/", "/tier", "/health%2F"] {
            let response = try gate.exchange("GET", target)
            #expect(response.status == 404, "\(target)")
            #expect(response.errorCode == "unknown_url")
        }
        #expect(try gate.exchange("GET", "/tier", fields: ["X-Tier: gold"]).text == "gold")
        #expect(try gate.exchange("GET", "/tier", fields: ["X-Beta: anything"]).text == "beta")
        let refused = try gate.exchange("PUT", "/v1/models")
        #expect(refused.status == 405)
        #expect(refused["allow"]?.split(separator: ", ").sorted() == ["GET", "HEAD", "POST"])
        #expect(try gate.exchange("HEAD", "/v1/models").status == 200)
    }
}
