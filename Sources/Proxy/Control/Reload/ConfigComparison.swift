import Config

/// What a person should be told about the step from one configuration to the next.
struct ConfigComparison {
    let served: GatewayConfig
    let next: GatewayConfig
    /// Identities of the numbers of `limits` that were ever served (`LimitRegistry.served`): what they
    /// counted may be there still.
    let counted: Set<String>

    /// An edit that takes away most of what is served is often an accident.
    func removalWarnings(_ places: DiagnosticPlaces) -> [Diagnostic] {
        var warnings: [Diagnostic] = []
        let kept = Set(next.listeners.map(\.bind))
        if !served.listeners.isEmpty, !served.listeners.contains(where: { kept.contains($0.bind) }) {
            let message = "this edit removes every listener that was served (\(served.listeners.count))"
            warnings.append(places.warning([.key("listeners")], message))
        }
        let routes = Set(next.routes.map(\.identity))
        let removed = served.routes.count { !routes.contains($0.identity) }
        if removed * 2 > served.routes.count {
            let message = "this edit removes \(removed) of the \(served.routes.count) routes that were served"
            warnings.append(places.warning([.key("routes")], message))
        }
        return warnings
    }

    /// A limit with another name, `by` or `tokens` is another limit, which is easily overlooked: each number
    /// by hour, day or month that begins anew, where the edit takes another away in exchange.
    func resetWarnings(_ places: DiagnosticPlaces) -> [Diagnostic] {
        let kept = LimitRegistry.identities(of: next)
        let lost = served.limits.flatMap { limit in
            limit.numbers.map(\.key).filter { !kept.contains(LimitRegistry.identity($0, limit)) }
                .map { (limit: limit, key: $0) }
        }
        guard !lost.isEmpty else { return [] }
        let (names, nextNames) = (Set(served.limits.map(\.name)), Set(next.limits.map(\.name)))
        let isOneGone = !names.isSubset(of: nextNames)
        var warnings: [Diagnostic] = []
        for limit in next.limits {
            for key in limit.numbers.map(\.key) where key.isWorthTelling {
                guard !counted.contains(LimitRegistry.identity(key, limit)),
                    lost.contains(where: { $0.key == key || $0.limit.name == limit.name })
                        || isOneGone && !names.contains(limit.name)
                else { continue }
                let steps: [ConfigStep] = [.key("limits"), .key(limit.name), .key(key.rawValue)]
                let message = "begins to count from zero, as \(reason(limit, key))"
                warnings.append(places.warning(steps, message))
            }
        }
        return warnings
    }

    private func reason(_ limit: LimitConfig, _ key: LimitConfig.Key) -> String {
        guard let before = served.limits.first(where: { $0.name == limit.name && $0.by == limit.by }) else {
            return "nothing was counted by this name and `by` before"
        }
        let hasNumber = before.number(key) != nil
        return hasNumber ? "nothing was counted by these `tokens` before" : "this number is new"
    }

    /// What waits for a restart: one warning for each key of `process:` that differs.
    func restartWarnings(_ places: DiagnosticPlaces) -> [Diagnostic] {
        restartKeys.map {
            places.warning([.key("process"), .key($0)], "the change needs a restart and is not in force")
        }
    }

    /// Keys of `process:` that differ.
    var restartKeys: [String] {
        let keys = [
            ("workers", served.process.workers != next.process.workers),
            ("admin", served.process.admin != next.process.admin),
            ("drain_timeout", served.process.drainTimeout != next.process.drainTimeout),
            ("body_memory", served.process.bodyMemoryBytes != next.process.bodyMemoryBytes),
        ]
        return keys.filter(\.1).map(\.0)
    }
}

extension LimitConfig.Key {
    /// What counts for less is whole again before anybody has read of it.
    fileprivate var isWorthTelling: Bool {
        switch LimitMeasure.Period(self) {
        case .hour, .day, .month: true
        case .second, .minute, .none: false
        }
    }
}
