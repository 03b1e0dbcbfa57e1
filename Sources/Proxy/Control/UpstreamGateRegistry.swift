import Config

/// Gives an upstream the same gate in every generation, by its name, so that a reload neither forgets who is
/// there nor loses who waits. Generations own the gates; the registry only remembers them while one does.
final class UpstreamGateRegistry {
    private var gates = Remembered<String, UpstreamGate>()

    /// Of the upstreams with `max_in_flight`. Changes nothing that is served.
    func gates(of config: GatewayConfig) -> [String: UpstreamGate] {
        var found: [String: UpstreamGate] = [:]
        for upstream in config.upstreams {
            guard let bounds = UpstreamGate.Bounds(upstream) else { continue }
            found[upstream.name] = gates[upstream.name] ?? UpstreamGate(bounds)
        }
        return found
    }

    /// The generation with these is about to be served: its bounds hold from now on. An upstream without
    /// `max_in_flight` lets everybody in who still waits; one that is gone goes on by the bounds it had.
    /// - Returns: who has a place because of it, and is to be told.
    func commit(_ served: [String: UpstreamGate], of config: GatewayConfig) -> [Ticket] {
        gates.sweep()
        for (name, gate) in served { gates[name] = gate }
        return config.upstreams.flatMap { upstream in
            gates[upstream.name]?.setBounds(UpstreamGate.Bounds(upstream) ?? .none) ?? []
        }
    }
}

extension UpstreamGate.Bounds {
    /// nil: `max_in_flight` is off.
    fileprivate init?(_ config: UpstreamConfig) {
        guard let inFlightMax = config.maxInFlight else { return nil }
        self.init(inFlightMax: inFlightMax, queuedMax: config.queue.max)
    }
}
