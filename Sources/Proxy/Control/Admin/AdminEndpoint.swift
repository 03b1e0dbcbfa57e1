import CLinux
import Config
import Glibc

/// The daemon's admin socket: `GET /status` and `POST /reload` over a Unix socket that only its owner may
/// open. Both give JSON; with `.txt` at the end of the path, text for people.
///
/// Lives on the control thread and never waits: a connection that is slow, silent or full costs control
/// nothing.
final class AdminEndpoint {
    private struct Connection {
        let descriptor: Int32
        var input: [UInt8] = []
        var output: [UInt8] = []
        /// A reload was asked for; its outcome is the answer.
        var awaitsReload = false
        /// Monotonic nanoseconds, after which a connection that neither awaits nor moves is ended.
        var idleAt: UInt64
    }

    static let connectionsMax = 32
    static let idleSeconds = 10
    /// Between two attempts to accept while there is no descriptor left.
    static let restMilliseconds = 100

    /// Answers `GET /status`, set by the supervisor.
    var status: () -> StatusReport? = { nil }
    /// Begins a reload and calls back with its outcome.
    var reload: (@escaping (ReloadReport) -> Void) -> Void = { _ in }

    private let loop: ControlLoop
    private var listener: Int32 = -1
    private var file: ListenerSockets.FileIdentity?
    private var connections: [Int: Connection] = [:]
    private var lastID = 0

    init(loop: ControlLoop) { self.loop = loop }

    /// - Parameter adopted: a socket that listens there already; closed where it does not.
    /// - Throws: a message that says who is in the way.
    func listen(at path: String, adopting adopted: Int32? = nil) throws(BindError) {
        if let adopted {
            if BindAddress(listening: adopted) == .unix(path: path), let file = UnixSocket.identity(of: path) {
                (listener, self.file) = (adopted, file)
                return try watchListener(path)
            }
            Glibc.close(adopted)
        }
        try AdminPath.prepareFolder(of: path)
        do throws(BindError) {
            (listener, file) = try UnixSocket.listen(at: path, backlog: 16, mode: 0o600)
        } catch {
            let isBusy = UnixSocket.isLive(path)
            throw isBusy
                ? BindError(
                    message:
                        "\(path): another headgate is running with it; give this one its own by --admin PATH")
                : BindError(message: "\(path): \(error)")
        }
        try watchListener(path)
    }

    private func watchListener(_ path: String) throws(BindError) {
        do throws(SystemError) {
            try loop.add(listener, as: .adminSocket)
        } catch { throw BindError(message: "\(path): \(error)") }
    }

    /// For another process.
    var listeningDescriptor: Int32? { listener >= 0 ? listener : nil }

    /// Another process listens there. Who is connected is still answered.
    func leave() {
        guard listener >= 0 else { return }
        loop.remove(listener)
        Glibc.close(listener)
        listener = -1
    }

    func close() {
        for id in connections.keys { end(id) }
        guard listener >= 0 else { return }
        if let file { UnixSocket.unlinkIfOurs(file) }
        loop.remove(listener)
        Glibc.close(listener)
        listener = -1
    }

    // MARK: - Events

