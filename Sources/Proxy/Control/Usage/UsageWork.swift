import CLinux
import Stores
import Synchronization

/// What the usage thread holds: the sums that are not written, the journal of the ledger, and where both go.
struct UsageWork {
    private var tally = UsageTally()
    private var journal: LedgerJournal
    private let ledger: Ledger
    private var store: StoreKeeper?
    private let figures: Locked<UsageFigures>
    private let ended: @Sendable (UsageOutcome) -> Void
    /// Transactions handed to stores so far.
    private var handed: UInt64 = 0
    /// Those of them that have not come back.
    private var underway = 0
    /// The one that has to come back before the next: an outdated one, of which there may be others, brings
    /// back counts that have been marked again since.
    private var current: UInt64?
    /// Of the store, when all counts were last marked for it.
    private var openings: UInt64 = 0
    // Monotonic nanoseconds.
    private var writeAt: UInt64 = 0
    private var forgetAt: UInt64 = 0
    private let complaints = LogGate()
    private var toldOf: UInt64 = 0

    /// - Parameter ended: told of each transaction, on the store's thread.
    init(ledger: Ledger, figures: Locked<UsageFigures>, ended: @escaping @Sendable (UsageOutcome) -> Void) {
        self.ledger = ledger
        self.figures = figures
        self.ended = ended
        journal = LedgerJournal(ledger)
    }

    /// Monotonic nanoseconds; nil: there is nothing to do until somebody rings.
    var nextTurn: UInt64? { store == nil ? nil : writeAt }

    mutating func add<Text: Sequence<UInt8>>(_ record: UsageRecord, _ texts: [Text]) {
        // Why also while `usage` is off: what comes may be for a setting that the thread has not taken yet.
        tally.add(record, texts)
    }

    mutating func use(_ setting: UsageSetting) {
        journal.know(setting.measures)
        guard store !== setting.store else { return }
        // Why first: what was used until now belongs into the store that was there then.
        _ = hand(tally.take(max: UsageTally.rowsMax), [])
        store = setting.store
        current = nil
        (writeAt, forgetAt) = (0, 0)
        markAll()
        figures.withLock { figures in
            figures.store = setting.store?.display
            figures.problem = nil
        }
    }

    /// Why the number first: a store that is opened meanwhile is found by the next turn.
    private mutating func markAll() {
        openings = store?.openings ?? 0
        ledger.markAllChanged()
    }

    mutating func turn(now: UInt64) {
        guard now >= writeAt, let store else { return }
        // Why: the file may have been replaced, and nobody would write down again what has not changed since.
        if store.openings != openings { markAll() }
        writeAt = now + UsageWriter.writeNanoseconds
        write()
        guard now >= forgetAt else { return }
        forgetAt = now + UsageWriter.forgetNanoseconds
        let isAccepted = store.perform { opened in
            if case .success(let store) = opened { UsageWork.forgetOld(store) }
        }
        if !isAccepted { forgetAt = now + UsageWriter.writeNanoseconds }
    }

    /// - Returns: whether there is, or may be, something left to write.
    mutating func writeMore() -> Bool {
        write()
        return underway > 0 || (store != nil && !tally.isEmpty)
    }

    private mutating func write() {
        guard current == nil, store != nil else { return }
        let usage = tally.take()
        let rows = journal.take(now: headgate_realtime_ns())
        current = hand(usage, rows)
    }

    /// - Returns: the number of the transaction that is on its way; nil: none is.
    private mutating func hand(_ usage: [UsageSubject: UsageSums], _ rows: [LedgerRow]) -> UInt64? {
        guard !usage.isEmpty || !rows.isEmpty else { return nil }
        let number = handed + 1
        let isAccepted = store?.performInAnyCase { [ended, store] opened in
            guard let store else { return }
            let error = UsageWork.write(usage, rows, opened)
            ended(UsageOutcome(number: number, store: store, usage: usage, ledger: rows, error: error))
        }
        guard isAccepted ?? false else {
            tally.giveBack(usage)
            journal.giveBack(rows)
            return nil
        }
        handed = number
        underway += 1
        return number
    }

    /// On the store's thread.
    private static func write(
        _ usage: [UsageSubject: UsageSums], _ rows: [LedgerRow], _ opened: Result<Store, StoreError>
    ) -> StoreError? {
        do throws(StoreError) {
            let store = try opened.get()
            try store.transaction { () throws(StoreError) in
                try store.addUsage(usage)
                try store.putLedger(rows)
            }
            return nil
        } catch { return error }
    }

    /// Bounded: the store's thread has others to serve, and there is a next time.
    private static func forgetOld(_ store: Store) {
        do throws(StoreError) {
            for _ in 0..<10 where try store.forgetExpiredLedger(max: 10_000) < 10_000 { break }
            for _ in 0..<10 where try store.forgetOldUsage(max: 10_000) < 10_000 { break }
        } catch {
            Log.warning("\(store.path): old usage and expired counts of limits are not deleted: \(error)")
        }
    }

    mutating func take(_ outcome: UsageOutcome) {
        let isCurrent = outcome.number == current
        if isCurrent { current = nil }
        underway -= 1
        if let error = outcome.error {
            tally.giveBack(outcome.usage)
            // Why not of an older one: all counts have been marked since, and these would come before them.
            if isCurrent { journal.giveBack(outcome.ledger) }
            failed(error, outcome.store, isCurrent: isCurrent)
        } else {
            tally.written(outcome.usage)
            wrote(outcome, isCurrent: isCurrent)
            let isFull =
                outcome.usage.count >= UsageTally.batchMax || outcome.ledger.count >= LedgerJournal.batchMax
            if isFull { writeAt = 0 }
        }
    }
}

// MARK: - Telling

extension UsageWork {
    private func wrote(_ outcome: UsageOutcome, isCurrent: Bool) {
        let requests = UsageTally.requests(of: outcome.usage)
        let hadProblem = figures.withLock { figures in
            figures.written += requests
            guard isCurrent, figures.problem != nil else { return false }
            figures.problem = nil
            return true
        }
        if hadProblem { Log.info("store \(outcome.store.display): usage is written again") }
    }

    /// - Parameter isCurrent: `status` speaks of the store that is used now.
    private func failed(_ error: StoreError, _ store: StoreKeeper, isCurrent: Bool) {
        let text = error.description
        let isNew =
            !isCurrent
            || figures.withLock { figures in
                guard figures.problem?.text != text else { return false }
                let since = figures.problem?.since ?? headgate_realtime_ns()
                figures.problem = SourceProblem(since: since, text: text)
                return true
            }
        guard isNew else { return }
        Log.warning(
            "store \(store.display): usage cannot be written for now, is kept and tried again: \(text)")
    }

    /// - Parameter dropped: records that a worker had no room for, since the start.
    mutating func tell(dropped: UInt64) {
        let (waiting, lost) = (tally.requests, tally.lost)
        figures.withLock { figures in
            figures.waiting = waiting
            figures.lost = lost
        }
        guard dropped + lost > toldOf, complaints.admit(now: headgate_monotonic_ns()) != nil else { return }
        Log.warning(
            "the usage of \(counted(Int(dropped + lost - toldOf), "request")) found no room and is lost")
        toldOf = dropped + lost
    }

    func tellOfLosses() {
        guard store != nil, tally.requests > 0 || journal.hasWaiting else { return }
        Log.warning(
            "what was used last could not be written to the store and is lost: "
                + "\(counted(Int(tally.requests), "request"))")
    }

    var hasProblem: Bool { figures.withLock { $0.problem != nil } }
}
