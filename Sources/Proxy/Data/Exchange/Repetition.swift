/// Whether a request that was not answered goes out once more, and where to. Pure; `RetryPlan` says what the
/// file asks for.
struct Repetition {
    enum Cause: Equatable {
        /// No connection came about: nothing was sent.
        case unconnected
        /// Closed or reset before an answer, or no HTTP.
        case lost
        /// `first_byte` ran out.
        case stalled
        /// An answer with this status.
        case status(UInt16)
    }

    enum Verdict: Equatable {
        /// What has come of it is final.
        case no
        /// To another endpoint or address, else the same again.
        case sameUpstream
        /// To the next that the model's `first_of` names.
        case nextUpstream
    }

    let plan: RetryPlan
    /// Attempts that this upstream has had of the request.
    let attempts: UInt8
    /// RFC 9110 §9.2.2.
    let isIdempotent: Bool
    /// Head and body are there to be sent again.
    let isWhole: Bool
    /// There is an endpoint or address of the upstream that was not tried.
    let hasOtherEndpoint: Bool
    /// `first_of` names another upstream.
    let hasOtherUpstream: Bool

    func verdict(_ cause: Cause) -> Verdict {
        if mayRepeat(cause) { return .sameUpstream }
        return mayFailOver(cause) ? .nextUpstream : .no
    }

    private func mayRepeat(_ cause: Cause) -> Bool {
        guard attempts < plan.attemptsMax else { return false }
        switch cause {
        case .unconnected: return plan.causes.contains(.connect) && hasOtherEndpoint
        case .lost: return plan.causes.contains(.reset) && mayActTwice
        case .stalled: return plan.causes.contains(.stalled) && mayActTwice
        case .status(let status): return plan.statuses.contains(status) && mayActTwice
        }
    }

    /// To the next that `first_of` names, whether or not this one has attempts left.
    func mayFailOver(_ cause: Cause) -> Bool {
        guard hasOtherUpstream else { return false }
        switch cause {
        case .unconnected: return true
        case .lost, .stalled: return mayActTwice
        // Why for POST too: an answer says that this upstream has done with the request.
        case .status(let status):
            return isWhole && (RetryPlan.failoverStatuses.contains(status) || plan.statuses.contains(status))
        }
    }

    /// It may have been acted on, and may be again.
    private var mayActTwice: Bool { isWhole && (isIdempotent || plan.repeatsPost) }
}
