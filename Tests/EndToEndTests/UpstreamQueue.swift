import Testing

@testable import CLI

/// `max_in_flight` and `queue`: so many are with an upstream at once, others wait, and the rest get an answer
/// at once.
@Suite(.scenario) struct UpstreamQueue {
    /// An upstream that answers `/3` when the test says so of 3.
    private final class Slow: Sendable {
        let upstream: ScriptedUpstream
        private let signals: [Signal]

        init(_ count: Int) throws {
            let signals = (0..<count).map { _ in Signal() }
            self.signals = signals
            upstream = try ScriptedUpstream { connection in
                while let request = try connection.readRequest() {
                    try signals[Int(request.target.dropFirst()) ?? 0].wait()
                    try connection.send(ok(request.target))
                }
            }
        }

        var targets: [String] { upstream.requests.map(\.target) }
        func answer(_ index: Int) { signals[index].open() }
    }

    private func config(_ slow: Slow, _ bounds: String) -> String {
        "process: { workers: 2 }\naccess_log: $FOLDER/access.log\n"
            + "upstreams: { up: { url: \"\(slow.upstream.url)\", \(bounds) } }\n"
    }

    /// In, waiting, refused.
    private func counts(_ gate: Gate) throws -> [Int?] {
        let upstream = try gate.requireStatus()["upstreams"]?.arrayValue?.first
        return ["in_flight", "queued", "refused"].map { upstream?[$0]?.integerValue }
    }

    /// Clients whose requests have come one after the other, with what the gate then counts.
    private func clients(_ gate: Gate, _ counted: [[Int]]) throws -> [Connection] {
        try counted.enumerated().map { index, wanted in
            let client = try gate.connect()
            try client.send(gate.request("POST", "/\(index)", body: "x"))
            try waitUntil("\(wanted) with client \(index)") { try counts(gate) == wanted }
            return client
        }
    }

    @Test func `two run, three wait in order, one is refused; one leaves, and a reload makes room`() throws {
        let slow = try Slow(6)
        let gate = try Gate(config(slow, "max_in_flight: 2, queue: { max: 3, timeout: 30s }"))
        let clients = try clients(
            gate, [[1, 0, 0], [2, 0, 0], [2, 1, 0], [2, 2, 0], [2, 3, 0], [2, 3, 1]])
        let refused = try clients[5].readResponse()
        #expect(refused.status == 503 && refused["retry-after"] == "1")
        #expect(refused.errorCode == "upstream_saturated")
        #expect(refused.errorMessage?.contains("queue.max") == true)
        clients[3].close()
        try waitUntil("the queue to be left") { try counts(gate) == [2, 2, 1] }
        slow.answer(0)
        #expect(try clients[0].readResponse().text == "/0")
        try waitUntil("the next to arrive") { slow.targets.contains("/2") }
        #expect(try counts(gate) == [2, 1, 1] && !slow.targets.contains("/4"))
        try gate.reconfigure(config(slow, "max_in_flight: 3, queue: { max: 3, timeout: 30s }"))
        try waitUntil("the last to arrive") { slow.targets.contains("/4") }
        #expect(try counts(gate) == [3, 0, 1])
        for index in [4, 2, 1] {
            slow.answer(index)
            #expect(try clients[index].readResponse().text == "/\(index)")
        }
        try waitUntil("nobody there") { try counts(gate) == [0, 0, 1] }
        #expect(Set(slow.targets) == ["/0", "/1", "/2", "/4"], "not the one that was left")
        let left = try gate.record { $0["path"]?.stringValue == "/3" }
        #expect(left["outcome"] == "client_gone")
        // The connection of the one that was refused goes on.
        slow.answer(5)
        try clients[5].send(gate.request("GET", "/5"))
        #expect(try clients[5].readResponse().text == "/5")
    }

    @Test func `who has waited for queue timeout is told so, and the others go on`() throws {
        let slow = try Slow(3)
        let gate = try Gate(config(slow, "max_in_flight: 1, queue: { max: 1, timeout: 300ms }"))
        let clients = try clients(gate, [[1, 0, 0], [1, 1, 0]])
        let refused = try clients[1].readResponse()
        #expect(refused.status == 503 && refused["retry-after"] == "1")
        #expect(refused.errorCode == "upstream_queue_timeout")
        #expect(refused.errorMessage?.contains("queue.timeout") == true)
        slow.answer(0)
        #expect(try clients[0].readResponse().text == "/0")
        slow.answer(2)
        try clients[1].send(gate.request("GET", "/2"))
        #expect(try clients[1].readResponse().text == "/2")
        #expect(slow.targets == ["/0", "/2"])
        #expect(try gate.headgate("status", "--admin", gate.adminPath).output.contains("1 refused"))
    }

    @Test func `a reload that lowers or removes the bound ends nothing`() throws {
        let slow = try Slow(5)
        let gate = try Gate(config(slow, "max_in_flight: 2, queue: { max: 2, timeout: 30s }"))
        let clients = try clients(gate, [[1, 0, 0], [2, 0, 0], [2, 1, 0], [2, 2, 0]])
        try gate.reconfigure(config(slow, "max_in_flight: 1"))
        #expect(try counts(gate) == [2, 2, 0])
        let refused = try gate.exchange("GET", "/4")
        #expect(refused.status == 503 && refused.errorMessage?.contains("max_in_flight") == true)
        slow.answer(0)
        #expect(try clients[0].readResponse().text == "/0")
        try waitUntil("one that leaves to be followed by nobody") { try counts(gate) == [1, 2, 1] }
        try gate.reconfigure(config(slow, "max_connections: 100"))
        try waitUntil("all to arrive") { slow.targets.count == 4 }
        for index in [1, 2, 3] {
            slow.answer(index)
            #expect(try clients[index].readResponse().text == "/\(index)")
        }
    }
}
