import CLinux
import Glibc

/// What happens on a client connection: reading requests, and everything an exchange asks of its client.
extension Worker {
    // MARK: Events

    func clientReady(_ client: ClientConnection, _ readiness: Readiness) {
        if readiness.isReadable { client.isReadable = true }
        if readiness.hasEnded { client.hasEnded = true }
        if readiness.isBroken { client.isBroken = true }
        if readiness.isWritable && !client.output.isEmpty && !client.isBroken {
            flushClient(client)
            if client.phase == .closed { return }
        }
        clientMayGoOn(client)
    }

    /// Does what the phase allows with what the socket has.
    func clientMayGoOn(_ client: ClientConnection) {
        switch client.phase {
        case .idle where !client.input.isEmpty: servePipelined(client)
        case .idle, .head: readRequest(client)
        case .exchange: exchangeMayGoOn(client)
        case .flushing: if client.isBroken { closeClient(client) }
        case .discarding: discardBody(client)
        case .lingering: linger(client)
        case .closed: break
        }
    }

    private func exchangeMayGoOn(_ client: ClientConnection) {
        guard let exchange = client.exchange else { return }
        if client.isBroken || client.hasEnded && !allowsHalfClose(client, exchange) {
            perform(exchange.machine.clientLeft(sawLastEvent: exchange.tail.sawDone), exchange)
            return
        }
        if exchange.machine.isCollecting { collectMore(exchange) } else { pumpRequest(exchange) }
    }

    private func allowsHalfClose(_ client: ClientConnection, _ exchange: RunningExchange) -> Bool {
        guard let plan = exchange.serving?.plan else { return false }
        return plan.listeners[exchange.listenerIndex].allowsHalfClose
    }

    // MARK: Reading requests

    private func readRequest(_ client: ClientConnection) {
        guard client.isReadable, settleForRequest(client) else { return }
        let held = client.input.count
        if held > 0 { memcpy(readBase, client.input.bytes.baseAddress!, held) }
        let room = UnsafeMutableRawBufferPointer(start: readBase + held, count: Worker.readMax)
        switch Socket.read(client.descriptor, into: room) {
        case .moved(let count, let more):
            client.isReadable = more || client.hasEnded
            if held == 0 { client.headStartedAt = now }
            if held > 0
                && !mayBeComplete(client, UnsafeRawBufferPointer(start: readBase, count: held + count))
            {
                client.input.append(
                    UnsafeRawBufferPointer(start: readBase + held, count: count), from: blocks)
                keepReading(client)
                return
            }
            serve(client, count: held + count, held: held)
        case .wouldBlock: client.isReadable = false
        case .ended, .failed: closeClient(client)
        }
    }

    /// An incomplete head is looked at again only when its end may have come, so that a head which arrives
    /// byte by byte is not parsed from the front each time.
    private func mayBeComplete(_ client: ClientConnection, _ bytes: UnsafeRawBufferPointer) -> Bool {
        switch client.headEnd.scan(bytes) {
        case .incomplete: bytes.count > client.plan?.headLimits.maxBytes ?? 0
        case .found, .invalid: true
        }
    }

    private func servePipelined(_ client: ClientConnection) {
        let count = client.input.count
        memcpy(readBase, client.input.bytes.baseAddress!, count)
        client.headStartedAt = now
        serve(client, count: count, held: count)
    }

    /// The front of the read buffer may hold a request head.
    /// - Parameter held: how much of it is in `client.input` too.
    private func serve(_ client: ClientConnection, count: Int, held: Int) {
        guard settleForRequest(client) else { return }
        let bytes = UnsafeRawBufferPointer(start: readBase, count: count)
        do throws(HeadError) {
            if let head = try HeadParser.parseRequest(bytes, limits: client.plan!.headLimits, fields: fields)
            {
                client.input.release(to: blocks)
                client.headEnd = HeadEndScanner()
                begin(client, head, UnsafeMutableRawBufferPointer(start: readBase, count: count))
                // A FIN that was reported with the request is not reported again.
                if client.hasEnded && client.phase == .exchange { queueAgain(client) }
                return
            }
            client.input.append(UnsafeRawBufferPointer(rebasing: bytes[held...]), from: blocks)
            if client.phase == .idle {
                client.phase = .head
                client.headEnd = HeadEndScanner()
                _ = client.headEnd.scan(bytes)
            }
            keepReading(client)
        } catch {
            client.input.release(to: blocks)
            refuseUnread(client, LocalReply(error))
        }
    }

