import CLinux
import Glibc
import Stores
import Synchronization

/// A token file, the callers in it, and the thread that keeps them together: it sees changes of the file
/// within milliseconds, and writes back when tokens were used, at most once a second.
///
/// Not one of a generation's input files: an edit of tokens is no reload. What it writes itself it reads
/// again like any edit, finds nothing changed, and so never goes round in circles.
final class TokenFileSource: @unchecked Sendable {
    // Why @unchecked: what is not locked belongs to whoever made the source until `start`, then to the
    // thread.

    /// Absolute.
    let path: String
    /// As in the file.
    let display: String
    let callers: CallerIndex

    /// What control may ask about, whatever the thread does.
    struct Shown: Sendable {
        var standing: TokenFileStanding.State
        /// Entries in the file, revoked ones included; of the last look that could be read.
        var entryCount = 0
        var problem: SourceProblem?
    }

    static let flushNanoseconds: UInt64 = 1_000_000_000
    /// A file of so many bytes is written half as often, of twice as many a third, and so on: each write is
    /// of the whole file.
    static let flushBytes = 1_000_000
    /// Between two attempts to write where writing fails.
    static let flushRetryNanoseconds: UInt64 = 30_000_000_000
    /// A look at what `stat(2)` says, for file systems that tell of nothing.
    static let checkNanoseconds: UInt64 = 1_000_000_000
    static let stopMilliseconds: Int32 = 2000
    /// How long the last write waits for whoever changes the file: less than the stop waits for it.
    static let lastLockMilliseconds = 1500

    private let mailboxes: Mailboxes
    private let bell: Bell
    private let finished: Bell
    private let stops = Atomic<Bool>(false)
    private let isRunning = Atomic<Bool>(false)
    private let shown: Locked<Shown>
    /// Routes that let everybody in because the file had no token, as long as that was not told of.
    private let openRoutes = Locked<(routes: String, bell: Bell?)?>(nil)

    private var editor: CallerEditor
    private var standing: TokenFileStanding
    /// SHA-256 of the content that the callers are.
    private var applied: [UInt8]?
    private var signature: FileSignature?
    private var uses: [KeyDigest: UInt64] = [:]
    private var flushAt: UInt64 = 0
    private var hasWarnedOfWriting = false
    /// Since when somebody holds the file's lock, as far as is known.
    private var lockedSince: UInt64?
    /// Of the content that was read last.
    private var byteCount = 0

    /// Reads the file for the first time.
    init(path: String, display: String, callers: CallerIndex, mailboxes: Mailboxes) throws(SystemError) {
        self.path = path
        self.display = display
        self.callers = callers
        self.mailboxes = mailboxes
        bell = try Bell()
        finished = try Bell()
        editor = CallerEditor(callers)
        let found = TokenFileSource.look(path)
        standing = TokenFileStanding(first: found.look)
        shown = Locked(Shown(standing: standing.state))
        signature = FileSignature(path)
        switch found.look {
        case .content: apply(found)
        case .missing: break
        case .unusable(let why): doubt(why)
        }
        show()
    }

    var state: Shown { shown.withLock { $0 } }

    /// Control: these routes let everybody in as long as the file has no token; nil: none. The first that
    /// appears is told of, once.
    /// - Parameter bell: rung then: control closes them.
    func standOpen(at routes: String?, _ bell: Bell?) {
        openRoutes.withLock { $0 = routes.map { ($0, bell) } }
        tellOfOpenRoutes()
    }

    private func tellOfOpenRoutes() {
        guard state.entryCount > 0 else { return }
        let routes = openRoutes.withLock { routes in
            defer { routes = nil }
            return routes
        }
        guard let (routes, bell) = routes else { return }
        Log.warning("\(display) has a token by now: nobody comes in at \(routes) without one any more")
        bell?.ring()
    }

    /// Whether there is nobody whom the file names, for `when_unconfigured`.
    /// - Parameter isNew: nothing was known of the file before this reading; else one that is missing counts
    ///   only when that has lasted.
    func isUnconfigured(isNew: Bool) -> Bool {
        let found = TokenFileSource.look(path)
        switch found.look {
        case .unusable: return false
        case .content: return found.file?.entries.isEmpty ?? false
        case .missing: return isNew || hasStayedAway
        }
    }

    /// The same without waiting for a missing file to stay so.
    var isUnconfiguredNow: Bool { isUnconfigured(isNew: true) }

    /// Why not the whole two seconds: a reload waits as long for a file to come back, and must not be a
    /// moment early.
    private var hasStayedAway: Bool {
        switch state.standing {
        case .gone: true
        case .missing(let since): headgate_monotonic_ns() >= since + TokenFileStanding.missingMax * 3 / 4
        case .good, .unsettled, .broken: false
        }
    }

    /// - Throws: what stands in the way of a thread or of watching.
    func start() throws(SystemError) {
        let watcher = try ConfigWatcher()
        isRunning.store(true, ordering: .releasing)
        do throws(SystemError) {
            let box = Handover(watcher)
            try ControlThread.start("hg-tokens") { [self] in run(box.watcher) }
        } catch {
            isRunning.store(false, ordering: .releasing)
            throw error
        }
    }

    /// Writes what is left and ends the thread; waits for that for at most two seconds.
    func stop() {
        guard isRunning.exchange(false, ordering: .acquiringAndReleasing) else { return }
        stops.store(true, ordering: .releasing)
        bell.ring()
        var wanted = pollfd(fd: finished.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, TokenFileSource.stopMilliseconds) < 0, errno == EINTR {}
    }

    // MARK: - The thread

