import CLinux
import Glibc

/// What happens on upstream connections: leasing, connecting, the TLS handshake, the pool.
extension Worker {
    /// Idle for longer than this, a pooled connection is asked whether it still lives before a request is
    /// trusted to it. Servers close idle connections after seconds; the check costs a system call and is left
    /// out under load.
    private static let trustedIdle: UInt64 = 1_000_000_000

    // MARK: Events

    func upstreamReady(_ upstream: UpstreamConnection, _ readiness: Readiness) {
        if readiness.isReadable { upstream.isReadable = true }
        if readiness.isWritable { upstream.isWritable = true }
        if readiness.hasEnded { upstream.hasEnded = true }
        if readiness.isBroken { upstream.isBroken = true }
        if upstream.tls != nil {
            // OpenSSL may wait to write before it can read, and the other way round (key updates).
            upstream.isReadable = true
            upstream.isWritable = true
        }
        switch upstream.phase {
        case .connecting: finishConnecting(upstream)
        case .handshaking: continueHandshake(upstream)
        case .idle:
            // Bytes nobody asked for, or the end (such a connection is never reused). A TLS session may
            // still send tickets: those are read, and nothing else may come.
            if upstream.isReadable && !isQuietTLS(upstream) { dropIdle(upstream) }
        case .active: upstreamMayGoOn(upstream)
        case .closed: break
        }
    }

    func upstreamMayGoOn(_ upstream: UpstreamConnection) {
        guard upstream.phase == .active, let exchange = upstream.exchange else { return }
        if upstream.isWritable && !upstream.output.isEmpty {
            guard flushUpstream(upstream) else {
                upstreamWriteFailed(exchange)
                return
            }
            if upstream.output.isEmpty {
                // The client's clock stood still while it was not its turn.
                if let client = exchange.client { rearm(client) }
                pumpRequest(exchange)
            }
            guard upstream.exchange === exchange else { return }
        }
        pumpResponse(exchange, upstream)
    }

    // MARK: Leasing

    enum Lease {
        case ready(UpstreamConnection)
        case connecting
        case refused(LocalReply)
    }

    /// Finds a connection for the exchange: from the pool, else a new one.
    func lease(_ exchange: RunningExchange, freshOnly: Bool) -> Lease {
        let pool = pool(of: exchange)
        let leased = pool.state.leasedCount.add(1, ordering: .relaxed).newValue
        guard leased <= endpointPlan(of: exchange).maxConnections else {
            pool.state.leasedCount.subtract(1, ordering: .relaxed)
            return .refused(.upstreamSaturated)
        }
        while !freshOnly, let upstream = pool.popIdle() {
            guard now - upstream.idleSince < Worker.trustedIdle || stillLives(upstream) else {
                closeUpstream(upstream)
                continue
            }
            attach(upstream, to: exchange)
            upstream.isReused = true
            return .ready(upstream)
        }
        let result = connect(exchange, pool)
        if case .refused = result { pool.state.leasedCount.subtract(1, ordering: .relaxed) }
        return result
    }

    func pool(of exchange: RunningExchange) -> EndpointPool {
        exchange.serving!.pools[exchange.upstreamIndex][exchange.endpoint]
    }

    func upstreamPlan(of exchange: RunningExchange) -> UpstreamPlan {
        exchange.serving!.plan.upstreams[exchange.upstreamIndex]
    }

    func endpointPlan(of exchange: RunningExchange) -> EndpointPlan {
        upstreamPlan(of: exchange).endpoints[exchange.endpoint]
    }

    /// Neither bytes nor an end wait on it. The answer may have ended just where a read did, and what stands
    /// behind it would be taken for the next client's.
    private func stillLives(_ upstream: UpstreamConnection) -> Bool {
        guard upstream.tls == nil else { return isQuietTLS(upstream) }
        guard Socket.isQuiet(upstream.descriptor) else { return false }
        upstream.isReadable = false
        return true
    }

    private func isQuietTLS(_ upstream: UpstreamConnection) -> Bool {
        guard let tls = upstream.tls else { return false }
        guard !upstream.isBroken, !upstream.hasEnded else { return false }
        upstream.isReadable = false
        // Why not the read buffer: the request that wants this connection stands there.
        return tls.read(into: UnsafeMutableRawBufferPointer(rebasing: pathScratch[..<1])) == .wouldBlock
    }

