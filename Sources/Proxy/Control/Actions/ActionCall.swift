import CLinux
import Synchronization

/// One request for an action on its way through threads. Is answered exactly once: later answers are
/// dropped, and where nobody answered (a job was let go of unrun), going away does it.
final class ActionCall: Sendable {
    let request: ActionRequest
    /// Monotonic nanoseconds.
    let arrival = headgate_monotonic_ns()
    private let reply: Reply
    private let errors: ErrorFormat
    private let isAnswered = Atomic(false)

    init(_ request: ActionRequest, _ reply: Reply, _ errors: ErrorFormat) {
        self.request = request
        self.reply = reply
        self.errors = errors
    }

    deinit {
        guard !isAnswered.load(ordering: .acquiring) else { return }
        reply.send(.reply(errors.reply(.overloaded(retryAfterSeconds: 1))))
    }

    func answer(_ answer: ActionReply) {
        guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return }
        reply.send(.reply(answer))
    }

    func fail(_ failure: ActionFailure) { answer(errors.reply(failure)) }

    /// Whether a job of this call has waited too long for its turn to be begun: an answer within a second is
    /// not to be had any more. A call that has taken long by itself may go on where it had not to wait.
    /// - Parameters:
    ///   - arrival: of the call, in monotonic nanoseconds.
    ///   - since: when the job came to where it waited.
    static func isLate(arrival: UInt64, since: UInt64, now: UInt64) -> Bool {
        let waited = now - min(now, since)
        if waited > ActionCall.waitMax { return true }
        return waited > ActionCall.waitUnnoticed && now - min(now, arrival) > ActionCall.answerWithin
    }

    /// Nanoseconds.
    static let waitMax: UInt64 = 700_000_000
    static let waitUnnoticed: UInt64 = 50_000_000
    static let answerWithin: UInt64 = 900_000_000

    /// For the log.
    var requestID: String { String(decoding: request.requestID, as: UTF8.self) }
}