    /// Why: a watcher belongs to one thread at a time, which the compiler cannot see.
    private struct Handover: @unchecked Sendable {
        let watcher: ConfigWatcher
        init(_ watcher: ConfigWatcher) { self.watcher = watcher }
    }

    private func run(_ watcher: ConfigWatcher) {
        watcher.watch([path])
        // What happened between the first look and the watch was not seen.
        lookAgain()
        while !stops.load(ordering: .acquiring) {
            var wanted = [
                pollfd(fd: watcher.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&wanted, nfds_t(wanted.count), milliseconds())
            var hasChanged = false
            if count > 0, wanted[0].revents != 0 { hasChanged = watcher.takeEvents() }
            if !hasChanged, FileSignature(path) != signature { hasChanged = true }
            let now = headgate_monotonic_ns()
            if hasChanged || standing.lookAgainAt.map({ $0 <= now }) ?? false { lookAgain() }
            writeUses()
        }
        flushAt = 0
        writeUses(lockMilliseconds: TokenFileSource.lastLockMilliseconds)
        finished.ring()
    }

    private func milliseconds() -> Int32 {
        let now = headgate_monotonic_ns()
        let next = min(standing.lookAgainAt ?? .max, now + TokenFileSource.checkNanoseconds)
        return next <= now ? 0 : Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    private struct Found {
        let look: TokenFileStanding.Look
        var file: TokenFile?
        var digest: [UInt8] = []
        var byteCount = 0
    }

    private static func look(_ path: String) -> Found {
        do throws(FileReadError) {
            let bytes = try readFile(path, limitBytes: InputFiles.limitBytes)
            do throws(TokenFileError) {
                let file = try TokenFile(bytes)
                return Found(look: .content, file: file, digest: sha256(bytes), byteCount: bytes.count)
            } catch { return Found(look: .unusable(error.description)) }
        } catch { return Found(look: error == .missing ? .missing : .unusable("cannot be read: \(error)")) }
    }

    private func lookAgain() {
        signature = FileSignature(path)
        let found = TokenFileSource.look(path)
        switch standing.looked(found.look, now: headgate_monotonic_ns()) {
        case .wait: break
        case .apply(let recovers):
            if found.digest != applied { apply(found) }
            callers.clearDoubt()
            if recovers { Log.info("\(display): \(counted(editor.callers.count, "token")) known again") }
        case .refuseAll:
            editor.removeAll(but: [])
            applied = nil
            shown.withLock { $0.entryCount = 0 }
            callers.clearDoubt()
            Log.error("\(display): gone for more than 2 s; its tokens are refused until it is back")
        case .doubt(let why): doubt(why)
        }
        cut()
        show()
    }

    private func apply(_ found: Found) {
        guard let file = found.file else { return }
        applied = found.digest
        byteCount = found.byteCount
        var named: Set<KeyDigest> = []
        for entry in file.entries {
            let digest = KeyDigest(entry.digest)
            named.insert(digest)
            let state: Caller.State = entry.isActive ? .active : .revoked
            editor.put(Caller(digest: digest, label: PlanText(entry.name), state: state))
        }
        editor.removeAll(but: named)
        shown.withLock { $0.entryCount = file.entries.count }
        tellOfOpenRoutes()
    }

    private func doubt(_ why: String) {
        callers.putInDoubt()
        Log.error(
            "\(display): \(why); the tokens known so far stay good. Mend it, or put a copy in its "
                + "place: it is read again as soon as it changes")
    }

    /// Ends the streams of those who were revoked, where `on_revoke` says so.
    private func cut() {
        guard editor.hasCut else { return }
        editor.hasCut = false
        mailboxes.post(.cutRevoked)
    }

    private func show() {
        let problem: String? =
            switch standing.state {
            case .good, .unsettled: nil
            case .missing, .gone: "no such file"
            case .broken(let why): why
            }
        shown.withLock { shown in
            shown.standing = standing.state
            guard shown.problem?.text != problem else { return }
            shown.problem = problem.map { SourceProblem(since: headgate_realtime_ns(), text: $0) }
        }
    }

    // MARK: - When tokens were used

    /// - Parameter lockMilliseconds: how long to wait for whoever changes the file. Why not at all in
    ///   between: a revocation is to be seen meanwhile.
    private func writeUses(lockMilliseconds: Int = 0) {
        let now = headgate_monotonic_ns()
        guard now >= flushAt else { return }
        let stretch = UInt64(1 + byteCount / TokenFileSource.flushBytes)
        flushAt = now + TokenFileSource.flushNanoseconds * stretch
        for use in editor.takeUses() { uses[use.digest] = max(uses[use.digest] ?? 0, use.last) }
        guard !uses.isEmpty, case .good = standing.state else { return }
        let seconds = uses.map { ($0.key.bytes, Int64($0.value / 1_000_000_000)) }
        do throws(TokenFileError) {
            _ = try TokenFileEditor(path: path, lockMilliseconds: lockMilliseconds).mergeLastUsed(
                Dictionary(seconds, uniquingKeysWith: { max($0, $1) }))
            uses = [:]
            lockedSince = nil
            hasWarnedOfWriting = false
        } catch {
            if case .overtaken = error { return }
            if case .locked = error {
                let since = lockedSince ?? now
                lockedSince = since
                guard now >= since + TokenFileSource.flushRetryNanoseconds else { return }
            }
            flushAt = now + TokenFileSource.flushRetryNanoseconds
            guard !hasWarnedOfWriting else { return }
            hasWarnedOfWriting = true
            Log.warning("\(display): when tokens were used is not written: \(error)")
        }
    }
}
