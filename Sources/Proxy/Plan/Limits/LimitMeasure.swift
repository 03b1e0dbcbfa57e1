import Synchronization

/// One number of an entry of `limits:`, compiled: so much of one unit within any window of one length.
final class LimitMeasure: Sendable {
    enum Unit: UInt8, Sendable, CaseIterable {
        case requests
        case inputTokens
        case outputTokens
        /// Input and output together.
        case tokens
        /// In billionths of a US dollar.
        case money
        /// Exchanges that run at once: nothing is left of one when it ends.
        case concurrent

        /// Tokens and money: what is used is known only when the answer has told.
        @inline(__always)
        var isSpending: Bool {
            switch self {
            case .inputTokens, .outputTokens, .tokens, .money: true
            case .requests, .concurrent: false
            }
        }
    }

    enum Period: UInt8, Sendable, CaseIterable {
        case second, minute, hour, day
        /// The calendar month, UTC.
        case month
        /// Of `concurrent`.
        case none
    }

    /// Names the measure's counts in the ledger. The same identity has the same id for the life of the
    /// process, so that a reload never refills.
    let id: UInt32
    /// `per-key/tokens_per_day/by=key,model`: names the counts that outlive the process.
    let identity: String
    /// The key below `limits`.
    let limitName: PlanText
    /// The key of the number: `tokens_per_day`, `burst`.
    let keyName: PlanText
    let unit: Unit
    let period: Period
    /// At least 1.
    let max: UInt64
    /// Counts, and refuses nobody.
    let isShadow: Bool
    let figures: LimitFigures
    /// What clients are told of it.
    let fields: RateLimitFieldsPlan

    init(
        id: UInt32, identity: String, limitName: PlanText, keyName: PlanText, unit: Unit, period: Period,
        max: UInt64, isShadow: Bool = false, figures: LimitFigures = LimitFigures()
    ) {
        self.id = id
        self.identity = identity
        self.limitName = limitName
        self.keyName = keyName
        self.unit = unit
        self.period = period
        self.max = max
        self.isShadow = isShadow
        self.figures = figures
        fields = RateLimitFieldsPlan(
            limitName: limitName, keyName: keyName, unit: unit, period: period, max: max, isShadow: isShadow)
    }

    /// A caller's own `requests_per_minute`, of an entry of `auth`. The number is each caller's; this `max`
    /// only says how they are counted: one by one.
    convenience init(id: UInt32, ownOf auth: String, figures: LimitFigures = LimitFigures()) {
        self.init(
            id: id, identity: LimitMeasure.ownIdentity(of: auth), limitName: PlanText(auth),
            keyName: PlanText("requests_per_minute"), unit: .requests, period: .minute,
            max: LimitMeasure.loggedMax, figures: figures)
    }

    /// Why no limit can have it: `by=` would stand in the place of the last word.
    static func ownIdentity(of auth: String) -> String { "auth/\(auth)/requests_per_minute" }

    /// Requests per second and minute up to this are logged one by one, and their window is exact.
    static let loggedMax: UInt64 = 10_000

    /// Its counts are kept in the store, and survive a restart.
    var isDurable: Bool { period == .day || period == .month }

    /// What a charge comes to in this measure's unit.
    func amount(of charge: LimitCharge) -> UInt64 {
        switch unit {
        case .requests, .concurrent: 1
        case .inputTokens: charge.inputTokens
        case .outputTokens: charge.outputTokens
        case .tokens: charge.inputTokens &+ charge.outputTokens
        case .money: charge.nanoUSD
        }
    }
}

/// What has become of a measure, over all generations and workers; for `status`.
final class LimitFigures: Sendable {
    let refused = Atomic<UInt64>(0)
    /// Would have been refused, but for `mode: shadow`.
    let shadowed = Atomic<UInt64>(0)
    /// The most by which a subject was ever over the limit, in the measure's unit: what running exchanges
    /// used above what was reserved for them.
    let worstOvershoot = Atomic<UInt64>(0)
}

/// What an exchange uses, or may come to use.
struct LimitCharge: Equatable, Sendable {
    var inputTokens: UInt64 = 0
    var outputTokens: UInt64 = 0
    /// Billionths of a US dollar.
    var nanoUSD: UInt64 = 0
}

/// The two clocks that windows go by: seconds, minutes and hours by the one that never jumps, days and months
/// by the calendar's, because their counts outlive the process.
struct LimitTime: Equatable, Sendable {
    /// Monotonic nanoseconds.
    var monotonic: UInt64
    /// Nanoseconds since 1970.
    var realtime: UInt64
}
