import Testing

@testable import Proxy

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
private let noContent = "HTTP/1.1 204 No Content\r\n\r\n"

/// Workers at an upstream with a gate. The test may be at the gate itself, as one of `stranger`s.
private final class Scene {
    let upstream: TestUpstream
    let gate: UpstreamGate
    let workers: [WorkerUnderTest]
    private var strangers: UInt64 = 0
    var worker: WorkerUnderTest { workers[0] }

    init(
        _ inFlightMax: Int, queue queuedMax: Int = 0, workers count: Int = 1,
        _ change: (inout GenerationSketch, TestUpstream) -> Void = { _, _ in }
    ) throws {
        upstream = try TestUpstream()
        gate = UpstreamGate(inFlightMax, queue: queuedMax)
        var sketch = GenerationSketch(upstream)
        sketch.gate = gate
        change(&sketch, upstream)
        workers = try WorkerUnderTest.several(count, sketch)
    }

    /// Ends the workers; nobody may be at the gate then.
    func end() {
        for worker in workers { worker.stop() }
        #expect(gate.counts.prefix(2) == [0, 0])
    }

    /// Takes a place, until somebody calls `gate.leave`.
    func enter() {
        strangers += 1
        #expect(gate.enter(Ticket(worker: 99, number: strangers)) == .entered)
    }

    /// A place comes free, and whoever it is for is told.
    func leave() {
        guard let next = gate.leave() else { return }
        workers[next.worker].handle.mailbox.post(.placeFreed(next))
    }

    /// A client whose request waits at the gate as the n-th.
    func wait(_ count: Int, _ request: String = get, at worker: Int = 0) throws -> TestConnection {
        let client = try workers[worker].connect()
        try client.send(request)
        #expect(eventually { gate.figures.queued == count })
        return client
    }

