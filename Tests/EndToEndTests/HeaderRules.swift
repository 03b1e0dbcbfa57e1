import Testing

/// Which fields pass, which are made, which stay out.
@Suite(.scenario) struct HeaderRules {
    @Test func `hop-by-hop fields stay on their hop, also those that Connection names`() throws {
        let upstream = try ScriptedUpstream.answering { _ in
            ok(
                "x",
                fields:
                    "Connection: X-Up-Hop\r\nX-Up-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nX-Up-End: 2\r\n"
            )
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(
            gate.request(
                "GET", "/",
                fields: [
                    "Connection: keep-alive, X-Hop, x-forwarded-for, host", "X-Hop: 1",
                    "Keep-Alive: timeout=9", "Proxy-Connection: keep-alive",
                    "TE: trailers", "Proxy-Authorization: Basic eA==", "X-End: 2", "X-End: 3",
                ]))
        let response = try client.readResponse()
        #expect(response["x-up-hop"] == nil)
        #expect(response["keep-alive"] == nil)
        #expect(response["x-up-end"] == "2")
        let request = try #require(upstream.requests.first)
        for name in ["x-hop", "keep-alive", "proxy-connection", "proxy-authorization", "connection"] {
            #expect(request[name] == nil, "\(name)")
        }
        #expect(request.all("x-end") == ["2", "3"])
        #expect(request.all("host").count == 1)
        #expect(request["x-forwarded-for"] == "127.0.0.1", "Connection cannot remove it")
    }

    @Test func `an upgrade is refused and never passed on`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let websocket = try gate.exchange(
            "GET", "/",
            fields: [
                "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ])
        // `Connection: close` is added by this client, so nothing asks for an upgrade here.
        #expect(websocket.status == 200)
        let client = try gate.connect()
        try client.send(
            gate.request(
                "GET", "/",
                fields: [
                    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                ]))
        let refused = try client.readResponse()
        #expect(refused.status == 501)
        #expect(refused.errorCode == "upgrade_not_supported")
        let other = try gate.connect()
        try other.send(
            gate.request(
                "GET", "/h2c",
                fields: [
                    "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
                ]))
        #expect(try other.readResponse().status == 200)
        for request in upstream.requests {
            #expect(request["upgrade"] == nil)
            #expect(request["http2-settings"] == nil)
        }
    }

    @Test func `rules set and remove fields both ways`() throws {
        let upstream = try ScriptedUpstream.answering { _ in
            ok("x", fields: "X-Up: 1\r\nServer: secret/1.0\r\n")
        }
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - path: /**
                auth: open
                to: up
                request_headers:
                  set: { Authorization: { env: UPSTREAM_KEY }, X-Static: "a b" }
                  remove: [X-Private]
                response_headers:
                  set: { X-Gate: yes, X-Up: "2" }
                  remove: [Server]
            """, environment: ["UPSTREAM_KEY=Bearer from-the-environment"])
        let response = try gate.exchange(
            "GET", "/", fields: ["Authorization: Bearer mine", "x-private: 1", "X-Static: z", "X-Kept: 1"])
        #expect(response.all("x-gate") == ["yes"])
        #expect(response.all("x-up") == ["2"])
        #expect(response["server"] == nil)
        let request = try #require(upstream.requests.first)
        #expect(request.all("authorization") == ["Bearer from-the-environment"])
        #expect(request.all("x-static") == ["a b"])
        #expect(request["x-private"] == nil)
        #expect(request["x-kept"] == "1")
    }

    @Test func `an upstream sees its own name in Host unless the file says otherwise`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0["host"] ?? "-") }
        let gate = try Gate(
            """
            upstreams:
              own: \(upstream.url)
              kept: { url: "\(upstream.url)", preserve_host: true }
            routes:
              - { path: /own, auth: open, to: own }
              - { path: /kept, auth: open, to: kept }
            """)
        #expect(
            try gate.exchange("GET", "/own", fields: ["Host: api.example:8000"]).text
                == upstream.address.authority)
        #expect(
            try gate.exchange("GET", "/kept", fields: ["Host: api.example:8000"]).text == "api.example:8000")
    }

    @Test func `a request id is kept where it is valid, else made, and goes both ways`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let kept = try gate.exchange("GET", "/", fields: ["X-Request-Id: my-id.1"])
        #expect(upstream.requests.last?["x-request-id"] == "my-id.1")
        #expect(kept["x-request-id"] == "my-id.1")
        for bad in ["a b", "a\"b", String(repeating: "x", count: 600), ""] {
            _ = try gate.exchange("GET", "/", fields: ["X-Request-Id: \(bad)"])
            let made = try #require(upstream.requests.last?.all("x-request-id"))
            #expect(made.count == 1 && made[0] != bad && !made[0].isEmpty)
        }
        let error = try gate.exchange("GET", "/", fields: ["X-Request-Id: mine", "Expect: x"])
        #expect(error.status == 417)
        let missing = try Gate("routes: [{ path: /x, auth: open, respond: { text: x } }]")
        #expect(try missing.exchange("GET", "/", fields: ["X-Request-Id: mine"])["x-request-id"] == "mine")
        #expect(try missing.exchange("GET", "/")["x-request-id"]?.isEmpty == false)
    }

    @Test func `HEAD, 204 and 304 have no body, and their fields pass`() throws {
        let upstream = try ScriptedUpstream.answering { request in
            switch request.target {
            case "/204": "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"
            case "/304": "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 7\r\n\r\n"
            default:
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (request.method == "HEAD" ? "" : "hello")
            }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        for (method, target, status) in [
            ("HEAD", "/", 200), ("GET", "/204", 204), ("GET", "/304", 304), ("GET", "/", 200),
        ] {
            try client.send(gate.request(method, target))
            let response = try client.readResponse(to: method)
            #expect(response.status == status, "\(method) \(target)")
            #expect(response.text == (status == 200 && method == "GET" ? "hello" : ""))
            if method == "HEAD" { #expect(response["content-length"] == "5") }
        }
    }
}
