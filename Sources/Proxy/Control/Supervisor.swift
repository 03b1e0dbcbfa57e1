import CLinux
import Config
import Glibc
import Stores

/// What `headgate run` was asked to do.
public struct RunOptions {
    public var configPath: String
    /// What `--set` says of the file.
    public var settings: [ConfigSetting]
    /// `--admin`; nil: found by the rules of `AdminPath`.
    public var adminPath: String?
    /// `headgate version`, for `status`.
    public var version: String
    /// Of the command line, without the program's name: a process that takes over gets them, too.
    public var arguments: [String]
    /// Why another process cannot take over from this one; nil: it can.
    public var upgradeObstacle: String?
    /// Called once signals are in order and before anything is served.
    public var prepare: () throws(StartError) -> Void
    /// Called when the first generation is served, with the URL of each listener and what the file says.
    public var announce: ([String], StartSummary) -> Void

    public init(
        configPath: String, settings: [ConfigSetting] = [], adminPath: String? = nil, version: String,
        arguments: [String] = [],
        upgradeObstacle: String? = nil,
        prepare: @escaping () throws(StartError) -> Void = {},
        announce: @escaping ([String], StartSummary) -> Void = { _, _ in }
    ) {
        self.configPath = configPath
        self.settings = settings
        self.adminPath = adminPath
        self.version = version
        self.arguments = arguments
        self.upgradeObstacle = upgradeObstacle
        self.prepare = prepare
        self.announce = announce
    }
}

/// Why the daemon cannot start, for people.
public struct StartError: Error, CustomStringConvertible {
    public let description: String
    public init(message: String) { description = message }
}

/// How the daemon ends.
public enum ExitCode {
    public static let success: Int32 = 0
    public static let failure: Int32 = 1
    public static let usage: Int32 = 2
    /// EX_CONFIG: the file is wrong, so that starting again cannot help (`RestartPreventExitStatus=78`).
    public static let config: Int32 = 78
}

/// The control thread: starts the workers, turns signals, file changes and requests into reloads, and stops
/// in order.
public final class Supervisor {
    enum Phase {
        case starting, serving
        /// Another process has taken over; what runs here is finished, however long it takes.
        case leaving
        case stopping
        case finished(Int32)
    }

    let options: RunOptions
    let loop: ControlLoop
    private let signals: Signals
    private let watcher: ConfigWatcher
    let workers: WorkerPool
    let driver: ReloadDriver
    let writer: RecordWriter
    let exporter: TraceExporter
    let admin: AdminEndpoint
    /// Tells what runs, to whoever asks.
    let running: ExchangeCensus
    let service: ServiceWatch
    let store: SocketStore
    let startedAt = headgate_realtime_ns()
    let inbox: HandoverInbox
    let upgrade: Upgrade
    /// Of the older process, until that has ended.
    var succession: Succession?
    var guest: LedgerGuest?
    /// Reloads that were asked for while another process starts.
    var waitingReloads: [(ReloadReport) -> Void] = []
    /// Upgrades that were asked for while a reload runs.
    var waitingUpgrades: [(Upgrade.Outcome) -> Void] = []
    var phase = Phase.starting
    var reloads = ReloadFigures()

    /// How long a stop may take beyond `drain_timeout` before the process ends anyway.
    static let stopGraceMilliseconds = 2000
    /// How long a stop may take beyond `drain_timeout` until all is written: usage, stores, access log.
    static let lastWritesMilliseconds = 20_000
    /// Between the last accept and the refusal of new connections at a stop.
    private static let lastAcceptMilliseconds = 20

    /// Serves until told to stop.
    /// - Returns: the exit code.
    public static func run(_ options: RunOptions) -> Int32 {
        do {
            let supervisor = try Supervisor(options)
            return try supervisor.run()
        } catch {
            Log.fatal("\(error)")
            return ExitCode.failure
        }
    }

    private init(_ options: RunOptions) throws {
        self.options = options
        signals = try Signals()
        headgate_make_room_for_descriptors(headgate_raise_descriptor_limit())
        loop = try ControlLoop()
        watcher = try ConfigWatcher()
        workers = try WorkerPool()
        let loader = ConfigLoader(
            path: options.configPath, settings: options.settings, createsFiles: true)
        succession = try Succession.ofProcess()
        let inherited = succession?.inherited ?? InheritedSockets.ofProcess()
        let manager = ServiceManager()
        service = ServiceWatch(manager)
        store = SocketStore(manager, inherited: inherited.items, environment: Environment.ofProcess())
        driver = try ReloadDriver(
            loader: loader, workers: workers, watcher: watcher, loop: loop, inherited: inherited)
        exporter = try TraceExporter(version: options.version)
        writer = try RecordWriter(bell: workers.writerBell, exporter: exporter)
        admin = AdminEndpoint(loop: loop)
        running = ExchangeCensus(workers: workers, loop: loop)
        inbox = try HandoverInbox()
        upgrade = Upgrade(arguments: options.arguments, ledger: workers.ledger, inbox: inbox)
        try loop.add(signals.descriptor, as: .signals)
        try loop.add(watcher.descriptor, as: .watcher)
        try loop.add(workers.bell.descriptor, as: .bell)
        try loop.add(driver.resolver.bell.descriptor, as: .resolver)
        try loop.add(inbox.bell.descriptor, as: .handover)
        try loop.add(driver.doorBell.descriptor, as: .doors)
    }

