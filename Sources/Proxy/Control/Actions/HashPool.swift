import CLinux
import Glibc

/// Threads of low priority that do nothing but hash passwords: neither a worker nor a store waits for one,
/// and a flood of logins takes the time that others leave.
///
/// One for the process. Threads begin with the first hash.
final class HashPool: Sendable {
    /// What is done with a result, on the thread that made it.
    typealias Delivery = @Sendable () -> Void

    struct Job: Sendable {
        /// Hashes, on a thread of the pool.
        let work: @Sendable () -> Delivery
        /// Nobody waits any more: what `work` returns, if it has begun, is dropped.
        let overdue: @Sendable () -> Void
    }

    private let threads: Int
    private let crew = Locked<HashCrew?>(nil)

    /// - Parameter threads: default: half of the CPUs, at least one.
    init(threads: Int = max(1, Int(headgate_usable_cpus()) / 2)) {
        self.threads = threads
    }

    /// Jobs that wait are told that they are overdue.
    deinit { crew.withLock { $0 }?.close() }

    /// - Parameter arrival: monotonic nanoseconds, when what the hash is for came. nil: now.
    /// - Returns: nil: either what `job.work` returns will be called, or `job.overdue`, exactly once; else
    ///   neither, and these are the seconds until there may be room.
    func perform(for address: PeerAddress, arrival: UInt64? = nil, _ job: Job) -> Int? {
        guard let crew = begun() else { return 1 }
        return crew.perform(for: HashSource(address), arrival: arrival, job)
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
        /// When the clock looks next.
        var alarm = UInt64.max
    }
    private let threads: Int
    private let state: Locked<State>
    /// Counts jobs that nobody has come for: an eventfd in semaphore mode (`eventfd(2)`).
    private let arrivals: Int32
    /// Rings where the clock has to look earlier than it means to.
    private let clockBell: Bell

    init(threads: Int) throws(SystemError) {
        self.threads = threads
        clockBell = try Bell()
        state = Locked(State(queue: HashQueue(threads: threads)))
        arrivals = eventfd(0, Int32(EFD_SEMAPHORE | EFD_CLOEXEC))
        guard arrivals >= 0 else { throw SystemError(call: "eventfd", errno: errno) }
        do throws(SystemError) {
            try ControlThread.start("hg-hash-clock") { self.watch() }
            for _ in 0..<threads { try ControlThread.start("hg-hash") { self.run() } }
        } catch {
            close()
            throw error
        }
    }

    deinit { Glibc.close(arrivals) }

    func perform(for source: HashSource, arrival: UInt64?, _ job: HashPool.Job) -> Int? {
        let now = headgate_monotonic_ns()
        let (admission, isUrgent) = state.withLock { state in
            let admission = state.queue.admit(job, from: source, arrival: min(now, arrival ?? now), now: now)
            return (admission, state.queue.nextDeadline ?? .max < state.alarm)
        }
        for other in admission.givingWay { other.overdue() }
        if let seconds = admission.retryAfterSeconds { return seconds }
        if isUrgent { clockBell.ring() }
        eventfd_write(arrivals, 1)
        return nil
    }

    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            return state.queue.takeRest()
        }
        eventfd_write(arrivals, eventfd_t(threads))
        clockBell.ring()
        for job in rest { job.overdue() }
    }

    // MARK: - The threads that hash

    private func run() {
        headgate_yield_to_others(19)
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
        let (begin, workBegin) = (headgate_monotonic_ns(), HashCrew.cpuNanoseconds)
        let deliver = taken.job.work()
        let (duration, work) = (headgate_monotonic_ns() - begin, HashCrew.cpuNanoseconds - workBegin)
        let isAwaited = state.withLock { $0.queue.finished(taken.id, work: work, duration: duration) }
        if isAwaited { deliver() }
    }

    /// Of this thread.
    private static var cpuNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    // MARK: - The clock

    /// Tells those who have waited too long. Why a thread of its own: the others hash.
    private func watch() {
        while true {
            let now = headgate_monotonic_ns()
            let (overdue, alarm, isClosed) = state.withLock { state in
                let overdue = state.queue.expire(now: now)
                state.alarm = state.queue.nextDeadline ?? .max
                return (overdue, state.alarm, state.isClosed)
            }
            for job in overdue { job.overdue() }
            if isClosed { return }
            var wanted = pollfd(fd: clockBell.descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&wanted, 1, HashCrew.milliseconds(from: now, to: alarm))
            clockBell.silence()
        }
    }

    /// For `poll(2)`, rounded up; -1: no end.
    private static func milliseconds(from now: UInt64, to alarm: UInt64) -> Int32 {
        guard alarm != .max else { return -1 }
        return Int32(clamping: (max(now, alarm) - now) / 1_000_000 + 1)
    }
}
