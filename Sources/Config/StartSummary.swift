/// What a start says of its file, for whoever sits at the terminal: who may come in, how much, and where to.
public struct StartSummary: Sendable {
    /// `auth       members (user-keys), open (none)`
    public let lines: [String]

    /// Names of one kind that are told; more are counted.
    static let namesMax = 8

    public init(_ config: GatewayConfig) {
        let used = Set(config.routes.flatMap(\.auth))
        let auth = config.auth.filter { used.contains($0.name) }.map { "\($0.name) (\($0.mode.name))" }
        let limits = Set(config.routes.flatMap(\.limits))
        let numbers = config.limits.filter { limits.contains($0.name) }.map { limit in
            let numbers = limit.numbers.map { "\($0.text) \($0.key.rawValue)" }.joined(separator: ", ")
            return "\(limit.name) (\(numbers) by \(limit.by.map(\.rawValue).joined(separator: ", ")))"
        }
        let upstreams = config.upstreams.map { upstream in
            let urls = upstream.endpoints.map { "\($0.url.scheme.rawValue)://\($0.url.authority)" }
            return "\(upstream.name) (\(Self.listed(urls)))"
        }
        lines = [("auth", auth), ("limits", numbers), ("upstreams", upstreams)].compactMap { title, names in
            guard !names.isEmpty else { return nil }
            return title + String(repeating: " ", count: 11 - title.utf8.count) + Self.listed(names)
        }
    }

    private static func listed(_ names: [String]) -> String {
        let more = names.count - namesMax
        return names.prefix(namesMax).joined(separator: ", ") + (more > 0 ? ", and \(more) more" : "")
    }
}

extension LimitConfig.Number {
    /// As a person would write it.
    fileprivate var text: String {
        switch key {
        case .usdPerDay, .usdPerMonth: Amounts.written(nanoUSD: max)
        case .requestsPerSecond, .requestsPerMinute, .requestsPerHour, .requestsPerDay, .burst,
            .tokensPerMinute, .tokensPerHour, .tokensPerDay, .concurrent:
            String(max)
        }
    }
}
