import CLinux
import Config
import Glibc

/// The daemon's admin endpoint: `AdminRoutes` over a Unix socket that only its owner may open and, where the
/// file says so, over TCP for whoever has the token. JSON; with `.txt` at the end of the path, text for
/// people where there is any.
///
/// Lives on the control thread and never waits: a connection that is slow, silent or full costs control
/// nothing, and no body is read before it is known that somebody wants it.
final class AdminEndpoint {
    /// By the Unix socket, and as many over TCP: whoever holds those cannot keep the owner out.
    static let connectionsMax = 32
    static let idleSeconds = 10
    /// Between two attempts to accept while there is no descriptor left.
    static let restMilliseconds = 100
    private static let readBytes = 64 << 10

    /// Set by the supervisor.
    var routes = AdminRoutes()

    private let loop: ControlLoop
    private var listener: Int32 = -1
    private var file: ListenerSockets.FileIdentity?
    /// Owned by `ReloadDriver`. nil: the file has no `admin:`.
    private var port: AdminPort?
    private var connections: [Int: AdminConnection] = [:]
    private var lastID = 0

    init(loop: ControlLoop) { self.loop = loop }

    /// - Parameter adopted: a socket that listens there already; closed where it does not.
    /// - Throws: a message that says who is in the way.
    func listen(at path: String, adopting adopted: Int32? = nil) throws(BindError) {
        if let adopted {
            let isThere = BindAddress(listening: adopted) == .unix(path: path)
            if isThere, let file = UnixSocket.identity(of: path) {
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
        if let port { loop.remove(port.socket.descriptor) }
        port = nil
        guard listener >= 0 else { return }
        loop.remove(listener)
        Glibc.close(listener)
        listener = -1
    }

    /// From now on `next` is answered in place of the port before. Connections that are open stay, and are
    /// asked for the token that holds now.
    func use(_ next: AdminPort?) throws(SystemError) {
        if let old = port, old.socket.descriptor != next?.socket.descriptor {
            loop.remove(old.socket.descriptor)
            port = nil
        }
        if let next, port == nil { try loop.add(next.socket.descriptor, as: .adminPort) }
        port = next
    }

    func close() {
        for id in connections.keys { end(id) }
        if let port { loop.remove(port.socket.descriptor) }
        port = nil
        guard listener >= 0 else { return }
        if let file { UnixSocket.unlinkIfOurs(file) }
        loop.remove(listener)
        Glibc.close(listener)
        listener = -1
    }

    // MARK: - Events

    /// - Parameter isRemote: over TCP.
    func accept(isRemote: Bool = false) {
        guard let listener = isRemote ? port?.socket.descriptor : self.listener else { return }
        while true {
            let descriptor = headgate_accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Why not just wait: without a descriptor left, who is waiting would wake the loop at once,
                // for ever.
                if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { rest() }
                return
            }
            lastID += 1
            let open = connections.values.count { $0.isRemote == isRemote }
            guard open < AdminEndpoint.connectionsMax, watch(descriptor, lastID) else {
                Glibc.close(descriptor)
                continue
            }
            connections[lastID] = AdminConnection(
                descriptor: descriptor, isRemote: isRemote, idleAt: idleDeadline())
            scheduleIdle()
        }
    }

    private func rest() {
        loop.remove(listener)
        if let port { loop.remove(port.socket.descriptor) }
        loop.start(.adminRest, afterMilliseconds: AdminEndpoint.restMilliseconds)
    }

    /// Listens again, after there was no descriptor left.
    func resume() {
        guard listener >= 0 else { return }
        do throws(SystemError) {
            try loop.add(listener, as: .adminSocket)
            if let port { try loop.add(port.socket.descriptor, as: .adminPort) }
        } catch {
            rest()
        }
    }

    func ready(_ id: Int, readable: Bool, writable: Bool) {
        guard let connection = connections[id] else { return }
        if connection.hasOutput {
            if writable { flush(id) }
        } else if readable {
            read(id)
        }
    }

    /// Ends the connections that have been silent for too long.
    func endIdle() {
        let now = headgate_monotonic_ns()
        for (id, connection) in connections where !connection.awaitsAnswer && connection.idleAt <= now {
            end(id)
        }
        scheduleIdle()
    }

    // MARK: - One request

    private func read(_ id: Int) {
        guard let connection = connections[id] else { return }
        var chunk = [UInt8](repeating: 0, count: AdminEndpoint.readBytes)
        let count = Glibc.read(connection.descriptor, &chunk, chunk.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        // Whoever goes away is not answered; what they asked for goes on.
        guard count > 0 else { return end(id) }
        // Why dropped: there is one request on a connection.
        guard !connection.awaitsAnswer else { return }
        if connection.route != nil, connection.isTrusted { connections[id]?.idleAt = idleDeadline() }
        if let step = connections[id]?.received(chunk[..<count]) { take(step, id) }
    }

    private func take(_ step: AdminConnection.Step, _ id: Int) {
        switch step {
        case .incomplete: break
        case .invalid: answer(id, .error(400, "not a request that the admin endpoint understands"))
        case .head(let request): admit(request, id)
        case .complete(let request): serve(request, id)
        }
    }

    /// Decides on the head alone: nobody uploads what is refused anyway.
    private func admit(_ request: AdminRequest, _ id: Int) {
        guard let connection = connections[id] else { return }
        var request = request
        request.isTrusted = !connection.isRemote || port?.access.hasToken(request.authorization) ?? false
        let found = routes.find(request)
        // Why before all else: without the token nobody learns even what there is.
        guard request.isTrusted || isOpen(found, to: request) else { return answer(id, .unauthorized) }
        connections[id]?.isTrusted = request.isTrusted
        switch found {
        case .route where request.contentLength > 0 && !request.isTrusted:
            answer(id, .error(413, "a body takes the token"))
        case .route(let route, _) where request.contentLength > route.bodyMax:
            answer(id, .error(413, "the body is over \(route.bodyMax) bytes"))
        case .route(let route, let parameter):
            request.parameter = parameter
            if let step = connections[id]?.expectBody(of: request, for: route) { take(step, id) }
        case .otherMethod(let allowed):
            answer(id, .error(405, "use \(allowed.joined(separator: " or ")) \(request.path)"))
        case .nothing: answer(id, .error(404, "there is nothing here: GET / says what there is"))
        }
    }

    private func isOpen(_ found: AdminRoutes.Found, to request: AdminRequest) -> Bool {
        guard case .route(let route, _) = found, let port else { return false }
        return port.access.admits(request, to: route.access)
    }

    private func serve(_ request: AdminRequest, _ id: Int) {
        guard let route = connections[id]?.route else { return }
        connections[id]?.awaitsAnswer = true
        route.handler(request) { [weak self] response in self?.answer(id, response) }
    }

    private func answer(_ id: Int, _ response: AdminResponse) {
        guard connections[id] != nil else { return }
        connections[id]?.answer(response)
        connections[id]?.idleAt = idleDeadline()
        flush(id)
        // Who awaited an answer was no reason to look for the idle.
        scheduleIdle()
    }

    private func flush(_ id: Int) {
        guard let connection = connections[id] else { return }
        let count = connection.unsent.withUnsafeBytes {
            send(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count >= 0 || errno == EAGAIN || errno == EINTR else { return end(id) }
        if count > 0 {
            connections[id]?.noteSent(count)
            if connection.isTrusted { connections[id]?.idleAt = idleDeadline() }
        }
        guard connections[id]?.hasOutput == true else { return end(id) }
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
        guard connections.values.contains(where: { !$0.awaitsAnswer }) else { return loop.stop(.adminIdle) }
        guard !loop.isRunning(.adminIdle) else { return }
        loop.start(.adminIdle, afterMilliseconds: 1000)
    }
}