    /// A request is answered by the current generation: its listener must be in there.
    private func settleForRequest(_ client: ClientConnection) -> Bool {
        guard let serving = client.pinned ?? serving, settle(client, in: serving) else {
            closeClient(client)
            return false
        }
        return true
    }

    private func keepReading(_ client: ClientConnection) {
        rearm(client)
        if client.isReadable { queueAgain(client) }
    }

    // MARK: Client stream: what an exchange asks of its client

    enum SendResult: Equatable { case sent, queued, failed }

    /// Sends, or queues what the socket does not take. Order is kept.
    func send(_ client: ClientConnection, _ bytes: UnsafeRawBufferPointer) -> SendResult {
        guard sendStaged(client) else { return .failed }
        guard bytes.count > 0 else { return client.output.isEmpty ? .sent : .queued }
        guard client.output.isEmpty else {
            client.output.append(bytes, from: blocks)
            return .queued
        }
        switch Socket.write(client.descriptor, bytes) {
        case .moved(let count, let more):
            guard more else { return .sent }
            client.output.append(UnsafeRawBufferPointer(rebasing: bytes[count...]), from: blocks)
        case .wouldBlock, .ended: client.output.append(bytes, from: blocks)
        case .failed:
            client.isBroken = true
            return .failed
        }
        client.isWritable = false
        startStallClock(client)
        return .queued
    }

    /// Head and body in one call, so that they share a segment.
    func send(_ client: ClientConnection, _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer)
        -> SendResult
    {
        guard sendStaged(client) else { return .failed }
        guard client.output.isEmpty, body.count > 0 else {
            let first = send(client, head)
            return first == .failed || body.count == 0 ? first : send(client, body)
        }
        switch Socket.write(client.descriptor, head, body) {
        case .moved(let count, let more):
            guard more else { return .sent }
            let headLeft = max(0, head.count - count)
            if headLeft > 0 {
                client.output.append(
                    UnsafeRawBufferPointer(rebasing: head[(head.count - headLeft)...]), from: blocks)
            }
            let bodySent = max(0, count - head.count)
            client.output.append(UnsafeRawBufferPointer(rebasing: body[bodySent...]), from: blocks)
        case .wouldBlock, .ended:
            client.output.append(head, from: blocks)
            client.output.append(body, from: blocks)
        case .failed:
            client.isBroken = true
            return .failed
        }
        startStallClock(client)
        return .queued
    }

    /// Puts a piece of a stream into the outbox. - Returns: false if it has to be sent at once.
    func stage(_ client: ClientConnection, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 0, client.output.isEmpty else { return bytes.count == 0 }
        return outbox.append(bytes, for: client)
    }

    /// What waits in the outbox goes before anything else. - Returns: false if the connection is broken.
    private func sendStaged(_ client: ClientConnection) -> Bool {
        guard client.outboxEntry >= 0 else { return true }
        let bytes = outbox.take(for: client)
        return bytes.isEmpty || send(client, bytes) != .failed
    }

    /// The end of a turn: every client gets its events.
    func sendOutbox() {
        guard !outbox.isEmpty else { return }
        for index in 0..<outbox.count {
            let client = outbox.client(at: index)
            guard client.phase != .closed, !sendStaged(client), let exchange = client.exchange else {
                continue
            }
            perform(exchange.machine.clientLeft(sawLastEvent: exchange.tail.sawDone), exchange)
        }
        outbox.removeAll()
    }

    private func startStallClock(_ client: ClientConnection) {
        client.stalledSince = now
        client.unsentSeen = -1
        rearm(client)
    }

    private func flushClient(_ client: ClientConnection) {
        while !client.output.isEmpty {
            switch Socket.write(client.descriptor, UnsafeRawBufferPointer(client.output.bytes)) {
            case .moved(let count, let more):
                client.output.consume(count, to: blocks)
                client.stalledSince = now
                if more {
                    rearm(client)
                    return
                }
            case .wouldBlock, .ended: return
            case .failed:
                client.isBroken = true
                return
            }
        }
        rearm(client)
        if client.phase == .flushing {
            afterFlush(client)
        } else if let exchange = client.exchange {
            clientDrained(exchange)
        }
    }

    /// The exchange is over; what happens with the connection next is `ending`, once the output is out.
    func endExchange(_ client: ClientConnection, _ ending: ClientConnection.AfterFlush) {
        client.exchange = nil
        client.afterFlush = ending
        client.phase = .flushing
        if client.output.isEmpty { afterFlush(client) } else { rearm(client) }
    }

