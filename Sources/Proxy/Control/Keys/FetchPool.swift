/// A few threads for requests of control to upstreams, which may take as long as a timeout is. They begin
/// when there is something to do and end when there is not. Any thread.
final class FetchPool: Sendable {
    struct Job: Sendable {
        /// On a thread of the pool.
        let work: @Sendable () -> Void
        /// Too many wait, or the system has no thread left: `work` is not called.
        let dropped: @Sendable () -> Void
    }

    private struct State: Sendable {
        var waiting: [Job] = []
        var running = 0
    }

    private let threadsMax: Int
    private let waitingMax: Int
    private let state = Locked(State())

    init(threadsMax: Int = 4, waitingMax: Int = 1024) {
        self.threadsMax = threadsMax
        self.waitingMax = waitingMax
    }

    /// One of the job's two is called, once.
    func perform(_ job: Job) {
        let begins: Bool? = state.withLock { state in
            guard state.waiting.count < waitingMax else { return nil }
            state.waiting.append(job)
            guard state.running < threadsMax else { return false }
            state.running += 1
            return true
        }
        guard let begins else { return job.dropped() }
        if begins { begin() }
    }

    private func begin() {
        do throws(SystemError) {
            try ControlThread.start("hg-fetch") { [self] in run() }
        } catch {
            let lost = state.withLock { state in
                state.running -= 1
                // Others will come for them.
                guard state.running == 0 else { return [Job]() }
                defer { state.waiting = [] }
                return state.waiting
            }
            for job in lost { job.dropped() }
        }
    }

    private func run() {
        while let job = next() { job.work() }
    }

    private func next() -> Job? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}
