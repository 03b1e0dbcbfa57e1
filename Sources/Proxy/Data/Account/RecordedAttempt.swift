/// What became of one attempt of an exchange at an upstream.
struct RecordedAttempt: BitwiseCopyable, Sendable {
    /// Why the request went out once more; `.none` for the last attempt, of which the record itself tells.
    enum Cause: UInt8, CaseIterable {
        case none
        /// No connection came about.
        case unconnected
        /// Closed or reset before an answer, or no HTTP.
        case lost
        /// `first_byte` ran out.
        case stalled
        /// An answer with `status`.
        case status
        /// A pooled connection that had ended before the request came to it.
        case stale
        /// The upstream did not take the key, with `status`.
        case keyRefused
        /// There was no key to go with.
        case keyMissing
    }

    /// Into `Generation.upstreams`.
    var upstream: UInt16 = 0
    /// Into `UpstreamPlan.endpoints`; `noEndpoint`: none was chosen.
    var endpoint = RecordedAttempt.noEndpoint
    /// Of the answer that was not passed on; 0: there was none.
    var status: UInt16 = 0
    var cause: Cause = .none
    // Microseconds, at most 71 minutes. From the complete head on, and from there to its end; the last
    // attempt ends with the exchange.
    var startedAfter: UInt32 = 0
    var took: UInt32 = 0

    static let noEndpoint = UInt16.max

    static func microseconds(_ nanoseconds: UInt64) -> UInt32 { UInt32(clamping: nanoseconds / 1000) }
}

/// The first three attempts of an exchange, and the last.
struct RecordedAttempts: BitwiseCopyable, Sendable {
    static let max = 4

    private var items = InlineArray<4, RecordedAttempt>(repeating: RecordedAttempt())

    /// - Parameter number: from 1.
    static func slot(_ number: UInt8) -> Int { min(Int(number), max) - 1 }

    subscript(_ slot: Int) -> RecordedAttempt {
        get { items[slot] }
        set { items[slot] = newValue }
    }
}

extension RecordedAttempt.Cause {
    init(_ cause: Repetition.Cause) {
        self =
            switch cause {
            case .unconnected: .unconnected
            case .lost: .lost
            case .stalled: .stalled
            case .status: .status
            }
    }
}
