import CLinux
import Stores
import Synchronization

/// What the thread of a store does between jobs: keeps the store open, brings callers up to date, writes uses
/// back.
///
/// Errors never stop it. Callers that are known stay good; their indexes are in doubt until the store can be
/// read again, which it finds out by itself.
final class StoreWork: @unchecked Sendable {
    // Why @unchecked: everything but the problems belongs to the store's thread.

    static let pollNanoseconds: UInt64 = 200_000_000
    static let flushNanoseconds: UInt64 = 1_000_000_000
    /// Between two attempts to write uses where that fails.
    static let flushRetryNanoseconds: UInt64 = 10_000_000_000
    /// For so long after a lock was waited for in vain, others who meet it do not wait.
    static let impatientNanoseconds: UInt64 = 1_000_000_000
    /// How long the last uses wait for a lock: less than the stop waits for them.
    static let lastWriteMilliseconds: Int32 = 4000
    static let reopenNanosecondsMax: UInt64 = 5_000_000_000

    let problem = Locked<SourceProblem?>(nil)
    /// What keeps writes from being made, while reading goes on.
    let writeProblem = Locked<SourceProblem?>(nil)
    /// How often it was opened: whoever saw another number may have to do with another file.
    let openings = Atomic<UInt64>(0)
    /// Told of users that have changed, as long as their owner lives.
    private var listeners: [Listener] = []

    /// - Parameters: the users that were changed, nil: anybody may have been; the store, open.
    typealias UserListener = @Sendable ([Int64]?, Store) -> Void

    private struct Listener {
        weak var owner: AnyObject?
        let tell: UserListener
    }

    private let path: String
    private let options: Store.Options
    private let display: String
    private let mailboxes: Mailboxes

    private var store: Store?
    /// Why there is none.
    private var failure = StoreError.failed("not open yet")
    private var file: FileSignature.Identity?
    private var audiences: [KeyAudience] = []
    /// Of the last changes that were applied; nil: everything is to be read.
    private var version: Int64?
    private var foreign: Int64 = 0
    /// Keys that are to be revoked at a moment to come, seconds since 1970.
    private var timed: [KeyDigest: Int64] = [:]
    private var uses: [Int64: (count: Int64, lastUsedAt: Int64)] = [:]
    // Monotonic nanoseconds.
    private var pollAt: UInt64 = 0
    private var flushAt: UInt64 = 0
    private var waitsAgainAt: UInt64 = 0
    private var reopenPause = StoreWork.pollNanoseconds
    private var hasWarnedOfWriting = false
    private var hasReadMuch = false
    /// Rows.
    private static let largeTable = 10_000

    init(path: String, options: Store.Options, display: String, mailboxes: Mailboxes) {
        self.path = path
        self.options = options
        self.display = display
        self.mailboxes = mailboxes
    }

    var opened: Result<Store, StoreError> { store.map { .success($0) } ?? .failure(failure) }

