import Config
import JSON

/// Compiles a checked configuration into what the data plane obeys: the one place that knows both.
struct GenerationBuilder {
    let loaded: LoadedConfig
    let places: DiagnosticPlaces
    let registry: EndpointRegistry
    let auth: AuthSet
    /// By name.
    let limits: [String: LimitPlan]
    /// By the upstream's name; of those that have one.
    let gates: [String: UpstreamGate]
    /// By the upstream's name.
    let budgets: [String: RetryBudget]
    /// By the upstream's name; of those that have one.
    let keys: [String: KeyPlan]
    /// nil: there is nobody to answer, for `check`.
    let actions: ActionBinder?
    /// nil: nobody counts, for `check`.
    let figures: FigureSet?
    private var diagnostics: [Diagnostic] = []
    private var entries: [EndpointRegistry.Entry] = []
    /// Indices by name.
    private let upstreams: [String: Int]
    /// Those entries of `models` that say where to lead there alone, and rename nothing.
    private var onlyUpstream: Int?
    /// The last one that was made. Why: routes mostly leave the upstreams their clocks, and can share it.
    private var modelRoute: (timeouts: RouteTimeoutsConfig, plan: ModelRoutePlan)?

    struct Outcome {
        /// nil: `diagnostics` holds at least one error.
        let generation: Generation?
        /// Endpoints of this generation, once each.
        let endpoints: [EndpointRegistry.Entry]
        let diagnostics: [Diagnostic]
    }

    init(
        loaded: LoadedConfig, places: DiagnosticPlaces, registry: EndpointRegistry, auth: AuthSet,
        limits: [String: LimitPlan], gates: [String: UpstreamGate], budgets: [String: RetryBudget],
        keys: [String: KeyPlan], actions: ActionBinder?, figures: FigureSet? = nil
    ) {
        self.figures = figures
        self.loaded = loaded
        self.places = places
        self.registry = registry
        self.auth = auth
        self.limits = limits
        self.gates = gates
        self.budgets = budgets
        self.keys = keys
        upstreams = Dictionary(
            loaded.config.upstreams.enumerated().map { ($0.element.name, $0.offset) },
            uniquingKeysWith: { first, _ in first })
        self.actions = actions
    }

    /// What a plan has to know of the socket that outlives it.
    struct SocketPlan {
        let identity: ListenerIdentity
        let connections: ConnectionCount
    }

    /// - Parameter sockets: in the order of the configuration's listeners.
    mutating func build(number: UInt64, sockets: [SocketPlan], census: GenerationCensus) -> Outcome {
        let config = loaded.config
        let models = config.models.map { ModelPlan($0, upstreams: upstreams) }
        let routed = zip(config.models, models).filter { $0.isRefused || !$1.targets.isEmpty }.map(\.1)
        let refusesSome = config.models.contains { $0.isRefused }
        onlyUpstream = refusesSome ? nil : ModelRoutePlan.onlyUpstream(of: routed)
        let plans = config.upstreams.map { upstream($0) }
        let listeners = zip(config.listeners, sockets).map { listener($0, $1) }
        let routes = config.routes.map { route($0) }
        guard !diagnostics.contains(where: { $0.severity == .error }) else {
            return Outcome(generation: nil, endpoints: [], diagnostics: diagnostics)
        }
        let generation = Generation(
            number: number, listeners: listeners, routes: RouteTable(routes: routes), upstreams: plans,
            models: ModelTable(models), modelRoutes: ModelTable(routed),
            limits: config.limits.compactMap { limits[$0.name] },
            recordsUsage: config.usage != nil, trustedProxies: config.trustedProxies.map(AddressRange.init),
            logsAccess: config.accessLog != nil,
            routeFigures: figures?.allRoutes ?? [], unrouted: figures?.unrouted,
            telemetry: config.telemetry.map { TelemetryPlan(percent: $0.samplePercent) },
            census: census)
        return Outcome(generation: generation, endpoints: entries, diagnostics: diagnostics)
    }

