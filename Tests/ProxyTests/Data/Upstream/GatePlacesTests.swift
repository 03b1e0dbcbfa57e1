import Testing

@testable import Proxy

/// A place at the gate is given back exactly once, however an exchange ends.
@Suite struct GatePlacesTests {
    enum Ending: CaseIterable {
        case complete, refusedUpstream, firstByte, brokenHead, cutStream, clientLeaves, clientLeavesStream
        case leavesAfterLastEvent, bodyTooLarge, badBody, tooManyConnections
    }

    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private let streamHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(arguments: Ending.allCases)
    func `an exchange gives its place back`(ending: Ending) throws {
        let upstream = try TestUpstream()
        let gate = UpstreamGate(1, queue: 1)
        let worker = try WorkerUnderTest(upstream) {
            $0.gate = gate
            $0.routes = [
                .proxying(.patient(firstByte: ending == .firstByte ? 50 * millisecond : nil), maxBody: 5)
            ]
            if ending == .tooManyConnections { $0.endpoints = [upstream.endpoint(maxConnections: 0)] }
        }
        defer { worker.stop() }
        if ending == .refusedUpstream { upstream.state.publish([]) }
        let client = try worker.connect()
        try run(ending, client, upstream)
        #expect(eventually { gate.counts == [0, 0, 0] }, "\(ending)")
        #expect(try worker.records(1).count == 1)
    }

    private func run(_ ending: Ending, _ client: TestConnection, _ upstream: TestUpstream) throws {
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        switch ending {
        case .refusedUpstream, .tooManyConnections:
            try client.send(get)
            #expect(try client.readMessage().status >= 502)
            return
        case .bodyTooLarge: try client.send(chunked + "6\r\n123456\r\n0\r\n\r\n")
        case .badBody: try client.send(chunked + "x\r\n")
        default: try client.send(get)  // Why not listed: all others begin alike.
        }
        let endpoint = try upstream.accept()
        switch ending {
        case .complete: try endpoint.send("HTTP/1.1 204 No Content\r\n\r\n")
        case .brokenHead: try endpoint.send("HTTP/1.1 abc\r\n\r\n")
        case .cutStream:
            try endpoint.send(streamHead + "1\r\na\r\n")
            endpoint.reset()
        case .clientLeaves:
            _ = try endpoint.readMessage()
            client.close()
        case .clientLeavesStream, .leavesAfterLastEvent:
            let event = ending == .leavesAfterLastEvent ? "e\r\ndata: [DONE]\n\n\r\n" : "1\r\na\r\n"
            try endpoint.send(streamHead + event)
            _ = try client.readText(through: event)
            client.close()
            if ending == .leavesAfterLastEvent { try endpoint.send("0\r\n\r\n") }
        case .firstByte, .bodyTooLarge, .badBody, .refusedUpstream, .tooManyConnections: break
        }
        if ![.clientLeaves, .clientLeavesStream, .leavesAfterLastEvent, .cutStream].contains(ending) {
            _ = try client.readMessage()
        }
    }

    @Test func `an exchange that is tried again keeps its one place`() throws {
        let upstream = try TestUpstream()
        let gate = UpstreamGate(1, queue: 0)
        let worker = try WorkerUnderTest(upstream) { $0.gate = gate }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let stale = try upstream.accept()
        _ = try stale.readMessage()
        try stale.send("HTTP/1.1 204 No Content\r\n\r\n")
        _ = try client.readMessage()
        try client.send(get)
        _ = try stale.readMessage()
        stale.close()
        let fresh = try upstream.accept()
        _ = try fresh.readMessage()
        #expect(gate.counts == [1, 0, 0])
        try fresh.send("HTTP/1.1 204 No Content\r\n\r\n")
        #expect(try client.readMessage().status == 204)
        #expect(eventually { gate.counts == [0, 0, 0] })
    }

