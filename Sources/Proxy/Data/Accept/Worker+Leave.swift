import Glibc

/// A client connection on its way to the process that takes over: nothing runs on it.
struct LeavingConnection: Sendable {
    /// The receiver's from now on; this worker does not watch it any more.
    let descriptor: Int32
    let listener: ListenerIdentity
    let peer: PeerAddress
    /// Of its next request, read already.
    let received: [UInt8]
}

/// Leaving: another process takes all that is new, here only what runs is finished.
extension Worker {
    /// What has been read ahead of a connection and goes with it; one with more stays until it has been
    /// answered.
    static let receivedMax = 64 << 10

    func leave() {
        isLeaving = true
        drainDeadline = .max
        listen(on: [])
        for client in clients.reversed() where client.phase == .idle || client.phase == .head {
            guard !handOver(client), client.phase == .idle else { continue }
            if client.wasServed && Socket.isQuiet(client.descriptor) {
                closeClient(client)
            } else {
                timers.set(client, now + Worker.firstRequestGrace)
            }
        }
        handle.hasLeft.store(true, ordering: .releasing)
        handle.controlBell.ring()
    }

    /// Between two requests: gives the connection to control, which sends it on.
    /// - Returns: false: it has to stay.
    func handOver(_ client: ClientConnection) -> Bool {
        guard !client.isRetired, !client.hasEnded, !client.isBroken, client.output.isEmpty,
            client.outboxEntry < 0, client.input.count <= Worker.receivedMax
        else { return false }
        let leaving = LeavingConnection(
            descriptor: client.descriptor, listener: client.listener, peer: client.peer,
            received: Array(client.input.bytes))
        poller.remove(client)
        forget(client)
        handle.leaving.withLock { $0.append(leaving) }
        handle.controlBell.ring()
        return true
    }

    /// A connection from elsewhere, with what was read of its next request.
    func welcome(
        _ descriptor: Int32, _ peer: PeerAddress, _ listener: ListenerIdentity, received: [UInt8]
    ) {
        let before = clients.count
        welcome(descriptor, peer, listener)
        guard clients.count > before, let client = clients.last, client.phase == .idle, !received.isEmpty
        else { return }
        received.withUnsafeBytes { client.input.append($0, from: blocks) }
        queueAgain(client)
    }
}
