import CLinux
import Config
import Synchronization

/// Performs what `Reload` decides: reads, builds aside, publishes to every worker, closes what was removed.
/// Owns what outlives generations.
final class ReloadDriver {
    /// What the workers serve.
    struct Served {
        let generation: Generation
        let config: GatewayConfig
        /// The same, to be compared with others.
        let snapshot: ConfigSnapshot
        let inputs: InputFiles
        let endpoints: [EndpointRegistry.Entry]
        /// In the order of the configuration's listeners.
        let sockets: [ListenerSockets.Bound]
        /// nil: the file has no `admin:`.
        let admin: AdminPort?
        let trigger: Reload.Trigger
        /// nil: `telemetry` is off.
        let telemetry: TelemetrySetting?
        /// One for each key that the file changes and that is not in force before a restart.
        let restartWarnings: [Diagnostic]
        /// What stands open, what others may read.
        let authWarnings: [Diagnostic]
        /// One for each endpoint that had no address when this was published.
        var nameWarnings: [(state: EndpointState, warning: Diagnostic)] = []
        /// When every worker had it; nanoseconds since 1970.
        var since: UInt64 = 0
    }

    /// Built, not published.
    private struct Next {
        let served: Served
        let prepared: PreparedSockets
        let auth: AuthSet
        let gates: [String: UpstreamGate]
        let budgets: [String: RetryBudget]
        let keys: [String: KeyRegistry.Entry]
        let usage: UsageSetting
        let diagnostics: [Diagnostic]
        let places: DiagnosticPlaces
    }

    let loader: ConfigLoader
    let census = GenerationCensus()
    let sockets: ListenerSockets
    /// Of `admin:`: at most one.
    let adminSockets: ListenerSockets
    let registry = EndpointRegistry()
    let auth: AuthRegistry
    let limits = LimitRegistry()
    let usage: UsageWriter
    private let gates = UpstreamGateRegistry()
    private let budgets = RetryBudgetRegistry()
    private let figures = FigureRegistry()
    let keys = KeyRegistry()
    private let hashes: HashPool
    private let models = UpstreamModelsRegistry()
    private let defaultAdmin = DefaultAdminCheck()
    let health: HealthChecker
    let resolver: Resolver
    let workers: WorkerPool
    private let watcher: ConfigWatcher
    private let loop: ControlLoop
    private var machine = Reload()
    private var next: Next?
    /// Why the build that is about to be reported failed.
    private var failure: [Diagnostic] = []
    /// Monotonic; when the reload that runs was set off.
    private var startedAt: UInt64 = 0
    /// Files of the last attempt: watched as well, so that what made it fail can be put right.
    private var attempted = InputFiles()

    private(set) var served: Served?
    /// Those that are served no more, and whose last exchange may still run; in their order.
    private(set) var older: [GenerationRecord] = []
    /// Of the process before this one: its last generation, so that numbers go on. 0: there was none.
    var numberBefore: UInt64 = 0
    private(set) var lastFailure: ReloadReport?
    /// What is in the files now is not served: the last reload failed.
    private(set) var pendingFailure: ReloadReport?
    /// Told of each outcome. Set once, by the supervisor.
    var report: (ReloadReport) -> Void = { _ in }
    /// Told when a build begins: the files have changed, or were asked for anew.
    var willBuild: () -> Void = {}
    /// Told before a generation is posted to the workers.
    var willPublish: (Served) throws(StartError) -> Void = { _ in }
    private(set) var publishFailure: StartError?
    /// The last failure was in the file itself, not in what it met on this machine.
    private(set) var isConfigBroken = false
    /// Whoever asked: answered with the next outcome that read the files after they asked.
    private var waiting: [(ReloadReport) -> Void] = []
    private var waitingForNext: [(ReloadReport) -> Void] = []

    init(
        loader: ConfigLoader, workers: WorkerPool, watcher: ConfigWatcher, loop: ControlLoop,
        inherited: InheritedSockets = InheritedSockets()
    ) throws(SystemError) {
        self.loader = loader
        sockets = ListenerSockets(inherited: inherited)
        adminSockets = ListenerSockets(inherited: inherited)
        self.workers = workers
        self.watcher = watcher
        self.loop = loop
        health = try HealthChecker()
        resolver = try Resolver()
        hashes = HashPool()
        doorBell = try Bell()
        auth = AuthRegistry(mailboxes: workers.mailboxes, limits: limits, doorBell: doorBell)
        usage = try UsageWriter(ledger: workers.ledger, bell: workers.usageBell)
        watcher.watch([loader.absolutePath])
    }