    private func afterFlush(_ client: ClientConnection) {
        switch client.afterFlush {
        case .nextRequest:
            if isLeaving && handOver(client) { return }
            if client.isRetired || drainDeadline != nil {
                // A pipelined request that nobody reads would turn the close into an RST, see below.
                let hasMore = client.isReadable || !client.input.isEmpty
                if hasMore { startLingering(client) } else { closeClient(client) }
                return
            }
            client.phase = .idle
            rearm(client)
            if client.isReadable || !client.input.isEmpty || client.hasEnded { queueAgain(client) }
        case .close:
            // Unread bytes would turn the close into an RST that overtakes the answer.
            if client.isReadable { startLingering(client) } else { closeClient(client) }
        case .linger: startLingering(client)
        case .discardBody:
            client.phase = .discarding
            rearm(client)
            queueAgain(client)
        }
    }

    /// Ends the connection so that the client cannot take what it got for a whole answer.
    /// - Parameter byReset: RST; else FIN, for a chunked answer, whose missing last chunk shows anyway and
    ///   which then still delivers every event that came.
    func abortClient(_ client: ClientConnection, byReset: Bool) {
        _ = sendStaged(client)
        if byReset { Socket.resetOnClose(client.descriptor) }
        closeClient(client)
    }

    func closeClient(_ client: ClientConnection) {
        guard client.phase != .closed else { return }
        close(client.descriptor)
        forget(client)
    }

    /// It is nobody's client here any more, whatever becomes of its descriptor.
    func forget(_ client: ClientConnection) {
        client.phase = .closed
        // Why first: `clients` may hold the last reference, and the caller relies on the object to the end of
        // the turn.
        bury(client)
        _ = outbox.take(for: client)
        client.exchange = nil
        client.input.release(to: blocks)
        client.output.release(to: blocks)
        if let last = clients.popLast(), last !== client {
            clients[client.slot] = last
            last.slot = client.slot
        }
        client.countedBy?.count.subtract(1, ordering: .relaxed)
        client.countedBy = nil
        handle.figures.connectionsOpen.subtract(1, ordering: .relaxed)
    }

    // MARK: Reading on after a refusal

    /// Bounds of reading what nobody wants (a refusal during an upload is still delivered).
    private static let lingerTotal: UInt64 = 30_000_000_000
    private static let lingerIdle: UInt64 = 5_000_000_000
    private static let lingerMax = 64 << 20
    static let discardMax = 1 << 20

    private func startLingering(_ client: ClientConnection) {
        // Before a FIN that has come there may be bytes that nobody has read.
        guard !client.isBroken, client.isReadable || !client.hasEnded else {
            closeClient(client)
            return
        }
        shutdown(client.descriptor, Int32(SHUT_WR))
        client.phase = .lingering
        client.input.release(to: blocks)
        client.lingerUntil = now + Worker.lingerTotal
        client.discardAllowance = Worker.lingerMax
        timers.set(client, now + Worker.lingerIdle)
        if client.isReadable { queueAgain(client) }
    }

    private func linger(_ client: ClientConnection) {
        for _ in 0..<Worker.readsPerTurn {
            guard client.isReadable else { return }
            switch Socket.read(client.descriptor, into: .init(start: readBase, count: Worker.readMax)) {
            case .moved(let count, let more):
                client.isReadable = more || client.hasEnded
                client.discardAllowance -= count
                guard client.discardAllowance > 0 else {
                    closeClient(client)
                    return
                }
                timers.set(client, min(client.lingerUntil, now + Worker.lingerIdle))
            case .wouldBlock: client.isReadable = false
            case .ended, .failed:
                closeClient(client)
                return
            }
        }
        queueAgain(client)
    }

    /// Reads the rest of a refused request's body, so that the next request can be found behind it.
    private func discardBody(_ client: ClientConnection) {
        var count = client.input.count
        if count > 0 { memcpy(readBase, client.input.bytes.baseAddress!, count) }
        // What came with the head goes first; a CR whose LF is still to come needs more to be judged.
        if client.isReadable && count <= 1 {
            let room = UnsafeMutableRawBufferPointer(start: readBase + count, count: Worker.readMax)
            switch Socket.read(client.descriptor, into: room) {
            case .moved(let more, let isFull):
                client.isReadable = isFull || client.hasEnded
                count += more
            case .wouldBlock: client.isReadable = false
            case .ended, .failed:
                closeClient(client)
                return
            }
        }
        client.input.release(to: blocks)
        if count > 0 { discard(client, count) }
    }

