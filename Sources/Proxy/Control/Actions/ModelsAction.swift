import CLinux

/// `action: models`: tells which models the caller may use: all of them, or the one that the path goes on
/// with. As the OpenAI API has it.
///
/// A list of an upstream that was never had is waited for, on a thread that goes when it is there.
final class ModelsAction: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass is; everything here is immutable or locked.

    /// Requests that may wait at once; others are answered with what is known.
    static let waitingMax = 4096

    private let catalog: ModelCatalog
    /// By the upstream's name.
    private let lists: [String: UpstreamModels]
    private let errors: ErrorFormat
    /// Nobody waits without a thread that will answer.
    private let waiting = Locked<[ActionCall]>([])

    /// - Parameter lists: of those that `catalog.listedUpstreams` names; one that is missing lists nothing.
    init(_ catalog: ModelCatalog, lists: [String: UpstreamModels], errors: ErrorFormat) {
        self.catalog = catalog
        self.lists = lists
        self.errors = errors
        super.init()
    }

    override func answer(_ question: Question, _ reply: Reply) {
        guard case .action(let request) = question.subject else {
            preconditionFailure("an action is asked for actions alone")
        }
        let call = ActionCall(request, reply, errors)
        guard request.method == .get || request.method == .head else {
            return call.fail(.methodNotAllowed)
        }
        for list in lists.values { list.refreshIfDue() }
        guard isIncomplete, wait(call) else { return answer(call) }
    }

    private var isIncomplete: Bool {
        let now = headgate_monotonic_ns()
        return lists.values.contains { $0.deadline(now: now) != nil }
    }

    // MARK: Waiting

    /// - Returns: false: nobody would answer.
    private func wait(_ call: ActionCall) -> Bool {
        let count = waiting.withLock { waiting in
            guard waiting.count < ModelsAction.waitingMax else { return -1 }
            waiting.append(call)
            return waiting.count
        }
        guard count == 1 else { return count > 1 }
        do throws(SystemError) {
            try ControlThread.start("hg-models-wait") { [self] in answerWaiting() }
        } catch {
            Log.error("models: \(error)")
            answerAll()
        }
        return true
    }

    private func answerWaiting() {
        for list in lists.values {
            guard let deadline = list.deadline(now: headgate_monotonic_ns()) else { continue }
            list.waitForFirst(until: deadline)
        }
        answerAll()
    }

    private func answerAll() {
        let calls = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for call in calls { answer(call) }
    }

    // MARK: Answers

    private func answer(_ call: ActionCall) {
        let allowed = call.request.caller?.models
        let models = catalog.models { lists[$0]?.models ?? [] }.filter { model in
            allowed.map { allowed in Array(model.id.utf8).withUnsafeBytes { allowed.contains($0) } } ?? true
        }
        // Decoded already, so that a `/` in a name may come either way.
        let wanted = call.request.pathRest
        guard !wanted.isEmpty else { return call.answer(ActionAnswers.models(models)) }
        guard let model = models.first(where: { $0.id.utf8.elementsEqual(wanted) }) else {
            return call.fail(.modelNotFound(String(decoding: wanted, as: UTF8.self)))
        }
        call.answer(ActionAnswers.model(model))
    }
}
