import CLinux
import Glibc

/// The control thread's wait: one epoll over its few descriptors, and a short list of timers.
///
/// Nothing here is hot: descriptors and timers are few, and everything waits most of the time.
final class ControlLoop {
    /// Who is told.
    enum Source: Hashable {
        case signals, watcher, bell, resolver, handover
        /// A door that stands open has a key by now.
        case doors
        case adminSocket
        /// The admin endpoint's TCP socket.
        case adminPort
        case adminConnection(Int)
    }

    enum Timer: Hashable {
        /// The next read of the settling files.
        case reread
        /// Publishing waits no longer for names.
        case resolveTimeout
        /// Names are due to be looked up again.
        case refreshNames
        /// What the stopping sockets still hold is handed on a last time.
        case lastAccept
        /// A stop takes too long: the workers did not answer in time.
        case stopOverdue
        /// The process that takes over was not ready in time.
        case upgradeOverdue
        /// The process that has taken over is told what still runs here.
        case figuresTurn
        /// The service manager is told how things are.
        case serviceTurn
        /// Whoever asked what runs waits no longer for a worker.
        case censusOverdue
        /// An admin connection has been silent for too long.
        case adminIdle
        /// The admin socket is listened to again, after there was no descriptor left.
        case adminRest
    }

    enum Event: Equatable {
        case ready(Source, readable: Bool, writable: Bool)
        case expired(Timer)
    }

    private let descriptor: Int32
    private var sources: [Int32: Source] = [:]
    private var timers: [Timer: UInt64] = [:]
    /// Expired in this turn, and neither stopped nor started again since.
    private var due: Set<Timer> = []

    init() throws(SystemError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "epoll_create1", errno: errno) }
    }

    deinit { close(descriptor) }

    func add(_ watched: Int32, as source: Source) throws(SystemError) {
        sources[watched] = source
        try control(EPOLL_CTL_ADD, watched, EPOLLIN.rawValue)
    }

    /// - Parameter writing: be told when there is room, rather than when there is something to read.
    func change(_ watched: Int32, writing: Bool) throws(SystemError) {
        try control(EPOLL_CTL_MOD, watched, writing ? EPOLLOUT.rawValue : EPOLLIN.rawValue)
    }

    /// Before the descriptor is closed.
    func remove(_ watched: Int32) {
        guard sources.removeValue(forKey: watched) != nil else { return }
        epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, nil)
    }

    /// Replaces a timer of the same name.
    func start(_ timer: Timer, afterMilliseconds delay: Int) {
        timers[timer] = headgate_monotonic_ns() + UInt64(max(delay, 0)) * 1_000_000
        due.remove(timer)
    }

    func stop(_ timer: Timer) {
        timers[timer] = nil
        due.remove(timer)
    }

    /// Whether an expired timer is still to be acted on: what was handled before it in the same turn may have
    /// stopped it, or started it again. True once.
    func takeDue(_ timer: Timer) -> Bool { due.remove(timer) != nil }

    func isRunning(_ timer: Timer) -> Bool { timers[timer] != nil }

    /// Waits until something happens. May return nothing at all.
    func wait() -> [Event] {
        var ready = [epoll_event](repeating: epoll_event(), count: 32)
        let count = epoll_wait(descriptor, &ready, Int32(ready.count), millisecondsToNextTimer())
        var events: [Event] = []
        if count > 0 {
            for index in 0..<Int(count) {
                guard let source = sources[ready[index].data.fd] else { continue }
                let bits = ready[index].events
                let failed = bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
                events.append(
                    .ready(
                        source, readable: bits & EPOLLIN.rawValue != 0 || failed,
                        writable: bits & EPOLLOUT.rawValue != 0 || failed))
            }
        }
        let now = headgate_monotonic_ns()
        due = []
        for (timer, deadline) in timers where deadline <= now {
            timers[timer] = nil
            due.insert(timer)
            events.append(.expired(timer))
        }
        return events
    }

    private func millisecondsToNextTimer() -> Int32 {
        guard let next = timers.values.min() else { return -1 }
        let now = headgate_monotonic_ns()
        // Why rounded up: waking a fraction too early would spin.
        return next <= now ? 0 : Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    private func control(_ operation: Int32, _ watched: Int32, _ interest: UInt32) throws(SystemError) {
        var event = epoll_event()
        event.events = interest
        event.data.fd = watched
        guard epoll_ctl(descriptor, operation, watched, &event) == 0 else {
            throw SystemError(call: "epoll_ctl", errno: errno)
        }
    }
}