    /// Rung when a door that stands open has a key by now.
    let doorBell: Bell
    /// Which doors stand open is to be decided anew, though no file that is read has changed.
    private var closesDoors = false

    var state: Reload.State { machine.state }

    /// What is served listens there.
    var listening: [(config: ListenerConfig, socket: ListenerSockets.Bound)] {
        zip(served?.config.listeners ?? [], served?.sockets ?? []).map { (config: $0, socket: $1) }
    }

    /// Generations that have been replaced, and whose last exchange still runs.
    var olderGenerations: Int { census.alive - (served == nil ? 0 : 1) - (next == nil ? 0 : 1) }

    // MARK: - Events

    /// - Parameter answer: called with the outcome of a reload that began no earlier than this call.
    func trigger(_ trigger: Reload.Trigger, answer: ((ReloadReport) -> Void)? = nil) {
        switch machine.state {
        case .building, .resolving, .publishing:
            if let answer { waitingForNext.append(answer) }
        case .idle, .draining, .settling:
            if let answer { waiting.append(answer) }
        }
        perform(machine.triggered(trigger))
    }

    /// A door that stands open has a key by now. What is wrong with a file meanwhile leaves it open: it is
    /// closed as soon as that is mended.
    func closeDoors() {
        doorBell.silence()
        closesDoors = true
        trigger(.file)
    }

    /// The pause between two reads is over.
    func readAgain() { read() }

    /// The resolver's bell has rung.
    func namesAnswered() {
        resolver.takeAnswers()
        scheduleLookups()
        if case .resolving = machine.state, let next, !resolver.isWaiting(for: next.served.endpoints) {
            finishResolving()
        }
    }

    /// `resolve_timeout` is over.
    func resolveTimedOut() {
        if case .resolving = machine.state { finishResolving() }
    }

    func lookUpDueNames() { scheduleLookups() }

    /// A worker has rung.
    func workersMoved() {
        if case .publishing = machine.state, let next, workers.haveAdopted(next.served.generation.number) {
            perform(machine.adopted())
        }
    }

    /// Looks whether older generations have gone; asked whenever control is awake.
    func noteDrained() {
        if !older.isEmpty {
            let alive = census.numbers
            older.removeAll { !alive.contains($0.number) }
        }
        if case .draining = machine.state, census.alive <= 1 { perform(machine.drained()) }
    }

    // MARK: - Actions

    private func perform(_ action: Reload.Action) {
        switch action {
        case .wait: break
        case .read(afterMilliseconds: 0):
            startedAt = headgate_monotonic_ns()
            read()
        case .read(let delay): loop.start(.reread, afterMilliseconds: delay)
        case .reportUnchanged(let trigger): reportUnchanged(trigger)
        case .build(let trigger): build(trigger)
        case .reportFailure(let trigger): reportFailure(trigger)
        case .resolve: resolve()
        case .publish: publish()
        case .closeRemoved(let trigger): finishPublishing(trigger)
        }
    }

    private func read() {
        loop.stop(.reread)
        let paths = served?.inputs.paths ?? [loader.absolutePath]
        var files = InputFiles(reading: paths)
        // Why: `when_unconfigured` is asked anew.
        if case .settling(let trigger, _) = machine.state, !trigger.settles, let served {
            auth.addQuestions(to: &files, served.config)
        }
        if closesDoors { files.asksAnew = true }
        perform(machine.filesRead(files, served: served?.inputs))
    }

    private func build(_ trigger: Reload.Trigger) {
        willBuild()
        closesDoors = false
        let outcome = loader.load()
        isConfigBroken = outcome.loaded == nil
        attempted = outcome.inputs
        let paths = Set(outcome.inputs.paths).union(served?.inputs.paths ?? [])
        if watcher.watch(paths.sorted()), InputFiles(reading: outcome.inputs.paths) != outcome.inputs {
            // Changed between the read and the watch, which nobody would tell us about.
            self.trigger(.file)
        }
        guard let loaded = outcome.loaded else { return fail(outcome.diagnostics) }
        // Why before the sockets: where both fail, whoever asked is told of both.
        let logErrors = AccessLogCheck(loaded, outcome.places).errors()
        let prepared: PreparedSockets
        do throws(SocketFailure) {
            prepared = try prepareSockets(loaded.config, outcome.places)
        } catch { return fail(outcome.diagnostics + [error.diagnostic] + logErrors) }
        compile(loaded, outcome, prepared, logErrors, trigger)
    }

