import CLinux
import Glibc

/// Accepting: from the listening sockets that all workers share, and from control when a socket is being
/// closed.
extension Worker {
    /// Connections taken per wake-up, so that the other workers get their share of a burst.
    private static let acceptsPerTurn = 8
    /// How long accepting rests when there is no descriptor left.
    private static let descriptorRest: UInt64 = 100_000_000

    func acceptWaiting(_ channel: ListenerChannel) {
        for _ in 0..<Worker.acceptsPerTurn {
            var address = sockaddr_in6()
            var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            let descriptor = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    headgate_accept(channel.descriptor, $0, &length)
                }
            }
            if descriptor < 0 {
                acceptFailed(channel, errno)
                return
            }
            welcome(descriptor, PeerAddress(address), channel.identity)
        }
    }

    private func acceptFailed(_ channel: ListenerChannel, _ code: Int32) {
        switch code {
        case EAGAIN, EINTR, ECONNABORTED: return
        default:
            // Out of descriptors or memory, or the network's own trouble (accept(2)): rest instead of
            // spinning on a socket that stays readable. What runs goes on, and frees descriptors.
            handle.figures.acceptFailures.add(1, ordering: .relaxed)
            guard !channel.isPaused else { return }
            channel.isPaused = true
            poller.remove(channel)
            timers.set(channel, now + Worker.descriptorRest)
        }
    }

    func resumeAccepting(_ channel: ListenerChannel) {
        channel.isPaused = false
        if !poller.addListening(channel) { timers.set(channel, now + Worker.descriptorRest) }
    }

    /// Makes a client of an accepted connection, or sheds it.
    func welcome(_ descriptor: Int32, _ peer: PeerAddress, _ listener: ListenerIdentity) {
        handle.figures.connectionsAccepted.add(1, ordering: .relaxed)
        let client = ClientConnection(descriptor: descriptor, peer: peer, listener: listener)
        guard let serving, poller.add(client) else {
            close(descriptor)
            return
        }
        client.slot = clients.count
        clients.append(client)
        handle.figures.connectionsOpen.add(1, ordering: .relaxed)
        if !peer.isUnix { Socket.setNoDelay(descriptor) }
        guard settle(client, in: serving) || settleInPrevious(client), let plan = client.plan else {
            closeClient(client)
            return
        }
        let count = plan.connections.count.add(1, ordering: .relaxed).newValue
        client.countedBy = plan.connections
        if count > plan.maxConnections {
            handle.figures.connectionsShed.add(1, ordering: .relaxed)
            // Why not counted: it lingers until its client has read the answer, and must not keep others out
            // meanwhile.
            plan.connections.count.subtract(1, ordering: .relaxed)
            client.countedBy = nil
            refuseUnread(client, .tooManyConnections)
            return
        }
        rearm(client)
    }

    /// For connections that waited on a listening socket when its removal was published.
    private func settleInPrevious(_ client: ClientConnection) -> Bool {
        guard let previous, settle(client, in: previous) else { return false }
        client.pinned = previous
        return true
    }

    /// Finds the client's listener in a generation and asks its allow list, once per generation and
    /// connection.
    /// - Returns: false if the listener is not in it.
    func settle(_ client: ClientConnection, in serving: ServingGeneration) -> Bool {
        guard client.checkedGeneration != serving.plan.number else { return true }
        guard let index = serving.plan.listeners.firstIndex(where: { $0.identity == client.listener }) else {
            return false
        }
        client.listenerIndex = index
        client.checkedGeneration = serving.plan.number
        client.plan = serving.plan.listeners[index]
        let allow = serving.plan.listeners[index].allow
        client.isAllowed = allow.isEmpty || client.peer.isUnix || allow.contains { $0.contains(client.peer) }
        return true
    }

    /// Watches exactly these listening sockets.
    func listen(on sockets: [ListenerSocket]) {
        for channel in listeners where !sockets.contains(where: { $0.descriptor == channel.descriptor }) {
            if !channel.isPaused { poller.remove(channel) }
            timers.remove(channel)
            // Owned by control, which closes it when every worker has let go.
            channel.descriptor = -1
            retainUntilEndOfTurn(channel)
        }
        listeners.removeAll { $0.descriptor < 0 }
        for socket in sockets where !listeners.contains(where: { $0.descriptor == socket.descriptor }) {
            let channel = ListenerChannel(socket)
            listeners.append(channel)
            if !poller.addListening(channel) { acceptFailed(channel, ENOSPC) }
        }
    }

    /// After a new generation: clients of listeners that it does not have leave as soon as nothing runs on
    /// them. One whose first request is still on its way gets its answer, from the generation that let it in.
    func retireClients(from previous: ServingGeneration?) {
        guard let serving else { return }
        for client in clients.reversed() {
            if serving.plan.listeners.contains(where: { $0.identity == client.listener }) {
                client.pinned = nil
                continue
            }
            guard client.pinned == nil, let previous, settle(client, in: previous) else { continue }
            client.pinned = previous
            guard client.phase == .idle, client.input.isEmpty else { continue }
            if !client.wasServed {
                timers.set(client, now + Worker.firstRequestGrace)
            } else if Socket.isQuiet(client.descriptor) {
                closeClient(client)
            }
        }
    }
}
