import Testing

/// Browsers of other origins (Fetch standard, "CORS protocol").
@Suite(.scenario) struct CORSPreflight {
    private static let origin = "https://app.example"

    private func preflight(
        _ gate: Gate, _ target: String, origin: String = origin, method: String = "POST",
        headers: String? = "authorization, content-type"
    ) throws -> Response {
        try gate.exchange(
            "OPTIONS", target,
            fields: ["Origin: \(origin)", "Access-Control-Request-Method: \(method)"]
                + (headers.map { ["Access-Control-Request-Headers: \($0)"] } ?? []))
    }

    /// C46: credentials for origins that are named alone.
    @Test func `a preflight is answered for the route that the request would take, without asking anybody`()
        throws
    {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - path: /v1/**
                auth: open
                methods: [POST]
                to: up
                cors:
                  origins: ["\(Self.origin)"]
                  credentials: true
                  methods: [POST]
                  headers: [authorization, content-type]
                  max_age: 5m
              - { path: /plain, auth: open, to: up }
            """)
        let response = try preflight(gate, "/v1/chat/completions")
        #expect(response.status == 204)
        #expect(response["access-control-allow-origin"] == Self.origin)
        #expect(response["access-control-allow-credentials"] == "true")
        #expect(response["access-control-allow-methods"]?.contains("POST") == true)
        #expect(response["access-control-allow-headers"]?.lowercased().contains("authorization") == true)
        #expect(response["access-control-max-age"] == "300")
        #expect(response["vary"]?.lowercased().contains("origin") == true)
        let other = try preflight(gate, "/v1/chat/completions", origin: "https://evil.example")
        #expect(other["access-control-allow-origin"] == nil)
        #expect(other["access-control-allow-credentials"] == nil)
        let plain = try preflight(gate, "/plain")
        #expect(plain["access-control-allow-origin"] == nil)
        #expect(upstream.requests.allSatisfy { $0.target == "/plain" })
    }

    @Test func `answers carry the route's fields, the upstream's own give way`() throws {
        let upstream = try ScriptedUpstream.answering { _ in
            ok(
                "x",
                fields:
                    "Access-Control-Allow-Origin: https://other.example\r\nAccess-Control-Allow-Credentials: true\r\n"
            )
        }
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /some, auth: open, to: up, cors: { origins: ["\(Self.origin)"], expose: [x-request-id] } }
              - { path: /any, auth: open, to: up, cors: "*" }
              - { path: /here, auth: open, respond: { text: hi }, cors: "*" }
            """)
        let some = try gate.exchange("GET", "/some", fields: ["Origin: \(Self.origin)"])
        #expect(some.all("access-control-allow-origin") == [Self.origin])
        #expect(some["access-control-expose-headers"]?.lowercased() == "x-request-id")
        #expect(some["access-control-allow-credentials"] == nil)
        let evil = try gate.exchange("GET", "/some", fields: ["Origin: https://evil.example"])
        #expect(evil.status == 200)
        #expect(evil.all("access-control-allow-origin") == [])
        for target in ["/any", "/here"] {
            let any = try gate.exchange("GET", target, fields: ["Origin: https://evil.example"])
            #expect(any.all("access-control-allow-origin") == ["*"], "\(target)")
            #expect(any["access-control-allow-credentials"] == nil)
        }
    }

    /// C46: a page of no origin, such as a file, is one that can be listed.
    @Test func `the origin null is let in where it is listed`() throws {
        let gate = try Gate(
            """
            routes:
              - { path: /some, auth: open, respond: { text: hi }, cors: { origins: ["\(Self.origin)", "null"] } }
              - { path: /other, auth: open, respond: { text: hi }, cors: { origins: ["\(Self.origin)"] } }
            """)
        let fields = ["Origin: null"]
        #expect(try gate.exchange("GET", "/some", fields: fields)["access-control-allow-origin"] == "null")
        #expect(try gate.exchange("GET", "/other", fields: fields)["access-control-allow-origin"] == nil)
    }

    @Test func `headgate's own errors can be read by the page too`() throws {
        let nobody = try Address.free()
        let gate = try Gate(
            """
            upstreams: { up: "http://\(nobody.authority)" }
            routes: [{ path: /**, auth: open, to: up, cors: "*" }]
            """)
        let response = try gate.exchange("POST", "/", fields: ["Origin: \(Self.origin)"], body: "x")
        #expect(response.status == 502)
        #expect(response["access-control-allow-origin"] == "*")
    }

    @Test func `an OPTIONS that is no preflight goes where the route leads`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.method) }
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: open, to: up, cors: "*" }]
            """)
        #expect(try gate.exchange("OPTIONS", "/").text == "OPTIONS")
    }
}
