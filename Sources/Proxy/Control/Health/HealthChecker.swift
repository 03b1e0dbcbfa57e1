import CLinux
import Config
import Glibc

/// Asks endpoints how they are, where `health.check` says so, and tells of all that are left out and come
/// back, whoever found it.
///
/// One thread keeps the time and looks at ejections once a second; each question has a thread of its own, as
/// it waits, and there are no more than `HealthCheckSchedule.runningMax` at once.
final class HealthChecker: Sendable {
    typealias Fetch = @Sendable (HTTPFetch.Request) -> Result<HTTPFetch.Response, HTTPFetch.Failure>
    typealias Tell = @Sendable (Log.Level, String) -> Void

    /// Nanoseconds between two looks at ejections.
    static let lookPause: UInt64 = 1_000_000_000

    private struct Watched {
        let state: EndpointState
        /// Those that it belongs to.
        var upstreams: [UpstreamPlan]
        var ejections: EjectionWatch
    }

    private struct Shared {
        var schedule = HealthCheckSchedule()
        var checks: [HealthCheck.Key: HealthCheck] = [:]
        /// What was wrong with the last answer.
        var problems: [HealthCheck.Key: String] = [:]
        /// By `EndpointState.id`.
        var watched: [Int: Watched] = [:]
        var isRunning = false
    }

    private let shared = Locked(Shared())
    private let bell: Bell
    private let fetch: Fetch
    private let tell: Tell

    init(
        fetch: @escaping Fetch = JWTKeySource.send, tell: @escaping Tell = { Log.write($0, $1) }
    ) throws(SystemError) {
        bell = try Bell()
        self.fetch = fetch
        self.tell = tell
    }

    /// Control: this generation is served from now on. Endpoints that stay keep their times and what is known
    /// of them; those that are asked no more are believed to be well.
    func adopt(_ upstreams: [UpstreamPlan], _ configs: [UpstreamConfig]) {
        var checks: [HealthCheck.Key: HealthCheck] = [:]
        var members: [Int: (state: EndpointState, upstreams: [UpstreamPlan])] = [:]
        for (plan, config) in zip(upstreams, configs) {
            for endpoint in plan.endpoints {
                members[endpoint.state.id, default: (endpoint.state, [])].upstreams.append(plan)
                guard let wanted = config.health.check else { continue }
                let check = HealthCheck(wanted, endpoint, of: plan)
                checks[check.key] = check
            }
        }
        let now = headgate_monotonic_ns()
        shared.withLock { shared in
            shared.watched = members.mapValues { member in
                let known = shared.watched[member.state.id]?.ejections
                return Watched(
                    state: member.state, upstreams: member.upstreams,
                    ejections: known ?? EjectionWatch(member.state.health.figures))
            }
            let asked = Set(checks.keys.map(\.endpoint))
            for old in shared.checks.values where !asked.contains(old.key.endpoint) {
                old.state.health.checked(isGood: true, now: now)
            }
            shared.checks = checks
            shared.problems = shared.problems.filter { checks[$0.key] != nil }
            shared.schedule.keep(checks.mapValues(\.every), now: now) { .random(in: 0...1) }
        }
        bell.ring()
    }

    /// Why an endpoint is left out by its check: what was wrong last; nil: nothing.
    func problem(of endpoint: Int) -> String? {
        shared.withLock { shared in shared.problems.first { $0.key.endpoint == endpoint }?.value }
    }

    func start() throws(SystemError) {
        shared.withLock { $0.isRunning = true }
        do throws(SystemError) {
            try ControlThread.start("hg-health") { [self] in run() }
        } catch {
            shared.withLock { $0.isRunning = false }
            throw error
        }
    }

    /// Nobody waits for questions that run: what comes of them is not looked at any more.
    func stop() {
        shared.withLock { $0.isRunning = false }
        bell.ring()
    }

    // MARK: - The thread that keeps the time

    private func run() {
        while shared.withLock({ $0.isRunning }) {
            let wait = turn(now: headgate_monotonic_ns())
            var wanted = pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&wanted, 1, Int32(clamping: wait / 1_000_000 + 1))
            bell.silence()
        }
    }

    /// - Returns: nanoseconds until the next.
    private func turn(now: UInt64) -> UInt64 {
        let (due, nextAt) = shared.withLock { shared in
            (shared.schedule.takeDue(now: now).compactMap { shared.checks[$0] }, shared.schedule.nextAt)
        }
        for check in due { begin(check) }
        lookAtEjections(now: now)
        guard let nextAt else { return HealthChecker.lookPause }
        return min(nextAt > now ? nextAt - now : 0, HealthChecker.lookPause)
    }

    private func begin(_ check: HealthCheck) {
        do throws(SystemError) {
            try ControlThread.start("hg-check") { [self] in
                finished(check, problem: check.problem(fetch(check.request)))
            }
        } catch {
            // Says nothing of the endpoint.
            let chance = Double.random(in: 0...1)
            shared.withLock { shared in
                _ = shared.schedule.finished(check.key, now: headgate_monotonic_ns(), chance: chance)
            }
        }
    }

    /// An endpoint is well where nothing was wrong with any of its last answers: several upstreams may ask
    /// it for different things.
    private func finished(_ check: HealthCheck, problem: String?) {
        let now = headgate_monotonic_ns()
        let health = check.state.health
        let change = shared.withLock { shared -> Bool? in
            let isWanted = shared.schedule.finished(check.key, now: now, chance: .random(in: 0...1))
            guard isWanted, shared.isRunning else { return nil }
            shared.problems[check.key] = problem
            let before = health.figures.isFailingCheck
            let isGood = !shared.problems.keys.contains { $0.endpoint == check.key.endpoint }
            health.checked(isGood: isGood, now: now)
            let after = health.figures.isFailingCheck
            return before == after ? nil : after
        }
        bell.ring()
        guard let change else { return }
        let cause = problem ?? ""
        tellOf(check.key.endpoint, isOut: change, change ? "fails its check: \(cause)" : "is back", now: now)
    }

    // MARK: - What is told

    private func lookAtEjections(now: UInt64) {
        let changes = shared.withLock { shared in
            shared.watched.keys.sorted().compactMap { id -> (Int, EndpointHealth.Figures, Bool)? in
                guard let figures = shared.watched[id]?.state.health.figures else { return nil }
                guard let change = shared.watched[id]?.ejections.look(figures, now: now) else { return nil }
                return (id, figures, change == .ejected)
            }
        }
        for (id, figures, isOut) in changes {
            let time = max(1, figures.ejectionTime / 1_000_000_000)
            let failures = counted(Int(figures.failuresInRow), "failure")
            tellOf(
                id, isOut: isOut,
                isOut ? "is left out for \(time) s after \(failures) in a row" : "is asked again", now: now)
        }
    }

    /// One line for each upstream that the endpoint belongs to.
    private func tellOf(_ endpoint: Int, isOut: Bool, _ what: String, now: UInt64) {
        guard let watched = shared.withLock({ $0.watched[endpoint] }) else { return }
        for upstream in watched.upstreams {
            let line = "upstream \(upstream.name): endpoint \(watched.state.display) \(what)"
            guard isOut else {
                tell(.info, line)
                continue
            }
            let others = upstream.endpoints.contains {
                $0.state !== watched.state && $0.state.health.isAvailable(now: now)
            }
            let rest = others ? "requests go to the others" : "no other is left, so it is asked all the same"
            tell(.warning, "\(line); \(rest)")
        }
    }
}
