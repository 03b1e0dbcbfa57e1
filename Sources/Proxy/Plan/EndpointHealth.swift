import Synchronization

/// Whether an endpoint should be asked. Shared by all workers and by control; outlives generations.
///
/// Three things keep it from being asked: an ejection after failures in a row, a cool-down that it asked for
/// itself, and a check of control's that fails. Each ends by itself.
///
/// Cost: of a question, and of a success where nothing has failed before, one relaxed load. Whatever changes
/// something takes a lock.
final class EndpointHealth: Sendable {
    /// Times are monotonic nanoseconds, 0 for never.
    struct Figures: Sendable, Equatable {
        /// Since the last success, or since it came back.
        var failuresInRow: UInt32 = 0
        /// Without a success in between; each takes twice as long as the one before.
        var ejectionsInRow: UInt32 = 0
        var ejectedUntil: UInt64 = 0
        /// Nanoseconds that the last ejection was to take.
        var ejectionTime: UInt64 = 0
        var cooledUntil: UInt64 = 0
        /// Active checks that failed in a row.
        var failingChecks: UInt32 = 0
        /// So many that it is left out.
        var isFailingCheck = false
        /// The last check after which it was not left out any more.
        var passedCheckAt: UInt64 = 0
        /// Since the process began.
        var ejections: UInt64 = 0
        var lastFailureAt: UInt64 = 0
    }

    /// Checks that fail in a row before it is left out: one may be lost on its way.
    static let failingChecksMax: UInt32 = 2
    /// Thousandths of its share with which a slow start begins.
    static let shareMin: UInt32 = 100
    static let shareWhole: UInt32 = 1000

    /// When it is, or was, asked again: the end of whatever keeps it out.
    private let availableFrom = Atomic<UInt64>(0)
    /// There is something that a success puts right.
    private let hasFailed = Atomic<Bool>(false)
    private let state = Locked(Figures())

    init() {}

    var figures: Figures { state.withLock { $0 } }

    /// Worker: neither ejected, nor cooling down, nor failing its active check.
    /// - Parameter now: monotonic nanoseconds, as everywhere here.
    func isAvailable(now: UInt64) -> Bool { availableFrom.load(ordering: .relaxed) <= now }

    /// Worker: it has answered, and not with a failure. Ends an ejection: where nobody else was left, those
    /// that answer again must not have to wait for their time beside those that do not.
    func succeeded(now: UInt64) {
        guard hasFailed.load(ordering: .relaxed) else { return }
        change { figures in
            figures.failuresInRow = 0
            figures.ejectionsInRow = 0
            figures.ejectedUntil = min(figures.ejectedUntil, now)
            hasFailed.store(false, ordering: .relaxed)
        }
    }

    /// Worker: no connection, no answer, one that is no HTTP, or a 5xx.
    func failed(now: UInt64, _ plan: HealthPlan) {
        change { figures in
            hasFailed.store(true, ordering: .relaxed)
            figures.failuresInRow = figures.failuresInRow.addingSaturating(1)
            figures.lastFailureAt = max(figures.lastFailureAt, now)
            // Why not while it is ejected: those who asked before fail all at once, and mean one outage.
            guard plan.failuresMax > 0, figures.ejectedUntil <= now else { return }
            guard figures.ejectionsInRow > 0 || figures.failuresInRow >= plan.failuresMax else { return }
            figures.ejectionTime = plan.ejectionTime(after: figures.ejectionsInRow)
            figures.ejectedUntil = now.addingSaturating(figures.ejectionTime)
            figures.ejectionsInRow = figures.ejectionsInRow.addingSaturating(1)
            figures.ejections += 1
        }
    }

    /// Worker: it has said itself that it wants to be left alone (`Retry-After`).
    func coolDown(until: UInt64) {
        change { $0.cooledUntil = max($0.cooledUntil, until) }
    }

    /// Control: what an active check has found.
    func checked(isGood: Bool, now: UInt64) {
        change { figures in
            guard isGood else {
                figures.failingChecks = figures.failingChecks.addingSaturating(1)
                if figures.failingChecks >= EndpointHealth.failingChecksMax { figures.isFailingCheck = true }
                return
            }
            figures.failingChecks = 0
            if figures.isFailingCheck { figures.passedCheckAt = max(figures.passedCheckAt, now) }
            figures.isFailingCheck = false
        }
    }

    /// Worker: its share of what it would be given, in thousandths, while it starts slowly; at least 1.
    /// Grows evenly from a tenth, from the moment at which it came back.
    func share(now: UInt64, _ plan: HealthPlan) -> UInt32 {
        guard plan.slowStart > 0 else { return EndpointHealth.shareWhole }
        let from = availableFrom.load(ordering: .relaxed)
        guard from > 0 else { return EndpointHealth.shareWhole }
        guard from < now else { return EndpointHealth.shareMin }
        let elapsed = now - from
        guard elapsed < plan.slowStart else { return EndpointHealth.shareWhole }
        let rest = UInt64(EndpointHealth.shareWhole - EndpointHealth.shareMin)
        let grown = plan.slowStart.dividingFullWidth(elapsed.multipliedFullWidth(by: rest)).quotient
        return EndpointHealth.shareMin + UInt32(grown)
    }

    private func change(_ body: (inout Figures) -> Void) {
        state.withLock { figures in
            body(&figures)
            let back = max(figures.ejectedUntil, figures.cooledUntil, figures.passedCheckAt)
            // Why under the lock: what is stored last is what was decided last.
            availableFrom.store(figures.isFailingCheck ? .max : back, ordering: .relaxed)
        }
    }
}

extension HealthPlan {
    /// Nanoseconds of the next ejection.
    /// - Parameter count: ejections before it, in a row.
    func ejectionTime(after count: UInt32) -> UInt64 {
        guard count < ejection.leadingZeroBitCount else { return ejectionMax }
        return min(ejection << UInt64(count), ejectionMax)
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// The greatest number there is, where the sum would be greater.
    func addingSaturating(_ other: Self) -> Self {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
