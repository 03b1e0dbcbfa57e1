import Synchronization

/// Bounds the share of an upstream's requests that are repetitions, so that trouble is not multiplied. One
/// for all workers; outlives generations.
///
/// Each request adds its part of a token, each repetition takes one; some repetitions are free each second,
/// so that an upstream with few requests has any at all. Exact, whoever asks at once.
///
/// Cost: of a request, two relaxed loads where the budget is full: while nothing is repeated.
final class RetryBudget: Sendable {
    struct Figures: Sendable, Equatable {
        var taken: UInt64 = 0
        var refused: UInt64 = 0
    }

    /// Tokens that are kept: more could let loose a storm after a long quiet.
    static let tokensMax = 100
    /// Repetitions in a second that cost nothing.
    static let freePerSecond: UInt64 = 10

    private static let second: UInt64 = 1_000_000_000
    /// Hundredths of a token.
    private let hundredths = Atomic<Int>(0)
    /// What a request adds, in hundredths of a token.
    private let percent: Atomic<Int>
    /// Monotonic nanoseconds: when all that is free will be there again. One repetition moves it by a tenth
    /// of a second, and it is never more than a second ahead.
    private let freeWholeAt = Atomic<UInt64>(0)
    private let taken = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)

    init(percent: Int) { self.percent = Atomic(max(0, percent)) }

    /// Control: another `retry.budget` from now on.
    func setPercent(_ percent: Int) { self.percent.store(max(0, percent), ordering: .relaxed) }

    var figures: Figures {
        Figures(taken: taken.load(ordering: .relaxed), refused: refused.load(ordering: .relaxed))
    }

    /// Worker: a request comes to the upstream for the first time.
    func noteRequest() {
        let part = percent.load(ordering: .relaxed)
        var known = hundredths.load(ordering: .relaxed)
        while part > 0, known < RetryBudget.tokensMax * 100 {
            let (exchanged, original) = hundredths.compareExchange(
                expected: known, desired: min(known + part, RetryBudget.tokensMax * 100), ordering: .relaxed)
            if exchanged { return }
            known = original
        }
    }

    /// Worker: a repetition wants to go to the upstream.
    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: false where there were too many.
    func take(now: UInt64) -> Bool {
        guard takeFree(now) || takeToken() else {
            refused.add(1, ordering: .relaxed)
            return false
        }
        taken.add(1, ordering: .relaxed)
        return true
    }

    private func takeFree(_ now: UInt64) -> Bool {
        var known = freeWholeAt.load(ordering: .relaxed)
        while true {
            let moved = max(known, now).addingSaturating(RetryBudget.second / RetryBudget.freePerSecond)
            guard moved - now <= RetryBudget.second else { return false }
            let (exchanged, original) = freeWholeAt.compareExchange(
                expected: known, desired: moved, ordering: .relaxed)
            if exchanged { return true }
            known = original
        }
    }

    private func takeToken() -> Bool {
        var known = hundredths.load(ordering: .relaxed)
        while known >= 100 {
            let (exchanged, original) = hundredths.compareExchange(
                expected: known, desired: known - 100, ordering: .relaxed)
            if exchanged { return true }
            known = original
        }
        return false
    }
}
