/// What cannot work inside one route.
extension Validation {
    func checkRoute(_ route: RouteConfig) {
        let path = Self.path(of: route)
        guard reading.isSound(path), !reading.isFull else { return }
        checkStripPrefix(route, path)
        checkTokens(route)
        checkLimits(of: route)
        warnLiteralSecrets(route, path)
        checkKeyFields(route, path)
        checkBodyKeys(route, path)
        switch route.action {
        case .respond, .action:
            let own = reading.node(at: .key(path, "action")) == nil ? "respond" : "action"
            for key in ["strip_prefix", "add_prefix", "request_headers", "timeouts"] {
                let place = ConfigPath.key(path, key)
                guard reading.node(at: place) != nil else { continue }
                let message = "`\(place.text)` has no effect beside `\(own)`"
                reading.note(
                    .warning, message, hint: "remove it", at: reading.keySpan(of: place), path: place)
            }
            if case .action(let action) = route.action { checkAction(action, route) }
        case .upstream, .models:
            guard reading.node(at: .key(path, "timeouts")) != nil else { return }
            for name in upstreamNames(of: route) {
                guard let timeouts = upstreams[name]?.timeouts else { continue }
                checkClocks(timeouts.overridden(by: route.timeouts), at: .key(path, "timeouts"))
            }
        }
    }

    private func checkStripPrefix(_ route: RouteConfig, _ path: ConfigPath) {
        guard let prefix = route.stripPrefix, !Self.canBegin(with: prefix, route.path) else { return }
        let place = ConfigPath.key(path, "strip_prefix")
        let message = "`\(place.text)` can never apply: no path that this route matches begins with it"
        reading.note(.error, message, at: reading.span(of: place), path: place)
    }

    /// Whether a path that the pattern matches is `prefix` or lies below it.
    static func canBegin(with prefix: String, _ pattern: PathConfig) -> Bool {
        let below = prefix + "/"
        switch pattern {
        case .exact(let path): return path == prefix || path.hasPrefix(below)
        case .prefix(let start): return start.hasPrefix(below) || below.hasPrefix(start)
        case .subtree(let base):
            return base == prefix || base.hasPrefix(below) || prefix.hasPrefix(base + "/")
        }
    }

    /// Fields that carry nothing but credentials. Why fewer than what is masked: `Idempotency-Key` is no
    /// secret, and a warning must be right.
    private static let credentialFields: Set<String> = [
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
        "set-cookie",
    ]

    private func warnLiteralSecrets(_ route: RouteConfig, _ path: ConfigPath) {
        let set = ConfigPath.key(.key(path, "request_headers"), "set")
        for assignment in route.requestHeaders.set {
            guard Self.credentialFields.contains(ASCII.lowercased(assignment.name)) else { continue }
            warnLiteral(assignment.value, at: .key(set, assignment.name))
        }
    }
}

extension UpstreamTimeoutsConfig {
    /// The clocks of a route: its own, else the upstream's.
    func overridden(by route: RouteTimeoutsConfig) -> UpstreamTimeoutsConfig {
        UpstreamTimeoutsConfig(
            connect: route.connect ?? connect, firstByte: route.firstByte ?? firstByte,
            idle: route.idle ?? idle,
            total: route.total ?? total)
    }
}
