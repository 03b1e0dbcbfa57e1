import CLinux
import Glibc

/// The models that one upstream says it has, asked for when somebody wants to know, and not more often than
/// `refresh`. What was learnt stays good while the upstream cannot be asked. Any thread.
final class UpstreamModels: Sendable {
    /// What makes two the same.
    struct Source: Hashable, Sendable {
        /// Of the upstream.
        var name: String
        /// Of its endpoints' lists; asked in this order, until one answers.
        var urls: [String]
        /// PEM of trusted authorities; nil: the system's.
        var authorities: [UInt8]?
        /// For SNI and verification; nil: the URL's host.
        var serverName: String?
        var verifies = true
        /// Nanoseconds.
        var refresh: UInt64
    }

    typealias Fetch = JWTKeySource.Fetch
    /// The field line with the upstream's key: `Authorization: Bearer …\r\n`; nil: there is none.
    typealias KeyLine = @Sendable () -> [UInt8]?

    /// Nanoseconds for which a request waits at most, from the beginning of the first fetch.
    static let firstWait: UInt64 = 2_000_000_000

    let source: Source
    private let fetch: Fetch
    /// Rings, and goes on ringing, once the first fetch is over, whatever came of it.
    private let tried: Bell
    private let shared: Locked<Shared>

    private struct Shared {
        var models: [UpstreamModel] = []
        var keyLine: KeyLine
        var schedule: FetchSchedule
        var isFetching = false
        /// Monotonic nanoseconds; nil: nobody has asked.
        var firstAskedAt: UInt64?
        var hasTried = false
        /// The last fetch failed, and that was said.
        var isInTrouble = false
    }

    init(
        _ source: Source, keyLine: @escaping KeyLine = { nil }, fetch: @escaping Fetch = JWTKeySource.send
    ) throws(SystemError) {
        self.source = source
        self.fetch = fetch
        tried = try Bell()
        shared = Locked(Shared(keyLine: keyLine, schedule: FetchSchedule(refresh: source.refresh)))
    }

    /// As far as they are known; none before the first good fetch.
    var models: [UpstreamModel] { shared.withLock { $0.models } }

    /// From now on.
    func use(_ keyLine: @escaping KeyLine) { shared.withLock { $0.keyLine = keyLine } }

    /// Begins to ask the upstream, on a thread of its own, unless what is known is new enough.
    func refreshIfDue() {
        let now = headgate_monotonic_ns()
        let begins = shared.withLock { shared in
            guard !shared.isFetching, shared.schedule.nextAt <= now else { return false }
            shared.isFetching = true
            if shared.firstAskedAt == nil { shared.firstAskedAt = now }
            return true
        }
        guard begins else { return }
        do throws(SystemError) {
            try ControlThread.start("hg-models") { [self] in ask() }
        } catch {
            finish(.failure(UpstreamModel.Problem(description: error.description)))
        }
    }

    /// When a request stops to wait for the first fetch, in monotonic nanoseconds; nil: there is nothing to
    /// wait for any more.
    func deadline(now: UInt64) -> UInt64? {
        shared.withLock { shared in
            guard !shared.hasTried, let asked = shared.firstAskedAt else { return nil }
            let end = asked + UpstreamModels.firstWait
            return end > now ? end : nil
        }
    }

    /// Blocks until the first fetch is over or this time has come.
    func waitForFirst(until deadline: UInt64) {
        var wanted = pollfd(fd: tried.descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let now = headgate_monotonic_ns()
            guard now < deadline else { return }
            let result = poll(&wanted, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
            if result > 0 { return }
        }
    }

    // MARK: On a thread of its own

    private func ask() {
        let keyLine = shared.withLock { $0.keyLine }
        let key = keyLine() ?? []
        var problem = UpstreamModel.Problem(description: "there is no endpoint")
        for url in source.urls {
            do throws(UpstreamModel.Problem) { return finish(.success(try list(at: url, key))) } catch {
                problem = error
            }
        }
        finish(.failure(problem))
    }

    private func list(at url: String, _ key: [UInt8]) throws(UpstreamModel.Problem) -> [UpstreamModel] {
        let request = HTTPFetch.Request(
            url: url, headerLines: Array("Accept: application/json\r\n".utf8) + key,
            trust: FetchTrust(
                authorities: source.authorities, verifies: source.verifies, serverName: source.serverName),
            bodyMax: UpstreamModel.listBytesMax)
        switch fetch(request) {
        case .failure(let failure): throw UpstreamModel.Problem(description: failure.description)
        case .success(let response) where response.status != 200:
            throw UpstreamModel.Problem(description: "status \(response.status)")
        case .success(let response): return try UpstreamModel.list(response.body)
        }
    }

    private func finish(_ outcome: Result<[UpstreamModel], UpstreamModel.Problem>) {
        let now = headgate_monotonic_ns()
        let chance = Double.random(in: 0...1)
        let wasInTrouble = shared.withLock { shared in
            defer { shared.hasTried = true }
            let wasInTrouble = shared.isInTrouble
            shared.isFetching = false
            switch outcome {
            case .success(let models):
                shared.models = models
                shared.isInTrouble = false
                shared.schedule.succeeded(now: now, chance: chance)
            case .failure:
                shared.isInTrouble = true
                shared.schedule.failed(now: now, chance: chance)
            }
            return wasInTrouble
        }
        switch outcome {
        case .success: if wasInTrouble { Log.info("upstreams.\(source.name): tells its models again") }
        case .failure(let problem) where !wasInTrouble:
            Log.warning(
                "upstreams.\(source.name): its models cannot be listed: \(problem.description); those known so far stay"
            )
        case .failure: break
        }
        tried.ring()
    }
}
