import Testing

@testable import Proxy

@Suite struct HeadWritingTests {
    private let loopbackRange = AddressRange(high: 0, low: 0xFFFF_7F00_0000, prefixLength: 104)

    /// What the upstream sees of a request, and what the client sees of the answer to it.
    private func exchange(
        _ request: String, answer: String = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws -> (request: TestMessage, response: TestMessage) {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream, change)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(request)
        let endpoint = try upstream.accept()
        let seen = try endpoint.readMessage()
        try endpoint.send(answer)
        return (seen, try client.readMessage())
    }

    private func request(_ fields: String) -> String {
        "GET / HTTP/1.1\r\nHost: api.test:81\r\n\(fields)\r\n"
    }

    @Test func `credentials and hop-by-hop fields stay here, all others pass in order`() throws {
        let seen = try exchange(
            request(
                "X-First: 1\r\nAuthorization: Bearer secret\r\napi-key: secret\r\nX-Api-Key: secret\r\n"
                    + "Proxy-Authorization: secret\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n"
                    + "Keep-Alive: 5\r\nTE: trailers\r\n"
                    + "Upgrade: h2c\r\nHTTP2-Settings: x\r\nCookie: a=b\r\nx-first: 2\r\n")
        ).request
        #expect(!seen.fields.contains { $0.value.contains("secret") })
        let names = [
            "host", "x-first", "cookie", "x-first", "x-forwarded-for", "x-forwarded-proto",
            "x-forwarded-host",
        ]
        #expect(seen.fields.map(\.name) == names + ["x-request-id"])
        #expect(seen.values("x-first") == ["1", "2"])
    }

    @Test func `forwarded fields of a stranger are replaced`() throws {
        let seen = try exchange(
            request(
                "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
                    + "Forwarded: for=6.6.6.6\r\n"
            )
        ).request
        #expect(seen["x-forwarded-for"] == "127.0.0.1")
        #expect(seen["x-forwarded-proto"] == "http")
        #expect(seen["x-forwarded-host"] == "api.test:81")
        #expect(seen["forwarded"] == nil)
    }

    @Test func `forwarded fields of a trusted proxy are believed and carried on`() throws {
        let seen = try exchange(
            request(
                "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n"
                    + "X-Forwarded-For: 2.2.2.2, 3.3.3.3\r\n"
                    + "X-Forwarded-Host: public.test\r\nForwarded: for=1.1.1.1\r\n"
                    + "Connection: x-forwarded-for\r\n"
            )
        ) { $0.trustedProxies = [loopbackRange] }.request
        #expect(seen.values("x-forwarded-for") == ["1.1.1.1", "2.2.2.2, 3.3.3.3, 127.0.0.1"])
        #expect(seen.values("x-forwarded-proto") == ["https"])
        #expect(seen.values("x-forwarded-host") == ["public.test"])
        #expect(seen["forwarded"] == "for=1.1.1.1")
    }

    @Test func `a valid request id is kept and any other replaced`() throws {
        let kept = try exchange(request("X-Request-Id: abc-123\r\n"))
        #expect(kept.request["x-request-id"] == "abc-123")
        #expect(kept.response["x-request-id"] == "abc-123")
        for bad in ["a b", "\"x\"", String(repeating: "a", count: 300), ""] {
            let made = try exchange(request("X-Request-Id: \(bad)\r\n"))
            let id = try #require(made.request["x-request-id"])
            #expect(id.utf8.count == 32)
            #expect(made.response["x-request-id"] == id)
        }
    }

    @Test func `the upstream's own request id is passed under another name`() throws {
        let answer = "HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 0\r\n\r\n"
        let response = try exchange(request("X-Request-Id: mine\r\n"), answer: answer).response
        #expect(response.values("x-request-id") == ["mine"])
        #expect(response["x-upstream-request-id"] == "theirs")
        let same = "HTTP/1.1 200 OK\r\nX-Request-Id: mine\r\nContent-Length: 0\r\n\r\n"
        let echoed = try exchange(request("X-Request-Id: mine\r\n"), answer: same).response
        #expect(echoed.values("x-request-id") == ["mine"])
        #expect(echoed["x-upstream-request-id"] == nil)
    }

