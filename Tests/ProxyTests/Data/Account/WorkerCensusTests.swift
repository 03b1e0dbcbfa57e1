import Testing

@testable import Proxy

/// A worker tells what runs on it.
@Suite struct WorkerCensusTests {
    private func census(_ worker: WorkerUnderTest, _ number: UInt64) throws -> WorkerCensus {
        worker.handle.mailbox.post(.census(number))
        guard eventually({ worker.handle.census.withLock { $0?.number } == number }) else {
            throw Unexpected("no answer to census \(number)")
        }
        return try #require(
            worker.handle.census.withLock { census in
                defer { census = nil }
                return census
            })
    }

    @Test func `what runs is told by generation, route, entry, upstream and caller`() throws {
        let upstream = try TestUpstream()
        let auth = AuthPlan.keys([.test("key-one"), .test("key-two")])
        var sketch = GenerationSketch(upstream)
        sketch.routes = [.responding("/here", "x"), .test(auth: [auth])]
        let worker = try WorkerUnderTest(sketch)
        defer { worker.stop() }
        let none = try census(worker, 1)
        #expect(none.items.isEmpty && none.connections.isEmpty && none.generations.isEmpty)
        let idle = try worker.connect()
        var held: [TestConnection] = [idle]
        for key in ["key-one", "key-two", "key-two"] {
            let client = try worker.connect()
            try client.send("GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n\r\n")
            held.append(client)
            held.append(try upstream.accept())
        }
        #expect(eventually { worker.handle.figures.connectionsOpen.load(ordering: .relaxed) == 4 })
        let found = try census(worker, 2)
        #expect(found.number == 2)
        #expect(found.generations.map(\.number) == [1])
        #expect(found.connections.map(\.open) == [4] && found.connections.map(\.retired) == [0])
        #expect(found.items.count == 3)
        let route = ObjectIdentifier(sketch.routes[1])
        #expect(found.items.allSatisfy { $0.ties.route == route && $0.ties.upstream == 0 })
        #expect(found.items.allSatisfy { $0.ties.auth == ObjectIdentifier(auth) && !$0.isStream })
        let callers = Dictionary(grouping: found.items.compactMap(\.caller), by: { $0 }).mapValues(\.count)
        #expect(callers == [KeyDigest.test("key-one"): 1, KeyDigest.test("key-two"): 2])
        held = []
        #expect(eventually { (try? census(worker, 3))?.items.isEmpty ?? false })
    }

    @Test func `what began before a reload is told by its own generation`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        let connection = try upstream.accept()
        var next = GenerationSketch(upstream)
        next.hasListener = false
        try worker.adopt(next)
        let found = try census(worker, 1)
        #expect(found.generations.map(\.number) == [1] && found.items.count == 1)
        #expect(found.connections.map(\.retired) == [1], "its listener is served no more")
        // What the census holds must not keep a generation alive once control has looked.
        _ = consume found
        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(eventually { worker.generationsAlive == 1 })
        _ = client
    }
}