    func expectWaiting(_ count: Int) { #expect(eventually { gate.figures.queued == count }) }
    func expectEmpty() { #expect(eventually { gate.counts.prefix(2) == [0, 0] }) }
}

@Suite struct GatesTests {
    // MARK: Who comes in

    @Test func `without a queue, one too many is a 503 and its connection goes on`() throws {
        let scene = try Scene(1)
        defer { scene.end() }
        let first = try scene.worker.connect()
        try first.send(get)
        let endpoint = try scene.upstream.accept()
        _ = try endpoint.readMessage()
        let second = try scene.worker.connect()
        try second.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" + get)
        for _ in 0..<2 {
            let answer = try second.readMessage()
            #expect(answer.status == 503 && answer.code == "upstream_saturated")
            #expect(answer["retry-after"] == "1")
            #expect(answer.body.contains("(max_in_flight)"))
        }
        try endpoint.send(noContent)
        #expect(try first.readMessage().status == 204)
        scene.expectEmpty()
        try second.send(get)
        _ = try endpoint.readMessage()
        try endpoint.send(noContent)
        #expect(try second.readMessage().status == 204)
        let seen = try scene.worker.records(4)
        #expect(seen.map(\.status).sorted() == [204, 204, 503, 503])
        #expect(seen[0].record.attempts == 0 && seen[0][.endpoint] == "")
        #expect(scene.gate.figures.refused == 2)
    }

    @Test func `those who wait come in as they came, over all workers, and one too many is a 503`() throws {
        let scene = try Scene(1, queue: 5, workers: 2) { sketch, upstream in
            sketch.endpoints = [upstream.endpoint(maxIdle: 0)]
        }
        defer { scene.end() }
        scene.enter()
        let clients = try (1...5).map { number in
            try scene.wait(
                number, "GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n", at: [0, 1, 1, 0, 1][number - 1])
        }
        let extra = try scene.workers[0].connect()
        try extra.send(get)
        let refused = try extra.readMessage()
        #expect(refused.status == 503 && refused.code == "upstream_saturated")
        #expect(refused["retry-after"] == "1" && refused.body.contains("(queue.max)"))
        scene.leave()
        for (number, client) in clients.enumerated() {
            let endpoint = try scene.upstream.accept()
            #expect(try endpoint.readMessage().target == "/\(number + 1)")
            #expect(scene.upstream.listener.accept(milliseconds: 5) == nil)
            #expect(scene.gate.figures.inFlight == 1)
            try endpoint.send(noContent)
            #expect(try client.readMessage().status == 204)
        }
        scene.expectEmpty()
        #expect(try scene.workers[1].records(3).map(\.record.attempts) == [1, 1, 1])
    }

    @Test func `a request that waits is kept whole, and what stands behind it is the next`() throws {
        let scene = try Scene(1, queue: 1)
        defer { scene.end() }
        scene.enter()
        let client = try scene.wait(
            1, "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n01234")
        try client.send("56789" + get)
        #expect(client.isQuiet(milliseconds: 20))
        scene.leave()
        let endpoint = try scene.upstream.accept()
        #expect(try endpoint.readMessage().body == "0123456789")
        try endpoint.send(noContent)
        #expect(try client.readMessage().status == 204)
        #expect(try endpoint.readMessage().target == "/")
        try endpoint.send(noContent)
        #expect(try client.readMessage().status == 204)
    }

    @Test func `wider bounds and none let those in who wait, by the generation that they began with`() throws
    {
        let scene = try Scene(1, queue: 3)
        defer { scene.end() }
        scene.enter()
        let clients = try (1...3).map { try scene.wait($0) }
        // The upstream is not in the file any more.
        try scene.worker.adopt(.responding())
        #expect(scene.worker.generationsAlive == 2)
        let entered = scene.gate.setBounds(.init(inFlightMax: 2, queuedMax: 0))
        #expect(entered.count == 1)
        for ticket in entered + scene.gate.setBounds(.none) {
            scene.worker.handle.mailbox.post(.placeFreed(ticket))
        }
        for _ in clients {
            let endpoint = try scene.upstream.accept()
            _ = try endpoint.readMessage()
            try endpoint.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        }
        for client in clients { #expect(try client.readMessage().body == "ok") }
        scene.leave()
        scene.expectEmpty()
        #expect(eventually { scene.worker.generationsAlive == 1 })
    }

    // MARK: Who does not wait to the end

    @Test func `queue timeout runs out with a 503, and the upstream never hears of it`() throws {
        let scene = try Scene(1, queue: 2) { sketch, _ in sketch.queueTimeout = 60 * millisecond }
        defer { scene.end() }
        scene.enter()
        let client = try scene.worker.connect()
        let startedAt = monotonicNow()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" + get)
        for _ in 0..<2 {
            let answer = try client.readMessage()
            #expect(answer.status == 503 && answer.code == "upstream_queue_timeout")
            #expect(answer["retry-after"] == "1" && answer.body.contains("(queue.timeout)"))
        }
        #expect(monotonicNow() - startedAt >= 120 * millisecond)
        #expect(scene.gate.counts == [1, 0, 2])
        scene.leave()
        #expect(scene.upstream.listener.accept(milliseconds: 5) == nil)
        let seen = try scene.worker.records(2)
        #expect(seen.map(\.record.attempts) == [0, 0] && seen[0].fault == .gateway)
        try client.send(get)
        try scene.upstream.accept().send(noContent)
        #expect(try client.readMessage().status == 204)
    }

    @Test func `total runs while a request waits`() throws {
        let scene = try Scene(1, queue: 2) { sketch, _ in
            sketch.routes = [.proxying(.patient(total: 60 * millisecond))]
        }
        defer { scene.end() }
        scene.enter()
        let client = try scene.wait(1)
        let answer = try client.readMessage()
        #expect(answer.status == 504 && answer.code == "upstream_timeout")
        scene.expectWaiting(0)
        scene.leave()
    }

    @Test(arguments: ExchangeDriverTests.Leaving.allCases)
    func `a client that leaves while it waits leaves the queue`(leaving: ExchangeDriverTests.Leaving) throws {
        let scene = try Scene(1, queue: 3)
        defer { scene.end() }
        scene.enter()
        let leaver = try scene.wait(1)
        let stayer = try scene.wait(2)
        switch leaving {
        case .fin: leaver.close()
        case .halfClose: leaver.finish()
        case .reset: leaver.reset()
        }
        scene.expectWaiting(1)
        let seen = try scene.worker.record()
        #expect(seen.outcome == .clientGone && seen.status == 0 && seen.record.attempts == 0)
        scene.leave()
        try scene.upstream.accept().send(noContent)
        #expect(try stayer.readMessage().status == 204)
        #expect(scene.upstream.listener.accept(milliseconds: 5) == nil)
    }

    @Test func `a drain lets those in who wait, and its end answers the others`() throws {
        let scene = try Scene(1, queue: 3)
        defer { scene.end() }
        scene.enter()
        let first = try scene.wait(1)
        let second = try scene.wait(2)
        scene.worker.drain(for: 300 * millisecond)
        scene.leave()
        let endpoint = try scene.upstream.accept()
        _ = try endpoint.readMessage()
        let answer = try second.readMessage()
        #expect(answer.status == 503 && answer.code == "draining")
        #expect(try first.readMessage().code == "draining")
        #expect(eventually { scene.worker.hasFinished })
        #expect(scene.gate.counts.prefix(2) == [0, 0])
    }

    @Test func `on_revoke cut ends those who wait`() throws {
        let caller = Caller.test("k")
        let scene = try Scene(1, queue: 3) { sketch, _ in
            sketch.routes = [.test(auth: [.keys([caller], cuts: true)])]
        }
        defer { scene.end() }
        scene.enter()
        let client = try scene.wait(1, "GET / HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\n\r\n")
        caller.become(.revoked)
        scene.worker.handle.mailbox.post(.cutRevoked)
        #expect(try client.readMessage().status == 401)
        scene.expectWaiting(0)
        scene.leave()
    }

    // MARK: Word that comes late

    @Test func `who has gone before it was told passes its place on`() throws {
        let scene = try Scene(1, queue: 3, workers: 2)
        defer { scene.end() }
        scene.enter()
        let leaver = try scene.wait(1)
        let stayer = try scene.wait(2, at: 1)
        let called = try #require(scene.gate.leave())
        #expect(called.worker == 0 && scene.gate.counts == [1, 1, 0])
        leaver.close()
        try scene.upstream.accept().send(noContent)
        #expect(try stayer.readMessage().status == 204)
        // The word, at last.
        scene.worker.handle.mailbox.post(.placeFreed(called))
        scene.expectEmpty()
    }

    @Test func `whose time is over before it was told comes in, once`() throws {
        let scene = try Scene(1, queue: 3) { sketch, _ in sketch.queueTimeout = 100 * millisecond }
        defer { scene.end() }
        scene.enter()
        let client = try scene.wait(1)
        let called = try #require(scene.gate.leave())
        let endpoint = try scene.upstream.accept()
        _ = try endpoint.readMessage()
        scene.worker.handle.mailbox.post(.placeFreed(called))
        scene.worker.handle.mailbox.post(.placeFreed(Ticket(worker: 0, number: 99)))
        try endpoint.send(noContent)
        #expect(try client.readMessage().status == 204)
        #expect(scene.gate.figures.refused == 0)
        #expect(scene.upstream.listener.accept(milliseconds: 5) == nil)
    }

    @Test func `a client that leaves together with its request takes its place along`() throws {
        let scene = try Scene(1, queue: 20)
        defer { scene.end() }
        scene.enter()
        for _ in 0..<20 {
            let client = try scene.worker.connect()
            try client.send(get)
            client.close()
        }
        #expect(eventually { scene.worker.handle.figures.connectionsAccepted.load(ordering: .relaxed) == 20 })
        #expect(eventually { scene.worker.handle.figures.exchangesRunning.load(ordering: .relaxed) == 0 })
        #expect(scene.gate.counts == [1, 0, 0])
        scene.leave()
    }
}
