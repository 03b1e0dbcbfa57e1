/// One entry of `limits:` as a route applies it: its numbers, and for whom they count.
final class LimitPlan: Sendable {
    /// The key in the file.
    let name: PlanText
    /// In the order of the grammar; never empty.
    let measures: [LimitMeasure]
    /// Never empty.
    let subject: LimitSubjectParts
    /// `on_exceed: cut`: a running stream that has used up what is left is ended. Default: it goes on.
    let cutsOnExceed: Bool
    /// Output tokens reserved for a request that sets no maximum of its own; nil: the model's `max_output`.
    let defaultReserve: UInt64?
    let charge: ChargePolicy
    /// By key or by user alone: a caller's own `requests_per_minute` stands in place of this one's. All else
    /// of the limit holds besides.
    let givesWayToOwn: Bool
    /// Needs to know what a request may come to, and what it came to.
    let countsTokensOrMoney: Bool

    init(
        name: PlanText, measures: [LimitMeasure], subject: LimitSubjectParts, cutsOnExceed: Bool = false,
        defaultReserve: UInt64? = nil, charge: ChargePolicy = ChargePolicy()
    ) {
        self.name = name
        self.measures = measures
        self.subject = subject
        self.cutsOnExceed = cutsOnExceed
        self.defaultReserve = defaultReserve
        self.charge = charge
        givesWayToOwn = subject == .key || subject == .user
        countsTokensOrMoney = measures.contains(where: \.unit.isSpending)
    }
}

/// Whose requests count as one: those that are alike in all of these.
struct LimitSubjectParts: OptionSet, Sendable {
    let rawValue: UInt8
    /// The caller's credential, or the address where there is none.
    static let key = LimitSubjectParts(rawValue: 1)
    /// The caller's user, or the credential where there is none.
    static let user = LimitSubjectParts(rawValue: 2)
    /// The client's address; IPv6 by /64.
    static let ip = LimitSubjectParts(rawValue: 4)
    static let route = LimitSubjectParts(rawValue: 8)
    static let upstream = LimitSubjectParts(rawValue: 16)
    static let model = LimitSubjectParts(rawValue: 32)
}

/// `charge`: what an exchange is charged that did not end well. One that did is charged what was measured.
struct ChargePolicy: Equatable, Sendable {
    enum Amount: UInt8, Sendable {
        /// What was seen of it.
        case measured
        /// What was reserved for it.
        case reserved
        case nothing
    }

    /// The client went away.
    var clientGone = Amount.measured
    /// The upstream closed in the middle of its answer.
    var upstreamEOF = Amount.measured
    /// The upstream answered with an error, or could not be asked.
    var upstreamError = Amount.nothing
    /// One of our clocks ended it.
    var timeout = Amount.measured
}
