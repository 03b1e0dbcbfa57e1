/// What cannot work between a route and the limits that it lists.
extension Validation {
    /// Numbers that one request may be counted by: the data plane holds no more.
    static let measuresMax = 16

    func checkLimits(of route: RouteConfig) {
        let path = Self.path(of: route)
        checkInspection(route, .key(path, "inspect_body"))
        guard reading.isSound(.key(path, "limits")) else { return }
        var listed: [LimitConfig] = []
        for (index, name) in route.limits.enumerated() {
            guard let limit = limits[name], reading.isSound(.key(.key(.root, "limits"), name)) else {
                continue
            }
            listed.append(limit)
            if !reading.isFull { checkEffect(limit, route, index) }
        }
        checkCount(listed, route)
        if listed.count == route.limits.count { warnWithoutEffect(listed, route) }
    }

    private func warnWithoutEffect(_ listed: [LimitConfig], _ route: RouteConfig) {
        let path = Self.path(of: route)
        if listed.isEmpty, reading.isSound(.key(path, "auth")), reading.isSound(.key(.root, "auth")),
            !hasOwnLimits(route)
        {
            warn(.key(path, "rate_limit_headers"), "there is no limit to tell of")
        }
        switch route.action {
        case .models: break
        case .upstream:
            guard reading.isSound(.key(.root, "auth")), !listed.contains(where: \.looksIntoBodies),
                !route.auth.contains(where: { auth[$0]?.mode.mayNameModels ?? false }),
                !looksIntoBodies(route)
            else { return }
            warn(.key(path, "inspect_body"), "nothing of the route goes by what stands in a body")
        case .respond, .action: warn(.key(path, "inspect_body"), "no upstream answers there")
        }
    }

    /// For another reason than limits and callers' models.
    private func looksIntoBodies(_ route: RouteConfig) -> Bool {
        if route.defaultModel != nil || route.defaultTemperature != nil || route.transform != .none {
            return true
        }
        return upstreamNames(of: route).contains { name in
            guard let upstream = upstreams[name] else { return false }
            if case .hash(let subjects) = upstream.balance, subjects.contains(.model) { return true }
            return upstream.key?.chain?.store != nil
        }
    }

    private func warn(_ place: ConfigPath, _ reason: String) {
        guard reading.node(at: place) != nil, reading.isSound(place), !reading.isFull else { return }
        let message = "`\(place.text)` has no effect: \(reason)"
        reading.note(.warning, message, hint: "remove it", at: reading.keySpan(of: place), path: place)
    }

    /// Callers of the route may have a limit of their own.
    private func hasOwnLimits(_ route: RouteConfig) -> Bool {
        route.auth.contains { auth[$0]?.mode.mayLimitCallers ?? false }
    }

    private func checkInspection(_ route: RouteConfig, _ place: ConfigPath) {
        guard reading.isSound(.key(.root, "process")), route.inspectBodyMax > config.process.bodyMemoryBytes
        else { return }
        let message = "`\(place.text)` is more than `process.body_memory`: no such body could ever be held"
        reading.note(.error, message, at: reading.span(of: place), path: place)
    }

    /// Tokens, money, models and upstreams are there only where an upstream answers.
    private func checkEffect(_ limit: LimitConfig, _ route: RouteConfig, _ index: Int) {
        if route.action.proxies { return }
        let subject = limit.by.first { $0 == .upstream || $0 == .model }
        let number = limit.numbers.first { $0.key.unit == .tokens || $0.key.unit == .money }
        guard let what = subject.map({ "`by: \($0.rawValue)`" }) ?? number.map({ "`\($0.key.rawValue)`" })
        else {
            return
        }
        let place = reading.entryPath(.key(Self.path(of: route), "limits"), index)
        let message =
            "\(what) of limit `\(limit.name)` counts nothing on routes[\(route.index)]: no upstream answers there"
        reading.note(
            .error, message, hint: "list another limit", at: reading.span(of: place), path: place)
    }

    private func checkCount(_ limits: [LimitConfig], _ route: RouteConfig) {
        var count = limits.reduce(0) { $0 + $1.numbers.count }
        let givesWay = limits.contains { $0.givesWayToOwn && $0.number(.requestsPerMinute) != nil }
        let hasOwn = hasOwnLimits(route)
        if hasOwn, !givesWay { count += 1 }
        guard count > Self.measuresMax else { return }
        let place = ConfigPath.key(Self.path(of: route), "limits")
        let own = hasOwn && !givesWay ? ", callers' own included" : ""
        let message =
            "the limits of routes[\(route.index)] come to \(count) numbers\(own); at most \(Self.measuresMax) are "
            + "counted for one request"
        reading.note(.error, message, at: reading.span(of: place), path: place)
    }
}

extension LimitConfig {
    /// The body of a request decides what is reserved, or whose count it is.
    fileprivate var looksIntoBodies: Bool { countsTokens || countsMoney || by.contains(.model) }
}

extension AuthConfig.Mode {
    /// Its callers can have a limit of their own.
    fileprivate var mayLimitCallers: Bool {
        switch self {
        case .none, .envKey, .tokenFile: false
        case .jwt(let jwt): jwt.limitClaim != nil
        case .userKeys: true
        }
    }

    /// Its callers can be bound to certain models.
    fileprivate var mayNameModels: Bool {
        switch self {
        case .none, .envKey, .tokenFile: false
        case .jwt(let jwt): jwt.modelsClaim != nil
        case .userKeys: true
        }
    }
}