    private func compile(
        _ loaded: LoadedConfig, _ outcome: LoadOutcome, _ prepared: PreparedSockets,
        _ logErrors: [Diagnostic], _ trigger: Reload.Trigger
    ) {
        let auth = self.auth.prepare(loaded, outcome.places, trigger: trigger)
        let limits = self.limits.plans(of: loaded.config)
        let gates = self.gates.gates(of: loaded.config)
        let budgets = self.budgets.budgets(of: loaded.config)
        let keys = self.keys.prepare(loaded, auth)
        let actions = ActionBinder(
            loaded: loaded, auth: auth, hashes: hashes, limits: limits, ledger: workers.ledger,
            keys: keys.compactMapValues(\.chain), models: models)
        var builder = GenerationBuilder(
            loaded: loaded, places: outcome.places, registry: registry, auth: auth, limits: limits,
            gates: gates, budgets: budgets, keys: keys.mapValues(\.plan), actions: actions,
            figures: figures.figures(of: loaded.config, workers: workers.count(loaded.config.process.workers))
        )
        let number = (served?.generation.number ?? numberBefore) + 1
        let socketPlans = prepared.listeners.sockets.map {
            GenerationBuilder.SocketPlan(identity: $0.identity, connections: $0.connections)
        }
        let built = builder.build(number: number, sockets: socketPlans, census: census)
        var diagnostics = outcome.diagnostics + auth.diagnostics + built.diagnostics + logErrors
        guard let generation = built.generation, logErrors.isEmpty, auth.isGood else {
            return giveUp(prepared, auth, diagnostics)
        }
        let usage: UsageSetting
        do throws(UsageProblem) {
            usage = try usageSetting(loaded.config, generation, auth)
        } catch {
            let diagnostic = outcome.places.error([.key("usage")], error.description)
            return giveUp(prepared, auth, diagnostics + [diagnostic])
        }
        var restartWarnings: [Diagnostic] = []
        if let served {
            let comparison = ConfigComparison(
                served: served.config, next: loaded.config, counted: self.limits.served)
            restartWarnings = comparison.restartWarnings(outcome.places)
            diagnostics += comparison.removalWarnings(outcome.places)
            diagnostics += comparison.resetWarnings(outcome.places) + restartWarnings
        }
        var config = loaded.config
        // Why: `process:` of the start stays in force, so that every later change of it is reported again.
        if let served { config.process = served.config.process }
        var snapshot = ConfigSnapshot(loaded, outcome.places.document)
        snapshot.config = config
        next = Next(
            served: Served(
                generation: generation, config: config, snapshot: snapshot, inputs: outcome.inputs,
                endpoints: built.endpoints, sockets: prepared.listeners.sockets,
                admin: adminPort(prepared, loaded), trigger: trigger,
                telemetry: TelemetrySetting(loaded), restartWarnings: restartWarnings,
                authWarnings: auth.warnings),
            prepared: prepared, auth: auth, gates: gates, budgets: budgets, keys: keys, usage: usage,
            diagnostics: diagnostics, places: outcome.places)
        perform(machine.built())
    }

    private func giveUp(
        _ prepared: PreparedSockets, _ auth: AuthSet, _ diagnostics: [Diagnostic]
    ) {
        rollBack(prepared)
        self.auth.discard(auth)
        fail(diagnostics)
    }

    /// Reads what is used up already of the limits by day and month that are new.
    private func usageSetting(
        _ config: GatewayConfig, _ generation: Generation, _ auth: AuthSet
    ) throws(UsageProblem) -> UsageSetting {
        let store = config.usage.flatMap { auth.stores[$0.store] }
        return try usage.prepare(
            store: store?.keeper, measures: generation.limits.flatMap(\.measures),
            within: served == nil ? UsageWriter.startMilliseconds : StoreKeeper.askMilliseconds
        ).get()
    }

    private func resolve() {
        guard let next else { return }
        resolver.admit(next.served.endpoints)
        scheduleLookups()
        let timeout = next.served.config.resolveTimeout.components
        if resolver.isWaiting(for: next.served.endpoints) {
            let milliseconds = timeout.seconds * 1000 + timeout.attoseconds / 1_000_000_000_000_000
            loop.start(.resolveTimeout, afterMilliseconds: Int(milliseconds))
        } else {
            finishResolving()
        }
    }

    private func finishResolving() {
        loop.stop(.resolveTimeout)
        perform(machine.resolved())
    }

