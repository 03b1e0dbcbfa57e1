import CLinux
import Glibc
import Synchronization

/// Brings what exchanges have used, and the counts of limits by day and month, into the store of `usage:`, on
/// a thread of its own.
///
/// The thread only adds up; once a second the sums go to the store's thread as one transaction. While that
/// fails they are kept and tried again. Nothing is lost without being counted and told.
final class UsageWriter: Sendable {
    /// How long records are left to gather once the first is there.
    static let gatherMilliseconds: Int32 = 50
    static let writeNanoseconds: UInt64 = 1_000_000_000
    /// Between two deletions of counts that have expired, and of usage that is old.
    static let forgetNanoseconds: UInt64 = 3_600_000_000_000
    /// How long a stop waits for the last sums to be written.
    static let stopMilliseconds: Int32 = 5000
    /// How long a start waits for what a store holds: nobody is served yet, and a start that fails would fail
    /// again.
    static let startMilliseconds: Int32 = 120_000
    /// How long the thread itself tries.
    private static let lastTriesNanoseconds: UInt64 = 4_500_000_000

    /// What control asks for, taken by the thread.
    private struct Orders {
        /// All since the last time, in order: each may bring measures of its own.
        var settings: [UsageSetting] = []
        var stops = false
    }

    private let ledger: Ledger
    private let bell: WriterBell
    private let finished: Bell
    private let orders = Locked(Orders())
    private let outcomes = Locked<[UsageOutcome]>([])
    private let workers = Locked<[WorkerHandle]>([])
    private let isRunning = Atomic<Bool>(false)
    /// Measures whose counts were read from a store in the life of the process, by identity: the ledger has
    /// gone on from there, and must not be given them twice.
    private let restored = Locked<Set<String>>([])
    private let figures = Locked(UsageFigures())

    /// - Parameter bell: what workers ring.
    init(ledger: Ledger, bell: WriterBell) throws(SystemError) {
        self.ledger = ledger
        self.bell = bell
        finished = try Bell()
    }

    func start(_ handles: [WorkerHandle]) throws(SystemError) {
        workers.withLock { $0 = handles }
        isRunning.store(true, ordering: .releasing)
        try ControlThread.start("hg-usage") { [self] in run(handles) }
    }

    /// Writes what is left, for at most five seconds. Before the stores are closed.
    func stop() {
        guard isRunning.load(ordering: .acquiring) else { return }
        orders.withLock { $0.stops = true }
        bell.bell.ring()
        var wanted = pollfd(fd: finished.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, UsageWriter.stopMilliseconds) < 0, errno == EINTR {}
        isRunning.store(false, ordering: .releasing)
    }

    var status: UsageStatus {
        UsageStatus(figures: figures.withLock { $0 }, dropped: dropped(workers.withLock { $0 }))
    }
}

// MARK: - Settings

extension UsageWriter {
    /// Reads what the store holds of the measures that are new in this process. Changes nothing.
    /// - Parameters:
    ///   - store: nil: `usage` is off.
    ///   - measures: all of the configuration.
    ///   - milliseconds: how long the store is waited for.
    func prepare(
        store: StoreKeeper?, measures: [LimitMeasure],
        within milliseconds: Int32 = StoreKeeper.askMilliseconds
    ) -> Result<UsageSetting, UsageProblem> {
        let durable = measures.filter(\.isDurable)
        guard let store else { return .success(UsageSetting(store: nil, measures: durable)) }
        let known = restored.withLock { $0 }
        let wanted = durable.filter { !known.contains($0.identity) }
        guard !wanted.isEmpty else { return .success(UsageSetting(store: store, measures: durable)) }
        let read = store.ask(within: milliseconds) { opened in
            opened.flatMap { LedgerJournal.read(wanted, from: $0) }
        }
        return
            read.map { UsageSetting(store: store, measures: durable, states: $0) }
            .mapError { UsageProblem(display: store.display, error: $0) }
    }

    /// Counts that come from another process must not be read from the store as well.
    func markRestored(_ identities: [String]) { restored.withLock { $0.formUnion(identities) } }

    /// The generation with these measures is about to be served.
    func commit(_ setting: UsageSetting) {
        if setting.store != nil {
            let now = LimitTime(monotonic: headgate_monotonic_ns(), realtime: headgate_realtime_ns())
            ledger.restore(setting.states, at: now)
            restored.withLock { $0.formUnion(setting.measures.map(\.identity)) }
        }
        orders.withLock { $0.settings.append(setting) }
        bell.bell.ring()
    }
}

// MARK: - The thread

extension UsageWriter {
    private func run(_ workers: [WorkerHandle]) {
        var work = UsageWork(ledger: ledger, figures: figures) { [self] outcome in
            outcomes.withLock { $0.append(outcome) }
            bell.bell.ring()
        }
        while true {
            let orders = takeOrders()
            take(workers, into: &work)
            for setting in orders.settings { work.use(setting) }
            work.turn(now: headgate_monotonic_ns())
            work.tell(dropped: dropped(workers))
            if orders.stops { break }
            sleep(until: work.nextTurn)
        }
        finish(&work)
        work.tell(dropped: dropped(workers))
        finished.ring()
    }

    private func dropped(_ workers: [WorkerHandle]) -> UInt64 {
        workers.reduce(0) { $0 + $1.usage.dropped.load(ordering: .relaxed) }
    }

    private func takeOrders() -> Orders {
        orders.withLock { orders in
            defer { orders.settings = [] }
            return orders
        }
    }

    private func take(_ workers: [WorkerHandle], into work: inout UsageWork) {
        for worker in workers { worker.usage.drain { record, texts in work.add(record, texts) } }
        let ended = outcomes.withLock { outcomes in
            defer { outcomes = [] }
            return outcomes
        }
        for outcome in ended { work.take(outcome) }
    }

    /// Tries until everything is written.
    private func finish(_ work: inout UsageWork) {
        let end = headgate_monotonic_ns() + UsageWriter.lastTriesNanoseconds
        while headgate_monotonic_ns() < end, work.writeMore() {
            wait(milliseconds: 100)
            bell.bell.silence()
            take([], into: &work)
            if work.hasProblem { poll(nil, 0, 100) }
        }
        work.tellOfLosses()
    }

    /// Until a worker, the store or control rings, or the next turn is due.
    ///
    /// A worker that looked at `isAsleep` just before it was set does not ring; its next record does, and the
    /// next turn is a second away.
    private func sleep(until next: UInt64?) {
        bell.isAsleep.store(true, ordering: .sequentiallyConsistent)
        let now = headgate_monotonic_ns()
        let isRung = wait(
            milliseconds: next.map { $0 <= now ? 0 : Int32(clamping: ($0 - now) / 1_000_000 + 1) } ?? -1)
        bell.isAsleep.store(false, ordering: .sequentiallyConsistent)
        bell.bell.silence()
        guard isRung, !orders.withLock({ $0.stops }) else { return }
        wait(milliseconds: UsageWriter.gatherMilliseconds)
    }

    /// - Returns: whether the bell rang.
    @discardableResult
    private func wait(milliseconds: Int32) -> Bool {
        var wanted = pollfd(fd: bell.bell.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wanted, 1, milliseconds) > 0
    }
}