    private func run() throws -> Int32 {
        do {
            return try serve()
        } catch {
            succession?.fail("\(error)")
            throw error
        }
    }

    private func serve() throws -> Int32 {
        try options.prepare()
        succeed()
        prepareUpgrade()
        driver.report = { [unowned self] in reported($0) }
        driver.willBuild = { [unowned self] in if case .serving = phase { service.reloading() } }
        driver.sockets.isLeftToOthers = { [unowned self] in store.outlives($0) }
        driver.willPublish = { [unowned self] next throws(StartError) in try prepare(next) }
        admin.routes = adminRoutes()
        driver.trigger(.start)
        while true {
            if let failure = driver.publishFailure { throw failure }
            if case .finished(let code) = phase { return code }
            for event in loop.wait() { handle(event) }
            driver.noteDrained()
            beginWaitingUpgrades()
        }
    }

    private func handle(_ event: ControlLoop.Event) {
        switch event {
        case .ready(.signals, _, _): for signal in signals.takeAll() { take(signal) }
        case .ready(.watcher, _, _): if watcher.takeEvents(), mayReload { driver.trigger(.file) }
        case .ready(.bell, _, _): workersRang()
        case .ready(.resolver, _, _): driver.namesAnswered()
        case .ready(.doors, _, _): driver.closeDoors()
        case .ready(.handover, _, _): for event in inbox.takeAll() { take(event) }
        case .ready(.adminSocket, _, _): admin.accept()
        case .ready(.adminPort, _, _): admin.accept(isRemote: true)
        case .ready(.adminConnection(let id), let readable, let writable):
            admin.ready(id, readable: readable, writable: writable)
        case .expired(let timer) where !loop.takeDue(timer): break
        case .expired(.reread): driver.readAgain()
        case .expired(.resolveTimeout): driver.resolveTimedOut()
        case .expired(.refreshNames): driver.lookUpDueNames()
        case .expired(.censusOverdue): running.timedOut()
        case .expired(.adminIdle): admin.endIdle()
        case .expired(.adminRest): admin.resume()
        case .expired(.lastAccept): refuseNew()
        case .expired(.serviceTurn): serviceTurn()
        case .expired(.upgradeOverdue): upgrade.timedOut()
        case .expired(.figuresTurn): tellFigures()
        case .expired(.stopOverdue):
            Log.error("the workers did not stop in time")
            finish(ExitCode.failure)
        }
    }

    private func take(_ signal: Signals.Kind) {
        switch signal {
        case .reload: if mayReload { driver.trigger(.signal) }
        case .upgrade: beginUpgrade { _ in }
        case .reopenLogs: writer.reopen()
        case .stop: stop()
        }
    }

    private func workersRang() {
        workers.bell.silence()
        workers.freeReleased()
        driver.workersMoved()
        running.workersMoved()
        sendLeaving()
        finishIfDone()
    }

    /// The last exchange has ended, here and in the older process, which settles here.
    func finishIfDone() {
        switch phase {
        case .leaving, .stopping:
            guard workers.haveFinished, succession == nil else { return }
            // What the last of them gave up before it had finished.
            sendLeaving()
            finish(ExitCode.success)
        case .starting, .serving, .finished: break
        }
    }

    // MARK: - Reports

    /// Before the workers get a generation. The first one starts them.
    private func prepare(_ next: ReloadDriver.Served) throws(StartError) {
        let folder = driver.loader.folder(next.config.relativeTo)
        Log.setLevel(next.config.logLevel)
        writer.configure(next.config.accessLog, folder: folder)
        let isFirst = workers.handles.isEmpty
        do throws(SystemError) {
            try admin.use(next.admin)
        } catch { try give(up: "admin endpoint: \(error)", isFirst) }
        do throws(SystemError) {
            try exporter.configure(next.telemetry)
        } catch { try give(up: "cannot start the exporter of spans: \(error)", isFirst) }
        guard isFirst else { return }
        let path = AdminPath.forDaemon(
            option: options.adminPath, configured: next.config.process.admin,
            configPath: driver.loader.absolutePath, folder: folder)
        do throws(BindError) {
            try admin.listen(at: path, adopting: succession?.takeAdminSocket())
        } catch { throw StartError(message: "admin socket \(error)") }
        do throws(SystemError) {
            let process = next.config.process
            try workers.start(count: process.workers, bodyBytesMax: Int(process.bodyMemoryBytes))
            try writer.start(workers.handles)
            try driver.usage.start(workers.handles)
            try driver.health.start()
        } catch { throw StartError(message: "cannot start the workers: \(error)") }
        guest = try succession?.takeCounts(into: workers.ledger, driver.limits.figures)
    }

