import CLinux
import Glibc

/// One thread, one epoll, and every connection it ever accepted. Shares nothing but its handle.
///
/// The loop is here; what happens to clients, upstreams and exchanges is in the extensions next to their
/// types. One read and one write buffer serve all connections: bytes in them are used up, or copied into a
/// connection's queue, before the function that put them there returns to the loop.
final class Worker {
    let handle: WorkerHandle
    let poller: Poller
    var timers: TimerWheel
    let blocks = BlockPool()
    /// Monotonic nanoseconds, read once per turn, so that every decision in a turn agrees.
    var now: UInt64

    /// `readMax` bytes for a read, room for what was held before it in front, and headroom on both sides.
    let readBase: UnsafeMutableRawPointer
    let writeBuffer: UnsafeMutableRawBufferPointer
    let pathScratch: UnsafeMutableRawBufferPointer
    let fields = FieldTable()
    var outbox = Outbox()

    var serving: ServingGeneration?
    /// The one before, until control has handed over what waited on the sockets that it closes.
    var previous: ServingGeneration?
    var clients: [ClientConnection] = []
    var upstreams: [UpstreamConnection] = []
    var listeners: [ListenerChannel] = []
    var pools: [Int: EndpointPool] = [:]
    private let mailChannel: Channel
    /// Channels that were closed in this turn; a later event of the same batch may still point to them.
    private var closed: [Channel] = []
    /// Channels that have more to do than one turn may take.
    private var again: [Channel] = []
    private var spareAgain: [Channel] = []
    private var endedExchanges: [RunningExchange] = []
    private var spareExchanges: [RunningExchange] = []
    var spareAccounts: [UsageAccount] = []
    var spareCourses: [Course] = []
    /// Exchanges that wait for control's answer, by ticket number.
    var asking: [UInt64: RunningExchange] = [:]
    /// Exchanges that wait for a place at their upstream, by ticket number.
    var queued: [UInt64: RunningExchange] = [:]
    var lastTicket: UInt64 = 0
    /// Mail that this turn has no time for.
    private var laterMail: [Mail] = []
    var requestIDs: RequestIDSource
    var date = HTTPDate()
    /// Set by `drain`: monotonic nanoseconds, after which what still runs is cut.
    var drainDeadline: UInt64?
    /// Another process takes what is new: see `leave`.
    var isLeaving = false
    /// Clients are told to come again by another connection.
    var closesConnections: Bool { drainDeadline != nil && !isLeaving }
    private var isFinished = false

    /// Bytes of one read, and the bound on what waits for a slower side. Measured: with 64 KiB a body of
    /// 100 MiB costs a third more.
    static let readMax = 256 * 1024
    /// A partial head (at most `max_head` and one read) in front of a read.
    static let readCapacity = 2 * readMax
    static let writeCapacity = 256 * 1024
    /// Reads from one connection in one turn, so that one fast stream does not starve the others.
    static let readsPerTurn = 4
    static let mailPerTurn = 32
    static let spareExchangesMax = 4096
    /// How long a new connection may take for its first request while the worker drains.
    static let firstRequestGrace: UInt64 = 1_000_000_000

    init(_ handle: WorkerHandle) throws(SystemError) {
        self.handle = handle
        now = headgate_monotonic_ns()
        poller = try Poller()
        timers = TimerWheel(now: now)
        let read = UnsafeMutableRawPointer.allocate(
            byteCount: Worker.readCapacity + 2 * BodyReader.headroom, alignment: 64)
        readBase = read + BodyReader.headroom
        writeBuffer = .allocate(byteCount: Worker.writeCapacity, alignment: 64)
        pathScratch = .allocate(byteCount: Worker.readMax, alignment: 16)
        requestIDs = RequestIDSource(worker: handle.index)
        mailChannel = Channel(kind: .mailbox, descriptor: handle.mailbox.descriptor)
        guard poller.addLevelTriggered(mailChannel) else {
            throw SystemError(call: "epoll_ctl", errno: errno)
        }
    }

