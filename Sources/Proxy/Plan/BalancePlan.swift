/// How an upstream chooses among its endpoints.
struct BalancePlan: Sendable, Equatable {
    enum Method: Sendable, Equatable {
        /// In turn, by weight.
        case roundRobin
        /// Of two that are drawn by weight the one with fewer requests outstanding for its weight.
        case leastLoaded
        /// The same endpoint for the same caller (or whatever the parts say), as long as it is there: others
        /// keep theirs when one comes or goes (rendezvous hashing).
        case hash(LimitSubjectParts)
    }
    var method = Method.roundRobin
}

/// When an endpoint is left out for a while.
struct HealthPlan: Sendable, Equatable {
    /// Failures in a row after which it is ejected; 0: never.
    var failuresMax: UInt32 = 5
    /// Nanoseconds of the first ejection; each further one in a row takes twice as long.
    var ejection: UInt64 = 10_000_000_000
    var ejectionMax: UInt64 = 300_000_000_000
    /// Nanoseconds in which an endpoint that comes back is given more and more; 0: all at once.
    var slowStart: UInt64 = 0
}
