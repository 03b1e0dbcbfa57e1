import CLinux
import Glibc
import Stores

/// Where the keys of a `jwt` entry come from, and the keys as they are at present: a secret or PEM that was
/// read, a file with a JWK set, or the URL of one with the thread that fetches it.
///
/// A set that cannot be had, or is none, never replaces one that was good. Any thread.
final class JWTKeySource: Sendable {
    enum Origin: Sendable {
        /// Read with the configuration.
        case fixed(JWTKeySet)
        /// Absolute path of a JWK set.
        case file(path: String)
        case url(Remote)
    }

    struct Remote: Sendable {
        var url: String
        /// PEM of trusted authorities; nil: the system's.
        var authorities: [UInt8]?
        /// Nanoseconds.
        var refresh: UInt64 = 3_600_000_000_000
    }

    typealias Fetch = @Sendable (HTTPFetch.Request) -> Result<HTTPFetch.Response, HTTPFetch.Failure>

    /// Questions that may wait for one fetch.
    static let waitingMax = 4096
    static let stopMilliseconds: Int32 = 2000

    /// As people wrote it, for the log.
    let display: String
    private let origin: Origin
    private let fetch: Fetch
    private let bell: Bell
    private let finished: Bell
    private let shared: Locked<Shared>

    private struct Shared {
        var keys: JWTKeySet
        /// SHA-256 of the text that `keys` were read from; nil: of none.
        var digest: [UInt8]?
        var schedule: FetchSchedule
        /// Called after the fetch that is running or due.
        var waiting: [@Sendable () -> Void] = []
        var isFetching = false
        var isRunning = false
        var stops = false
        /// Monotonic nanoseconds; 0: the keys are what the source says.
        var inDoubtSince: UInt64 = 0
        var problem: SourceProblem?
        var changed: (@Sendable (JWTKeySet) -> Void)?
    }

    /// - Throws: for `.fixed` and `.url` only what `eventfd(2)` says; for `.file` nothing of its content: the
    ///   caller asks `reload`.
    init(_ origin: Origin, display: String, fetch: @escaping Fetch = JWTKeySource.send) throws(SystemError) {
        self.origin = origin
        self.display = display
        self.fetch = fetch
        bell = try Bell()
        finished = try Bell()
        var keys = JWTKeySet.none
        var refresh: UInt64 = .max
        switch origin {
        case .fixed(let set): keys = set
        case .file: break
        case .url(let remote): refresh = remote.refresh
        }
        shared = Locked(Shared(keys: keys, schedule: FetchSchedule(refresh: refresh)))
    }

    static let send: Fetch = { request in
        do throws(HTTPFetch.Failure) { return .success(try HTTPFetch.send(request)) } catch {
            return .failure(error)
        }
    }

    /// As they are at present; `JWTKeySet.none` before the first good look.
    var keys: JWTKeySet { shared.withLock { $0.keys } }

    /// Whether who asks now shares a fetch that is under way, which may have the new keys in already.
    var isFetching: Bool { shared.withLock { $0.isFetching } }

    /// Why the source cannot be read at present; nil: it can, or nobody has looked yet.
    var problem: SourceProblem? { shared.withLock { $0.problem } }

    /// Whether what is not known here may be known there: the source could not be read for `maxStale`
    /// nanoseconds, or never.
    /// - Parameter now: monotonic nanoseconds.
    func isInDoubt(now: UInt64, maxStale: UInt64) -> Bool {
        shared.withLock { shared in
            guard !shared.keys.keys.isEmpty else { return true }
            return shared.inDoubtSince != 0 && now - min(now, shared.inDoubtSince) >= maxStale
        }
    }

    /// `body` is called with the new keys whenever they are others, before whoever waits for them.
    func onChange(_ body: @escaping @Sendable (JWTKeySet) -> Void) { shared.withLock { $0.changed = body } }

    // MARK: - Files

    /// Reads the file again; nothing to do for the others. Blocks.
    /// - Throws: why the keys stay what they were.
    func reload() throws(JWTKeyError) {
        guard case .file(let path) = origin else { return }
        let bytes: [UInt8]
        do throws(FileReadError) { bytes = try readFile(path, limitBytes: JWTKeySet.jwksBytesMax) } catch {
            throw failed("cannot be read: \(error.description)")
        }
        do throws(JWTKeyError) { try take(bytes) } catch { throw failed(error.description) }
    }