    func millisecondsToNext() -> Int32 {
        let now = headgate_monotonic_ns()
        let next = min(pollAt, flushAt)
        return next <= now ? 0 : Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    // MARK: - Opening and closing

    func open(migrates: Bool) {
        do throws(StoreError) {
            store = try StoreWork.open(path, options, migrates: migrates, display)
            file = FileSignature(path)?.identity
            openings.wrappingAdd(1, ordering: .releasing)
            version = nil
            foreign = 0
        } catch { fail(error) }
        pollAt = headgate_monotonic_ns() + StoreWork.pollNanoseconds
    }

    private static func open(
        _ path: String, _ options: Store.Options, migrates: Bool, _ display: String
    ) throws(StoreError) -> Store {
        do throws(StoreError) {
            return try Store(opening: path, options: options)
        } catch {
            guard migrates, case .schemaTooOld(let found, let known) = error else { throw error }
            try Store.prepare(path)
            Log.info("\(display): migrated from schema \(found) to \(known)")
            return try Store(opening: path, options: options)
        }
    }

    func close() {
        store?.waitForLocks(milliseconds: StoreWork.lastWriteMilliseconds)
        hasWarnedOfWriting = true
        writeUses()
        let lost = uses.values.reduce(0) { $0 + $1.count }
        if lost > 0 {
            Log.warning("store \(display): \(lost) uses of keys could not be written and are lost")
        }
        store?.close()
        store = nil
    }

    // MARK: - Jobs

    /// Runs what may meet another process's lock.
    ///
    /// Why not each with the same patience: while somebody holds the lock for long, each writer would keep
    /// all that come after it waiting, also those who only read and need no lock.
    func meetingLocks(_ body: () -> Void) {
        let isPatient = headgate_monotonic_ns() >= waitsAgainAt
        store?.waitForLocks(milliseconds: isPatient ? options.busyTimeoutMilliseconds : 0)
        body()
        noteLastWrite()
        guard store?.takeHasMetLock() ?? false, isPatient else { return }
        waitsAgainAt = headgate_monotonic_ns() + StoreWork.impatientNanoseconds
    }

    private func noteLastWrite() {
        switch store?.takeLastWrite() {
        case nil: break
        case .success: writeProblem.withLock { $0 = nil }
        case .failure(let error):
            let text = error.description
            writeProblem.withLock { problem in
                guard problem?.text != text else { return }
                problem = SourceProblem(since: headgate_realtime_ns(), text: text)
            }
        }
    }

    // MARK: - Between jobs

    func turn() {
        let now = headgate_monotonic_ns()
        revokeDue()
        if now >= pollAt { look(now) }
        if now >= flushAt { meetingLocks { writeUses() } }
        if hasReadMuch {
            hasReadMuch = false
            headgate_return_memory()
        }
    }

    private func look(_ now: UInt64) {
        pollAt = now + StoreWork.pollNanoseconds
        if store != nil, FileSignature(path)?.identity != file {
            // Why: the open file may have been removed, or replaced by a copy from a backup.
            store?.close()
            store = nil
        }
        guard let store else { return reopen(now) }
        do throws(StoreError) {
            let found = try store.foreignChanges()
            guard found != foreign || version == nil else { return recovered() }
            foreign = found
            try apply(store)
            recovered()
        } catch { fail(error) }
    }

    private func reopen(_ now: UInt64) {
        open(migrates: false)
        guard store != nil else {
            pollAt = now + reopenPause
            reopenPause = min(reopenPause * 2, StoreWork.reopenNanosecondsMax)
            return
        }
        reopenPause = StoreWork.pollNanoseconds
        synchronize()
    }

    /// Reads what has changed, now.
    func synchronize() {
        guard let store else { return }
        do throws(StoreError) {
            foreign = try store.foreignChanges()
            try apply(store)
            recovered()
        } catch { fail(error) }
    }

    private func apply(_ store: Store) throws(StoreError) {
        guard !audiences.isEmpty || !listeners.isEmpty else { return }
        let changes = try store.keyChanges(since: version)
        version = changes.version
        take(changes, for: audiences)
        let users = changes.isComplete ? nil : changes.users
        // Why: what a whole table was read into would be kept, and is more than the index itself.
        if changes.changed.count >= StoreWork.largeTable { hasReadMuch = true }
        guard users.map({ !$0.isEmpty }) ?? true else { return }
        for listener in listeners where listener.owner != nil { listener.tell(users, store) }
    }

    func addListener(_ owner: AnyObject, _ tell: @escaping UserListener) {
        listeners.removeAll { $0.owner == nil }
        listeners.append(Listener(owner: owner, tell: tell))
    }

    private func take(_ changes: KeyChanges, for audiences: [KeyAudience]) {
        let now = StoreWork.secondsNow()
        if changes.isComplete { timed = [:] }
        for row in changes.changed {
            let digest = KeyDigest(row.digest)
            timed[digest] = row.revokedAt.flatMap { $0 > now ? $0 : nil }
        }
        for digest in changes.removed { timed[KeyDigest(digest)] = nil }
        for audience in audiences { audience.apply(changes, now: now) }
        cut()
    }

    private func revokeDue() {
        guard !timed.isEmpty else { return }
        let now = StoreWork.secondsNow()
        for (digest, at) in timed where at <= now {
            timed[digest] = nil
            for audience in audiences { audience.revoke(digest) }
        }
        cut()
    }

    /// Ends the streams of those who were revoked or disabled, where `on_revoke` says so.
    private func cut() {
        let cuts = audiences.map { $0.takeCut() }
        if cuts.contains(true) { mailboxes.post(.cutRevoked) }
    }

    // MARK: - Audiences

    func attach(_ audience: KeyAudience) -> Result<Void, StoreError> {
        guard let store else { return .failure(failure) }
        do throws(StoreError) {
            // Why everything for all of them: one version stands for all.
            audiences.append(audience)
            version = nil
            foreign = try store.foreignChanges()
            try apply(store)
            return .success(())
        } catch {
            audiences.removeAll { $0 === audience }
            return .failure(error)
        }
    }

    func detach(_ audience: KeyAudience) {
        collectUses(of: audience)
        audiences.removeAll { $0 === audience }
    }

    // MARK: - Trouble

    private func fail(_ error: StoreError) {
        store?.close()
        store = nil
        failure = error
        for audience in audiences { audience.callers.putInDoubt() }
        let text = error.description
        let isNew = problem.withLock { problem in
            guard problem?.text != text else { return false }
            problem = SourceProblem(since: problem?.since ?? headgate_realtime_ns(), text: text)
            return true
        }
        guard isNew, !audiences.isEmpty || !listeners.isEmpty else { return }
        Log.error(
            "store \(display) cannot be read: \(text); the keys known so far stay good, and it is tried again"
        )
    }

    private func recovered() {
        let hadProblem = problem.withLock { problem in
            defer { problem = nil }
            return problem != nil
        }
        guard hadProblem else { return }
        for audience in audiences { audience.callers.clearDoubt() }
        Log.info("store \(display) can be read again")
    }

    // MARK: - Uses

    private func collectUses(of audience: KeyAudience) {
        for use in audience.takeUses() {
            let before = uses[use.keyID] ?? (0, 0)
            let last = Int64(use.last / 1_000_000_000)
            uses[use.keyID] = (before.count + Int64(use.count), max(before.lastUsedAt, last))
        }
    }

    private func writeUses() {
        let now = headgate_monotonic_ns()
        flushAt = now + StoreWork.flushNanoseconds
        for audience in audiences { collectUses(of: audience) }
        guard !uses.isEmpty, let store else { return }
        do throws(StoreError) {
            try store.recordUses(
                uses.map { (key: $0.key, count: $0.value.count, lastUsedAt: $0.value.lastUsedAt) })
            uses = [:]
            hasWarnedOfWriting = false
        } catch {
            flushAt = now + StoreWork.flushRetryNanoseconds
            guard !hasWarnedOfWriting else { return }
            hasWarnedOfWriting = true
            Log.warning("store \(display): uses of keys are not written for now: \(error)")
        }
    }

    private static func secondsNow() -> Int64 { Int64(headgate_realtime_ns() / 1_000_000_000) }
}