    @Test func `edits set, replace and remove fields both ways`() throws {
        let requestEdits = HeaderEdits(
            assignments: [
                .init(name: Array("authorization".utf8), line: Array("Authorization: Bearer ours\r\n".utf8))
            ],
            removals: [Array("x-gone".utf8)])
        let responseEdits = HeaderEdits(
            assignments: [.init(name: Array("server".utf8), line: Array("Server: us\r\n".utf8))],
            removals: [Array("x-internal".utf8)])
        let seen = try exchange(
            request("Authorization: Bearer theirs\r\nx-GONE: 1\r\nX-Stays: 1\r\n"),
            answer:
                "HTTP/1.1 200 OK\r\nSERVER: them\r\nX-Internal: 1\r\nX-Out: 1\r\nContent-Length: 0\r\n\r\n"
        ) { $0.routes = [.test(requestHeaders: requestEdits, responseHeaders: responseEdits)] }
        #expect(seen.request["authorization"] == "Bearer ours")
        #expect(seen.request["x-gone"] == nil)
        #expect(seen.request["x-stays"] == "1")
        #expect(seen.response.values("server") == ["us"])
        #expect(seen.response["x-internal"] == nil)
        #expect(seen.response["x-out"] == "1")
    }

    @Test func `the host is the endpoint's unless it is to be preserved`() throws {
        #expect(try exchange(request("")).request["host"] == "upstream.test")
        #expect(try exchange(request("")) { $0.preservesHost = true }.request["host"] == "api.test:81")
    }

    @Test func `an absolute target wins over Host and goes on in origin form`() throws {
        let seen = try exchange("GET http://real.test/p?q HTTP/1.1\r\nHost: other.test\r\n\r\n").request
        #expect(seen.target == "/p?q")
        #expect(seen["x-forwarded-host"] == "real.test")
        #expect(try exchange("GET http://real.test HTTP/1.1\r\nHost: x\r\n\r\n").request.target == "/")
    }

    @Test func `HTTP/1.0 without Host is forwarded as HTTP/1.1 with one`() throws {
        let seen = try exchange("POST /x HTTP/1.0\r\n\r\n")
        #expect(seen.request.startLine == "POST /x HTTP/1.1")
        #expect(seen.request["host"] == "upstream.test")
        #expect(seen.request["content-length"] == "0")
        #expect(seen.request["x-forwarded-host"] == nil)
        #expect(seen.response["connection"] == "close")
    }

    @Test func `hop-by-hop fields of an answer stay here`() throws {
        let answer =
            "HTTP/1.1 200 OK\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
            + "Proxy-Connection: x\r\n"
            + "Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"
        let response = try exchange(request(""), answer: answer).response
        #expect(
            response.fields.map(\.name) == ["set-cookie", "set-cookie", "x-request-id", "content-length"])
    }

    @Test(arguments: [
        (PeerAddress(high: 0, low: 0xFFFF_C0A8_00FE, port: 1, isUnix: false), "192.168.0.254"),
        (PeerAddress(high: 0, low: 0xFFFF_0000_0000, port: 1, isUnix: false), "0.0.0.0"),
        (PeerAddress(high: 0x2001_0DB8_0000_0000, low: 0xFF, port: 1, isUnix: false), "2001:db8::ff"),
        (PeerAddress(high: 0, low: 1, port: 0, isUnix: false), "::1"),
        (PeerAddress(high: 0, low: 0, port: 0, isUnix: false), "::"),
        (PeerAddress(high: 0x1_0000_0000_0000, low: 0, port: 0, isUnix: false), "1::"),
        (
            PeerAddress(high: 0x2001_0000_0001_0002, low: 0x3_0004_0005_0006, port: 0, isUnix: false),
            "2001:0:1:2:3:4:5:6"
        ),
        (
            PeerAddress(high: 0x0001_0000_0002_0000, low: 0x0003_0000_0000_0000, port: 0, isUnix: false),
            "1:0:2:0:3::"
        ),
        (
            PeerAddress(high: 0x2001_0DB8_0000_0001, low: 0x0001_0001_0001_0001, port: 0, isUnix: false),
            "2001:db8:0:1:1:1:1:1"
        ),
        (
            PeerAddress(high: .max, low: .max, port: 0, isUnix: false),
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        ),
        (PeerAddress(high: 0, low: 1, port: 0, isUnix: true), "unix"),
    ])
    func `addresses are written in their short form`(address: PeerAddress, text: String) {
        #expect(written { $0.put(address: address) } == text)
    }
}

/// What `body` writes, in a buffer that is large enough.
func written(_ body: (inout ByteWriter) -> Void) -> String {
    withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 1) { buffer in
        var writer = ByteWriter(buffer)
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
