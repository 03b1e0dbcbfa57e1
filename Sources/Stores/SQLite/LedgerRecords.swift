/// What is left of the counts of one measure and subject between two runs.
public struct LedgerRow: Equatable, Sendable {
    /// `LimitMeasure.identity`.
    public var measure: String
    public var subject: LedgerSubject
    public var state: LedgerState
    /// Seconds since 1970: from then on it counts nothing.
    public var expiresAt: Int64

    public init(measure: String, subject: LedgerSubject, state: LedgerState, expiresAt: Int64) {
        self.measure = measure
        self.subject = subject
        self.state = state
        self.expiresAt = expiresAt
    }
}

/// 16 bytes, the upper half first.
public struct LedgerSubject: Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    var bytes: [UInt8] {
        [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) } }
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        func half(_ part: ArraySlice<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: half(bytes[..<8]), low: half(bytes[8...]))
    }
}

/// Amounts by the part of time in which they were settled, and what was reserved besides.
public struct LedgerState: Equatable, Sendable {
    public struct Slot: Equatable, Sendable {
        /// Which part of time, counted from 1970 on.
        public var index: UInt64
        public var amount: UInt64

        public init(index: UInt64, amount: UInt64) {
            self.index = index
            self.amount = amount
        }
    }

    /// In the order of their indexes, each once.
    public private(set) var slots: [Slot]
    public var reserved: UInt64

    /// - Parameter slots: in any order; those of one index are added up.
    public init(slots: [Slot], reserved: UInt64) {
        self.slots = LedgerState.isOrdered(slots) ? slots : LedgerState.ordered(slots)
        self.reserved = reserved
    }

    private static func isOrdered(_ slots: [Slot]) -> Bool {
        zip(slots, slots.dropFirst()).allSatisfy { $0.index < $1.index }
    }

    private static func ordered(_ slots: [Slot]) -> [Slot] {
        let amounts = Dictionary(slots.map { ($0.index, $0.amount) }) { one, other in
            let (sum, overflow) = one.addingReportingOverflow(other)
            return overflow ? .max : sum
        }
        return amounts.sorted { $0.key < $1.key }.map { Slot(index: $0.key, amount: $0.value) }
    }

    public var isEmpty: Bool { reserved == 0 && slots.allSatisfy { $0.amount == 0 } }
}

/// How a state is written: a byte for the form, what is reserved, then index and amount of each slot, in
/// eight bytes each, the lowest first.
extension LedgerState {
    private static let form: UInt8 = 1
    /// More than any window has parts.
    static let slotsMax = 1024

    var bytes: [UInt8] {
        let numbers = [reserved] + slots.flatMap { [$0.index, $0.amount] }
        return [LedgerState.form]
            + numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    }

    /// Why `bytes` is no state.
    enum Fault: Error, Equatable {
        case unknownForm(UInt8)
        case length(Int)
        case order
    }

    init(_ bytes: [UInt8]) throws(Fault) {
        guard let form = bytes.first else { throw .length(0) }
        guard form == LedgerState.form else { throw .unknownForm(form) }
        let isWhole = bytes.count >= 9 && (bytes.count - 9).isMultiple(of: 16)
        guard isWhole, (bytes.count - 9) / 16 <= LedgerState.slotsMax else { throw .length(bytes.count) }
        func number(at offset: Int) -> UInt64 {
            bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let slots = stride(from: 9, to: bytes.count, by: 16).map { offset in
            Slot(index: number(at: offset), amount: number(at: offset + 8))
        }
        guard LedgerState.isOrdered(slots) else { throw .order }
        self.init(slots: slots, reserved: number(at: 1))
    }
}
