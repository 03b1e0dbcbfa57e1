/// `limits.NAME`: how much, and for whom.
public struct LimitConfig: Equatable, Sendable {
    /// What requests have in common that share one count.
    public enum Subject: String, Equatable, Sendable, CaseIterable {
        case key, user, ip, route, upstream, model
    }
    /// What `tokens_per_…` counts.
    public enum Tokens: String, Equatable, Sendable, CaseIterable { case input, output, total }

    /// A key of a limit that is a number.
    public enum Key: String, Equatable, Sendable, CaseIterable {
        case requestsPerSecond = "requests_per_second"
        case requestsPerMinute = "requests_per_minute"
        case requestsPerHour = "requests_per_hour"
        case requestsPerDay = "requests_per_day"
        case burst
        case tokensPerMinute = "tokens_per_minute"
        case tokensPerHour = "tokens_per_hour"
        case tokensPerDay = "tokens_per_day"
        case usdPerDay = "usd_per_day"
        case usdPerMonth = "usd_per_month"
        case concurrent
    }

    public struct Number: Equatable, Sendable {
        public var key: Key
        /// At least 1: requests, tokens, billionths of a dollar, or exchanges at once.
        public var max: UInt64
    }

    public var name: String
    /// Each once, in the order of `Subject`; never empty.
    public var by: [Subject]
    /// In the order of `Key`; never empty.
    public var numbers: [Number]
    public var tokens = Tokens.total
    /// `mode: shadow`: counts, and refuses nobody. Default `enforce`.
    public var isShadow = false
    /// `on_exceed: cut`. Default `finish`.
    public var cutsOnExceed = false
    /// Output tokens reserved for a request that names no maximum; nil: the model's `max_output`.
    public var defaultReserve: UInt64?
    public var charge = ChargeConfig()
}

/// `charge`: what an exchange is charged in tokens and money that did not end well.
public struct ChargeConfig: Equatable, Sendable {
    public enum Amount: String, Equatable, Sendable, CaseIterable { case measured, reserved, nothing }
    public var clientGone = Amount.measured
    public var upstreamEOF = Amount.measured
    public var upstreamError = Amount.nothing
    public var timeout = Amount.measured
}

extension LimitConfig {
    init(_ node: MappingReader) {
        name = node.name
        let subjects = node.required(
            "by", .distinct(.oneOrList(Form<Subject>.word)),
            "Who shares one count: `key` (the caller; without one its address), `user`, `ip` (the client's address, IPv6 "
                + "by /64), `route`, `upstream`, `model`; or a list, one count for each combination.")
        by = Subject.allCases.filter(subjects.contains)
        numbers = Key.allCases.compactMap { key in
            node.optional(key.rawValue, key.form, key.about).map { Number(key: key, max: $0) }
        }
        node.unknownKeyHint = Key.hint(forUnknown:)
        let isOneMistyped = node.has(where: Key.isMeant)
        node.requireAny(
            of: Key.allCases.filter { $0 != .burst }.map(\.rawValue),
            unless: isOneMistyped || node.has(Key.burst.rawValue))
        tokens = node.value("tokens", .word, default: "total", "What `tokens_per_…` counts.")
        isShadow = node.value(
            "mode", .word([("enforce", false), ("shadow", true)]), default: "enforce",
            "`enforce`, or `shadow`: count, and refuse nobody.")
        cutsOnExceed = node.value(
            "on_exceed", .word([("finish", false), ("cut", true)]), default: "finish",
            "What becomes of a running stream that has used up the tokens or the money that were left.")
        defaultReserve = node.optional(
            "default_reserve", .count(1...Self.tokensMax),
            "Output tokens reserved for a request that names no maximum. Default: `max_output` of its model.")
        charge = node.group(
            "charge", .mapping(ChargeConfig.init),
            "What a request is charged, in tokens and money, that did not end well.")
        // Why: what belongs to a number that is mistyped is right once that is.
        guard !isOneMistyped else { return }
        // Why not `numbers`: a number that could not be read is meant all the same.
        let written = Key.allCases.filter { node.has($0.rawValue) }
        checkBurst(node, written)
        checkEffect(node, written)
    }

    private func checkBurst(_ node: MappingReader, _ written: [Key]) {
        guard written.contains(.burst) else { return }
        if written.contains(.requestsPerSecond) {
            let message = "`burst` and `requests_per_second` both count one second\(node.path.inside)"
            node.fail("burst", message, hint: "keep one of them")
        } else if !written.contains(where: { $0.unit == .requests && $0 != .burst }) {
            let message = "`burst` stands without a longer time\(node.path.inside)"
            let hint = "it goes with `requests_per_minute`, `requests_per_hour` or `requests_per_day`"
            node.fail("burst", message, hint: hint)
        }
    }