    /// - Throws: where it is no set of keys.
    private func take(_ bytes: [UInt8]) throws(JWTKeyError) {
        let digest = sha256(bytes)
        let isNew = shared.withLock { $0.digest != digest }
        let keys = isNew ? try JWTKeySet(jwks: bytes) : nil
        let (changed, recovers) = shared.withLock { shared in
            defer {
                shared.inDoubtSince = 0
                shared.problem = nil
            }
            if let keys {
                shared.keys = keys
                shared.digest = digest
            }
            return (shared.changed, shared.problem != nil)
        }
        if recovers { Log.info("\(display): can be read again") }
        guard let keys else { return }
        for reason in keys.leftOut.prefix(3) { Log.warning("\(display): \(reason), and is left out") }
        changed?(keys)
    }

    private func failed(_ why: String) -> JWTKeyError {
        let isFirst = shared.withLock { shared in
            defer {
                shared.problem = SourceProblem(
                    since: shared.problem?.since ?? headgate_realtime_ns(), text: why)
            }
            if shared.inDoubtSince == 0 { shared.inDoubtSince = headgate_monotonic_ns() }
            return shared.problem == nil
        }
        if isFirst { Log.warning("\(display): \(why); the keys known so far stay good") }
        return JWTKeyError(why)
    }

    // MARK: - URLs

    /// Begins to fetch; nothing to do for the others.
    func start() throws(SystemError) {
        guard case .url(let remote) = origin else { return }
        shared.withLock { $0.isRunning = true }
        do throws(SystemError) {
            try ControlThread.start("hg-jwks") { [self] in run(remote) }
        } catch {
            shared.withLock { $0.isRunning = false }
            throw error
        }
    }

    /// Ends the thread: a fetch that runs is let run out. Whoever waits is called.
    /// - Parameter waits: for that, for at most two seconds. The control thread does not: a server that is
    ///   silent would hold up all else.
    func stop(waits: Bool = true) {
        let wasRunning = shared.withLock { shared in
            defer { (shared.isRunning, shared.stops) = (false, true) }
            return shared.isRunning
        }
        guard wasRunning else { return }
        bell.ring()
        guard waits else { return }
        var wanted = pollfd(fd: finished.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, JWTKeySource.stopMilliseconds) < 0, errno == EINTR {}
    }

    /// A token names a key that is not known: `body` is called, on the source's thread, when the set was
    /// fetched once more, whatever came of it. Those who ask meanwhile share the fetch.
    /// - Returns: false where no fetch is to be had: `body` is not called.
    func afterFetch(_ body: @escaping @Sendable () -> Void) -> Bool {
        let now = headgate_monotonic_ns()
        let (waits, wakes) = shared.withLock { shared -> (Bool, Bool) in
            guard shared.isRunning, shared.waiting.count < JWTKeySource.waitingMax else {
                return (false, false)
            }
            let isComing = shared.isFetching || shared.schedule.nextAt <= now
            guard isComing || shared.schedule.force(now: now) else { return (false, false) }
            shared.waiting.append(body)
            return (true, !isComing)
        }
        if wakes { bell.ring() }
        return waits
    }

    private func run(_ remote: Remote) {
        while true {
            let now = headgate_monotonic_ns()
            let (stops, wait) = shared.withLock { shared -> (Bool, UInt64) in
                let wait = shared.schedule.nextAt > now ? shared.schedule.nextAt - now : 0
                shared.isFetching = wait == 0 && !shared.stops
                return (shared.stops, wait)
            }
            if stops { break }
            if wait == 0 {
                fetchOnce(remote)
            } else {
                var wanted = pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)
                _ = poll(&wanted, 1, Int32(clamping: wait / 1_000_000 + 1))
                bell.silence()
            }
        }
        answerWaiting()
        finished.ring()
    }

    private func fetchOnce(_ remote: Remote) {
        var hasSucceeded = false
        let request = HTTPFetch.Request(
            url: remote.url,
            headerLines: Array("Accept: application/jwk-set+json, application/json\r\n".utf8),
            trust: FetchTrust(authorities: remote.authorities), bodyMax: JWTKeySet.jwksBytesMax)
        switch fetch(request) {
        case .failure(let failure): _ = failed("cannot be fetched: \(failure.description)")
        case .success(let response) where response.status != 200:
            _ = failed("cannot be fetched: status \(response.status)")
        case .success(let response):
            do throws(JWTKeyError) {
                try take(response.body)
                hasSucceeded = true
            } catch { _ = failed(error.description) }
        }
        let now = headgate_monotonic_ns()
        let chance = Double.random(in: 0...1)
        shared.withLock { shared in
            shared.isFetching = false
            if hasSucceeded {
                shared.schedule.succeeded(now: now, chance: chance)
            } else {
                shared.schedule.failed(now: now, chance: chance)
            }
        }
        answerWaiting()
    }

    private func answerWaiting() {
        let waiting = shared.withLock { shared in
            defer { shared.waiting = [] }
            return shared.waiting
        }
        for body in waiting { body() }
    }
}
