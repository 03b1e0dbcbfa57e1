import Config

/// What a person should be told about the step from one configuration to the next.
struct ConfigComparison {
    let served: GatewayConfig
    let next: GatewayConfig

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

    /// What waits for a restart: one warning for each key of `process:` that differs.
    func restartWarnings(_ places: DiagnosticPlaces) -> [Diagnostic] {
        let keys = [
            ("workers", served.process.workers != next.process.workers),
            ("admin", served.process.admin != next.process.admin),
            ("drain_timeout", served.process.drainTimeout != next.process.drainTimeout),
            ("body_memory", served.process.bodyMemoryBytes != next.process.bodyMemoryBytes),
        ]
        return keys.filter(\.1).map {
            places.warning([.key("process"), .key($0.0)], "the change needs a restart and is not in force")
        }
    }
}
