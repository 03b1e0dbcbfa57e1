/// Bounds the share of an upstream's requests that are repetitions, so that trouble is not multiplied. One
/// for all workers; outlives generations.
final class RetryBudget: Sendable {
    init(percent: Int) {}

    /// Control: another `retry.budget` from now on.
    func setPercent(_ percent: Int) {}

    /// Worker: a request comes to the upstream for the first time.
    func noteRequest() {}

    /// Worker: a repetition wants to go to the upstream.
    /// - Returns: false where there were too many.
    func take(now: UInt64) -> Bool { true }
}