    /// Everything but what needs sockets, for `check` and `plan`.
    mutating func check() -> [Diagnostic] {
        let census = GenerationCensus()
        let sockets = loaded.config.listeners.indices.map {
            SocketPlan(identity: ListenerIdentity(rawValue: $0), connections: ConnectionCount())
        }
        return build(number: 0, sockets: sockets, census: census).diagnostics
    }

    // MARK: - Listeners and upstreams

    private func listener(_ config: ListenerConfig, _ socket: SocketPlan) -> ListenerPlan {
        ListenerPlan(
            name: config.name, nameText: PlanText(config.name), identity: socket.identity,
            allow: config.allow.map(AddressRange.init), maxConnections: config.maxConnections,
            connections: socket.connections,
            headLimits: HeadLimits(maxBytes: config.maxHeadBytes, maxFields: config.maxFields),
            timeouts: ListenerTimeouts(
                head: nanoseconds(config.timeouts.head), body: nanoseconds(config.timeouts.body),
                clientIdle: nanoseconds(config.timeouts.clientIdle),
                keepAlive: nanoseconds(config.timeouts.keepAlive)),
            allowsHalfClose: config.allowsHalfClose)
    }

    private mutating func upstream(_ config: UpstreamConfig) -> UpstreamPlan {
        let authorities = config.tls.ca.flatMap { loaded.authorities[$0] }
        var endpoints: [EndpointPlan] = []
        for wanted in config.endpoints {
            do throws(TLSContexts.Failure) {
                let entry = try registry.entry(for: wanted.url, tls: config.tls, authorities: authorities)
                if !entries.contains(where: { $0.state === entry.state }) { entries.append(entry) }
                endpoints.append(endpoint(wanted, entry.state, config))
            } catch {
                let path: [ConfigStep] = [.key("upstreams"), .key(config.name), .key("tls"), .key("ca")]
                let message = config.tls.ca.map { "\($0): \(error.message)" } ?? error.message
                diagnostics.append(places.error(path, message))
                break
            }
        }
        return UpstreamPlan(
            name: config.name, endpoints: endpoints, timeouts: UpstreamTimeouts(config.timeouts),
            preservesHost: config.preservesHost, gate: gates[config.name],
            queueTimeout: nanoseconds(config.queue.timeout), balance: BalancePlan(config.balance),
            health: HealthPlan(config.health), retry: RetryPlan(config.retry),
            retryBudget: budgets[config.name] ?? RetryBudget(percent: config.retry.budgetPercent),
            key: keys[config.name], figures: figures?.upstreams[config.name])
    }

    private func endpoint(_ wanted: EndpointConfig, _ state: EndpointState, _ config: UpstreamConfig)
        -> EndpointPlan
    {
        EndpointPlan(
            state: state, authority: Array(wanted.url.authority.utf8),
            basePath: Array(wanted.url.basePath.utf8),
            basePathEndsInV1: wanted.url.basePath.hasSuffix("/v1"), maxConnections: config.maxConnections,
            maxIdlePerWorker: config.keepAlive.maxIdle, idleTimeout: nanoseconds(config.keepAlive.idle),
            weight: wanted.weight)
    }

    // MARK: - Routes

    private mutating func route(_ config: RouteConfig) -> RoutePlan {
        let label = config.label
        return RoutePlan(
            match: match(config), auth: auth.plans(of: config),
            limits: config.limits.compactMap { limits[$0] },
            rateLimitFields: RateLimitFieldStyles(config.rateLimitFields),
            inspectBodyMax: Int(config.inspectBodyMax), recordsUsage: loaded.config.usage != nil,
            subject: LimitSubject(name: config.identity), errors: ErrorShape(config.errors),
            errorFooter: footer(config), action: action(config),
            stripPrefix: Array((config.stripPrefix ?? "").utf8),
            addPrefix: Array((config.addPrefix ?? "").utf8),
            requestHeaders: edits(
                config.requestHeaders, at: [.key("routes"), .index(config.index), .key("request_headers")]),
            responseHeaders: edits(
                config.responseHeaders, at: [.key("routes"), .index(config.index), .key("response_headers")]),
            maxBodyBytes: config.maxBodyBytes ?? .max, cors: config.cors.map(CORSPolicy.init),
            defaults: BodyDefaults(config), transform: BodyTransform(config.transform),
            streamErrorEnd: StreamErrorEnd(config.streamErrorEnd),
            figures: figures?.routes[config.index], label: label, labelText: PlanText(label))
    }

