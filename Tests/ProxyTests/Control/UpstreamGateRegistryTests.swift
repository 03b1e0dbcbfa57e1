import Config
import Testing

@testable import Proxy

private func config(_ upstreams: String) throws -> GatewayConfig {
    let text =
        "version: 1\nlisteners: { one: unix:/tmp/x }\nauth: { a: { mode: none } }\n"
        + "upstreams: { \(upstreams) }\nroutes: [{ path: /, auth: a, respond: { text: x } }]"
    let draft = try #require(ConfigDocument.parse(Array(text.utf8), file: "x").document).draft { _ in nil }
    return try #require(draft.config)
}

@Suite struct UpstreamGateRegistryTests {
    private let registry = UpstreamGateRegistry()

    /// As a reload does. The gates live as long as what is returned.
    private func serve(_ upstreams: String) throws -> (gates: [String: UpstreamGate], told: [UInt64]) {
        let config = try config(upstreams)
        let gates = registry.gates(of: config)
        return (gates, registry.commit(gates, of: config).map(\.number))
    }

    private func fill(_ gate: UpstreamGate, _ count: Int) {
        for number in 1...UInt64(count) { _ = gate.enter(Ticket(worker: 0, number: number)) }
    }

    @Test func `an upstream keeps its gate, with the bounds of the generation that is served`() throws {
        let first = try serve("a: { url: http://a, max_in_flight: 1, queue: { max: 3 } }, b: http://b")
        let gate = try #require(first.gates["a"])
        #expect(first.gates["b"] == nil && first.told == [])
        fill(gate, 4)
        let second = try serve("a: { url: http://other, max_in_flight: 3, queue: { max: 5 } }")
        #expect(second.gates["a"] === gate && second.told == [2, 3])
        #expect(gate.figures.bounds == .init(inFlightMax: 3, queuedMax: 5))
        // Off: who waits from before goes on, and nobody is counted any more.
        let third = try serve("a: http://a")
        #expect(third.gates.isEmpty && third.told == [4])
        let fourth = try serve("a: { url: http://a, max_in_flight: 9 }")
        #expect(fourth.gates["a"] === gate && gate.figures.inFlight == 4)
    }

    @Test func `what is not published changes nothing`() throws {
        let served = try serve("a: { url: http://a, max_in_flight: 1 }")
        let gate = try #require(served.gates["a"])
        let next = registry.gates(of: try config("a: { url: http://a, max_in_flight: 5 }, b: http://b"))
        #expect(next["a"] === gate && gate.figures.bounds.inFlightMax == 1)
    }

    @Test func `an upstream that is gone lets its queue go on, and is forgotten with its last exchange`()
        throws
    {
        var served: [String: UpstreamGate] = try serve(
            "a: { url: http://a, max_in_flight: 1, queue: { max: 9 } }"
        ).gates
        fill(try #require(served["a"]), 3)
        #expect(try serve("b: http://b").told == [])
        #expect(served["a"]?.figures.queued == 2 && served["a"]?.leave()?.number == 2)
        served = [:]
        let again = try serve("a: { url: http://a, max_in_flight: 1 }")
        #expect(again.gates["a"]?.figures.inFlight == 0)
    }
}
