import Stores

/// Brings the counts of limits by day and month from the ledger to the store and back.
///
/// After a crash the store has what was settled up to the last write; what was reserved then counts as used.
struct LedgerJournal {
    /// Rows that are written at once: the store's thread has others to serve.
    static let batchMax = 10_000

    private struct Measure {
        let identity: String
        let period: LimitMeasure.Period
    }

    let ledger: Ledger
    /// By id, all that ever were: exchanges of older generations go on to count.
    private var measures: [UInt32: Measure] = [:]
    /// Written in vain, and to be written first.
    private var waiting: [LedgerRow] = []

    init(_ ledger: Ledger) { self.ledger = ledger }

    mutating func know(_ known: [LimitMeasure]) {
        for measure in known where measure.isDurable {
            measures[measure.id] = Measure(identity: measure.identity, period: measure.period)
        }
    }

    /// What is to be written now. Followed by `giveBack` where that failed; until it succeeds, what changes
    /// besides stays in the ledger.
    /// - Parameter now: nanoseconds since 1970.
    mutating func take(max: Int = LedgerJournal.batchMax, now: UInt64) -> [LedgerRow] {
        // Whoever the counts were handed over to writes newer ones.
        guard !ledger.isFrozen else { return [] }
        guard waiting.isEmpty else {
            defer { waiting = [] }
            return waiting
        }
        return ledger.takeChanges(max: max).compactMap { state in
            measures[state.measureID].map { LedgerRow(state, $0.identity, now: now) }
        }
    }

    mutating func giveBack(_ rows: [LedgerRow]) { waiting = rows + waiting }

    /// What the store holds of these, on its thread.
    static func read(_ measures: [LimitMeasure], from store: Store) -> Result<[BucketState], StoreError> {
        var states: [BucketState] = []
        do throws(StoreError) {
            for measure in measures {
                states += try store.ledger(of: measure.identity).map { BucketState($0, measure) }
            }
            return .success(states)
        } catch { return .failure(error) }
    }

    var hasWaiting: Bool { !waiting.isEmpty }
}

extension LedgerRow {
    fileprivate init(_ state: BucketState, _ identity: String, now: UInt64) {
        self.init(
            measure: identity, subject: LedgerSubject(high: state.subject.high, low: state.subject.low),
            state: LedgerState(
                slots: state.slots.map { LedgerState.Slot(index: $0.index, amount: $0.amount) },
                reserved: state.reserved),
            expiresAt: LedgerRow.expiry(state.period, now: now))
    }

    /// Seconds since 1970. Why not by what is oldest in it: it has changed just now, and what is reserved may
    /// count from now on.
    private static func expiry(_ period: LimitMeasure.Period, now: UInt64) -> Int64 {
        var clock = LedgerClock()
        _ = clock.advance(to: LimitTime(monotonic: now, realtime: now))
        let window = clock.window(of: period)
        return Int64(window.end(of: window.current) / 1_000_000_000) + 1
    }
}

extension BucketState {
    /// As the store has it.
    init(_ row: LedgerRow, _ measure: LimitMeasure) {
        self.init(
            measureID: measure.id, period: measure.period,
            subject: LimitSubject(high: row.subject.high, low: row.subject.low),
            slots: row.state.slots.map { Slot(index: $0.index, amount: $0.amount) },
            reserved: row.state.reserved)
    }
}