    private func match(_ config: RouteConfig) -> RouteMatch {
        let listeners = config.listeners.compactMap { name in
            loaded.config.listeners.firstIndex { $0.name == name }
        }
        let headers = config.headers.map {
            HeaderCondition(name: lowercasedBytes($0.name), value: $0.value.map { Array($0.utf8) })
        }
        return RouteMatch(
            listeners: listeners, host: HostPattern(config.host), path: PathPattern(config.path),
            methods: MethodSet(names: config.methods), headers: headers)
    }

    private func footer(_ config: RouteConfig) -> [UInt8] {
        guard let text = config.errorFooter else { return [] }
        var json = JSONWriter()
        json.value(text)
        return json.bytes
    }

    private mutating func action(_ config: RouteConfig) -> RouteAction {
        switch config.action {
        case .respond(let response): return .respond(FixedResponse(response))
        case .action(let action):
            let answerer: Answerer = actions?.bind(action, config) ?? Answerer()
            return .action(ActionPlan(name: action.name, answerer: answerer))
        case .upstream(let name):
            guard let index = upstreams[name] else {
                preconditionFailure("the config has checked that upstream \(name) is defined")
            }
            let timeouts = UpstreamTimeouts(
                loaded.config.upstreams[index].timeouts, overriddenBy: config.timeouts)
            return .proxy(upstream: index, timeouts: timeouts)
        case .models: return .models(modelRoute(config.timeouts))
        }
    }

    private mutating func modelRoute(_ own: RouteTimeoutsConfig) -> ModelRoutePlan {
        if let last = modelRoute, last.timeouts == own { return last.plan }
        let timeouts = loaded.config.upstreams.map { UpstreamTimeouts($0.timeouts, overriddenBy: own) }
        let plan = ModelRoutePlan(timeouts: timeouts, onlyUpstream: onlyUpstream)
        modelRoute = (own, plan)
        return plan
    }

    private mutating func edits(_ config: HeaderEditsConfig, at path: [ConfigStep]) -> HeaderEdits {
        var assignments: [HeaderEdits.Assignment] = []
        for assignment in config.set {
            let value = loaded.secret(assignment.value).reveal()
            guard isFieldValue(value) else {
                let message = "the value holds a line break or another control character"
                diagnostics.append(places.error(path + [.key("set"), .key(assignment.name)], message))
                continue
            }
            let line = Array(assignment.name.utf8) + Array(": ".utf8) + value + [0x0D, 0x0A]
            assignments.append(.init(name: lowercasedBytes(assignment.name), line: line))
        }
        return HeaderEdits(assignments: assignments, removals: config.remove.map(lowercasedBytes))
    }

}

/// RFC 9110 §5.5: no CR, LF, NUL or other control except the tab; nothing blank at the ends is kept by a
/// receiver.
func isFieldValue(_ bytes: [UInt8]) -> Bool {
    bytes.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
}

func lowercasedBytes(_ text: String) -> [UInt8] {
    text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
}

/// nil (off) is 0, which means no limit in plans.
func nanoseconds(_ duration: Duration?) -> UInt64 {
    guard let duration, duration > .zero else { return 0 }
    let (seconds, attoseconds) = duration.components
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    // Why at least 1: a tiny duration must not become "no limit".
    return overflow ? .max : max(1, product + UInt64(attoseconds / 1_000_000_000))
}
