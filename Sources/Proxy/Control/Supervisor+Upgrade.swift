import CLinux
import Glibc

/// Taking over from an older process, and handing over to a newer one.
extension Supervisor {
    /// In the inbox.
    private static let predecessorNumber = 0
    private static let figuresMilliseconds = 1000
    /// Processes that still finish what they began, one after another.
    private static let olderProcessesMax: UInt32 = 8

    // MARK: - Taking over

    /// Before the file is read.
    func succeed() {
        guard let succession else { return }
        Log.info(
            "taking over from process \(succession.hello.processID), headgate \(succession.hello.version)")
        driver.numberBefore = succession.hello.generation
        let measures = succession.hello.measures
        driver.limits.adopt(measures.map { (identity: $0.identity, id: $0.id, wasServed: $0.wasServed) })
        driver.usage.markRestored(measures.filter(\.wasServed).map(\.identity))
    }

    /// The first generation is served.
    func tellPredecessor() {
        guard let succession, let guest else { return }
        self.guest = nil
        do throws(SystemError) {
            try succession.begin(guest, sender: Supervisor.predecessorNumber, inbox)
        } catch {
            // Why not go on: the older process would serve as well, with counts of its own.
            Log.error("cannot take over: \(error)")
            finish(ExitCode.failure)
        }
    }

    func take(_ event: HandoverInbox.Event) {
        switch event {
        case .message(Supervisor.predecessorNumber, let message, let descriptors):
            fromPredecessor(message, descriptors)
        case .message(let sender, let message, let descriptors):
            for descriptor in descriptors { close(descriptor) }
            guard sender == upgrade.sender else { return }
            if case .stop(let milliseconds) = message {
                if case .leaving = phase { beginStop(within: milliseconds) }
            } else {
                upgrade.take(message)
                if upgrade.isCommitting {
                    loop.start(.upgradeOverdue, afterMilliseconds: Upgrade.commitMilliseconds)
                }
            }
        case .ended(Supervisor.predecessorNumber, _): predecessorEnded()
        case .ended(let sender, let failure): if sender == upgrade.sender { upgrade.ended(failure) }
        }
    }

    private func fromPredecessor(_ message: HandoverMessage, _ descriptors: [Int32]) {
        switch message {
        case .connection(let connection):
            guard let descriptor = descriptors.first else { return }
            welcome(connection, descriptor)
        case .figures(let figures): succession?.take(figures)
        case .left:
            succession?.left()
            keepSockets()
            tellReady()
        // Said at other times, or by the newer of two.
        case .hello, .sockets, .buckets, .bucketsEnd, .ledger, .prepared, .serving, .failed, .ledgerAnswer,
            .stop:
            for descriptor in descriptors { close(descriptor) }
        }
    }

    private func welcome(_ connection: HandoverMessage.Connection, _ descriptor: Int32) {
        // An upgrade after this one: the next process takes it.
        if case .leaving = phase { return upgrade.send(connection, descriptor: descriptor) }
        let listening = driver.listening.first { $0.config.bind.text == connection.listener }
        guard !isStopping, let socket = listening?.socket
        else {
            // Its listener is gone with the file that this process read: as after a reload.
            close(descriptor)
            return
        }
        let peer = PeerAddress(
            high: connection.peerHigh, low: connection.peerLow, port: connection.peerPort,
            isUnix: connection.isUnix)
        workers.hand(
            .take(
                descriptor: descriptor, listener: socket.identity, peer: peer, received: connection.received))
    }

    private func predecessorEnded() {
        guard let succession else { return }
        Log.info("process \(succession.hello.processID) has finished what it had begun")
        let hadLeft = succession.hasLeft
        self.succession = nil
        if !hadLeft, case .serving = phase {
            keepSockets()
            tellReady()
        }
        finishIfDone()
    }

    // MARK: - Handing over

    func prepareUpgrade() {
        upgrade.hooks = Upgrade.Hooks(
            hello: { [unowned self] in hello }, sockets: { [unowned self] in socketsToHandOver },
            obstacle: { [unowned self] in upgradeObstacle }, leave: { [unowned self] in leave(to: $0) },
            stay: { [unowned self] in stay() })
    }

    func beginUpgrade(_ answer: @escaping (Upgrade.Outcome) -> Void) {
        guard !isReloading else { return waitingUpgrades.append(answer) }
        if upgrade.begin(answer) { loop.start(.upgradeOverdue, afterMilliseconds: Upgrade.startMilliseconds) }
    }

    /// What was asked for during a reload.
    func beginWaitingUpgrades() {
        guard !waitingUpgrades.isEmpty, !isReloading else { return }
        let waiting = waitingUpgrades
        waitingUpgrades = []
        for answer in waiting { beginUpgrade(answer) }
    }

    private var isReloading: Bool {
        switch driver.state {
        case .idle, .draining: false
        case .settling, .building, .resolving, .publishing: true
        }
    }

    /// Another process that starts must not be overtaken by a change of this one.
    var mayReload: Bool { !isStopping && !upgrade.isRunning }

