import CLinux
import Config
import Glibc

/// What `headgate run` was asked to do.
public struct RunOptions {
    public var configPath: String
    /// `--admin`; nil: found by the rules of `AdminPath`.
    public var adminPath: String?
    /// `headgate version`, for `status`.
    public var version: String
    /// Called once signals are in order and before anything is served.
    public var prepare: () throws(StartError) -> Void
    /// Called when the first generation is served, with the URL of each listener.
    public var announce: ([String]) -> Void

    public init(
        configPath: String, adminPath: String? = nil, version: String,
        prepare: @escaping () throws(StartError) -> Void = {},
        announce: @escaping ([String]) -> Void = { _ in }
    ) {
        self.configPath = configPath
        self.adminPath = adminPath
        self.version = version
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
    private enum Phase {
        case starting, serving
        case stopping
        case finished(Int32)
    }

    private let options: RunOptions
    private let loop: ControlLoop
    private let signals: Signals
    private let watcher: ConfigWatcher
    private let workers: WorkerPool
    private let driver: ReloadDriver
    private let writer: RecordWriter
    private let admin: AdminEndpoint
    private let startedAt = headgate_realtime_ns()
    private var phase = Phase.starting
    private var reloads = ReloadFigures()

    /// How long a stop may take beyond `drain_timeout` before the process ends anyway.
    private static let stopGraceMilliseconds = 2000
    /// Between the last accept and the refusal of new connections at a stop.
    private static let lastAcceptMilliseconds = 20

    /// Serves until told to stop.
    /// - Returns: the exit code.
    public static func run(_ options: RunOptions) -> Int32 {
        do {
            let supervisor = try Supervisor(options)
            return try supervisor.run()
        } catch {
            Log.error("\(error)")
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
        let loader = ConfigLoader(path: options.configPath)
        driver = try ReloadDriver(loader: loader, workers: workers, watcher: watcher, loop: loop)
        writer = try RecordWriter(bell: workers.writerBell)
        admin = AdminEndpoint(loop: loop)
        try loop.add(signals.descriptor, as: .signals)
        try loop.add(watcher.descriptor, as: .watcher)
        try loop.add(workers.bell.descriptor, as: .bell)
        try loop.add(driver.resolver.bell.descriptor, as: .resolver)
    }

    private func run() throws -> Int32 {
        try options.prepare()
        driver.report = { [unowned self] in reported($0) }
        driver.willPublish = { [unowned self] next throws(StartError) in try prepare(next) }
        admin.routes = adminRoutes()
        driver.trigger(.start)
        while true {
            if let failure = driver.publishFailure { throw failure }
            if case .finished(let code) = phase { return code }
            for event in loop.wait() { handle(event) }
            driver.noteDrained()
        }
    }

    private func handle(_ event: ControlLoop.Event) {
        switch event {
        case .ready(.signals, _, _): for signal in signals.takeAll() { take(signal) }
        case .ready(.watcher, _, _): if watcher.takeEvents(), !isStopping { driver.trigger(.file) }
        case .ready(.bell, _, _): workersRang()
        case .ready(.resolver, _, _): driver.namesAnswered()
        case .ready(.adminSocket, _, _): admin.accept()
        case .ready(.adminPort, _, _): admin.accept(isRemote: true)
        case .ready(.adminConnection(let id), let readable, let writable):
            admin.ready(id, readable: readable, writable: writable)
        case .expired(let timer) where !loop.takeDue(timer): break
        case .expired(.reread): driver.readAgain()
        case .expired(.resolveTimeout): driver.resolveTimedOut()
        case .expired(.refreshNames): driver.lookUpDueNames()
        case .expired(.adminIdle): admin.endIdle()
        case .expired(.adminRest): admin.resume()
        case .expired(.lastAccept): refuseNew()
        case .expired(.stopOverdue):
            Log.error("the workers did not stop in time")
            finish(ExitCode.failure)
        }
    }

    private func take(_ signal: Signals.Kind) {
        switch signal {
        case .reload: if !isStopping { driver.trigger(.signal) }
        case .reopenLogs: writer.reopen()
        case .stop: stop()
        }
    }

    private func workersRang() {
        workers.bell.silence()
        workers.freeReleased()
        driver.workersMoved()
        if isStopping, workers.haveFinished { finish(ExitCode.success) }
    }

    // MARK: - Reports

    /// Before the workers get a generation. The first one starts them.
    private func prepare(_ next: ReloadDriver.Served) throws(StartError) {
        writer.configure(next.config.accessLog, folder: driver.loader.folder)
        do throws(SystemError) {
            try admin.use(next.admin)
        } catch { throw StartError(message: "admin endpoint: \(error)") }
        guard workers.handles.isEmpty else { return }
        let path = AdminPath.forDaemon(
            option: options.adminPath, configured: next.config.process.admin,
            configPath: driver.loader.absolutePath, folder: driver.loader.folder)
        do throws(BindError) {
            try admin.listen(at: path)
        } catch { throw StartError(message: "admin socket \(error)") }
        do throws(SystemError) {
            let process = next.config.process
            try workers.start(count: process.workers, bodyBytesMax: Int(process.bodyMemoryBytes))
            try writer.start(workers.handles)
            try driver.usage.start(workers.handles)
            try driver.health.start()
        } catch { throw StartError(message: "cannot start the workers: \(error)") }
    }

    private func reported(_ report: ReloadReport) {
        reloads.note(report.result, at: report.at)
        switch report.result {
        case .reloaded:
            let level: Log.Level = report.diagnostics.isEmpty ? .info : .warning
            Log.write(level, report.text)
            if case .starting = phase {
                phase = .serving
                options.announce(driver.served?.sockets.map(\.url) ?? [])
            }
        case .unchanged:
            let level: Log.Level = report.diagnostics.isEmpty ? .info : .warning
            let outcome = "\(report.trigger.rawValue): \(report.summary)"
            Log.write(level, renderReport(report.diagnostics) + outcome)
        case .failed:
            if case .starting = phase {
                Log.writeToStandardError(renderReport(report.diagnostics))
                finish(driver.isConfigBroken ? ExitCode.config : ExitCode.failure)
            } else {
                Log.error("\(report.trigger.rawValue) failed\n\(report.text)")
            }
        }
    }

    /// What the admin endpoint answers. The order is that of `GET /`.
    private func adminRoutes() -> AdminRoutes {
        var routes = AdminRoutes()
        routes.get("/", "this list") { [unowned self] in admin.routes.list(asText: $0.wantsText) }
        routes.get("/status", "what the daemon is doing") { [unowned self] in
            $0.wantsText ? .text(200, status().text) : AdminResponse(status: 200, body: status().json)
        }
        routes.add("POST", "/reload", "reads the files again and says what came of it") {
            [unowned self] request, answer in
            driver.trigger(.request) { report in
                let status = report.result == .failed ? 422 : 200
                answer(
                    request.wantsText
                        ? .text(status, report.text) : AdminResponse(status: status, body: report.json))
            }
        }
        routes.get("/livez", "whether the process runs", access: .everybody) {
            $0.wantsText ? .text(200, "ok") : AdminResponse(status: 200, body: #"{"status":"ok"}"#)
        }
        routes.get("/readyz", "whether new requests should come here", access: .everybody) {
            [unowned self] in readiness.response(to: $0)
        }
        routes.get("/healthz", "whether all that requests need is there; ?verbose says more") {
            [unowned self] in
            HealthReport(driver: driver, readiness: readiness, now: headgate_monotonic_ns()).response(to: $0)
        }
        routes.get("/metrics", "all that is counted, for Prometheus", access: .metrics) {
            [unowned self] _ in
            AdminResponse(status: 200, contentType: MetricsText.contentType, body: metrics().bytes)
        }
        return routes
    }

    private var readiness: ReadyState {
        let phase: ReadyState.Phase =
            switch phase {
            case .starting: .starting
            case .serving: .serving
            case .stopping, .finished: .stopping
            }
        return ReadyState(phase: phase, driver: driver, now: headgate_monotonic_ns())
    }

    private func metrics() -> MetricsReport {
        MetricsReport(
            version: options.version, startedAt: startedAt, clock: headgate_realtime_ns(),
            now: headgate_monotonic_ns(), isReady: readiness.isReady, reloads: reloads,
            process: ProcessFigures(), driver: driver, writer: writer)
    }

    private func status() -> StatusReport {
        StatusReport(
            version: options.version, startedAt: startedAt, driver: driver, writer: writer,
            isStopping: isStopping)
    }

    // MARK: - Stop

    private var isStopping: Bool {
        switch phase {
        case .starting, .serving: false
        case .stopping, .finished: true
        }
    }

    /// The first time in order, the second time at once.
    private func stop() {
        switch phase {
        case .starting where driver.served == nil && workers.handles.isEmpty: finish(ExitCode.success)
        case .starting, .serving: beginStop()
        case .stopping:
            Log.warning("asked to stop again: ending at once")
            finish(ExitCode.failure)
        case .finished: break
        }
    }

    private func beginStop() {
        phase = .stopping
        let timeout = driver.served?.config.process.drainTimeout ?? .zero
        let milliseconds = Int(nanoseconds(timeout) / 1_000_000)
        let running = workers.handles.reduce(0) { $0 + $1.figures.exchangesRunning.load(ordering: .relaxed) }
        Log.info("stopping: \(counted(running, "exchange")) to finish within \(milliseconds / 1000) s")
        driver.sockets.acceptAllWaiting { workers.hand($0) }
        workers.post(.drain(deadline: headgate_monotonic_ns() + UInt64(milliseconds) * 1_000_000))
        loop.start(.lastAccept, afterMilliseconds: Supervisor.lastAcceptMilliseconds)
        loop.start(.stopOverdue, afterMilliseconds: milliseconds + Supervisor.stopGraceMilliseconds)
    }

    private func refuseNew() {
        // Why shut down and not closed: a worker that is late may still watch the descriptor.
        driver.sockets.refuseNew()
    }

    private func finish(_ code: Int32) {
        let isInOrder = code == ExitCode.success && isStopping
        phase = .finished(code)
        workers.desk.close()
        driver.usage.stop()
        driver.health.stop()
        driver.auth.stop()
        writer.stop()
        admin.close()
        driver.sockets.closeAll()
        driver.adminSockets.closeAll()
        // Why last: whoever reads it may take it that everything is written.
        if isInOrder { Log.info("stopped") }
    }
}