    @Test func `a body that was looked into counts while it waits, and no more when its client leaves`()
        throws
    {
        let upstream = try TestUpstream()
        let gate = UpstreamGate(1, queue: 4)
        let caller = Caller.test("k", models: ModelList(["gpt-4"]))
        let worker = try WorkerUnderTest(upstream) {
            $0.gate = gate
            $0.routes = [.test(auth: [.keys([caller])])]
            $0.bodiesMax = 50
        }
        defer { worker.stop() }
        #expect(gate.enter(Ticket(worker: 99, number: 1)) == .entered)
        let body = #"{"model":"gpt-4"}"#
        // Chunked: one that comes whole with its head is looked into where it stands.
        let post =
            "POST / HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        let clients = try (0..<2).map { _ in try worker.connect() }
        for client in clients { try client.send(post) }
        #expect(eventually { gate.figures.queued == 2 })
        #expect(worker.handle.bodies.bytesTaken == 2 * body.utf8.count)
        let third = try worker.connect()
        try third.send(post)
        let refused = try third.readMessage()
        #expect(refused.status == 503 && refused["retry-after"] == "1")
        clients[0].close()
        #expect(eventually { worker.handle.bodies.bytesTaken == body.utf8.count })
        worker.handle.mailbox.post(.placeFreed(try #require(gate.leave())))
        let endpoint = try upstream.accept()
        #expect(try endpoint.readMessage().body == body)
        try endpoint.send("HTTP/1.1 204 No Content\r\n\r\n")
        #expect(try clients[1].readMessage().status == 204)
        #expect(eventually { worker.handle.bodies.bytesTaken == 0 && gate.counts == [0, 0, 0] })
    }

    /// Two workers, clients that come, leave and lose their patience, and an upstream that answers or breaks.
    @Test(arguments: UInt64(1)...4)
    func `in any disorder no place is lost and no bound exceeded`(seed: UInt64) throws {
        var crowd = try Crowd(seed: seed)
        defer { for worker in crowd.workers { worker.stop() } }
        for _ in 0..<400 { try crowd.step() }
        try crowd.finish()
        #expect(crowd.gate.counts.prefix(2) == [0, 0])
        for worker in crowd.workers {
            #expect(worker.handle.figures.exchangesRunning.load(ordering: .relaxed) == 0)
        }
    }
}

private struct Crowd {
    let gate = UpstreamGate(3, queue: 5)
    let upstream: TestUpstream
    let workers: [WorkerUnderTest]
    private var random: SeededGenerator
    private var clients: [TestConnection] = []
    private var endpoints: [TestConnection] = []

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        upstream = try TestUpstream()
        var sketch = GenerationSketch(upstream)
        sketch.gate = gate
        sketch.queueTimeout = 30 * millisecond
        sketch.endpoints = [upstream.endpoint(maxIdle: 0)]
        workers = try WorkerUnderTest.several(2, sketch)
    }

    mutating func step() throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
            let client = try workers.randomElement(using: &random)!.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            clients.append(client)
        case 4: leave()
        case 5:
            let bounds = UpstreamGate.Bounds(
                inFlightMax: Int.random(in: 2...3, using: &random), queuedMax: 5)
            for ticket in gate.setBounds(bounds) {
                workers[ticket.worker].handle.mailbox.post(.placeFreed(ticket))
            }
        default: answer()
        }
        takeEndpoints()
        #expect(gate.figures.inFlight <= 3)
    }

    /// Every client that is left gets an answer of some kind.
    mutating func finish() throws {
        let isOver = eventually {
            takeEndpoints()
            answer()
            return workers.allSatisfy { $0.handle.figures.exchangesRunning.load(ordering: .relaxed) == 0 }
        }
        #expect(isOver, "\(gate.counts)")
        for client in clients { #expect([204, 503, 502].contains(try client.readMessage().status)) }
    }

    private mutating func takeEndpoints() {
        while let endpoint = upstream.listener.accept(milliseconds: 0) { endpoints.append(endpoint) }
    }

    private mutating func leave() {
        guard let index = clients.indices.randomElement(using: &random) else { return }
        let client = clients.remove(at: index)
        if Bool.random(using: &random) { client.close() } else { client.reset() }
    }

    private mutating func answer() {
        guard let index = endpoints.indices.randomElement(using: &random) else { return }
        let endpoint = endpoints.remove(at: index)
        if Int.random(in: 0..<5, using: &random) == 0 { return endpoint.reset() }
        // Its client may have left, and the connection with it.
        try? endpoint.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    }
}
