import CLinux
import Glibc

/// Threads of low priority that do nothing but hash passwords: neither a worker nor a store waits for one,
/// and a flood of logins takes the time that others leave.
///
/// One for the process. Threads begin with the first hash.
final class HashPool: Sendable {
    enum Turn { case run, overdue }
    typealias Job = @Sendable (Turn) -> Void

    private let threads: Int
    private let crew = Locked<HashCrew?>(nil)

    /// - Parameter threads: default: half of the CPUs, at least one.
    init(threads: Int = max(1, Int(headgate_usable_cpus()) / 2)) {
        self.threads = threads
    }

    /// Jobs that wait are told that they are overdue.
    deinit { crew.withLock { $0 }?.close() }

    /// - Returns: nil: `job` will be called, on a thread of the pool, exactly once; else it will not, and
    ///   these are the seconds until there may be room.
    func perform(for address: PeerAddress, _ job: @escaping Job) -> Int? {
        guard let crew = begun() else { return 1 }
        return crew.perform(for: HashSource(address), job)
    }

    /// nil: the system has no thread or no descriptor left. The next job tries again.
    private func begun() -> HashCrew? {
        crew.withLock { crew in
            if crew == nil {
                do throws(SystemError) {
                    crew = try HashCrew(threads: threads)
                } catch {
                    Log.error("no thread for passwords: \(error)")
                }
            }
            return crew
        }
    }
}

/// The threads and what they share. Apart from the pool, so that the pool can go while they run.
private final class HashCrew: Sendable {
    private struct State: Sendable {
        var queue: HashQueue<HashPool.Job>
        var isClosed = false
    }
    private let threads: Int
    private let state: Locked<State>
    /// Counts jobs that nobody has come for: an eventfd in semaphore mode (`eventfd(2)`).
    private let arrivals: Int32
    /// Rings where somebody waits after nobody did.
    private let waits: Int32

    init(threads: Int) throws(SystemError) {
        self.threads = threads
        state = Locked(State(queue: HashQueue(threads: threads)))
        arrivals = eventfd(0, Int32(EFD_SEMAPHORE | EFD_CLOEXEC))
        waits = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard arrivals >= 0, waits >= 0 else { throw SystemError(call: "eventfd", errno: errno) }
        do throws(SystemError) {
            try ControlThread.start("hg-hash-due") { self.watch() }
            for _ in 0..<threads { try ControlThread.start("hg-hash") { self.run() } }
        } catch {
            close()
            throw error
        }
    }

    deinit {
        for descriptor in [arrivals, waits] where descriptor >= 0 { Glibc.close(descriptor) }
    }

    func perform(for source: HashSource, _ job: @escaping HashPool.Job) -> Int? {
        let now = headgate_monotonic_ns()
        let (admission, isFirst) = state.withLock { state in
            let isFirst = state.queue.nextOverdueAt == nil
            return (state.queue.admit(job, from: source, now: now), isFirst)
        }
        switch admission {
        case .refused(let seconds): return seconds
        case .queued:
            eventfd_write(arrivals, 1)
            if isFirst { eventfd_write(waits, 1) }
            return nil
        }
    }

    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            return state.queue.takeRest()
        }
        eventfd_write(arrivals, eventfd_t(threads))
        eventfd_write(waits, 1)
        for job in rest { job(.overdue) }
    }

    /// Tells those that have waited too long. Why a thread of its own: the others may all be busy.
    private func watch() {
        while true {
            let now = headgate_monotonic_ns()
            let (overdue, next, isClosed) = state.withLock { state in
                (state.queue.takeOverdue(now: now), state.queue.nextOverdueAt, state.isClosed)
            }
            for job in overdue { job(.overdue) }
            if isClosed { return }
            let pause = next.map { Int32(clamping: ($0 - min(now, $0)) / 1_000_000 + 1) } ?? -1
            var wanted = pollfd(fd: waits, events: Int16(POLLIN), revents: 0)
            _ = poll(&wanted, 1, pause)
            var count: eventfd_t = 0
            eventfd_read(waits, &count)
        }
    }

    private func run() {
        headgate_yield_to_others()
        while true {
            var count: eventfd_t = 0
            // Why nothing on EINTR: the next turn waits again.
            eventfd_read(arrivals, &count)
            let (taken, isClosed) = state.withLock { state in
                (state.queue.take(now: headgate_monotonic_ns()), state.isClosed)
            }
            if let taken { perform(taken) } else if isClosed { return }
        }
    }

    private func perform(_ taken: HashQueue<HashPool.Job>.Taken) {
        let start = headgate_monotonic_ns()
        taken.job(taken.isOverdue ? .overdue : .run)
        let nanoseconds = headgate_monotonic_ns() - start
        state.withLock { $0.queue.finished(nanoseconds: taken.isOverdue ? nil : nanoseconds) }
    }
}
