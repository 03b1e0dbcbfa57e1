import CLinux
import Glibc
import Stores
import Synchronization

/// One store of the file and the thread that it belongs to. Jobs run in order; the thread opens the store,
/// opens it again when it failed, and looks for changes of other processes between jobs.
///
/// Outlives generations as long as `stores.NAME` means the same file and key.
final class StoreKeeper: Sendable {
    /// Jobs that may wait.
    static let waitingMax = 1024
    static let stopMilliseconds: Int32 = 5000
    /// How long control waits for a job of its own.
    static let askMilliseconds: Int32 = 5000
    /// Nanoseconds after which a job that somebody waits for is not worth beginning: with what else it
    /// takes, an answer is there within a second.
    static let promptNanoseconds: UInt64 = 700_000_000

    typealias Job = @Sendable (Result<Store, StoreError>) -> Void

    /// The store's own options, resolved.
    let path: String
    let passwordCost: Int
    /// As in the file.
    let display: String

    private struct Entry {
        let job: Job
        /// Monotonic nanoseconds.
        let beginBy: UInt64
    }

    private struct Shared {
        var jobs: [Entry] = []
        var stops = false
        var hasStarted = false
        var problem: SourceProblem?
    }

    private let shared = Locked(Shared())
    private let bell: Bell
    private let finished: Bell
    private let work: StoreWork

    /// - Parameter display: the path as people wrote it.
    init(
        path: String, options: Store.Options, passwordCost: Int, display: String? = nil,
        mailboxes: Mailboxes = Mailboxes()
    ) throws(SystemError) {
        self.path = path
        self.passwordCost = passwordCost
        self.display = display ?? path
        bell = try Bell()
        finished = try Bell()
        work = StoreWork(path: path, options: options, display: self.display, mailboxes: mailboxes)
    }

    /// - Parameter migrates: bring a store of an older headgate up to date first.
    func start(migrates: Bool) throws(SystemError) {
        shared.withLock { $0.hasStarted = true }
        do throws(SystemError) {
            try ControlThread.start("hg-store") { [self] in run(migrates) }
        } catch {
            shared.withLock { $0.hasStarted = false }
            throw error
        }
    }

    /// Runs `job` on the store's thread, with the open store or why it cannot be opened.
    /// - Returns: false at the bound: the job will not run.
    func perform(_ job: @escaping Job) -> Bool { perform(job, beginBy: .max) }

    /// For what must not be lost because others ask too much.
    /// - Returns: false after the stop: the job will not run.
    func performInAnyCase(_ job: @escaping Job) -> Bool {
        perform(job, beginBy: .max, isBounded: false)
    }

    func performPromptly(_ job: @escaping Job) -> Bool {
        perform(job, beginBy: headgate_monotonic_ns() + StoreKeeper.promptNanoseconds)
    }

    private func perform(_ job: @escaping Job, beginBy: UInt64, isBounded: Bool = true) -> Bool {
        let isAccepted = shared.withLock { shared in
            let hasRoom = !isBounded || shared.jobs.count < StoreKeeper.waitingMax
            guard hasRoom, !shared.stops else { return false }
            shared.jobs.append(Entry(job: job, beginBy: beginBy))
            return true
        }
        if isAccepted { bell.ring() }
        return isAccepted
    }

    /// On the store's thread, after a job changed users or keys: callers are brought up to date at once.
    func keysChanged() { work.synchronize() }

    /// Control: runs a job and waits for it.
    /// - Parameter milliseconds: how long; the job is run in any case.
    func ask<Value: Sendable>(
        within milliseconds: Int32 = StoreKeeper.askMilliseconds,
        _ body: @escaping @Sendable (Result<Store, StoreError>) -> Result<Value, StoreError>
    ) -> Result<Value, StoreError> {
        let box = Locked<Result<Value, StoreError>?>(nil)
        let done: Bell
        do throws(SystemError) {
            done = try Bell()
        } catch { return .failure(.failed(error.description)) }
        let isAccepted = performInAnyCase { opened in
            let value = body(opened)
            box.withLock { $0 = value }
            done.ring()
        }
        guard isAccepted else { return .failure(.failed("the store is closed")) }
        var wanted = pollfd(fd: done.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, milliseconds) < 0, errno == EINTR {}
        return box.withLock { $0 } ?? .failure(.failed("no answer within \(milliseconds) ms"))
    }

    /// Control: fills the audience's index, and keeps it up to date from then on.
    func attach(_ audience: KeyAudience) -> Result<Void, StoreError> {
        ask { [work] opened in
            switch opened {
            case .success: work.attach(audience)
            case .failure(let error): .failure(error)
            }
        }
    }

    func detach(_ audience: KeyAudience) {
        _ = performInAnyCase { [work] _ in work.detach(audience) }
    }

    /// Told of users that were changed or removed, whose tokens have to be looked at again; nil: anybody may
    /// have been. On the store's thread, for as long as the owner lives.
    func onUserChanges<Owner: AnyObject & Sendable>(
        _ owner: Owner, _ tell: @escaping StoreWork.UserListener
    ) -> Bool {
        performInAnyCase { [work, weak owner] _ in
            if let owner { work.addListener(owner, tell) }
        }
    }

    /// What keeps the store from being read; nil: nothing.
    var problem: SourceProblem? { work.problem.withLock { $0 } }

    /// What keeps writes from being made; nil: nothing, as far as was tried.
    var writeProblem: SourceProblem? { work.writeProblem.withLock { $0 } }

    /// Grows whenever the store is opened: what was written before may not be in the file that is open now.
    var openings: UInt64 { work.openings.load(ordering: .acquiring) }

    /// Writes what is left, closes the store and ends the thread; waits for that for at most five seconds.
    func stop() {
        let waits = shared.withLock { shared in
            defer { shared.stops = true }
            return shared.hasStarted && !shared.stops
        }
        guard waits else { return }
        bell.ring()
        var wanted = pollfd(fd: finished.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, StoreKeeper.stopMilliseconds) < 0, errno == EINTR {}
    }

    // MARK: - The thread

    private func perform(_ entry: Entry) {
        guard headgate_monotonic_ns() <= entry.beginBy else {
            return entry.job(.failure(.failed("the store has too much to do")))
        }
        work.meetingLocks { entry.job(work.opened) }
    }

    private func run(_ migrates: Bool) {
        // Why: a flood of logins must not take the workers' time from them.
        headgate_yield_to_others(5)
        work.open(migrates: migrates)
        while true {
            var wanted = pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&wanted, 1, work.millisecondsToNext())
            bell.silence()
            let (jobs, stops) = shared.withLock { shared in
                defer { shared.jobs = [] }
                return (shared.jobs, shared.stops)
            }
            for entry in jobs { perform(entry) }
            if stops { break }
            work.turn()
        }
        work.close()
        finished.ring()
    }
}
