/// Chooses an upstream's next endpoint, for one worker. Each generation begins anew.
final class Balancer {
    init(endpoints: Int, worker: Int) {}

    /// Endpoints that an exchange has tried; those from the 64th on are not told apart.
    struct Tried: Equatable {
        private var bits: UInt64 = 0
        mutating func insert(_ endpoint: Int) { bits |= 1 << UInt64(min(endpoint, 63)) }
        func contains(_ endpoint: Int) -> Bool { bits & 1 << UInt64(min(endpoint, 63)) != 0 }
        var isEmpty: Bool { bits == 0 }
    }

    /// - Parameters:
    ///   - hash: of whom it is for; counts with `balance: hash`.
    ///   - random: 64 random bits.
    /// - Returns: nil: all were tried. Where none is available, one that is not: an upstream that seems dead
    ///   is asked all the same.
    func pick(_ plan: UpstreamPlan, hash: UInt64, tried: Tried, now: UInt64, random: UInt64) -> Int? {
        plan.endpoints.indices.first { !tried.contains($0) }
    }
}

extension UpstreamPlan {
    /// Some endpoint is neither ejected nor cooling down. Where one is not, `first_of` tries the next.
    func isAvailable(now: UInt64) -> Bool { endpoints.contains { $0.state.health.isAvailable(now: now) } }
}
