/// What exchanges do about traces. A generation without one passes `traceparent` on as it came.
struct TelemetryPlan: Equatable, Sendable {
    /// Of 2^63 as many random numbers.
    private let sampledBelow: UInt64

    /// - Parameter percent: of the traces that begin here, 0 to 100.
    init(percent: Int) {
        sampledBelow = percent >= 100 ? 1 << 63 : (1 << 63) / 100 * UInt64(max(0, percent))
    }

    /// - Parameter traceLow: the lower half of the id of a trace that begins here: a random number.
    @inline(__always)
    func samples(_ traceLow: UInt64) -> Bool { traceLow >> 1 < sampledBelow }
}
