import CLinux
import Stores

/// Has keys made for users of one upstream: one at a time for each user, however many requests wait for it,
/// and with growing pauses where that fails. Keeps those that could be written nowhere. Outlives
/// generations. Any thread.
final class KeyProvisioner: Sendable {
    /// Nanoseconds after a failure; each further one doubles it.
    static let backOffFirst: UInt64 = 1_000_000_000
    static let backOffMax: UInt64 = 300_000_000_000
    /// Nanoseconds within which a new key that is refused as well is not replaced: the next would not do.
    static let renewalPause: UInt64 = 300_000_000_000
    /// Who may wait for a key, all users together.
    static let waitingMax = 16_384
    /// Users that are remembered.
    static let usersMax = 100_000

    /// - Parameter isFirst: of those who get this key; the others waited for it.
    typealias Answer = @Sendable (_ made: Result<Secret, Provisioning.Failure>, _ isFirst: Bool) -> Void

    private struct State: Sendable {
        /// Grows when the store becomes another one: what was begun before is for others than those who have
        /// the numbers now.
        var epoch = 0
        var waiting: [Asker: [Answer]] = [:]
        var waitingCount = 0
        /// Made, and not yet where the next look would find them.
        var fresh: [Int64: Secret] = [:]
        var failures: UInt64 = 0
        var failure = ""
        /// Not before then; monotonic nanoseconds.
        var nextAt: UInt64 = 0
        var madeAt: [Int64: UInt64] = [:]
        var held: [Int64: Secret] = [:]
    }

    private struct Asker: Hashable, Sendable {
        let user: Int64
        let epoch: Int
    }

    private enum Joined {
        case first(Asker)
        case waits
        case has(Secret)
        case refused(Provisioning.Failure)
    }

    let provisioning: Provisioning
    private let pool: FetchPool
    private let clock: @Sendable () -> UInt64
    private let state = Locked(State())

    /// - Parameter clock: monotonic nanoseconds.
    init(
        _ provisioning: Provisioning, on pool: FetchPool,
        clock: @escaping @Sendable () -> UInt64 = { headgate_monotonic_ns() }
    ) {
        self.provisioning = provisioning
        self.pool = pool
        self.clock = clock
    }

    /// - Parameters:
    ///   - user: row in the store; 0: nobody in particular.
    ///   - user8: for the key's name.
    ///   - key: lets the request in.
    ///   - answer: called once, on a thread that may wait or on this one.
    func make(for user: Int64, user8: String, with key: Secret, answer: @escaping Answer) {
        switch join(user, answer) {
        case .waits: break
        case .has(let key): answer(.success(key), false)
        case .refused(let failure): answer(.failure(failure), true)
        case .first(let asker):
            pool.perform(
                FetchPool.Job(
                    work: { [self] in
                        let made = Result { () throws(Provisioning.Failure) -> Secret in
                            try provisioning.make(user8: user8, with: key)
                        }
                        finish(asker, made, counts: true)
                    },
                    dropped: { [self] in
                        let failure = Provisioning.Failure(description: "too many keys are being made")
                        finish(asker, .failure(failure), counts: false)
                    }))
        }
    }

    private func join(_ user: Int64, _ answer: @escaping Answer) -> Joined {
        let now = clock()
        return state.withLock { state in
            if let key = state.fresh[user] { return .has(key) }
            guard state.waitingCount < KeyProvisioner.waitingMax else {
                return .refused(Provisioning.Failure(description: "too many wait for keys"))
            }
            let asker = Asker(user: user, epoch: state.epoch)
            let isFirst = state.waiting[asker] == nil
            guard !isFirst || now >= state.nextAt else {
                let seconds = (state.nextAt - now).roundedUpToSeconds
                let text = "\(state.failure); tried again in \(seconds) s"
                return .refused(Provisioning.Failure(description: text))
            }
            state.waiting[asker, default: []].append(answer)
            state.waitingCount += 1
            return isFirst ? .first(asker) : .waits
        }
    }

    /// - Parameter counts: the upstream has failed, not we.
    private func finish(_ asker: Asker, _ made: Result<Secret, Provisioning.Failure>, counts: Bool) {
        let now = clock()
        let answers = state.withLock { state in
            if counts { KeyProvisioner.note(made, asker, now, &state) }
            let answers = state.waiting.removeValue(forKey: asker) ?? []
            state.waitingCount -= answers.count
            return answers
        }
        for (index, answer) in answers.enumerated() { answer(made, index == 0) }
    }

    private static func note(
        _ made: Result<Secret, Provisioning.Failure>, _ asker: Asker, _ now: UInt64, _ state: inout State
    ) {
        switch made {
        case .success(let key):
            state.failures = 0
            state.nextAt = 0
            guard asker.epoch == state.epoch else { return }
            state.fresh[asker.user] = key
            if state.madeAt.count >= usersMax { state.madeAt = [:] }
            state.madeAt[asker.user] = now
        case .failure(let failure):
            state.failure = failure.description
            // Why: several that fail together are one failure.
            guard now >= state.nextAt else { return }
            state.failures += 1
            state.nextAt = now + min(backOffFirst << min(state.failures - 1, 20), backOffMax)
        }
    }

    /// Whoever got the key first has put it where it is found from now on.
    func settled(for user: Int64) { state.withLock { state in state.fresh[user] = nil } }

    /// The store is another one: its users are others.
    func forgetUsers() {
        state.withLock { state in
            state.epoch += 1
            state.fresh = [:]
            state.madeAt = [:]
            state.held = [:]
        }
    }

    /// What stood in the way may be gone: the next request is made at once.
    func forgetFailures() {
        state.withLock { state in
            state.failures = 0
            state.nextAt = 0
        }
    }

    /// Whether a key of theirs that is refused may be replaced.
    func mayRenew(for user: Int64) -> Bool {
        let now = clock()
        return state.withLock { state in
            // One that is on its way is for whoever asks now as well.
            if state.fresh[user] != nil || state.waiting[Asker(user: user, epoch: state.epoch)] != nil {
                return true
            }
            return state.madeAt[user].map { now >= $0 + KeyProvisioner.renewalPause } ?? true
        }
    }

    // MARK: - Keys that could be written nowhere

    func held(for user: Int64) -> Secret? { state.withLock { $0.held[user] } }

    /// It was written down after all.
    func release(for user: Int64) { state.withLock { state in state.held[user] = nil } }

    /// For `hold`.
    var epoch: Int { state.withLock { $0.epoch } }

    /// - Parameter since: `epoch` when the key was asked for.
    func hold(_ key: Secret, for user: Int64, since epoch: Int) {
        state.withLock { state in
            guard epoch == state.epoch else { return }
            if state.held.count >= KeyProvisioner.usersMax { state.held = [:] }
            state.held[user] = key
        }
    }
}
