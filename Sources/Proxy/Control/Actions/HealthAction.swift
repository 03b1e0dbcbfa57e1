import CLinux
import Config

/// `action: health`: tells whether every store of the file can be read, by what its thread knows already.
final class HealthAction: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass is; everything here is immutable.

    private let rules: HealthAnswerConfig
    private let stores: [StoreKeeper]

    init(_ rules: HealthAnswerConfig, of stores: [StoreKeeper]) {
        self.rules = rules
        self.stores = stores
        super.init()
    }

    override func answer(_ question: Question, _ reply: Reply) {
        guard case .action = question.subject else {
            preconditionFailure("an action is asked for actions alone")
        }
        let isGood = stores.map { $0.problem == nil }
        reply.send(.reply(ActionAnswers.health(rules, isGood: isGood, at: headgate_realtime_ns())))
    }
}