    func reload(_ answer: @escaping (ReloadReport) -> Void) {
        guard !upgrade.isRunning else { return waitingReloads.append(answer) }
        driver.trigger(.request, answer: answer)
    }

    private var upgradeObstacle: String? {
        if let obstacle = options.upgradeObstacle { return obstacle }
        guard case .serving = phase else { return "it is starting or stopping" }
        guard getpid() != 1 else {
            return "it is process 1 here, whose end would end the new process as well; replace the container"
        }
        guard olderProcesses < Supervisor.olderProcessesMax else {
            return "\(olderProcesses) older processes still finish requests; wait for them, or restart"
        }
        // All go along with one message.
        guard socketsToHandOver.count <= HEADGATE_DESCRIPTORS_MAX else {
            return "there are more listeners than \(HEADGATE_DESCRIPTORS_MAX - 2)"
        }
        return nil
    }

    private var olderProcesses: UInt32 {
        guard let succession else { return 0 }
        let before = succession.predecessor.figures?.olderProcesses ?? UInt64(succession.hello.olderProcesses)
        return UInt32(clamping: before + 1)
    }

    private var hello: HandoverMessage.Hello {
        HandoverMessage.Hello(
            processID: UInt32(getpid()), version: options.version,
            generation: driver.served?.generation.number ?? 0, olderProcesses: olderProcesses,
            measures: driver.limits.ids.map {
                HandoverMessage.Hello.Measure(identity: $0.identity, id: $0.id, wasServed: $0.wasServed)
            })
    }

    private var socketsToHandOver: [(socket: HandoverMessage.Socket, descriptor: Int32)] {
        var sockets = driver.listening.map { config, bound in
            (
                socket: HandoverMessage.Socket(purpose: .listener, name: store.knownAs(config.bind)),
                descriptor: bound.descriptor
            )
        }
        sockets += driver.adminSockets.current.map {
            (socket: HandoverMessage.Socket(purpose: .listener, name: ""), descriptor: $0.descriptor)
        }
        if let admin = admin.listeningDescriptor {
            sockets.append((HandoverMessage.Socket(purpose: .admin, name: ""), admin))
        }
        return sockets
    }

    private func leave(to successor: pid_t) {
        phase = .leaving
        loop.stop(.upgradeOverdue)
        Log.info(
            "upgrade: process \(successor) has taken over; finishing \(counted(exchangesRunning, "exchange"))"
        )
        service.handOver(
            to: successor,
            "Process \(successor) serves, \(counted(exchangesRunning, "request")) end in \(getpid())"
        )
        loop.stop(.serviceTurn)
        driver.sockets.isLeftToOthers = { _ in true }
        admin.leave()
        driver.adminSockets.closeAll()
        driver.health.stop()
        workers.post(.leave)
        answerWaitingReloads { number in
            ReloadReport(
                result: .failed, trigger: .request, generation: number, diagnostics: [],
                at: headgate_realtime_ns(), summary: "process \(successor) has taken over; ask it again")
        }
        tellFigures()
    }

    private func stay() {
        loop.stop(.upgradeOverdue)
        let waiting = waitingReloads
        waitingReloads = []
        for answer in waiting { driver.trigger(.request, answer: answer) }
        // What changed while the watch was not listened to.
        if !isStopping { driver.trigger(.file) }
    }

    private func answerWaitingReloads(_ report: (UInt64) -> ReloadReport) {
        let waiting = waitingReloads
        waitingReloads = []
        for answer in waiting { answer(report(driver.served?.generation.number ?? 0)) }
    }

    /// Connections that workers have given up, and the listening sockets once none of them watches these.
    func sendLeaving() {
        guard isStopping else { return }
        if case .leaving = phase,
            workers.handles.allSatisfy({ $0.hasLeft.load(ordering: .acquiring) })
        {
            // Why now: whoever holds a listening socket keeps its port, also when a reload over there lets it
            // go.
            driver.sockets.closeAll()
        }
        let listeners = driver.listening
        for handle in workers.handles {
            for connection in handle.leaving.withLock({
                let all = $0
                $0 = []
                return all
            }) {
                let listener = listeners.first { $0.1.identity == connection.listener }?.0
                upgrade.send(
                    HandoverMessage.Connection(
                        listener: listener?.bind.text ?? "", peerHigh: connection.peer.high,
                        peerLow: connection.peer.low, peerPort: connection.peer.port,
                        isUnix: connection.peer.isUnix, received: connection.received),
                    descriptor: connection.descriptor)
            }
        }
    }

    func tellFigures() {
        guard case .leaving = phase else { return }
        let connections = workers.handles.reduce(0) {
            $0 + $1.figures.connectionsOpen.load(ordering: .relaxed)
        }
        let older = succession?.predecessor.figures
        upgrade.send(
            HandoverMessage.Figures(
                exchangesRunning: UInt64(max(exchangesRunning, 0)) + (older?.exchangesRunning ?? 0),
                connectionsOpen: UInt64(max(connections, 0)) + (older?.connectionsOpen ?? 0),
                olderProcesses: UInt64(olderProcesses)))
        loop.start(.figuresTurn, afterMilliseconds: Supervisor.figuresMilliseconds)
    }
}
