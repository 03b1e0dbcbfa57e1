import CLinux
import Config
import Glibc
import Synchronization

/// `headgate status`: what the daemon is doing, as JSON.
struct StatusReport {
    let version: String
    /// Nanoseconds since 1970.
    let startedAt: UInt64
    let driver: ReloadDriver
    let writer: RecordWriter
    /// nil: it is off.
    var telemetry: TelemetryStatus?
    let isStopping: Bool
    /// The process before this one, while it finishes what it began.
    var predecessor: Succession.Predecessor?
    /// What runs; nil: nobody was asked.
    var running: RunningExchanges?

    var json: String {
        var json = JSONText()
        json.object { json in
            json.string("version", version)
            json.number("pid", getpid())
            json.string("started", Timestamp.text(startedAt))
            json.string("config", driver.loader.absolutePath)
            json.string("state", stateText)
            generation(&json)
            predecessor(&json)
            json.number("generations_alive", driver.census.alive)
            json.number("generations_draining", driver.olderGenerations)
            generations?.append(to: &json)
            json.array("restart_needed") { json in restartKeys.forEach { json.string(nil, $0) } }
            lastFailure(&json)
            json.array("workers") { json in driver.workers.handles.forEach { worker($0, &json) } }
            listeners(&json)
            AuthStatus(auth: driver.auth.served).append(to: &json)
            driver.usage.status.append(to: &json)
            limits.append(to: &json)
            fullLimits.append(to: &json)
            KeySourceStatus(driver.keys.served).append(to: &json)
            upstreams.append(to: &json)
            accessLog(&json)
            if let telemetry { telemetry.append(to: &json) } else { json.null("telemetry") }
        }
        return json.text
    }

    /// For people, in a few lines.
    var text: String {
        // Why not "since": the state may have changed many times in between.
        let started = Timestamp.text(startedAt)
        var lines = ["headgate \(version), pid \(getpid()), \(stateText), started \(started)"]
        lines.append("config      \(driver.loader.absolutePath)")
        if let predecessor { lines.append(predecessor.line) }
        if let served = driver.served {
            let since = "\(Timestamp.text(served.since)) by \(served.trigger.rawValue)"
            let number = served.generation.number
            lines.append("generation  \(number) since \(since)")
            if driver.olderGenerations > 0 {
                let older = counted(driver.olderGenerations, "generation")
                lines.append("older       \(older) with running exchanges")
                lines += generations?.olderLines ?? []
            }
            lines += zip(served.config.listeners, served.sockets).map { listener, socket in
                let count = socket.connections.count.load(ordering: .relaxed)
                return "listener    \(listener.name) \(socket.url), \(counted(count, "connection"))"
            }
        }
        if !restartKeys.isEmpty {
            let keys = restartKeys.joined(separator: ", ")
            lines.append("restart     needed for \(keys): changed in the file, not in force")
        }
        lines += AuthStatus(auth: driver.auth.served).lines + driver.usage.status.lines + limits.lines
        lines += fullLimits.textLines
        lines += KeySourceStatus(driver.keys.served).lines + upstreams.lines
        let figures = driver.workers.handles.map(\.figures)
        let connections = figures.reduce(0) { $0 + $1.connectionsOpen.load(ordering: .relaxed) }
        let exchanges = figures.reduce(0) { $0 + $1.exchangesRunning.load(ordering: .relaxed) }
        lines.append(
            "clients     \(counted(connections, "connection")), \(counted(exchanges, "exchange")) running, "
                + counted(figures.count, "worker"))
        lines += accessLogLines + (telemetry?.lines ?? [])
        if let failure = driver.lastFailure {
            lines.append(
                "last failure \(Timestamp.text(failure.at)) by \(failure.trigger.rawValue)\n\(failure.text)")
        }
        return lines.joined(separator: "\n")
    }

    private var stateText: String {
        if isStopping { return "stopping" }
        switch driver.state {
        // What drains after a reload is older than what is served: nothing stops.
        case .idle, .draining: return "serving"
        case .settling, .building, .resolving, .publishing: return "reloading"
        }
    }

    /// Keys that the file changes and that are not in force, such as `process.workers`.
    private var restartKeys: [String] { driver.served?.restartWarnings.map(\.keyPath) ?? [] }

    private func generation(_ json: inout JSONText) {
        guard let served = driver.served else { return json.null("generation") }
        json.object("generation") { json in
            json.number("number", served.generation.number)
            json.string("since", Timestamp.text(served.since))
            json.string("trigger", served.trigger.rawValue)
            json.number("routes", served.config.routes.count)
            json.number("upstreams", served.config.upstreams.count)
        }
    }

