import Synchronization

/// A named group of endpoints with one policy, in one generation.
final class UpstreamPlan: Sendable {
    let name: String
    let nameText: PlanText
    /// This upstream in limits by upstream.
    let subject: LimitSubject
    let endpoints: [EndpointPlan]
    let timeouts: UpstreamTimeouts
    /// Forward the client's `Host` instead of the endpoint's authority.
    let preservesHost: Bool
    /// Bounds the exchanges that are here at once; nil: nothing does.
    let gate: UpstreamGate?
    /// Nanoseconds that an exchange may wait for a place.
    let queueTimeout: UInt64
    let balance: BalancePlan
    let health: HealthPlan
    let retry: RetryPlan
    let retryBudget: RetryBudget
    /// nil: requests go without a key, but for what the route's `request_headers` say.
    let key: KeyPlan?
    /// What was used here; outlives the generation. nil: nobody counts.
    let figures: UpstreamFigures?

    init(
        name: String, endpoints: [EndpointPlan], timeouts: UpstreamTimeouts, preservesHost: Bool,
        gate: UpstreamGate?, queueTimeout: UInt64, balance: BalancePlan = BalancePlan(),
        health: HealthPlan = HealthPlan(), retry: RetryPlan = RetryPlan(),
        retryBudget: RetryBudget = RetryBudget(percent: 20), key: KeyPlan? = nil,
        figures: UpstreamFigures? = nil
    ) {
        self.name = name
        nameText = PlanText(name)
        subject = LimitSubject(name: name)
        self.endpoints = endpoints
        self.timeouts = timeouts
        self.preservesHost = preservesHost
        self.gate = gate
        self.queueTimeout = queueTimeout
        self.balance = balance
        self.health = health
        self.retry = retry
        self.retryBudget = retryBudget
        self.key = key
        self.figures = figures
    }
}

/// One address of an upstream. `state` outlives the generation: an unchanged endpoint is the same object
/// after a reload.
final class EndpointPlan: Sendable {
    let state: EndpointState
    /// `host[:port]` for the `Host` field, the port left out where it is the scheme's default.
    let authority: [UInt8]
    /// Path of `url` without a trailing slash; empty for none.
    let basePath: [UInt8]
    /// `basePath` ends in `/v1`: a request path that begins with `/v1/` (or is `/v1`) then has it once.
    let basePathEndsInV1: Bool
    /// Connections in use at once over all workers. Idle ones are not counted: one worker cannot use
    /// another's.
    let maxConnections: Int
    /// Idle connections kept per worker.
    let maxIdlePerWorker: Int
    /// Nanoseconds an idle connection is kept.
    let idleTimeout: UInt64
    /// Its share among the endpoints of the upstream; at least 1.
    let weight: Int

    init(
        state: EndpointState, authority: [UInt8], basePath: [UInt8], basePathEndsInV1: Bool,
        maxConnections: Int, maxIdlePerWorker: Int, idleTimeout: UInt64, weight: Int = 1
    ) {
        self.state = state
        self.authority = authority
        self.basePath = basePath
        self.basePathEndsInV1 = basePathEndsInV1
        self.maxConnections = maxConnections
        self.maxIdlePerWorker = maxIdlePerWorker
        self.idleTimeout = idleTimeout
        self.weight = weight
    }
}

/// What is known of an endpoint for as long as any generation names it. Shared by all workers.
///
/// Identity: scheme, host, port and TLS settings. Owned by `EndpointRegistry` in control.
final class EndpointState: Sendable {
    /// Unique for the life of the process.
    let id: Int
    /// `https://host:443`, for logs and `status`.
    let display: String
    let displayText: PlanText
    let tls: TLSClientContext?
    /// Open connections over all workers, idle ones included, for `status`.
    let connectionCount = Atomic<Int>(0)
    /// Those of them that serve an exchange; the bound is `EndpointPlan.maxConnections`.
    let leasedCount = Atomic<Int>(0)
    let health = EndpointHealth()
    /// Exchanges that this endpoint answered or failed, for `status`.
    let exchangeCount = Atomic<UInt64>(0)
    let failureCount = Atomic<UInt64>(0)
    /// Last refusal of the endpoint's certificate, an `X509_V_ERR_…` code; 0 for none yet.
    let lastUntrusted = Atomic<Int>(0)
    private let addresses: Mutex<[SocketAddress]>
    /// Grows with each `publish`, so that a worker re-reads `addresses` only after a change.
    let addressVersion = Atomic<UInt64>(0)

    init(id: Int, display: String, tls: TLSClientContext?) {
        self.id = id
        self.display = display
        displayText = PlanText(display)
        self.tls = tls
        self.addresses = Mutex([])
    }

    /// Control: the name resolved to these. An empty list means unresolved: requests get 502
    /// `upstream_unresolved`.
    func publish(_ resolved: [SocketAddress]) {
        let changed = addresses.withLock { current in
            guard current != resolved else { return false }
            current = resolved
            return true
        }
        if changed { addressVersion.add(1, ordering: .releasing) }
    }

    func noteUntrusted(_ code: Int) { lastUntrusted.store(code, ordering: .relaxed) }

    /// Workers: taken when `addressVersion` has moved, never per request.
    func currentAddresses() -> [SocketAddress] { addresses.withLock { $0 } }
}

/// Nanoseconds each; 0 means no limit.
struct UpstreamTimeouts: Sendable, Equatable {
    var connect: UInt64
    /// From the request sent whole (or the body paused by us) to the response head.
    var firstByte: UInt64
    /// Between two pieces of a response body, while we are willing to read.
    var idle: UInt64
    /// The whole exchange. Off by default: streams have no natural end.
    var total: UInt64

    static let off = UpstreamTimeouts(connect: 0, firstByte: 0, idle: 0, total: 0)
}
