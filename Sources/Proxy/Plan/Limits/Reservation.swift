/// What one exchange has taken of limits: one entry for each measure that applies to it. Recycled by a
/// worker; the ledger fills it in.
///
/// A life: `add` for each measure, `Ledger.reserve` (all of them or none), `Ledger.grow` while the answer
/// shows more than was reserved, and at the end exactly one of `Ledger.settle` and `Ledger.withdraw`.
final class Reservation {
    /// Measures that may apply to one exchange; the config holds routes to it.
    static let entriesMax = 16

    struct Entry {
        /// Lives as long as the generation that the exchange pins.
        unowned(unsafe) let measure: LimitMeasure
        let subject: LimitSubject
        /// The measure's, or the subject's own.
        let max: UInt64
        /// What is reserved now, in the measure's unit. 1 for requests and `concurrent`.
        var reserved: UInt64
        /// What comes above the reservation is booked whatever the limit says.
        var growsInAnyCase = true
        /// What the exchange has come to, for `settle`.
        var actual: UInt64 = 0
        /// By `reserve`: when a request was logged, in nanoseconds, so that `withdraw` finds it again.
        var admittedAt: UInt64 = 0
        /// By `reserve`, this exchange included: settled and reserved of the subject. Without it where it was
        /// refused.
        var used: UInt64 = 0
        /// By `reserve`: nanoseconds until some of it comes back, and until all has; 0 for `concurrent`. What
        /// is reserved counts as though it were settled now.
        var nextIn: UInt64 = 0
        var emptyIn: UInt64 = 0

        // The measure's, here lest the ledger count references to it under a lock.
        let measureID: UInt32
        let unit: LimitMeasure.Unit
        let period: LimitMeasure.Period
        let isShadow: Bool
        let kind: LedgerBucket.Kind
        /// By `reserve`; not where the ledger is full and the measure refuses nobody.
        var isBooked = false
        /// By the ledger: the subject's hash, its shard, and while that is locked its bucket, if it has one.
        var hash: UInt64 = 0
        var shard: UnsafeMutablePointer<LedgerShard>?
        var bucket: UnsafeMutablePointer<LedgerBucket>?

        @inline(__always)
        var remaining: UInt64 { used < max ? max - used : 0 }

        /// Something of it ends with the exchange.
        @inline(__always)
        var ends: Bool { unit != .requests && isBooked }
    }

    private(set) var count = 0
    /// The ledger works on them in place; `count` are initialised.
    private(set) var entries: UnsafeMutablePointer<Entry>
    private var capacity = 4
    /// By the ledger: the shards that are locked, each once, in the order in which everybody locks them.
    var shards: UnsafeMutablePointer<UnsafeMutablePointer<LedgerShard>>
    var shardCount = 0
    /// `reserve` has succeeded, and neither `settle` nor `withdraw` was called since.
    var isHeld = false

    init() {
        entries = .allocate(capacity: capacity)
        shards = .allocate(capacity: Reservation.entriesMax)
    }

    deinit {
        entries.deallocate()
        shards.deallocate()
    }

    subscript(_ index: Int) -> Entry {
        get {
            precondition(index >= 0 && index < count, "there is no such entry")
            return entries[index]
        }
        _modify {
            precondition(index >= 0 && index < count, "there is no such entry")
            yield &entries[index]
        }
    }

    /// - Parameter max: the subject's own; nil: the measure's.
    func add(_ measure: LimitMeasure, _ subject: LimitSubject, amount: UInt64, max: UInt64? = nil) {
        precondition(count < Reservation.entriesMax, "the config bounds the measures of a route")
        precondition(!isHeld, "what is held does not change")
        if count == capacity { grow() }
        let max = max ?? measure.max
        (entries + count).initialize(
            to: Entry(
                measure: measure, subject: subject, max: max, reserved: amount, measureID: measure.id,
                unit: measure.unit, period: measure.period, isShadow: measure.isShadow,
                kind: LedgerBucket.kind(unit: measure.unit, period: measure.period, max: max)))
        count += 1
    }

    func reset() {
        precondition(!isHeld, "a reservation is settled or withdrawn before it is used again")
        count = 0
    }

    /// For assertions.
    var hasNoEntryTwice: Bool {
        for index in 0..<count {
            for other in 0..<index where entries[other].measureID == entries[index].measureID {
                if entries[other].subject == entries[index].subject { return false }
            }
        }
        return true
    }

    /// Why not 16 at once: most exchanges have few.
    private func grow() {
        let grown = UnsafeMutablePointer<Entry>.allocate(capacity: Reservation.entriesMax)
        grown.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = grown
        capacity = Reservation.entriesMax
    }
}

/// Why a reservation was refused.
struct LimitRefusal: Equatable {
    enum Reason: Equatable {
        /// There is room again in `wait` nanoseconds; 0 where nobody knows (`concurrent`).
        case full(wait: UInt64)
        /// More than the limit altogether: no waiting helps.
        case tooLarge
        /// The ledger holds as many subjects as it may.
        case tooManySubjects
    }

    /// Of the reservation: the one that has to be waited for longest.
    let entry: Int
    let reason: Reason
}
