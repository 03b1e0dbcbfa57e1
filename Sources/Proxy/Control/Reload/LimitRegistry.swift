import Config

/// Gives a limit the same windows in every generation, so that a reload never refills: not even one that
/// changes how much the limit admits.
final class LimitRegistry {
    private struct Identity: Hashable {
        let name: String
        let subject: LimitConfig.Subject
    }

    private var windows: [Identity: RequestWindows] = [:]

    /// Changes nothing that is served.
    func limits(of config: GatewayConfig) -> [String: RateLimit] {
        var limits: [String: RateLimit] = [:]
        for limit in config.limits {
            let known = windows[Identity(name: limit.name, subject: limit.by)]
            limits[limit.name] = RateLimit(
                name: limit.name, subject: RateLimit.Subject(limit.by), requestsMax: limit.requestsPerMinute,
                windowNanoseconds: 60_000_000_000, windows: known ?? RequestWindows())
        }
        return limits
    }

    /// The generation with these is about to be served: later ones share their windows.
    func commit(_ limits: [String: RateLimit], of config: GatewayConfig) {
        windows = [:]
        for limit in config.limits {
            windows[Identity(name: limit.name, subject: limit.by)] = limits[limit.name]?.windows
        }
    }
}
