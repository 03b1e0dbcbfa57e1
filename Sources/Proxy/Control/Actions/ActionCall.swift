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

    /// For the log.
    var requestID: String { String(decoding: request.requestID, as: UTF8.self) }
}
