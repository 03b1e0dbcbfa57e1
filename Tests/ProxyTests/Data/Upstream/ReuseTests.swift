import Glibc
import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
private let noContent = "HTTP/1.1 204 No Content\r\n\r\n"

/// What must never pass from one exchange on a connection to the next.
@Suite struct ReuseTests {
    @Test func `bytes behind an answer that filled a read are nobody's answer`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        for _ in 0..<10 {
            let client = try worker.connect()
            try client.send(get)
            let endpoint = try upstream.accept()
            _ = try endpoint.readMessage()
            try endpoint.send(answerOfOneRead() + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON")
            _ = try client.readMessage()
            let victim = try worker.connect()
            try victim.send(get)
            let fresh = try upstream.accept()
            _ = try fresh.readMessage()
            try fresh.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngood")
            #expect(try victim.readMessage().body == "good")
        }
    }

    /// As long as the read buffer, head included.
    private func answerOfOneRead() -> String {
        var body = Worker.readMax
        while true {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body)\r\n\r\n"
            if head.utf8.count + body == Worker.readMax { return head + String(repeating: "a", count: body) }
            body -= 1
        }
    }

    @Test func `a pipelined request is sent once although the one before it was repeated`() throws {
        let bad = try TestUpstream()
        let good = try TestUpstream()
        let worker = try WorkerUnderTest(good) { $0.endpoints = [good.endpoint(), bad.endpoint()] }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let stale = try good.accept()
        _ = try stale.readMessage()
        try stale.send(noContent)
        #expect(try client.readMessage().status == 204)
        // The second endpoint refuses; the first one's pooled connection takes the request and dies of it.
        shutdown(bad.listener.descriptor, Int32(SHUT_RDWR))
        try client.send("GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try stale.readMessage().target == "/one")
        stale.close()
        let fresh = try good.accept()
        #expect(try fresh.readMessage().target == "/one")
        try fresh.send(noContent)
        #expect(try client.readMessage().status == 204)
        #expect(try fresh.readMessage().target == "/two")
        try fresh.send(noContent)
        #expect(try client.readMessage().status == 204)
        #expect(client.isQuiet(milliseconds: 50))
    }

    @Test func `a large answer is whole although its client has sent more and its listener goes`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect(receiveBuffer: 4096)
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try worker.adopt(GenerationSketch.responding { $0.hasListener = false })
        try client.send(get)
        let body = String(repeating: "a", count: 1 << 20)
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        let answer = try client.readMessage()
        #expect(answer.body == body)
        #expect(answer["connection"] == "close")
    }

    @Test func `a key in a subprotocol is a credential, and goes nowhere`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.test(.exact(Array("/strict".utf8)), ignoresCredentials: false), .test()]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        let field = "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.canary\r\n"
        try client.send("GET /strict HTTP/1.1\r\nHost: a\r\n\(field)\r\n")
        #expect(try client.readMessage().status == 401)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n")
        let endpoint = try upstream.accept()
        #expect(try endpoint.readMessage()["sec-websocket-protocol"] == nil)
        try endpoint.send(noContent)
        #expect(try client.readMessage().status == 204)
    }

    @Test func `fields that the file sets are sent once`() throws {
        func set(_ fields: [(String, String)]) -> HeaderEdits {
            HeaderEdits(
                assignments: fields.map {
                    .init(name: Array($0.0.utf8), line: Array("\($0.0): \($0.1)\r\n".utf8))
                }, removals: [])
        }
        let ours = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"]
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [
                .test(
                    requestHeaders: set(ours.map { ($0, "mine") }),
                    responseHeaders: set([("x-request-id", "back")]))
            ]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        let request = try endpoint.readMessage()
        for name in ours { #expect(request.fields.filter { $0.name == name }.map(\.value) == ["mine"]) }
        try endpoint.send(noContent)
        let answer = try client.readMessage()
        #expect(answer.fields.filter { $0.name == "x-request-id" }.map(\.value) == ["back"])
    }
}
