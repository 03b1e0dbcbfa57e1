import Testing

@testable import Proxy

@Suite struct WorkerClientTests {
    @Test func `a request is proxied and recorded`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET /v1/models?secret=1 HTTP/1.1\r\nHost: api.test:80\r\n\r\n")
        let endpoint = try upstream.accept()
        let request = try endpoint.readMessage()
        #expect(request.startLine == "GET /v1/models?secret=1 HTTP/1.1")
        #expect(request["host"] == "upstream.test")
        try endpoint.send("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello")
        let response = try client.readMessage()
        #expect(response.startLine == "HTTP/1.1 200 Fine")
        #expect(response["x-a"] == "b")
        #expect(response.body == "hello")
        let seen = try worker.record()
        #expect(seen.status == 200)
        #expect(seen.outcome == .complete)
        #expect(seen.fault == .none)
        #expect(seen.record.responseBodyBytes == 5)
        #expect(seen.record.attempts == 1)
        #expect(!seen.record.reusedUpstream)
        #expect(seen[.method] == "GET")
        #expect(seen[.path] == "/v1/models")
        #expect(seen[.host] == "api.test:80")
        #expect(seen[.listener] == "main")
        #expect(seen[.route] == "routes[0]")
        #expect(seen[.endpoint] == upstream.state.display)
        #expect(seen[.requestID] == response["x-request-id"])
    }

    @Test func `[DONE] and a closing client leave the upstream connection for the next`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "e\r\ndata: [DONE]\n\n\r\n")
        #expect(try client.readText(through: "[DONE]\n\n\r\n").hasPrefix("HTTP/1.1 200 OK"))
        client.close()
        #expect(eventually { worker.handle.figures.connectionsOpen.load(ordering: .relaxed) == 0 })
        try endpoint.send("0\r\n\r\n")
        let seen = try worker.record()
        #expect(seen.outcome == .complete)
        #expect(seen.fault == .none)
        let next = try worker.connect()
        try next.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try endpoint.readMessage().target == "/next")
        try endpoint.send("HTTP/1.1 204 No Content\r\n\r\n")
        #expect(try next.readMessage().status == 204)
        #expect(try worker.record().record.reusedUpstream)
    }
}
