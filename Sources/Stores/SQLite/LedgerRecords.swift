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

/// How a state is written: a byte for the form, then numbers: what is reserved, how many slots, and of each
/// how far its index is from the one before, and its amount.
///
/// A number is written in groups of seven bits, the lowest first; a set top bit says that another follows.
/// Why so small: a month has many slots, and a row that does not fit into a page takes another one.
extension LedgerState {
    private static let form: UInt8 = 1
    /// More than any window has parts.
    static let slotsMax = 1024

    var bytes: [UInt8] {
        var bytes = [LedgerState.form]
        LedgerState.append(reserved, to: &bytes)
        LedgerState.append(UInt64(slots.count), to: &bytes)
        var last: UInt64 = 0
        for slot in slots {
            LedgerState.append(slot.index - last, to: &bytes)
            LedgerState.append(slot.amount, to: &bytes)
            last = slot.index
        }
        return bytes
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Why `bytes` is no state.
    enum Fault: Error, Equatable, CustomStringConvertible {
        case empty
        case unknownForm(UInt8)
        case cutShort
        case number
        case slots(UInt64)
        case order
        case rest

        var description: String {
            switch self {
            case .empty: "its state is empty"
            case .unknownForm(let form): "its state has the form \(form), which this headgate does not know"
            case .cutShort: "its state breaks off"
            case .number: "a number in its state is too large"
            case .slots(let count): "its state has \(count) parts, which is too many"
            case .order: "the parts of its state are not in order"
            case .rest: "its state goes on behind its end"
            }
        }
    }

    init(_ bytes: [UInt8]) throws(Fault) {
        guard let form = bytes.first else { throw .empty }
        guard form == LedgerState.form else { throw .unknownForm(form) }
        var rest = bytes.dropFirst()
        let reserved = try LedgerState.takeNumber(&rest)
        let count = try LedgerState.takeNumber(&rest)
        guard count <= LedgerState.slotsMax else { throw .slots(count) }
        var slots: [Slot] = []
        slots.reserveCapacity(Int(count))
        var index: UInt64 = 0
        for number in 0..<count {
            let step = try LedgerState.takeNumber(&rest)
            let (next, overflow) = index.addingReportingOverflow(step)
            guard !overflow, step > 0 || number == 0 else { throw .order }
            index = next
            slots.append(Slot(index: index, amount: try LedgerState.takeNumber(&rest)))
        }
        guard rest.isEmpty else { throw .rest }
        self.init(slots: slots, reserved: reserved)
    }

    private static func takeNumber(_ rest: inout ArraySlice<UInt8>) throws(Fault) -> UInt64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = rest.popFirst() {
            let part = UInt64(byte & 0x7F)
            guard shift < 63 || part <= 1 else { throw .number }
            number |= part << shift
            guard byte & 0x80 != 0 else { return number }
            guard shift < 63 else { throw .number }
            shift += 7
        }
        throw .cutShort
    }
}