    private func connect(_ exchange: RunningExchange, _ pool: EndpointPool) -> Lease {
        guard let (address, place) = pool.takeAddress(now: now) else { return .refused(.upstreamUnresolved) }
        switch Socket.connect(to: address) {
        case .failure(let error):
            let isOurs = error.errno == EMFILE || error.errno == ENFILE || error.errno == ENOBUFS
            if !isOurs { pool.addressFailed(place, now: now) }
            return .refused(isOurs ? .outOfDescriptors : .upstreamUnreachable)
        case .success(let descriptor):
            let upstream = UpstreamConnection(descriptor: descriptor, pool: pool)
            upstream.address = place
            guard poller.add(upstream) else {
                close(descriptor)
                return .refused(.outOfDescriptors)
            }
            pool.state.connectionCount.add(1, ordering: .relaxed)
            upstream.slot = upstreams.count
            upstreams.append(upstream)
            attach(upstream, to: exchange)
            upstream.phase = .connecting
            exchange.connectStartedAt = now
            timers.set(upstream, min(Worker.after(exchange.timeouts.connect, now), exchange.totalDeadline))
            return .connecting
        }
    }

    private func attach(_ upstream: UpstreamConnection, to exchange: RunningExchange) {
        upstream.phase = .active
        upstream.exchange = exchange
        upstream.isReused = false
        upstream.isLeased = true
        exchange.upstream = upstream
    }

    private func endLease(_ upstream: UpstreamConnection) {
        guard upstream.isLeased else { return }
        upstream.isLeased = false
        upstream.pool.state.leasedCount.subtract(1, ordering: .relaxed)
    }

    // MARK: Connecting

    private func finishConnecting(_ upstream: UpstreamConnection) {
        let error = Socket.pendingError(upstream.descriptor)
        guard error == 0, !upstream.isBroken else {
            connectFailed(upstream, .upstreamUnreachable)
            return
        }
        guard upstream.isWritable else { return }
        guard let context = upstream.pool.state.tls else {
            connected(upstream)
            return
        }
        let session = upstream.pool.resumableSession
        guard let tls = TLSSession(context, descriptor: upstream.descriptor, resuming: session) else {
            connectFailed(upstream, .upstreamTLSFailed)
            return
        }
        upstream.tls = tls
        upstream.phase = .handshaking
        continueHandshake(upstream)
    }

    private func continueHandshake(_ upstream: UpstreamConnection) {
        switch upstream.tls!.handshake() {
        case .done: connected(upstream)
        case .wouldBlock: break
        case .untrusted(let code):
            upstream.pool.state.noteUntrusted(code)
            connectFailed(upstream, .upstreamTLSFailed)
        case .failed: connectFailed(upstream, .upstreamTLSFailed)
        }
    }

    private func connected(_ upstream: UpstreamConnection) {
        guard let exchange = upstream.exchange else {
            closeUpstream(upstream)
            return
        }
        upstream.phase = .active
        exchange.record.connectTime += now - exchange.connectStartedAt
        resumeWithHeldRequest(exchange, upstream)
        // OpenSSL may hold bytes that epoll knows nothing of, and a plain server may have spoken first.
        if upstream.tls != nil, upstream.phase == .active { upstream.isReadable = true }
        if upstream.isReadable { queueAgain(upstream) }
    }

    func connectFailed(_ upstream: UpstreamConnection, _ reply: LocalReply) {
        guard let exchange = upstream.exchange else {
            closeUpstream(upstream)
            return
        }
        upstream.pool.state.failureCount.add(1, ordering: .relaxed)
        upstream.pool.addressFailed(upstream.address, now: now)
        exchange.upstream = nil
        upstream.exchange = nil
        closeUpstream(upstream)
        noteFailure(exchange)
        let again = triesAgain(exchange, after: .unconnected)
        perform(exchange.machine.connectFailed(again: again, reply: reply), exchange)
    }

    // MARK: Reading and writing

    func read(_ upstream: UpstreamConnection, into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        if let tls = upstream.tls { return tls.read(into: buffer) }
        return Socket.read(upstream.descriptor, into: buffer)
    }

    private func writeNow(_ upstream: UpstreamConnection, _ bytes: UnsafeRawBufferPointer) -> IOResult {
        if let tls = upstream.tls { return tls.write(bytes) }
        return Socket.write(upstream.descriptor, bytes)
    }

    /// Sends, or queues what the socket does not take. - Returns: false if the connection is broken.
    func send(_ upstream: UpstreamConnection, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 0 else { return true }
        guard upstream.output.isEmpty else {
            upstream.output.append(bytes, from: blocks)
            return true
        }
        var sent = 0
        // Why a loop: TLS takes one record of 16 KiB at a time.
        while sent < bytes.count {
            switch writeNow(upstream, UnsafeRawBufferPointer(rebasing: bytes[sent...])) {
            case .moved(let count, let more):
                sent += count
                if more && upstream.tls == nil { return queue(upstream, bytes, from: sent) }
            case .wouldBlock: return queue(upstream, bytes, from: sent)
            case .ended, .failed: return false
            }
        }
        return true
    }

    private func queue(_ upstream: UpstreamConnection, _ bytes: UnsafeRawBufferPointer, from sent: Int)
        -> Bool
    {
        upstream.output.append(UnsafeRawBufferPointer(rebasing: bytes[sent...]), from: blocks)
        upstream.isWritable = false
        return true
    }