    private func checkEffect(_ node: MappingReader, _ written: [Key]) {
        let countsTokens = written.contains { $0.unit == .tokens }
        if !written.isEmpty, !countsTokens, !written.contains(where: { $0.unit == .money }) {
            for key in ["tokens", "on_exceed", "default_reserve", "charge"] {
                node.fail(
                    key, "`\(key)` has no effect\(node.path.inside): it counts neither tokens nor money",
                    hint: "remove it")
            }
        } else if !written.isEmpty, !countsTokens {
            let message = "`tokens` has no effect\(node.path.inside): it counts no tokens"
            node.fail("tokens", message, hint: "remove it")
        }
        if isShadow, cutsOnExceed {
            node.warn("on_exceed", "`on_exceed: cut` has no effect\(node.path.inside) beside `mode: shadow`")
        }
    }

    static let tokensMax: UInt64 = 1_000_000_000_000

    public func number(_ key: Key) -> UInt64? { numbers.first { $0.key == key }?.max }

    public var countsTokens: Bool { numbers.contains { $0.key.unit == .tokens } }
    public var countsMoney: Bool { numbers.contains { $0.key.unit == .money } }
    /// What an answer may come to has to be known before it is there.
    var countsOutput: Bool { countsMoney || countsTokens && tokens != .input }
    /// Whose count it is depends on who asks alone.
    var isOfCaller: Bool { by.allSatisfy { [.key, .user, .ip].contains($0) } }
    /// A caller's own `requests_per_minute` stands in place of this one's.
    var givesWayToOwn: Bool { by == [.key] || by == [.user] }
}

extension LimitConfig.Key {
    enum Unit { case requests, tokens, money, concurrent }

    var unit: Unit {
        switch self {
        case .burst, .requestsPerSecond, .requestsPerMinute, .requestsPerHour, .requestsPerDay: .requests
        case .tokensPerMinute, .tokensPerHour, .tokensPerDay: .tokens
        case .usdPerDay, .usdPerMonth: .money
        case .concurrent: .concurrent
        }
    }

    /// Counts by the calendar, which are worth nothing if a restart forgets them.
    var isByCalendar: Bool {
        switch self {
        case .requestsPerDay, .tokensPerDay, .usdPerDay, .usdPerMonth: true
        case .burst, .requestsPerSecond, .requestsPerMinute, .requestsPerHour, .tokensPerMinute,
            .tokensPerHour,
            .concurrent:
            false
        }
    }

    fileprivate var form: Form<UInt64> {
        switch self {
        case .burst, .requestsPerSecond, .requestsPerMinute, .concurrent: .count(1...1_000_000)
        case .requestsPerHour, .requestsPerDay: .count(1...1_000_000_000)
        case .tokensPerMinute, .tokensPerHour, .tokensPerDay: .count(1...LimitConfig.tokensMax)
        case .usdPerDay, .usdPerMonth: .dollars(1...1_000_000 * Amounts.nanosPerDollar)
        }
    }

    fileprivate var about: String {
        switch self {
        case .burst: "Requests admitted within any second, beside a number for a longer time."
        case .requestsPerSecond: "Requests admitted within any second."
        case .requestsPerMinute: "Requests admitted within any 60 seconds."
        case .requestsPerHour: "Requests admitted within any hour."
        case .requestsPerDay: "Requests admitted within any 24 hours."
        case .tokensPerMinute:
            "Tokens used within any 60 seconds, those reserved for running requests included."
        case .tokensPerHour: "Tokens used within any hour."
        case .tokensPerDay: "Tokens used within any 24 hours."
        case .usdPerDay: "US dollars spent within any 24 hours, by `models`."
        case .usdPerMonth: "US dollars spent in a calendar month (UTC), by `models`."
        case .concurrent: "Requests that run at once."
        }
    }
}

extension ChargeConfig {
    init(_ node: MappingReader) {
        clientGone = node.value("client_gone", .word, default: "measured", "The client went away.")
        upstreamEOF = node.value(
            "upstream_eof", .word, default: "measured", "The upstream broke off in the middle of its answer.")
        upstreamError = node.value(
            "upstream_error", .word, default: "nothing", "The upstream answered with an error, or not at all."
        )
        timeout = node.value("timeout", .word, default: "measured", "One of the gateway's clocks ended it.")
    }
}
