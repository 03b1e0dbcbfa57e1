import CLinux
import Glibc
import Testing

@testable import Proxy

/// How an exchange ends when somebody leaves or a clock runs out.
@Suite struct ExchangeDriverTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    enum Leaving: CaseIterable { case fin, halfClose, reset }

    private func leave(_ client: TestConnection, _ leaving: Leaving) {
        switch leaving {
        case .fin: client.close()
        case .halfClose: client.finish()
        case .reset: client.reset()
        }
    }

    private func expectGone(_ worker: WorkerUnderTest, status: UInt16) throws {
        let seen = try worker.record()
        #expect(seen.outcome == .clientGone)
        #expect(seen.fault == .client)
        #expect(seen.status == status)
        #expect(worker.handle.figures.exchangesRunning.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: Leaving.allCases)
    func `a client that leaves while its upstream is being connected ends that`(leaving: Leaving) throws {
        let (upstream, fillers) = try TestUpstream.full()
        defer { for filler in fillers { filler.close() } }
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        #expect(eventually { upstream.state.connectionCount.load(ordering: .relaxed) == 1 })
        leave(client, leaving)
        try expectGone(worker, status: 0)
        #expect(upstream.state.connectionCount.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: Leaving.allCases)
    func `a client that leaves while its upstream is silent cancels it`(leaving: Leaving) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        leave(client, leaving)
        #expect(try endpoint.readToEnd().text == "")
        try expectGone(worker, status: 0)
    }

    @Test(arguments: Leaving.allCases)
    func `a client that leaves in the middle of a stream cancels it`(leaving: Leaving) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        _ = try client.readText(through: "\r\n\r\n1\r\na\r\n")
        leave(client, leaving)
        #expect(try endpoint.readToEnd().text == "")
        try expectGone(worker, status: 200)
    }

    @Test(arguments: Leaving.allCases)
    func `a client that leaves in the middle of its body cancels the upstream`(leaving: Leaving) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        #expect(try endpoint.readText(5) == "hello")
        leave(client, leaving)
        #expect(try endpoint.readToEnd().text == "")
        try expectGone(worker, status: 0)
    }

    @Test func `a request that comes with its FIN is cancelled like any other`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.responding("/block", "x"), .test()] }
        defer { worker.stop() }
        for _ in 0..<20 {
            let client = try worker.connect()
            try client.send(get)
            client.close()
        }
        // No upstream ever answers: what is not cancelled stays.
        #expect(eventually { worker.handle.figures.connectionsAccepted.load(ordering: .relaxed) == 20 })
        #expect(eventually { worker.handle.figures.exchangesRunning.load(ordering: .relaxed) == 0 })
        for seen in try worker.records(20) { #expect(seen.outcome == .clientGone) }
    }

    @Test func `with client_half_close allow a FIN ends the request side only`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.allowsHalfClose = true }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        client.finish()
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(try client.readMessage().body == "ok")
        #expect(try client.readToEnd() == ("", .fin))
        #expect(try worker.record().outcome == .complete)
    }

    @Test func `an upstream that goes on after [DONE] is not read for ever`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "e\r\ndata: [DONE]\n\n\r\n")
        _ = try client.readText(through: "[DONE]\n\n\r\n")
        client.close()
        let isEnded = eventually {
            poll(nil, 0, 20)
            return (try? endpoint.send("2\r\n:\n\r\n")) == nil
        }
        #expect(isEnded)
        #expect(try worker.record().outcome == .complete)
    }

    // MARK: Clocks

    @Test func `connect runs out with a 502`() throws {
        let (upstream, fillers) = try TestUpstream.full()
        defer { for filler in fillers { filler.close() } }
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.proxying(.patient(connect: 60 * millisecond))]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let response = try client.readMessage()
        #expect(response.status == 502)
        #expect(response.code == "upstream_unreachable")
    }

    @Test func `first_byte runs out with a 504`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.proxying(.patient(firstByte: 500 * millisecond))]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        let response = try client.readMessage()
        #expect(response.status == 504)
        #expect(response.code == "upstream_timeout")
        _ = try endpoint.readMessage()
        #expect(try endpoint.readToEnd().text == "")
        #expect(try worker.record().fault == .upstream)
        // The client's connection goes on.
        try client.send(get)
        let next = try upstream.accept()
        try next.send("HTTP/1.1 204 No Content\r\n\r\n")
        #expect(try client.readMessage().status == 204)
    }

    @Test func `idle runs out with a broken answer`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.proxying(.patient(idle: 300 * millisecond))]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        _ = try client.readText(through: "\r\n\r\n1\r\na\r\n")
        #expect(try client.readToEnd().text == "")
        #expect(try worker.record().outcome == .truncated)
    }

    @Test func `total ends a stream that never pauses`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.proxying(.patient(total: 800 * millisecond))]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        let isEnded = eventually {
            poll(nil, 0, 5)
            return (try? endpoint.send("1\r\na\r\n")) == nil
        }
        #expect(isEnded)
        #expect(try client.readToEnd().text.hasSuffix("1\r\na\r\n"))
        #expect(try worker.record().outcome == .cut)
    }

    @Test func `total runs out with a 504 before the answer`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.proxying(.patient(total: 60 * millisecond))]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let response = try client.readMessage()
        #expect(response.status == 504)
        #expect(response.code == "upstream_timeout")
    }

    @Test func `half a head runs out with a 408 in total, not per byte`() throws {
        let worker = try WorkerUnderTest(GenerationSketch.responding { $0.head = 120 * millisecond })
        defer { worker.stop() }
        let client = try worker.connect()
        let startedAt = monotonicNow()
        var isAnswered = false
        for byte in ("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 200)).utf8 where !isAnswered {
            try client.send([byte])
            isAnswered = !client.isQuiet(milliseconds: 10)
        }
        let took = monotonicNow() - startedAt
        let response = try client.readMessage()
        #expect(response.status == 408)
        #expect(response["connection"] == "close")
        #expect(took >= 120 * millisecond)
        #expect(try client.readToEnd() == ("", .fin))
        let seen = try worker.record()
        #expect(seen[.errorCode] == "request_timeout")
        #expect(seen.record.headTime >= 120 * millisecond)
    }

    @Test func `keep_alive ends an idle connection without a word`() throws {
        let worker = try WorkerUnderTest(GenerationSketch.responding { $0.keepAlive = 60 * millisecond })
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        #expect(try client.readMessage().status == 200)
        #expect(try client.readToEnd() == ("", .fin))
    }
}

extension GenerationSketch {
    /// Answers `/` itself.
    static func responding(_ change: (inout GenerationSketch) -> Void = { _ in }) -> GenerationSketch {
        var sketch = GenerationSketch()
        sketch.routes = [.responding("/", "yes")]
        change(&sketch)
        return sketch
    }
}

extension TestUpstream {
    /// One whose queue is full: connecting to it does not come to an end.
    /// - Returns: what fills it, too.
    static func full() throws -> (TestUpstream, [TestConnection]) {
        let upstream = try TestUpstream(backlog: 0)
        var fillers: [TestConnection] = []
        for _ in 0..<4 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            _ = upstream.listener.address.withPointer { connect(descriptor, $0, $1) }
            fillers.append(TestConnection(descriptor))
        }
        return (upstream, fillers)
    }
}