    private func predecessor(_ json: inout JSONText) {
        guard let predecessor else { return json.null("older_process") }
        json.object("older_process") { json in
            json.number("pid", predecessor.processID)
            json.string("version", predecessor.version)
            json.number("generation", predecessor.generation)
            json.string("handed_over", Timestamp.text(predecessor.since))
            json.number("exchanges_running", predecessor.figures?.exchangesRunning ?? 0)
            json.number("connections_open", predecessor.figures?.connectionsOpen ?? 0)
        }
    }

    private func lastFailure(_ json: inout JSONText) {
        guard let failure = driver.lastFailure else { return json.null("last_failure") }
        json.object("last_failure") { json in
            json.string("when", Timestamp.text(failure.at))
            json.string("trigger", failure.trigger.rawValue)
            json.string("text", failure.text)
            json.raw("report", renderJSON(failure.diagnostics))
        }
    }

    private func worker(_ handle: WorkerHandle, _ json: inout JSONText) {
        let figures = handle.figures
        json.object { json in
            json.number("index", handle.index)
            json.number("generation", handle.adoptedGeneration.load(ordering: .acquiring))
            json.number("connections_open", figures.connectionsOpen.load(ordering: .relaxed))
            json.number("connections_accepted", figures.connectionsAccepted.load(ordering: .relaxed))
            json.number("connections_shed", figures.connectionsShed.load(ordering: .relaxed))
            json.number("exchanges_running", figures.exchangesRunning.load(ordering: .relaxed))
            json.number("exchanges_started", figures.exchangesStarted.load(ordering: .relaxed))
            json.number("accept_failures", figures.acceptFailures.load(ordering: .relaxed))
            json.number("longest_turn_us", figures.longestTurn.load(ordering: .relaxed) / 1000)
            json.number("records_dropped", handle.records.dropped.load(ordering: .relaxed))
        }
    }

    private func listeners(_ json: inout JSONText) {
        json.array("listeners") { json in
            guard let served = driver.served else { return }
            for (listener, socket) in zip(served.config.listeners, served.sockets) {
                json.object { json in
                    json.string("name", listener.name)
                    json.string("url", socket.url)
                    json.number("connections", socket.connections.count.load(ordering: .relaxed))
                }
            }
        }
    }

    private var limits: LimitStatus {
        LimitStatus(
            limits: driver.served?.generation.limits ?? [], subjectCount: driver.workers.ledger.subjectCount)
    }

    private var fullLimits: FullLimits {
        let limits = driver.served?.generation.limits ?? []
        guard let config = driver.served?.config, !limits.isEmpty else {
            return FullLimits.none
        }
        return FullLimits(
            limits, driver.workers.ledger, LimitSubjectNames(auth: driver.auth.served, config: config))
    }

    /// What of them is outdated is `headgate generations`' to tell.
    private var generations: GenerationsReport? {
        running.map { GenerationsReport(driver.served, driver.older, $0, compares: false) }
    }

    private var upstreams: UpstreamStatus {
        let served = driver.served?.generation.upstreams ?? []
        let named = Set(served.flatMap { $0.endpoints.map(\.state.id) })
        return UpstreamStatus(
            upstreams: served, others: driver.registry.living.map(\.state).filter { !named.contains($0.id) },
            checkProblem: driver.health.problem(of:), now: headgate_monotonic_ns(),
            clock: headgate_realtime_ns())
    }

    /// Records that a worker had no room for.
    private var dropped: UInt64 {
        driver.workers.handles.reduce(0) { $0 + $1.records.dropped.load(ordering: .relaxed) }
    }

    private var accessLogLines: [String] {
        let (written, lost) = (writer.written.load(ordering: .relaxed), writer.lost.load(ordering: .relaxed))
        let line = "access log  \(counted(Int(written), "record")) written, \(lost) lost, \(dropped) dropped"
        guard let problem = writer.problem else { return [line] }
        return [line, "log error   \(Timestamp.text(problem.at)) \(problem.text)"]
    }

    private func accessLog(_ json: inout JSONText) {
        json.object("access_log") { json in
            json.number("written", writer.written.load(ordering: .relaxed))
            json.number("lost", writer.lost.load(ordering: .relaxed))
            json.number("dropped", dropped)
            guard let problem = writer.problem else { return json.null("last_error") }
            json.object("last_error") { json in
                json.string("when", Timestamp.text(problem.at))
                json.string("text", problem.text)
            }
        }
    }
}

extension Succession.Predecessor {
    fileprivate var line: String {
        let running = counted(Int(figures?.exchangesRunning ?? 0), "exchange")
        return "older       process \(processID), headgate \(version), handed over \(Timestamp.text(since)), "
            + "finishes \(running)"
    }
}
