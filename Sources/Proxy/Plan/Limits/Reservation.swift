/// What one exchange has taken of limits: one entry for each measure that applies to it. Recycled by a worker;
/// the ledger fills it in.
///
/// A life: `add` for each measure, `Ledger.reserve` (all of them or none), `Ledger.grow` while the answer
/// shows more than was reserved, and at the end exactly one of `Ledger.settle` and `Ledger.withdraw`.
final class Reservation {
    /// Measures that may apply to one exchange; the config holds routes to it.
    static let entriesMax = 16

    struct Entry {
        /// Lives as long as the generation that the exchange pins.
        unowned(unsafe) var measure: LimitMeasure
        var subject: LimitSubject
        /// The measure's, or the subject's own.
        var max: UInt64
        /// What is reserved now, in the measure's unit. 1 for requests and `concurrent`.
        var reserved: UInt64
        /// What the exchange has come to, for `settle`.
        var actual: UInt64 = 0
        /// By `reserve`: when a request was logged, in nanoseconds, so that `withdraw` finds it again.
        var admittedAt: UInt64 = 0
        /// By `reserve`, this exchange included: settled and reserved of the subject.
        var used: UInt64 = 0
        /// By `reserve`: nanoseconds until some of it comes back, and until all has; 0 for `concurrent`.
        var nextIn: UInt64 = 0
        var emptyIn: UInt64 = 0

        var remaining: UInt64 { used < max ? max - used : 0 }
    }

    private(set) var count = 0
    private var entries: InlineArray<16, Entry?> = .init(repeating: nil)
    /// `reserve` has succeeded, and neither `settle` nor `withdraw` was called since.
    var isHeld = false

    subscript(_ index: Int) -> Entry {
        get {
            guard index < count, let entry = entries[index] else { preconditionFailure("no entry \(index)") }
            return entry
        }
        set { entries[index] = newValue }
    }

    /// - Parameter max: the subject's own; nil: the measure's.
    func add(_ measure: LimitMeasure, _ subject: LimitSubject, amount: UInt64, max: UInt64? = nil) {
        precondition(count < Reservation.entriesMax, "the config bounds the measures of a route")
        entries[count] = Entry(measure: measure, subject: subject, max: max ?? measure.max, reserved: amount)
        count += 1
    }

    func reset() {
        precondition(!isHeld, "a reservation is settled or withdrawn before it is used again")
        count = 0
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
