import Testing

@testable import Proxy

@Suite struct AdmissionTests {
    private let cors = CORSPolicy(
        origins: [Array("https://app.test".utf8)], allowsCredentials: true, methods: Array("GET, POST".utf8),
        headers: [], exposed: Array("x-request-id".utf8), maxAge: Array("600".utf8))

    @Test(arguments: ["Authorization: Bearer x", "api-key: x", "X-Api-Key: x"])
    func `a credential is refused where none is looked at, unless it is to be ignored`(field: String) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.test(.prefix(Array("/free".utf8))), .test(ignoresCredentials: false)]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 401)
        #expect(answer.code == "invalid_api_key")
        #expect(answer["www-authenticate"] == "Bearer")
        try client.send("GET /free HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
        let endpoint = try upstream.accept()
        let request = try endpoint.readMessage()
        #expect(request.fields.allSatisfy { $0.value != "x" && $0.value != "Bearer x" })
    }

    @Test func `escaped paths match what they mean and go on as they came`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.test(.subtree(Array("/v1".utf8)))] }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET /%76%31/a%2fb?%41 HTTP/1.1\r\nHost: a\r\n\r\n")
        let endpoint = try upstream.accept()
        #expect(try endpoint.readMessage().target == "/%76%31/a%2fb?%41")
    }

    @Test func `routes are found by host, header and listener`() throws {
        let api = Array("api.test".utf8)
        let beta = HeaderCondition(name: Array("x-beta".utf8), value: Array("true".utf8))
        let worker = try WorkerUnderTest(
            .responding {
                $0.otherListeners = 1
                $0.routes = [
                    .text("other", listeners: [0]), .text("beta", host: .exact(api), headers: [beta]),
                    .text("api", host: .exact(api)), .text("rest", listeners: [1]),
                ]
            })
        defer { worker.stop() }
        let client = try worker.connect()
        for (fields, body) in [
            ("Host: API.test:8000", "api"), ("Host: api.test\r\nX-Beta: true", "beta"), ("Host: x", "rest"),
            ("Host: api.test\r\nX-Beta: no", "api"), ("Host: api.test.", "api"),
        ] {
            try client.send("GET / HTTP/1.1\r\n\(fields)\r\n\r\n")
            #expect(try client.readMessage().body == body)
        }
    }

    @Test func `an upgrade to WebSocket is refused`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 501)
        #expect(answer.code == "upgrade_not_supported")
    }

    @Test func `a preflight is answered for the route of the real request`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.test(methods: MethodSet(bits: 0b100, others: []), cors: cors)]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: https://app.test\r\n"
                + "Access-Control-Request-Method: POST\r\n"
                + "Access-Control-Request-Headers: x-a, authorization\r\n\r\n")
        let allowed = try client.readHead()
        #expect(allowed.status == 204)
        #expect(allowed["access-control-allow-origin"] == "https://app.test")
        #expect(allowed["access-control-allow-credentials"] == "true")
        #expect(allowed["access-control-allow-methods"] == "GET, POST")
        #expect(allowed["access-control-allow-headers"] == "x-a, authorization")
        #expect(allowed["access-control-max-age"] == "600")
        #expect(allowed.values("vary").count == 1)
        try client.send(
            "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.test\r\n"
                + "Access-Control-Request-Method: POST\r\n\r\n"
        )
        let refused = try client.readHead()
        #expect(refused.status == 204)
        #expect(refused["access-control-allow-origin"] == nil)
        #expect(refused["access-control-allow-methods"] == nil)
        try client.send(
            "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: https://app.test\r\n"
                + "Access-Control-Request-Method: PUT\r\n\r\n"
        )
        #expect(try client.readMessage().status == 405)
    }

    @Test func `answers of a route with CORS rules can be read by its origins alone`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.test(ignoresCredentials: false, cors: cors)]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        var endpoint: TestConnection?
        for origin in ["https://app.test", "https://evil.test"] {
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\n\r\n")
            let connection = try endpoint ?? upstream.accept()
            endpoint = connection
            #expect(try connection.readMessage()["origin"] == origin)
            try connection.send(
                "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n")
            let answer = try client.readMessage()
            #expect(answer["access-control-allow-origin"] == (origin.contains("app") ? origin : nil))
            #expect(answer["vary"] == "Origin")
            // An error of ours can be read too.
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\nAuthorization: x\r\n\r\n")
            let refusal = try client.readMessage()
            #expect(refusal.status == 401)
            #expect(refusal["access-control-allow-origin"] == (origin.contains("app") ? origin : nil))
        }
    }
}

extension RoutePlan {
    /// Answers every path with `body`.
    static func text(
        _ body: String, host: HostPattern = .any, headers: [HeaderCondition] = [], listeners: [Int] = []
    ) -> RoutePlan {
        let response = FixedResponse(status: 200, contentType: [], body: Array(body.utf8))
        return .test(host: host, headers: headers, listeners: listeners, action: .respond(response))
    }
}