    private func discard(_ client: ClientConnection, _ count: Int) {
        client.discardAllowance -= count
        let bytes = UnsafeMutableRawBufferPointer(start: readBase, count: count)
        let step = client.discardedBody.advance(bytes, .nothing)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[step.consumed...])
        switch step.verdict {
        case .ended:
            client.input.append(rest, from: blocks)
            client.afterFlush = .nextRequest
            afterFlush(client)
        case .more where client.discardAllowance > 0,
            .trailers where rest.isEmpty || rest.count == 1 && rest[0] == 0x0D:
            client.input.append(rest, from: blocks)
            rearm(client)
            if client.isReadable { queueAgain(client) }
        // Trailer fields on a body that nobody wants are not worth following.
        case .more, .trailers, .invalid: startLingering(client)
        }
    }

    // MARK: Deadlines

    /// Sets the deadline that the phase calls for.
    func rearm(_ client: ClientConnection) {
        guard let limits = client.plan?.timeouts else { return }
        let deadline: UInt64
        switch client.phase {
        case .idle: deadline = Worker.after(limits.keepAlive, now)
        case .head: deadline = Worker.after(limits.head, client.headStartedAt)
        case .exchange, .flushing:
            if !client.output.isEmpty {
                // Looked at four times, because the socket becomes writable only after a third of its buffer
                // has gone: a slow reader makes progress long before.
                let waits = client.exchange.map(keyDeadline) ?? .max
                deadline = min(Worker.after(limits.clientIdle / 4, now), waits)
            } else if let exchange = client.exchange, awaitsRequestBody(exchange) {
                deadline = Worker.after(limits.body, now)
            } else if let exchange = client.exchange, exchange.machine.isKeying {
                deadline = keyDeadline(exchange)
            } else if let exchange = client.exchange, exchange.machine.isAsking {
                deadline = exchange.askedAt + handle.answerLimit
            } else if let exchange = client.exchange, exchange.machine.isQueued {
                deadline = min(exchange.queueDeadline, exchange.totalDeadline)
            } else {
                deadline = .max
            }
        case .discarding: deadline = Worker.after(limits.body, now)
        case .lingering, .closed: return
        }
        timers.set(client, deadline)
    }

    /// Until when control may say which key goes to the upstream; `.max` where it was not asked.
    private func keyDeadline(_ exchange: RunningExchange) -> UInt64 {
        guard exchange.machine.isKeying else { return .max }
        return min(exchange.askedAt + handle.answerLimit, exchange.totalDeadline)
    }

    /// - Parameter limit: nanoseconds; 0 for none.
    static func after(_ limit: UInt64, _ start: UInt64) -> UInt64 { limit == 0 ? .max : start &+ limit }

    func clientTimedOut(_ client: ClientConnection) {
        switch client.phase {
        case .idle, .lingering, .discarding: closeClient(client)
        case .head:
            guard settleForRequest(client) else { return }
            client.input.release(to: blocks)
            refuseUnread(client, .headTimeout)
        case .flushing: if hasStalled(client) { abortClient(client, byReset: true) }
        case .exchange:
            guard let exchange = client.exchange else { return }
            if now >= keyDeadline(exchange) {
                answerMissing(exchange)
            } else if !client.output.isEmpty {
                if hasStalled(client) { perform(exchange.machine.clientStalled(), exchange) }
            } else if awaitsRequestBody(exchange) {
                perform(exchange.machine.requestRefused(.bodyTimeout), exchange)
            } else if exchange.machine.isAsking || exchange.machine.isKeying {
                answerMissing(exchange)
            } else if exchange.machine.isQueued {
                queueTimedOut(exchange)
            }
        case .closed: break
        }
    }

    /// Whether the reader has taken nothing for `client_idle`. What the kernel still holds tells, not what it
    /// has taken from us.
    private func hasStalled(_ client: ClientConnection) -> Bool {
        let unsent = headgate_unsent_bytes(client.descriptor)
        if unsent != client.unsentSeen {
            client.unsentSeen = unsent
            client.stalledSince = now
        }
        let limit = client.plan?.timeouts.clientIdle ?? 0
        if limit > 0 && now >= client.stalledSince + limit { return true }
        rearm(client)
        return false
    }

    /// `drain_timeout` is over.
    func cut(_ client: ClientConnection) {
        if client.phase == .exchange, let exchange = client.exchange {
            guard sayDraining(exchange, client) else { return }
            perform(exchange.machine.cut(), exchange)
            if client.phase != .closed { closeClient(client) }
        } else {
            closeClient(client)
        }
    }
}
