/// Relations between entries: names resolve, everything defined is used, nothing contradicts.
///
/// A check looks only at what was read without an error, so that one mistake gives one message.
struct Validation {
    let config: GatewayConfig
    let reading: Reading
    let upstreams: [String: UpstreamConfig]
    /// Names of the upstreams that entries of `models` lead to, each once.
    let modelUpstreams: [String]
    let auth: [String: AuthConfig]
    let limits: [String: LimitConfig]
    /// Entries of `auth` that a route lists.
    let usedAuth: Set<String>
    /// Stores whose sessions a route takes.
    let sessionStores: Set<String>
    /// Listeners that others than this machine can reach, in file order.
    let exposed: [String]
    let exposedSet: Set<String>

    init(_ config: GatewayConfig, _ reading: Reading) {
        self.config = config
        self.reading = reading
        upstreams = Dictionary(
            config.upstreams.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        modelUpstreams = config.models.flatMap { $0.targets.map(\.upstream) }.filter {
            seen.insert($0).inserted
        }
        auth = Dictionary(config.auth.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        limits = Dictionary(config.limits.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        usedAuth = Set(config.routes.flatMap(\.auth))
        let used = usedAuth
        sessionStores = Set(
            config.auth.filter { $0.mode.acceptsSessions && used.contains($0.name) }.compactMap(\.mode.store))
        exposed = Self.exposed(config, reading)
        exposedSet = Set(exposed)
    }

    func run() {
        checkReferences()
        checkUnused()
        checkBinds()
        checkOpenAccess()
        checkStores()
        checkAuth()
        checkUpstreams()
        checkUpstreamKeys()
        checkModels()
        checkLimits()
        for route in config.routes { checkRoute(route) }
        RouteReach(config, reading).check()
    }

    /// Names of upstreams that may answer on a route.
    func upstreamNames(of route: RouteConfig) -> [String] {
        switch route.action {
        case .upstream(let name): [name]
        case .models: modelUpstreams
        case .respond, .action: []
        }
    }

    func usesVariable(at path: ConfigPath) -> Bool {
        reading.node(at: path).map(reading.usesVariable) ?? false
    }

    static func path(of route: RouteConfig) -> ConfigPath { .index(.key(.root, "routes"), route.index) }
}
