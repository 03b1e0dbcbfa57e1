import Synchronization

/// One configuration, compiled and numbered: what the data plane obeys. Immutable. An exchange pins the one
/// that it began with; when the last pin goes, the generation goes, and `GenerationCensus` counts that.
final class Generation: Sendable {
    let number: UInt64
    let listeners: [ListenerPlan]
    let routes: RouteTable
    let upstreams: [UpstreamPlan]
    let models: ModelTable
    /// Those of them that say where to: for routes with `to: models`.
    let modelRoutes: ModelTable
    /// In file order, those included that no route lists.
    let limits: [LimitPlan]
    /// Usage is written down.
    let recordsUsage: Bool
    /// Peers whose forwarded fields are believed.
    let trustedProxies: [AddressRange]
    /// Those of all routes, each once.
    let routeFigures: [RouteFigures]
    /// Of requests that no route takes. nil: nobody counts.
    let unrouted: RouteFigures?
    /// Whether the records of its exchanges are for the access log.
    let logsAccess: Bool
    /// nil: traces are none of our business.
    let telemetry: TelemetryPlan?
    private let census: GenerationCensus

    init(
        number: UInt64, listeners: [ListenerPlan], routes: RouteTable, upstreams: [UpstreamPlan],
        models: ModelTable = .empty, modelRoutes: ModelTable = .empty, limits: [LimitPlan] = [],
        recordsUsage: Bool = false,
        trustedProxies: [AddressRange], logsAccess: Bool = true, routeFigures: [RouteFigures] = [],
        unrouted: RouteFigures? = nil,
        telemetry: TelemetryPlan? = nil, census: GenerationCensus
    ) {
        self.number = number
        self.listeners = listeners
        self.routes = routes
        self.upstreams = upstreams
        self.models = models
        self.modelRoutes = modelRoutes
        self.limits = limits
        self.recordsUsage = recordsUsage
        self.trustedProxies = trustedProxies
        self.routeFigures = routeFigures
        self.unrouted = unrouted
        self.logsAccess = logsAccess
        self.telemetry = telemetry
        self.census = census
        census.appeared(number)
    }

    deinit { census.vanished(number) }
}

/// Counts the generations alive, so that a leak of one shows in `status` and in the tests.
final class GenerationCensus: Sendable {
    private let count = Atomic<Int>(0)
    var alive: Int { count.load(ordering: .acquiring) }
    private let living = Locked<[UInt64]>([])

    /// Those that are alive, in the order in which they came.
    var numbers: [UInt64] { living.withLock { $0 } }

    fileprivate func appeared(_ number: UInt64) {
        living.withLock { $0.append(number) }
        count.add(1, ordering: .acquiringAndReleasing)
    }

    fileprivate func vanished(_ number: UInt64) {
        living.withLock { numbers in
            if let index = numbers.firstIndex(of: number) { numbers.remove(at: index) }
        }
        count.subtract(1, ordering: .acquiringAndReleasing)
    }
}

/// A range of IP addresses (CIDR). IPv4 is held as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2), so that one
/// comparison serves both families.
struct AddressRange: Sendable, Equatable {
    let high: UInt64
    let low: UInt64
    /// 0…128, counted in the mapped form: `10.0.0.0/8` has 104.
    let prefixLength: Int

    func contains(_ address: PeerAddress) -> Bool {
        let highMask: UInt64 =
            prefixLength >= 64 ? .max : prefixLength == 0 ? 0 : ~(UInt64.max >> UInt64(prefixLength))
        let lowBits = prefixLength - 64
        let lowMask: UInt64 = lowBits <= 0 ? 0 : lowBits >= 64 ? .max : ~(UInt64.max >> UInt64(lowBits))
        return (address.high ^ high) & highMask == 0 && (address.low ^ low) & lowMask == 0
    }
}

/// Where a client connects from. A Unix socket has no address: it counts as loopback.
struct PeerAddress: Sendable, Equatable {
    var high: UInt64
    var low: UInt64
    var port: UInt16
    var isUnix: Bool
}