    /// - Returns: false if the connection is broken.
    func flushUpstream(_ upstream: UpstreamConnection) -> Bool {
        while !upstream.output.isEmpty {
            switch writeNow(upstream, UnsafeRawBufferPointer(upstream.output.bytes)) {
            case .moved(let count, let more):
                upstream.output.consume(count, to: blocks)
                if more && upstream.tls == nil {
                    upstream.isWritable = false
                    break
                }
                continue
            case .wouldBlock: upstream.isWritable = false
            case .ended, .failed: return false
            }
            break
        }
        if upstream.output.isEmpty { releaseOutput(upstream) }
        if let exchange = upstream.exchange { rearm(upstream, exchange) }
        return true
    }

    /// What was to be sent is forgotten, or has been sent.
    func releaseOutput(_ upstream: UpstreamConnection) {
        upstream.output.release(to: blocks)
        guard upstream.budgetedBytes > 0 else { return }
        handle.bodies.giveBack(upstream.budgetedBytes)
        upstream.budgetedBytes = 0
    }

    // MARK: Giving back

    /// The exchange is over on this side.
    func release(_ upstream: UpstreamConnection, reuse: Bool) {
        upstream.exchange = nil
        let pool = upstream.pool
        if let tls = upstream.tls, !upstream.isReused, let session = tls.takeSession() {
            pool.remember(session)
        }
        let isClean =
            upstream.output.isEmpty && upstream.input.isEmpty && !upstream.hasEnded && !upstream.isBroken
        guard reuse, isClean, !upstream.isReadable || stillLives(upstream), !pool.isRetired,
            pool.idle.count < pool.keptMax, pool.keptMax > 0
        else {
            closeUpstream(upstream)
            return
        }
        endLease(upstream)
        upstream.phase = .idle
        upstream.idleSince = now
        pool.pushIdle(upstream)
        timers.set(upstream, Worker.after(pool.idleTimeout, now))
    }

    private func dropIdle(_ upstream: UpstreamConnection) {
        upstream.pool.removeIdle(upstream)
        closeUpstream(upstream)
    }

    func closeUpstream(_ upstream: UpstreamConnection) {
        guard upstream.phase != .closed else { return }
        upstream.phase = .closed
        upstream.tls?.sendCloseNotify()
        // Why before the rest: `upstreams` may hold the last reference (see `closeClient`).
        close(upstream.descriptor)
        bury(upstream)
        upstream.exchange = nil
        upstream.tls = nil
        upstream.input.release(to: blocks)
        releaseOutput(upstream)
        if let last = upstreams.popLast(), last !== upstream {
            upstreams[upstream.slot] = last
            last.slot = upstream.slot
        }
        endLease(upstream)
        upstream.pool.state.connectionCount.subtract(1, ordering: .relaxed)
    }

    // MARK: Deadlines

    /// `first_byte` and `idle` run only while we are willing to read: a client that does not read is not the
    /// upstream's fault.
    func rearm(_ upstream: UpstreamConnection, _ exchange: RunningExchange) {
        // Its client has left with the last event: what it has for its end does not grow with what it sends.
        guard exchange.client != nil else { return }
        let limit =
            exchange.isCommitted || exchange.chat != nil || !upstream.output.isEmpty
            ? exchange.timeouts.idle : exchange.timeouts.firstByte
        let isPaused =
            exchange.isCommitted
            ? exchange.client.map { !$0.output.isEmpty } ?? false : awaitsRequestBody(exchange)
        let deadline = isPaused ? .max : Worker.after(limit, now)
        timers.set(upstream, min(deadline, exchange.totalDeadline))
    }

    func upstreamTimedOut(_ upstream: UpstreamConnection) {
        switch upstream.phase {
        case .connecting, .handshaking:
            let isTotal = upstream.exchange.map { now >= $0.totalDeadline } ?? false
            if isTotal, let exchange = upstream.exchange {
                exchange.hasTimedOut = true
                perform(exchange.machine.upstreamTimedOut(again: false), exchange)
            } else {
                connectFailed(upstream, .upstreamUnreachable)
            }
        case .idle: dropIdle(upstream)
        case .active:
            guard let exchange = upstream.exchange else { return }
            // `total` is a bound of ours and nobody's fault.
            let isCut = exchange.isCommitted && now >= exchange.totalDeadline
            if !exchange.isCommitted, now < exchange.totalDeadline { noteFailure(exchange) }
            let again = triesAgain(exchange, after: .stalled)
            exchange.hasTimedOut = exchange.client != nil && !again
            if exchange.isCommitted, !sayBrokenOff(exchange, isCut ? .timeIsUp : .upstreamStalled) { return }
            perform(
                isCut ? exchange.machine.cut() : exchange.machine.upstreamTimedOut(again: again), exchange)
        case .closed: break
        }
    }
}
