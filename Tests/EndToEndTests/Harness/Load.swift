/// Clients that ask all at once, each one request after another, until they are told to stop. Every request
/// has a path of its own, so that an origin can tell whether one has come twice.
final class Load: Sendable {
    struct Outcome: Sendable, CustomStringConvertible {
        let method: String
        let target: String
        let status: Int
        let text: String

        var description: String { "\(method) \(target): \(status) \(text)" }
    }

    private struct State {
        var outcomes: [Outcome] = []
        var troubles: [String] = []
        var running = 0
        var stops = false
    }

    private let state = Guarded(State())

    /// Every fourth request is a POST.
    /// - Parameter requestsMax: of each client.
    init(_ gate: Gate, clients: Int, requestsMax: Int = .max) {
        state.withLock { $0.running = clients }
        for client in 0..<clients {
            startThread { [self] in
                do {
                    try ask(gate, client, requestsMax)
                } catch {
                    state.withLock { $0.troubles.append("client \(client): \(error)") }
                }
                state.withLock { $0.running -= 1 }
            }
        }
    }

    var count: Int { state.withLock { $0.outcomes.count } }
    var isRunning: Bool { state.withLock { $0.running > 0 } }

    /// Lets each finish what it has begun.
    func stop() throws -> [Outcome] {
        state.withLock { $0.stops = true }
        return try finish()
    }

    /// Waits until each has sent all that it was to send.
    func finish() throws -> [Outcome] {
        try waitUntil("the clients to end", within: 60) { !isRunning }
        let (outcomes, troubles) = state.withLock { ($0.outcomes, $0.troubles) }
        guard troubles.isEmpty else { throw Trouble(troubles.joined(separator: "; ")) }
        return outcomes
    }

    private func ask(_ gate: Gate, _ client: Int, _ requestsMax: Int) throws {
        let connection = try gate.connect()
        defer { connection.close() }
        var index = 0
        while index < requestsMax, !state.withLock({ $0.stops }) {
            let method = index % 4 == 3 ? "POST" : "GET"
            let target = "/load/\(client)-\(index)"
            try connection.send(gate.request(method, target, body: method == "POST" ? "work" : nil))
            let response = try connection.readResponse()
            let outcome = Outcome(
                method: method, target: target, status: response.status, text: response.text)
            state.withLock { $0.outcomes.append(outcome) }
            index += 1
        }
    }
}