    deinit {
        poller.destroy()
        timers.destroy()
        fields.deallocate()
        outbox.destroy()
        (readBase - BodyReader.headroom).deallocate()
        writeBuffer.deallocate()
        pathScratch.deallocate()
    }

    /// Makes the worker's thread. It lives until it was told to drain and has drained.
    /// The C call is `pthread_create(3)`.
    static func start(_ handle: WorkerHandle) throws(SystemError) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(handle)
        let result = pthread_create(
            &thread, nil,
            { argument in
                let handle = Unmanaged<WorkerHandle>.fromOpaque(argument!).takeRetainedValue()
                headgate_name_thread("worker-\(handle.index)")
                do throws(SystemError) {
                    let worker = try Worker(handle)
                    worker.run()
                } catch {
                    fatalError("worker \(handle.index) cannot start: \(error)")
                }
                handle.hasFinished.store(true, ordering: .releasing)
                handle.controlBell.ring()
                return nil
            }, argument.toOpaque())
        guard result == 0 else {
            argument.release()
            throw SystemError(call: "pthread_create", errno: result)
        }
        pthread_detach(thread)
    }

    func run() {
        var longestTurn: UInt64 = 0
        while !isFinished {
            let count = poller.wait(
                timeoutMilliseconds: again.isEmpty ? timers.millisecondsToNext(now: now) : 0)
            now = headgate_monotonic_ns()
            let turnStartedAt = now
            for index in 0..<count { dispatch(poller.events[index]) }
            while let channel = timers.popExpired(now: now) { timedOut(channel) }
            continueOthers()
            sendOutbox()
            forgetEnded()
            if drainDeadline != nil { finishIfDrained() }
            let turn = headgate_monotonic_ns() - turnStartedAt
            if turn > longestTurn {
                longestTurn = turn
                handle.figures.longestTurn.store(turn, ordering: .relaxed)
            }
        }
    }

    private func dispatch(_ event: epoll_event) {
        let readiness = Readiness(bits: event.events)
        Unmanaged<Channel>.fromOpaque(event.data.ptr)._withUnsafeGuaranteedRef { channel in
            // Closed earlier in this batch.
            guard channel.descriptor >= 0 else { return }
            switch channel.kind {
            case .client: clientReady(unsafeDowncast(channel, to: ClientConnection.self), readiness)
            case .upstream: upstreamReady(unsafeDowncast(channel, to: UpstreamConnection.self), readiness)
            case .listener: acceptWaiting(unsafeDowncast(channel, to: ListenerChannel.self))
            case .mailbox: takeMail()
            }
        }
    }

    private func timedOut(_ channel: Channel) {
        switch channel.kind {
        case .client: clientTimedOut(unsafeDowncast(channel, to: ClientConnection.self))
        case .upstream: upstreamTimedOut(unsafeDowncast(channel, to: UpstreamConnection.self))
        case .listener: resumeAccepting(unsafeDowncast(channel, to: ListenerChannel.self))
        case .mailbox: break
        }
    }

    // MARK: Fairness

    /// Has `channel` looked at again at the end of this turn, or of the next if it is that late already.
    func queueAgain(_ channel: Channel) {
        guard !channel.isQueuedAgain else { return }
        channel.isQueuedAgain = true
        again.append(channel)
    }

    private func continueOthers() {
        guard !again.isEmpty else { return }
        swap(&again, &spareAgain)
        for channel in spareAgain {
            channel.isQueuedAgain = false
            guard channel.descriptor >= 0 else { continue }
            switch channel.kind {
            case .client: clientMayGoOn(unsafeDowncast(channel, to: ClientConnection.self))
            case .upstream: upstreamMayGoOn(unsafeDowncast(channel, to: UpstreamConnection.self))
            case .mailbox: takeMail()
            case .listener: break
            }
        }
        spareAgain.removeAll(keepingCapacity: true)
    }

    // MARK: Objects

    /// Keeps the object to the end of the turn, without the descriptor.
    func bury(_ channel: Channel) {
        timers.remove(channel)
        channel.descriptor = -1
        closed.append(channel)
    }

    func retainUntilEndOfTurn(_ channel: Channel) { closed.append(channel) }

    func takeExchange() -> RunningExchange { spareExchanges.popLast() ?? RunningExchange() }

    /// Not used again in this turn: callers further up may still compare with it.
    func giveBack(_ exchange: RunningExchange) {
        exchange.reset(blocks: blocks)
        endedExchanges.append(exchange)
    }

    private func forgetEnded() {
        closed.removeAll(keepingCapacity: true)
        for exchange in endedExchanges where spareExchanges.count < Worker.spareExchangesMax {
            spareExchanges.append(exchange)
        }
        endedExchanges.removeAll(keepingCapacity: true)
    }

    // MARK: Mail

    /// Some of it, in order: each answer of control costs a request's work, and hundreds may come at once.
    private func takeMail() {
        let mail = laterMail + handle.mailbox.takeAll()
        for item in mail.prefix(Worker.mailPerTurn) { take(item) }
        laterMail = Array(mail.dropFirst(Worker.mailPerTurn))
        if !laterMail.isEmpty { queueAgain(mailChannel) }
    }

    private func take(_ mail: Mail) {
        switch mail {
        case .adopt(let generation, let sockets): adopt(generation, sockets)
        case .take(let descriptor, let listener, let peer, let received):
            welcome(descriptor, peer, listener, received: received)
        case .leave: leave()
        case .reloadEnded: previous = nil
        case .drain(let deadline): drain(until: deadline)
        case .answered(let ticket, let answer): answered(ticket, answer)
        case .placeFreed(let ticket): placeFreed(ticket)
        case .beat(let number): beat(number)
        case .census(let number): answerCensus(number)
        case .cutRevoked: cutRevoked()
        }
    }

    private func beat(_ number: UInt64) {
        handle.beat.store(number, ordering: .relaxed)
        handle.controlBell.ring()
    }

    private func adopt(_ plan: Generation, _ sockets: [ListenerSocket]) {
        let pools = plan.upstreams.map { $0.endpoints.map { pool(for: $0) } }
        previous = serving
        serving = ServingGeneration(plan: plan, pools: pools, handle: handle)
        retirePools(exceptThoseOf: pools)
        listen(on: sockets)
        retireClients(from: previous)
        handle.adoptedGeneration.store(plan.number, ordering: .releasing)
        handle.controlBell.ring()
    }

    private func pool(for endpoint: EndpointPlan) -> EndpointPool {
        let pool = pools[endpoint.state.id] ?? EndpointPool(state: endpoint.state)
        pools[endpoint.state.id] = pool
        pool.isRetired = false
        pool.keptMax = endpoint.maxIdlePerWorker
        pool.idleTimeout = endpoint.idleTimeout
        return pool
    }

    private func retirePools(exceptThoseOf named: [[EndpointPool]]) {
        let kept = Set(named.joined().map(\.state.id))
        for (id, pool) in pools where !kept.contains(id) {
            pool.isRetired = true
            while let connection = pool.popIdle() { closeUpstream(connection) }
            pools[id] = nil
        }
    }

    private func drain(until deadline: UInt64) {
        drainDeadline = deadline
        listen(on: [])
        for client in clients where client.phase == .idle {
            // One that has only just connected, or whose next request is here, still gets its answer.
            if client.wasServed && Socket.isQuiet(client.descriptor) {
                closeClient(client)
            } else {
                timers.set(client, min(deadline, now + Worker.firstRequestGrace))
            }
        }
        // Why a timer of its own: the loop must wake when the deadline comes even if nothing else happens.
        timers.set(mailChannel, deadline)
    }

    private func finishIfDrained() {
        if let drainDeadline, now >= drainDeadline { for client in clients { cut(client) } }
        // Mail that waits may hold a connection that was handed over.
        guard clients.isEmpty, laterMail.isEmpty else { return }
        // Why out of the pools first: a pool and its idle connections hold each other.
        for pool in pools.values { while let idle = pool.popIdle() { closeUpstream(idle) } }
        for upstream in upstreams {
            if let exchange = upstream.exchange { perform(exchange.machine.cut(), exchange) }
            closeUpstream(upstream)
        }
        isFinished = true
    }
}
