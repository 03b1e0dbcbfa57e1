import Glibc
import Testing

@testable import Proxy

@Suite struct WorkerUpstreamTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private let noContent = "HTTP/1.1 204 No Content\r\n\r\n"

    /// One exchange, so that the connection it used is in the pool.
    private func exchange(
        _ client: TestConnection, _ upstream: TestUpstream, _ endpoint: TestConnection? = nil
    ) throws -> TestConnection {
        try client.send(get)
        let endpoint = try endpoint ?? upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(noContent)
        #expect(try client.readMessage().status == 204)
        return endpoint
    }

    @Test func `a connection is reused, also by another client`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let endpoint = try exchange(try worker.connect(), upstream)
        _ = try exchange(try worker.connect(), upstream, endpoint)
        #expect(try worker.records(2).map(\.record.reusedUpstream) == [false, true])
    }

    @Test(arguments: ["Connection: close\r\n", "Connection: keep-alive, Close\r\n"])
    func `a connection that the upstream wants closed is not reused`(field: String) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 200 OK\r\n\(field)Content-Length: 0\r\n\r\n")
        #expect(try client.readMessage()["connection"] == nil)
        #expect(try endpoint.readToEnd().text == "")
        _ = try exchange(client, upstream)
    }

    @Test func `a stale connection is replaced and a GET repeated`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        let stale = try exchange(client, upstream)
        try client.send("GET /again?x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n")
        _ = try stale.readMessage()
        stale.close()
        let fresh = try upstream.accept()
        let request = try fresh.readMessage()
        #expect(request.target == "/again?x")
        #expect(request["x-a"] == "b")
        try fresh.send(noContent)
        #expect(try client.readMessage().status == 204)
        let seen = try worker.records(2)[1]
        #expect(seen.record.attempts == 2)
        #expect(!seen.record.reusedUpstream)
        #expect(seen[.requestID] == request["x-request-id"])
    }

    @Test func `a repeated request that is lost again is not repeated for ever`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        let stale = try exchange(client, upstream)
        try client.send(get)
        _ = try stale.readMessage()
        stale.close()
        let fresh = try upstream.accept()
        _ = try fresh.readMessage()
        fresh.close()
        let answer = try client.readMessage()
        #expect(answer.status == 502)
        #expect(answer.code == "upstream_closed")
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func `what may have been acted on is not repeated`(request: String) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        let stale = try exchange(client, upstream)
        try client.send(request)
        _ = try stale.readMessage()
        stale.close()
        let answer = try client.readMessage()
        #expect(answer.status == 502)
        #expect(answer.code == "upstream_closed")
        #expect(upstream.listener.accept(milliseconds: 20) == nil)
    }

    @Test(arguments: ["HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 20"])
    func `a GET whose answer has begun is not repeated`(beginning: String) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        let stale = try exchange(client, upstream)
        try client.send(get)
        _ = try stale.readMessage()
        try stale.send(beginning)
        if beginning.hasSuffix("\r\n\r\n") { _ = try client.readHead() }
        stale.close()
        #expect(try client.readMessage().status == 502)
        #expect(upstream.listener.accept(milliseconds: 20) == nil)
    }

    @Test(arguments: ["", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
    func `an idle connection that ends or speaks is dropped`(word: String) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        let idle = try exchange(client, upstream)
        if word.isEmpty { idle.finish() } else { try idle.send(word) }
        #expect(try idle.readToEnd().text == "")
        #expect(eventually { upstream.state.connectionCount.load(ordering: .relaxed) == 0 })
        _ = try exchange(client, upstream)
    }

    @Test func `an idle connection is kept as long as the upstream says, and no more than it says`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.endpoints = [upstream.endpoint(maxIdle: 1, idleTimeout: 60 * millisecond)]
        }
        defer { worker.stop() }
        let clients = [try worker.connect(), try worker.connect()]
        var endpoints: [TestConnection] = []
        for client in clients {
            try client.send(get)
            endpoints.append(try upstream.accept())
        }
        for endpoint in endpoints {
            _ = try endpoint.readMessage()
            try endpoint.send(noContent)
        }
        for client in clients { #expect(try client.readMessage().status == 204) }
        for endpoint in endpoints { #expect(try endpoint.readToEnd().text == "") }
        #expect(eventually { upstream.state.connectionCount.load(ordering: .relaxed) == 0 })
    }

    @Test func `an upstream with all its connections in use is a 503`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.endpoints = [upstream.endpoint(maxConnections: 1)] }
        defer { worker.stop() }
        let first = try worker.connect()
        try first.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        let second = try worker.connect()
        try second.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" + get)
        let answer = try second.readMessage()
        #expect(answer.status == 503)
        #expect(answer.code == "upstream_saturated")
        #expect(answer["retry-after"] == "1")
        // Its body was not taken for a request.
        #expect(try second.readMessage().status == 503)
        try endpoint.send(noContent)
        #expect(try first.readMessage().status == 204)
        _ = try exchange(second, upstream, endpoint)
    }

    @Test func `an upstream whose name does not resolve is a 502`() throws {
        let upstream = try TestUpstream()
        upstream.state.publish([])
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let answer = try client.readMessage()
        #expect(answer.status == 502)
        #expect(answer.code == "upstream_unresolved")
        upstream.state.publish([upstream.listener.address])
        _ = try exchange(client, upstream)
    }

    /// An address on which nobody listens.
    private func deadAddress() throws -> SocketAddress { try TestListener().address }

    @Test func `nobody at the only address is a 502`() throws {
        let upstream = try TestUpstream()
        upstream.state.publish([try deadAddress()])
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let answer = try client.readMessage()
        #expect(answer.status == 502)
        #expect(answer.code == "upstream_unreachable")
        #expect(upstream.state.failureCount.load(ordering: .relaxed) == 1)
        #expect(try worker.record().record.attempts == 1)
    }

    @Test func `the next address of a name is tried, and the one that worked kept`() throws {
        let upstream = try TestUpstream()
        upstream.state.publish([try deadAddress(), upstream.listener.address])
        let worker = try WorkerUnderTest(upstream) { $0.endpoints = [upstream.endpoint(maxIdle: 0)] }
        defer { worker.stop() }
        let client = try worker.connect()
        for _ in 0..<3 { _ = try exchange(client, upstream) }
        #expect(try worker.records(3).map(\.record.attempts) == [2, 1, 1])
    }

    @Test(arguments: [0, 1, 2])
    func `another endpoint is tried when one is down, unresolved or full`(trouble: Int) throws {
        let bad = try TestUpstream()
        let good = try TestUpstream()
        if trouble < 2 { bad.state.publish(trouble == 0 ? [] : [try deadAddress()]) }
        let worker = try WorkerUnderTest(good) {
            $0.endpoints = [bad.endpoint(maxConnections: trouble == 2 ? 0 : 10), good.endpoint()]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
        let endpoint = try good.accept()
        #expect(try endpoint.readMessage().body == "body")
        try endpoint.send(noContent)
        #expect(try client.readMessage().status == 204)
        let seen = try worker.record()
        #expect(seen.record.attempts == 2)
        #expect(seen[.endpoint] == good.state.display)
    }

    @Test func `endpoints take turns`() throws {
        let upstreams = [try TestUpstream(), try TestUpstream()]
        let worker = try WorkerUnderTest(upstreams[0]) { $0.endpoints = upstreams.map { $0.endpoint() } }
        defer { worker.stop() }
        let client = try worker.connect()
        let first = try exchange(client, upstreams[0])
        let second = try exchange(client, upstreams[1])
        _ = try exchange(client, upstreams[0], first)
        _ = try exchange(client, upstreams[1], second)
    }

    @Test func `the path of the url is joined on the wire`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.endpoints = [upstream.endpoint(path: "/api/v1")]
            $0.routes = [.test(strip: "/in")]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET /in/v1/models?a=%2F HTTP/1.1\r\nHost: a\r\n\r\n")
        let endpoint = try upstream.accept()
        #expect(try endpoint.readMessage().target == "/api/v1/models?a=%2F")
    }
}
