import Synchronization

/// The one answer to a question for a key: one that gets lost on its way says that it cannot be known.
final class KeyAnswer: Sendable {
    private let reply: Reply
    private let isAnswered = Atomic(false)

    init(_ reply: Reply) { self.reply = reply }

    deinit { send(.refused(.upstreamKeyUnavailable)) }

    /// Nothing where it was answered before.
    func send(_ answer: Answer) {
        guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return }
        reply.send(answer)
    }
}