    func accept() {
        while true {
            let descriptor = headgate_accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Why not just wait: without a descriptor left, who is waiting would wake the loop at once,
                // for ever.
                if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { rest() }
                return
            }
            lastID += 1
            guard connections.count < AdminEndpoint.connectionsMax, watch(descriptor, lastID) else {
                Glibc.close(descriptor)
                continue
            }
            connections[lastID] = Connection(descriptor: descriptor, idleAt: idleDeadline())
            scheduleIdle()
        }
    }

    private func rest() {
        loop.remove(listener)
        loop.start(.adminRest, afterMilliseconds: AdminEndpoint.restMilliseconds)
    }

    /// Listens again, after there was no descriptor left.
    func resume() {
        guard listener >= 0 else { return }
        do throws(SystemError) {
            try loop.add(listener, as: .adminSocket)
        } catch {
            loop.start(.adminRest, afterMilliseconds: AdminEndpoint.restMilliseconds)
        }
    }

    func ready(_ id: Int, readable: Bool, writable: Bool) {
        guard let connection = connections[id] else { return }
        if !connection.output.isEmpty {
            if writable { flush(id) }
        } else if readable {
            read(id)
        }
    }

    /// Ends the connections that have been silent for too long.
    func endIdle() {
        let now = headgate_monotonic_ns()
        for (id, connection) in connections where !connection.awaitsReload && connection.idleAt <= now {
            end(id)
        }
        scheduleIdle()
    }

    private func read(_ id: Int) {
        guard let connection = connections[id] else { return }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(connection.descriptor, &chunk, chunk.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        // Whoever goes away is not answered; a reload that they asked for goes on.
        guard count > 0 else { return end(id) }
        // Why dropped: there is one request on a connection.
        guard !connection.awaitsReload else { return }
        connections[id]?.input += chunk[..<count]
        connections[id]?.idleAt = idleDeadline()
        switch AdminRequest.parse(connection.input + chunk[..<count]) {
        case .incomplete: break
        case .invalid: answer(id, .error(400, "not a request that the admin socket understands"))
        case .complete(let request): serve(request, id)
        }
    }

    private func serve(_ request: AdminRequest, _ id: Int) {
        switch (request.method, request.path) {
        case ("GET", "/status"): answer(id, AdminResponse(status: 200, body: status()?.json ?? "{}"))
        case ("GET", "/status.txt"): answer(id, .text(200, status()?.text ?? ""))
        case ("POST", "/reload"):
            awaitReload(id) { AdminResponse(status: $0.result == .failed ? 422 : 200, body: $0.json) }
        case ("POST", "/reload.txt"):
            awaitReload(id) { .text($0.result == .failed ? 422 : 200, $0.text) }
        case (_, "/status"), (_, "/reload"), (_, "/status.txt"), (_, "/reload.txt"):
            answer(id, .error(405, "use GET /status and POST /reload"))
        case _: answer(id, .error(404, "there are GET /status and POST /reload"))
        }
    }

    private func awaitReload(_ id: Int, _ response: @escaping (ReloadReport) -> AdminResponse) {
        connections[id]?.awaitsReload = true
        reload { [weak self] report in self?.answer(id, response(report)) }
    }

    private func answer(_ id: Int, _ response: AdminResponse) {
        guard connections[id] != nil else { return }
        connections[id]?.awaitsReload = false
        connections[id]?.output = response.bytes
        connections[id]?.idleAt = idleDeadline()
        flush(id)
    }

    private func flush(_ id: Int) {
        guard let connection = connections[id] else { return }
        let count = connection.output.withUnsafeBytes {
            send(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count == connection.output.count || (count < 0 && errno != EAGAIN && errno != EINTR) {
            return end(id)
        }
        if count > 0 { connections[id]?.output.removeFirst(count) }
        do throws(SystemError) {
            try loop.change(connection.descriptor, writing: true)
        } catch { end(id) }
    }

    private func watch(_ descriptor: Int32, _ id: Int) -> Bool {
        do throws(SystemError) {
            try loop.add(descriptor, as: .adminConnection(id))
            return true
        } catch { return false }
    }

    private func end(_ id: Int) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        loop.remove(connection.descriptor)
        Glibc.close(connection.descriptor)
    }

    private func idleDeadline() -> UInt64 {
        headgate_monotonic_ns() + UInt64(AdminEndpoint.idleSeconds) * 1_000_000_000
    }

    private func scheduleIdle() {
        guard connections.values.contains(where: { !$0.awaitsReload }) else { return loop.stop(.adminIdle) }
        loop.start(.adminIdle, afterMilliseconds: 1000)
    }
}