    /// What one of the kernel's resources is missing for: at a start that is the end of it, later requests go
    /// on without.
    private func give(up message: String, _ isFirst: Bool) throws(StartError) {
        guard !isFirst else { throw StartError(message: message) }
        Log.error(message)
    }

    private func reported(_ report: ReloadReport) {
        reloads.note(report.result, at: report.at)
        switch report.result {
        case .reloaded:
            let level: Log.Level = report.diagnostics.isEmpty ? .info : .warning
            // Why whatever `log_level` says: nobody must overlook an open door.
            if driver.auth.served.openRoutes.isEmpty {
                Log.write(level, report.text)
            } else {
                Log.loud(level, report.text)
            }
            if succession?.hasLeft ?? true { keepSockets() }
            if case .starting = phase {
                phase = .serving
                tellPredecessor()
                if let served = driver.served {
                    options.announce(served.sockets.map(\.url), StartSummary(served.config))
                }
            }
        case .unchanged:
            let level: Log.Level = report.diagnostics.isEmpty ? .info : .warning
            let outcome = "\(report.trigger.rawValue): \(report.summary)"
            Log.write(level, renderReport(report.diagnostics) + outcome)
        case .failed:
            if case .starting = phase {
                Log.writeReport(renderReport(report.diagnostics))
                succession?.fail(report.text)
                finish(driver.isConfigBroken ? ExitCode.config : ExitCode.failure)
            } else {
                Log.error("\(report.trigger.rawValue) failed\n\(report.text)")
            }
        }
        if case .serving = phase { tellReady() }
    }

    /// - Parameter running: nil: nobody was asked what runs.
    func status(_ running: RunningExchanges? = nil) -> StatusReport {
        StatusReport(
            version: options.version, startedAt: startedAt, driver: driver, writer: writer,
            telemetry: exporter.status, isStopping: isStopping, predecessor: succession?.predecessor,
            running: running)
    }

    // MARK: - Stop

    var isStopping: Bool {
        switch phase {
        case .starting, .serving: false
        case .leaving, .stopping, .finished: true
        }
    }

    /// The first time in order, the second time at once.
    private func stop() {
        switch phase {
        case .starting where driver.served == nil && workers.handles.isEmpty: finish(ExitCode.success)
        case .starting, .serving, .leaving: beginStop()
        case .stopping:
            Log.warning("asked to stop again: ending at once")
            finish(ExitCode.failure)
        case .finished: break
        }
    }

    /// - Parameter limit: the most that it may take, in milliseconds; nil: `drain_timeout`.
    func beginStop(within limit: Int? = nil) {
        phase = .stopping
        upgrade.abort()
        let timeout = driver.served?.config.process.drainTimeout ?? .zero
        let milliseconds = limit ?? Int(nanoseconds(timeout) / 1_000_000)
        succession?.stop(withinMilliseconds: milliseconds)
        Log.info(
            "stopping: \(counted(exchangesRunning, "exchange")) to finish within \(milliseconds / 1000) s")
        service.stopping(serviceStatus, within: milliseconds + Supervisor.lastWritesMilliseconds)
        driver.sockets.acceptAllWaiting { workers.hand($0) }
        workers.post(.drain(deadline: headgate_monotonic_ns() + UInt64(milliseconds) * 1_000_000))
        loop.start(.lastAccept, afterMilliseconds: Supervisor.lastAcceptMilliseconds)
        loop.start(.stopOverdue, afterMilliseconds: milliseconds + Supervisor.stopGraceMilliseconds)
    }

    private func refuseNew() {
        // Why shut down and not closed: a worker that is late may still watch the descriptor.
        driver.sockets.refuseNew()
    }

    func finish(_ code: Int32) {
        let isInOrder = code == ExitCode.success && isStopping
        phase = .finished(code)
        upgrade.abort()
        workers.desk.close()
        driver.usage.stop()
        driver.health.stop()
        driver.auth.stop()
        writer.stop()
        exporter.stop()
        admin.close()
        driver.sockets.closeAll()
        driver.adminSockets.closeAll()
        service.manager.waitUntilTaken()
        // Why last: whoever reads it may take it that everything is written.
        if isInOrder { Log.info("stopped") }
    }
}
