import CLinux
import Glibc
import Synchronization

/// An upstream that does what the test tells it to, also what no server should. A thread for each connection;
/// records what arrived.
final class ScriptedUpstream: Resource {
    /// What the threads share with the test.
    private final class Shared: Sendable {
        struct State {
            var requests: [Request] = []
            var connections: [Connection] = []
            var troubles: [String] = []
            var running = 0
        }

        let state = Guarded(State())
        let isEnding = Atomic<Bool>(false)
    }

    let address: Address
    private let listener: Listener
    private let shared = Shared()

    var url: String { "http://\(address.authority)" }
    var requests: [Request] { shared.state.withLock { $0.requests } }
    var connectionCount: Int { shared.state.withLock { $0.connections.count } }
    /// Connections whose script has not returned.
    var openCount: Int { shared.state.withLock { $0.running } }

    /// - Parameter script: runs once for each connection, which is closed when it returns; an error is noted
    ///   for whoever reads about a failure of the test.
    init(at address: Address? = nil, _ script: @escaping @Sendable (ScriptedConnection) throws -> Void) throws
    {
        listener = try Listener(address ?? Address.any())
        self.address = listener.address
        let (listener, shared) = (listener, shared)
        startThread { Self.acceptAll(listener, shared, script) }
        Scenario.keep(self)
    }

    /// Reads each request whole and answers it, on connections that are kept.
    static func answering(
        at address: Address? = nil, _ answer: @escaping @Sendable (Request) throws -> String
    ) throws -> ScriptedUpstream {
        try ScriptedUpstream(at: address) { connection in
            while let request = try connection.readRequest() { try connection.send(answer(request)) }
        }
    }

    /// Answers each request with 200 and this text.
    static func saying(_ text: String, at address: Address? = nil) throws -> ScriptedUpstream {
        try answering(at: address) { _ in ok(text) }
    }

    func end() {
        guard !shared.isEnding.exchange(true, ordering: .relaxed) else { return }
        shutdown(listener.descriptor, Int32(SHUT_RDWR))
        for connection in shared.state.withLock({ $0.connections }) { connection.interrupt() }
        do {
            try waitUntil("the upstream's threads to end", within: 5) { openCount == 0 }
        } catch {
            print("an upstream's script does not end")
        }
        listener.close()
    }

    var story: String? {
        let (requests, troubles) = shared.state.withLock { ($0.requests, $0.troubles) }
        return "upstream \(address): \(requests.count) requests"
            + requests.suffix(3).map { "\n\($0.headText)" }.joined()
            + troubles.map { "\n  \($0)" }.joined()
    }

    private static func acceptAll(
        _ listener: Listener, _ shared: Shared,
        _ script: @escaping @Sendable (ScriptedConnection) throws -> Void
    ) {
        var count = 0
        while true {
            // Why not `accept(2)`: no process that is started meanwhile may inherit it.
            let descriptor = headgate_accept(listener.descriptor, nil, nil)
            if shared.isEnding.load(ordering: .relaxed)
                || descriptor < 0 && errno != EINTR && errno != ECONNABORTED
            {
                if descriptor >= 0 { close(descriptor) }
                return
            }
            guard descriptor >= 0 else { continue }
            let connection = Connection(descriptor: descriptor)
            shared.state.withLock {
                $0.connections.append(connection)
                $0.running += 1
            }
            let scripted = ScriptedConnection(connection, index: count) { request in
                shared.state.withLock { $0.requests.append(request) }
            }
            count += 1
            startThread {
                do {
                    try script(scripted)
                } catch {
                    shared.state.withLock { $0.troubles.append("connection \(scripted.index): \(error)") }
                }
                connection.close()
                shared.state.withLock { $0.running -= 1 }
            }
        }
    }
}

/// One connection of a scripted upstream.
final class ScriptedConnection: Sendable {
    let wire: Connection
    /// In the order of arrival, from 0.
    let index: Int
    private let note: @Sendable (Request) -> Void

    init(_ wire: Connection, index: Int, note: @escaping @Sendable (Request) -> Void) {
        self.wire = wire
        self.index = index
        self.note = note
    }

    func readRequest() throws -> Request? {
        let request = try wire.readRequest()
        if let request { note(request) }
        return request
    }

    /// The head alone; the body is left to the script.
    func readRequestHead() throws -> Request? {
        let request = try wire.readRequestHead()
        if let request { note(request) }
        return request
    }

    func send(_ text: String) throws { try wire.send(text) }
    func sendChunk(_ text: String) throws { try wire.send(chunk(text)) }
}

/// `200` with a text and its length.
func ok(_ text: String, fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\(fields)Content-Length: \(text.utf8.count)\r\n\r\n\(text)"
}

/// One chunk of a chunked body.
func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

/// The head of a stream of events.
let streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

/// A gate that a test opens and threads wait at.
final class Signal: Sendable {
    private let count = Atomic<Int>(0)

    /// Lets whoever waits for the n-th opening through.
    func open() { count.add(1, ordering: .releasing) }

    func wait(for openings: Int = 1, within seconds: Double = 20) throws {
        try waitUntil("opening \(openings) of a signal", within: seconds) { isOpen(openings) }
    }

    func isOpen(_ openings: Int = 1) -> Bool { count.load(ordering: .acquiring) >= openings }
}

final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add(_ amount: Int = 1) { count.add(amount, ordering: .relaxed) }
}
