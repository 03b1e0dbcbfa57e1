import Testing

@testable import Proxy

@Suite struct AcceptorTests {
    @Test func `a connection over max_connections is answered 503 and does not count`() throws {
        let worker = try WorkerUnderTest(sketch { $0.maxConnections = 2 })
        defer { worker.stop() }
        let first = try worker.connect()
        let second = try worker.connect()
        for client in [first, second] { #expect(try ask(client).status == 200) }
        var refused: [TestConnection] = []
        for _ in 0..<3 {
            let third = try worker.connect()
            let answer = try third.readMessage()
            #expect(answer.status == 503)
            #expect(answer.code == "server_is_overloaded")
            #expect(answer["retry-after"] == "1")
            #expect(answer["connection"] == "close")
            #expect(try third.readToEnd() == ("", .fin))
            // Left open: the refused must not keep others out.
            refused.append(third)
        }
        #expect(worker.handle.figures.connectionsShed.load(ordering: .relaxed) == 3)
        first.close()
        #expect(
            eventually { worker.handle.figures.connectionsOpen.load(ordering: .relaxed) == 1 + refused.count }
        )
        #expect(try ask(try worker.connect()).status == 200)
    }

    @Test func `an address that is not in the allow list is refused per request`() throws {
        let range = AddressRange(high: 0, low: 0xFFFF_0A00_0000, prefixLength: 104)
        let worker = try WorkerUnderTest(sketch { $0.allow = [range] })
        defer { worker.stop() }
        let client = try worker.connect()
        let answer = try ask(client)
        #expect(answer.status == 403)
        #expect(answer.code == "ip_not_allowed")
        try worker.adopt(
            sketch { $0.allow = [AddressRange(high: 0, low: 0xFFFF_7F00_0001, prefixLength: 128)] })
        #expect(try ask(client).status == 200)
    }

    @Test func `clients of a listener that is gone leave as soon as nothing runs`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let idle = try worker.connect()
        let busy = try worker.connect()
        try busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let other = try upstream.accept()
        _ = try other.readMessage()
        try other.send("HTTP/1.1 204 No Content\r\n\r\n")
        #expect(try idle.readMessage().status == 204)
        try worker.adopt(sketch { $0.hasListener = false })
        #expect(try idle.readToEnd() == ("", .fin))
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let answer = try busy.readMessage()
        #expect(answer.body == "ok")
        #expect(answer["connection"] == "close")
        #expect(try busy.readToEnd() == ("", .fin))
    }

    @Test func `half a head of a listener that goes is still answered, and so is who has only connected`()
        throws
    {
        let worker = try WorkerUnderTest(sketch { $0.otherListeners = 2 })
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET / HTTP/1.1\r\n")
        let silent = try worker.connect()
        #expect(eventually { worker.handle.figures.connectionsOpen.load(ordering: .relaxed) == 2 })
        try worker.adopt(sketch { $0.hasListener = false })
        try client.send("Host: a\r\n\r\n")
        for waiting in [client, silent] {
            if waiting === silent { try silent.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
            let answer = try waiting.readMessage()
            #expect(answer.body == "yes")
            #expect(answer["connection"] == "close")
            #expect(try waiting.readToEnd() == ("", .fin))
        }
        #expect(eventually { worker.generationsAlive == 1 })
    }

    private func sketch(_ change: (inout GenerationSketch) -> Void) -> GenerationSketch {
        var sketch = GenerationSketch()
        sketch.routes = [.responding("/", "yes")]
        change(&sketch)
        return sketch
    }

    private func ask(_ client: TestConnection) throws -> TestMessage {
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return try client.readMessage()
    }
}