    private func publish() {
        guard let next else { return }
        do throws(StartError) {
            try willPublish(next.served)
        } catch {
            publishFailure = error
            return
        }
        commit(next.prepared)
        let listening = next.served.sockets.map {
            ListenerSocket(identity: $0.identity, descriptor: $0.descriptor)
        }
        auth.commit(next.auth)
        keys.commit(next.keys)
        usage.commit(next.usage)
        limits.commit(next.served.config)
        budgets.commit(next.budgets, of: next.served.config)
        for ticket in gates.commit(next.gates, of: next.served.config) {
            workers.mailboxes.tell(ticket, .placeFreed(ticket))
        }
        workers.post(.adopt(next.served.generation, sockets: listening))
        workersMoved()
    }

    private func finishPublishing(_ trigger: Reload.Trigger) {
        guard let next else { return }
        let isFirst = served == nil
        let now = headgate_realtime_ns()
        if let served { older.append(GenerationRecord(served, until: now)) }
        served = next.served
        served?.since = now
        served?.nameWarnings = nameWarnings(next)
        self.next = nil
        closeRemoved()
        workers.post(.reloadEnded)
        health.adopt(next.served.generation.upstreams, next.served.config.upstreams)
        registry.evict()
        auth.retire()
        let config = next.served.config
        let counts =
            "\(counted(config.listeners.count, "listener")), \(counted(config.routes.count, "route")), "
            + counted(config.upstreams.count, "upstream")
        let cause = isFirst ? "" : trigger.rawValue + ", "
        let summary = "generation \(next.served.generation.number): \(counts) (\(cause)\(elapsed()))"
        defaultAdmin.begin(Array(auth.served.stores.values))
        finish(.reloaded, trigger, next.diagnostics + warningsOfNames(), summary)
    }

    private func reportUnchanged(_ trigger: Reload.Trigger) {
        // Why once more: whoever asks is often late, because the watch has seen the file first.
        let warnings =
            (served?.authWarnings ?? []) + (served?.restartWarnings ?? []) + warningsOfNames()
        defaultAdmin.begin(Array(auth.served.stores.values))
        finish(.unchanged, trigger, warnings, "unchanged, still generation \(served?.generation.number ?? 0)")
    }

    private func nameWarnings(_ next: Next) -> [(state: EndpointState, warning: Diagnostic)] {
        var warnings: [(EndpointState, Diagnostic)] = []
        for (config, plan) in zip(next.served.config.upstreams, next.served.generation.upstreams) {
            for (index, endpoint) in plan.endpoints.enumerated() {
                guard let problem = resolver.problem(of: endpoint.state) else { continue }
                let inner: [ConfigStep] = plan.endpoints.count > 1 ? [.key("endpoints"), .index(index)] : []
                let message =
                    "\(endpoint.state.display) does not resolve (\(problem)); requests get 502 until it does"
                let steps = [.key("upstreams"), .key(config.name)] + inner
                warnings.append((endpoint.state, next.places.warning(steps, message)))
            }
        }
        return warnings
    }

    /// Of those that have no address still.
    private func warningsOfNames() -> [Diagnostic] {
        served?.nameWarnings.filter { $0.state.currentAddresses().isEmpty }.map(\.warning) ?? []
    }

    private func fail(_ diagnostics: [Diagnostic]) {
        failure = diagnostics
        perform(machine.buildFailed())
    }

    private func reportFailure(_ trigger: Reload.Trigger) {
        let still = served.map { "still serving generation \($0.generation.number)" } ?? "nothing is served"
        finish(.failed, trigger, failure, still)
    }

    private func finish(
        _ result: ReloadReport.Result, _ trigger: Reload.Trigger, _ diagnostics: [Diagnostic],
        _ summary: String
    ) {
        let outcome = ReloadReport(
            result: result, trigger: trigger, generation: served?.generation.number ?? 0,
            diagnostics: diagnostics,
            at: headgate_realtime_ns(), summary: summary)
        if result == .failed { lastFailure = outcome }
        pendingFailure = result == .failed ? outcome : nil
        report(outcome)
        let answers = waiting
        waiting = waitingForNext
        waitingForNext = []
        for answer in answers { answer(outcome) }
        perform(machine.reported())
        noteDrained()
    }

    private func scheduleLookups() {
        if let delay = resolver.lookUpDue() { loop.start(.refreshNames, afterMilliseconds: delay) }
    }

    private func elapsed() -> String {
        let microseconds = (headgate_monotonic_ns() - startedAt) / 1000
        return microseconds < 10_000
            ? "\(microseconds / 1000).\(microseconds / 100 % 10) ms" : "\(microseconds / 1000) ms"
    }
}

/// `1 route`, `2 routes`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
