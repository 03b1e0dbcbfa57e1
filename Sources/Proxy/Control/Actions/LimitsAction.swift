import CLinux

/// `action: limits`: tells who asks what they have used of the limits that are theirs, and uses nothing.
final class LimitsAction: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass is; everything here is immutable.

    private let limits: [LimitPlan]
    private let ledger: Ledger

    init(_ limits: [LimitPlan], in ledger: Ledger) {
        self.limits = limits
        self.ledger = ledger
        super.init()
    }

    override func answer(_ question: Question, _ reply: Reply) {
        guard case .action(let request) = question.subject else {
            preconditionFailure("an action is asked for actions alone")
        }
        let time = LimitTime(monotonic: headgate_monotonic_ns(), realtime: headgate_realtime_ns())
        let standings = LimitStanding.all(limits, of: request, in: ledger, at: time)
        reply.send(.reply(ActionAnswers.limits(standings, at: time.realtime)))
    }
}
