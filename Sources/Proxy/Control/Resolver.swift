import CLinux
import Glibc
import Synchronization

/// Turns the names of endpoints into addresses, on threads of its own: `getaddrinfo(3)` may block for half a
/// minute.
///
/// A name is looked up when its endpoint appears, again every 30 s once it is known, and with growing pauses
/// (1 s to 30 s) while it does not resolve. A refresh that fails keeps the addresses of before.
final class Resolver {
    static let refreshSeconds = 30
    static let threadsMax = 64

    private struct Schedule {
        var isRunning = false
        /// Monotonic nanoseconds.
        var nextAt: UInt64 = 0
        var failures = 0
        /// Why the last lookup that is over found nothing.
        var problem: String?
        weak var state: EndpointState?
        let host: String
        let port: UInt16
    }

    private struct Job: Sendable {
        let id: Int
        let host: String
        let port: UInt16
    }

    private struct Answer: Sendable {
        let id: Int
        let addresses: [SocketAddress]
        /// Why there are none.
        let problem: String
    }

    /// What control and the lookup threads share.
    private final class Shared: Sendable {
        struct Work {
            var jobs: [Job] = []
            var answers: [Answer] = []
            var threads = 0
        }
        let work = Mutex(Work())
        let bell: Bell

        init(bell: Bell) { self.bell = bell }
    }

    /// Rung when answers wait.
    let bell: Bell
    private let shared: Shared
    /// By `EndpointState.id`.
    private var schedules: [Int: Schedule] = [:]

    init() throws(SystemError) {
        bell = try Bell()
        shared = Shared(bell: bell)
    }

    /// Takes over endpoints that are new: numeric addresses are published at once, names are looked up.
    func admit(_ entries: [EndpointRegistry.Entry]) {
        for entry in entries where schedules[entry.state.id] == nil {
            let identity = entry.identity
            if let address = SocketAddress(numericHost: identity.host, port: identity.port) {
                entry.state.publish([address])
                continue
            }
            schedules[entry.state.id] = Schedule(state: entry.state, host: identity.host, port: identity.port)
            startLookup(entry.state.id)
        }
    }

    /// Whether the first lookup of one of these is still running.
    func isWaiting(for entries: [EndpointRegistry.Entry]) -> Bool {
        entries.contains { entry in
            guard let schedule = schedules[entry.state.id] else { return false }
            return schedule.isRunning && schedule.failures == 0 && entry.state.currentAddresses().isEmpty
        }
    }

    /// Why requests to this endpoint get 502; nil: it has an address.
    func problem(of state: EndpointState) -> String? {
        guard state.currentAddresses().isEmpty else { return nil }
        return schedules[state.id]?.problem ?? "no answer yet"
    }

    /// Publishes what has come in. Call when the bell rings.
    func takeAnswers() {
        bell.silence()
        let answers = shared.work.withLock { work in
            defer { work.answers = [] }
            return work.answers
        }
        for answer in answers { take(answer) }
    }

    /// Looks up what is due and forgets the endpoints that have gone.
    /// - Returns: milliseconds until the next call is due; nil: nothing to look up.
    func lookUpDue() -> Int? {
        schedules = schedules.filter { $0.value.state != nil }
        let now = headgate_monotonic_ns()
        for (id, schedule) in schedules where !schedule.isRunning && schedule.nextAt <= now {
            startLookup(id)
        }
        let next = schedules.values.filter { !$0.isRunning }.map(\.nextAt).min()
        return next.map { Int(($0 > now ? $0 - now : 0) / 1_000_000) + 1 }
    }

    private func take(_ answer: Answer) {
        guard var schedule = schedules[answer.id], let state = schedule.state else { return }
        schedule.isRunning = false
        let pause: Int
        if answer.addresses.isEmpty {
            schedule.failures += 1
            schedule.problem = answer.problem
            pause = Resolver.pauseSeconds(afterFailures: schedule.failures)
            if schedule.failures == 1 {
                let kept =
                    state.currentAddresses().isEmpty
                    ? "requests get 502 until it does" : "keeping its addresses"
                Log.warning("\(state.display) does not resolve: \(answer.problem); \(kept); trying again")
            }
        } else {
            if schedule.failures > 0 { Log.info("\(state.display) resolves now") }
            schedule.failures = 0
            pause = Resolver.refreshSeconds
            state.publish(answer.addresses)
        }
        schedule.nextAt = headgate_monotonic_ns() + UInt64(pause) * 1_000_000_000
        schedules[answer.id] = schedule
    }

    /// 1, 2, 4, … 30.
    static func pauseSeconds(afterFailures failures: Int) -> Int {
        failures >= 6 ? refreshSeconds : 1 << max(failures - 1, 0)
    }

    private func startLookup(_ id: Int) {
        guard let schedule = schedules[id] else { return }
        schedules[id]?.isRunning = true
        let job = Job(id: id, host: schedule.host, port: schedule.port)
        let needsThread = shared.work.withLock { work in
            work.jobs.append(job)
            guard work.threads < Resolver.threadsMax else { return false }
            work.threads += 1
            return true
        }
        guard needsThread else { return }
        do throws(SystemError) {
            try ControlThread.start("hg-resolve") { [shared] in Resolver.work(shared) }
        } catch {
            let isAlone = shared.work.withLock { work in
                work.threads -= 1
                guard work.threads == 0 else { return false }
                work.answers += work.jobs.map { Answer(id: $0.id, addresses: [], problem: error.description) }
                work.jobs = []
                return true
            }
            if isAlone { bell.ring() }
        }
    }

    /// A lookup thread: works off the jobs, then ends.
    private static func work(_ shared: Shared) {
        while true {
            let job = shared.work.withLock { work -> Job? in
                guard !work.jobs.isEmpty else {
                    work.threads -= 1
                    return nil
                }
                return work.jobs.removeFirst()
            }
            guard let job else { return }
            let answer = lookUp(job)
            shared.work.withLock { $0.answers.append(answer) }
            shared.bell.ring()
        }
    }

    private static func lookUp(_ job: Job) -> Answer {
        let found = addresses(of: job.host, port: job.port)
        return Answer(id: job.id, addresses: found.addresses, problem: found.problem)
    }

    /// Blocks for as long as the system's resolver likes. The C call is `getaddrinfo(3)`.
    /// - Returns: the addresses in its order, and why there are none where there are none.
    static func addresses(of host: String, port: UInt16) -> (addresses: [SocketAddress], problem: String) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list = hints.ai_next
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0 else {
            let problem =
                result == EAI_SYSTEM
                ? String(cString: strerror(errno)) : String(cString: gai_strerror(result))
            return ([], problem)
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let found = entry.ai_addr, let address = SocketAddress(found, length: entry.ai_addrlen),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            next = entry.ai_next
        }
        return (addresses, "the name has no address")
    }
}
