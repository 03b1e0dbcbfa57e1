/// What two processes tell each other while the newer one takes over, and until the older one has ended.
///
///     old                                   new
///      │ hello, sockets ───────────────────▶ │ reads the file, builds everything
///      │ ◀─────────────── prepared or failed │
///      │ buckets …, bucketsEnd ────────────▶ │ serves
///      │ ◀────────────────────────── serving │
///      │ left ─────────────────────────────▶ │ speaks to the service manager from now on
///      │ connection, ledger, figures ──────▶ │
///      │ ◀─────────────── ledgerAnswer, stop │
///
/// Each is one datagram of at most `sizeMax` bytes, some with descriptors.
enum HandoverMessage: Equatable {
    case hello(Hello)
    /// With their descriptors.
    case sockets([Socket])
    case buckets([BucketImage])
    case bucketsEnd
    /// The service manager knows of the new process; the old one serves no new request.
    case left
    /// With its descriptor.
    case connection(Connection)
    case ledger(LedgerCall)
    case figures(Figures)
    case prepared
    case serving
    /// For people.
    case failed(String)
    case ledgerAnswer(LedgerResult)
    /// End what runs within this many milliseconds.
    case stop(withinMilliseconds: Int)

    static let sizeMax = 128 << 10

    /// Of what is written here. Processes of different numbers do not take over from each other.
    static let protocolVersion: UInt32 = 1

    struct Hello: Equatable {
        /// `HandoverMessage.protocolVersion` of the sender.
        var format = HandoverMessage.protocolVersion
        var processID: UInt32
        /// `headgate version`.
        var version: String
        var generation: UInt64
        /// How many processes still finish what they began before the sender, one after another.
        var olderProcesses: UInt32
        /// Of limits, by their identities.
        var measures: [Measure]

        struct Measure: Equatable {
            var identity: String
            var id: UInt32
            /// It was in force, so that its counts are those of the store, too.
            var wasServed: Bool
        }
    }

    struct Socket: Equatable {
        enum Purpose: UInt8 { case listener, admin }
        var purpose: Purpose
        /// In the service manager's store; empty for none.
        var name: String
    }

    struct Connection: Equatable {
        /// `BindAddress.text` of its listener.
        var listener: String
        var peerHigh: UInt64
        var peerLow: UInt64
        var peerPort: UInt16
        var isUnix: Bool
        /// What was read and belongs to its next request.
        var received: [UInt8]
    }

    struct Figures: Equatable {
        var exchangesRunning: UInt64
        var connectionsOpen: UInt64
        /// That still run before the sender.
        var olderProcesses: UInt64
    }
}

/// What the old process asks the new one's ledger.
struct LedgerCall: Equatable {
    enum Kind: UInt8 { case reserve, probe, grow, settle, withdraw }

    /// Of the call, for its answer; 0: none is wanted.
    var number: UInt64
    var kind: Kind
    var time: LimitTime
    var entries: [LedgerCallEntry]
    var charge = LimitCharge()
    var force = false
}

/// An entry of a reservation, without what is of one process.
struct LedgerCallEntry: Equatable {
    var measureID: UInt32
    var unit: LimitMeasure.Unit
    var period: LimitMeasure.Period
    var isShadow: Bool
    var growsInAnyCase: Bool
    var isBooked: Bool
    var subject: LimitSubject
    var max: UInt64
    var reserved: UInt64
    var actual: UInt64
    var admittedAt: UInt64
    // Filled in by the answer.
    var used: UInt64
    var nextIn: UInt64
    var emptyIn: UInt64
}

struct LedgerResult: Equatable {
    var number: UInt64
    /// Of `reserve` and `probe`.
    var refusal: LimitRefusal?
    /// Of `grow`: the entry that has no room.
    var usedUp: Int?
    var entries: [LedgerCallEntry]
}
