import Synchronization

/// Questions about tokens that are being decided. Whoever asks about the same token meanwhile gets the answer
/// of the first: a signature is verified once, and one token cannot fill the store's queue. Any thread.
final class TokenQuestions: Sendable {
    /// Askers that wait for somebody else's answer.
    static let waitingMax = 16_384

    enum Joined {
        /// To be decided; nobody else has asked.
        case first(TokenQuestion)
        /// Will be answered.
        case waits
        /// Will not.
        case full
    }

    private struct Contents {
        /// By token: who waits beside the first.
        var waiting: [KeyDigest: [Reply]] = [:]
        var count = 0
    }

    private let contents = Locked(Contents())
    private let waitingMax: Int

    init(waitingMax: Int = TokenQuestions.waitingMax) { self.waitingMax = waitingMax }

    func join(_ digest: KeyDigest, _ reply: Reply) -> Joined {
        let isFirst: Bool? = contents.withLock { contents in
            guard contents.waiting[digest] != nil else {
                contents.waiting[digest] = []
                return true
            }
            guard contents.count < waitingMax else { return nil }
            contents.waiting[digest]?.append(reply)
            contents.count += 1
            return false
        }
        return switch isFirst {
        case true: .first(TokenQuestion(self, digest, reply))
        case false: .waits
        case nil: .full
        }
    }

    fileprivate func takeWaiting(_ digest: KeyDigest) -> [Reply] {
        contents.withLock { contents in
            let replies = contents.waiting.removeValue(forKey: digest) ?? []
            contents.count -= replies.count
            return replies
        }
    }
}

/// One question that is being decided, for all who have asked it. Answered exactly once: one that gets lost
/// on its way says that it could not be decided.
final class TokenQuestion: Sendable {
    private let questions: TokenQuestions
    private let digest: KeyDigest
    private let reply: Reply
    private let isAnswered = Atomic<Bool>(false)

    fileprivate init(_ questions: TokenQuestions, _ digest: KeyDigest, _ reply: Reply) {
        self.questions = questions
        self.digest = digest
        self.reply = reply
    }

    deinit { send(.refused(.authBackendUnavailable)) }

    /// Nothing where it was answered before.
    func send(_ answer: Answer) {
        guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return }
        reply.send(answer)
        for other in questions.takeWaiting(digest) { other.send(answer) }
    }
}
