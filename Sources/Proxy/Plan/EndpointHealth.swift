import Synchronization

/// Whether an endpoint should be asked. Shared by all workers and by control; outlives generations.
final class EndpointHealth: Sendable {
    init() {}

    /// Worker: neither ejected, nor cooling down, nor failing its active check.
    /// - Parameter now: monotonic nanoseconds, as everywhere here.
    func isAvailable(now: UInt64) -> Bool { true }

    /// Worker: it has answered, and not with a failure.
    func succeeded(now: UInt64) {}

    /// Worker: no connection, no answer, one that is no HTTP, or a 5xx.
    func failed(now: UInt64, _ plan: HealthPlan) {}

    /// Worker: it has said itself that it wants to be left alone (`Retry-After`).
    func coolDown(until: UInt64) {}

    /// Control: what an active check has found.
    func checked(isGood: Bool, now: UInt64) {}

    /// Worker: its share of what it would be given, in thousandths, while it starts slowly; at least 1.
    func share(now: UInt64, _ plan: HealthPlan) -> UInt32 { 1000 }
}
