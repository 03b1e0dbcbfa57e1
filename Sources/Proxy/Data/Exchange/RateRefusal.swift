/// A limit that was reached: what the answer says about it.
struct RateRefusal {
    enum Reason: Equatable {
        /// There is room again after a while.
        case full
        /// More than the limit altogether: no waiting helps.
        case tooLarge
        /// The ledger holds as many subjects as it may.
        case tooManySubjects
        /// The limit was used up while the answer ran, and the answer is cut.
        case usedUp
    }

    let reason: Reason
    let unit: LimitMeasure.Unit
    let period: LimitMeasure.Period
    /// In the unit, within the period: the subject's own, or the measure's.
    let max: UInt64
    /// What the request may use, in the unit; for `.tooLarge`.
    var asked: UInt64 = 0
    /// Needs no escaping in JSON; empty for a limit without a name.
    var limitName = PlanText.empty
    /// Nanoseconds until there is room; 0 where that is not known, or does not help.
    let wait: UInt64
    /// Nanoseconds since 1970 when that is; 0 where `wait` is.
    let resetsAt: UInt64
    /// Of the reservation: what `RateLimitFields` shows first. Negative: none of it.
    var entry = -1

    /// Nobody knows when one of the exchanges that run will end.
    static let concurrentWait: UInt64 = 1_000_000_000
    /// Nanoseconds. A client told of a longer wait comes back at once (openai-node), or not at all.
    static let patienceMax: UInt64 = 60_000_000_000

    /// The one reply that says so.
    var reply: LocalReply {
        switch reason {
        case .tooManySubjects: .tooManySubjects
        case .full, .usedUp: unit == .money ? .budgetExceeded : .rateLimited
        case .tooLarge: unit == .money ? .budgetExceeded : .requestTooLargeForLimit
        }
    }

    /// Whether to come again helps, so far as clients wait.
    var isWorthRetrying: Bool {
        switch reason {
        case .full: wait <= RateRefusal.patienceMax
        case .tooManySubjects: true
        case .tooLarge, .usedUp: false
        }
    }

    func writeFields(_ writer: inout ByteWriter) {
        if wait > 0 {
            writer.put("Retry-After: ")
            writer.put(decimal: wait.roundedUpToSeconds)
            writer.put("\r\nretry-after-ms: ")
            writer.put(decimal: wait.roundedUpToMilliseconds)
            writer.put("\r\n")
        }
        if !isWorthRetrying { writer.put("x-should-retry: false\r\n") }
    }

    /// Members of `details` in the webscout shape.
    func writeDetails(_ writer: inout ByteWriter) {
        guard wait > 0 else { return }
        writer.put(",\"retry_after\":")
        writer.put(decimal: wait.roundedUpToSeconds)
        writer.put(",\"reset_at\":\"")
        writer.put(iso8601: resetsAt.roundedUpToSeconds)
        writer.put("\"")
    }

    /// The event that ends a stream: the official SDKs raise an error for it, with this type and code.
    ///
    /// Why nothing else with it: control-only blocks and events of other names trip some clients up.
    func writeEvent(_ writer: inout ByteWriter) {
        writer.put("data: ")
        ErrorBody(reply: reply, shape: .openai, bound: 0, rate: self).writeObject(&writer, footer: [])
        writer.put("\n\n")
    }
}

extension RateRefusal {
    /// - Parameter realtime: nanoseconds since 1970.
    init(_ reservation: Reservation, _ refusal: LimitRefusal, realtime: UInt64) {
        let entry = reservation[refusal.entry]
        let (reason, wait): (Reason, UInt64) =
            switch refusal.reason {
            // Never earlier than the `t` of the policy in `RateLimit`.
            case .full(let wait):
                (.full, RateRefusal.knownWait(Swift.max(wait, entry.nextIn), entry.measure.period))
            case .tooLarge: (.tooLarge, 0)
            case .tooManySubjects: (.tooManySubjects, 0)
            }
        self.init(reason, entry, wait: wait, realtime: realtime)
        self.entry = refusal.entry
    }

    /// A running answer has used up what was left, and is cut.
    init(usedUp index: Int, of reservation: Reservation, realtime: UInt64) {
        self.init(.usedUp, reservation[index], wait: 0, realtime: realtime)
        entry = index
    }

    private init(_ reason: Reason, _ entry: Reservation.Entry, wait: UInt64, realtime: UInt64) {
        self.init(
            reason: reason, unit: entry.measure.unit, period: entry.measure.period, max: entry.max,
            asked: entry.reserved, limitName: entry.measure.fields.limitName, wait: wait,
            resetsAt: wait > 0 ? realtime &+ wait : 0)
    }

    /// Why at most a minute for one by the minute: the last sub-window makes it a second more, for which
    /// clients would not come again at all. They come that second too early instead, and are told the rest.
    private static func knownWait(_ wait: UInt64, _ period: LimitMeasure.Period) -> UInt64 {
        if wait == 0 { return concurrentWait }
        return period == .minute ? min(wait, patienceMax) : wait
    }
}

// MARK: - Words

extension RateRefusal {
    /// - Parameter named: with the limit's name behind it.
    func writeMessage(_ writer: inout ByteWriter, named: Bool) {
        switch reason {
        case .full:
            writeLimit(&writer)
            writer.put(" exceeded")
        case .usedUp:
            writeLimit(&writer)
            writer.put(" exceeded: the answer is cut off here")
        case .tooLarge: writeTooLarge(&writer)
        case .tooManySubjects: return writer.put(reply.properties.message)
        }
        guard named, !limitName.bytes.isEmpty else { return }
        writer.put(" (")
        writer.put(limitName.bytes)
        writer.put(")")
    }

    private func writeLimit(_ writer: inout ByteWriter) {
        switch unit {
        case .money: writer.put("Budget of ")
        case .concurrent: writer.put("Limit of ")
        case .requests, .tokens, .inputTokens, .outputTokens: writer.put("Rate limit of ")
        }
        writeAmount(&writer, max)
        writePeriod(&writer)
    }

    private func writeTooLarge(_ writer: inout ByteWriter) {
        writer.put(unit == .money ? "Request too large: it may cost " : "Request too large: it may use ")
        writeAmount(&writer, asked)
        writer.put(unit == .money ? ", and the budget is " : ", and the limit is ")
        writeAmount(&writer, max)
        writePeriod(&writer)
    }

    private func writeAmount(_ writer: inout ByteWriter, _ amount: UInt64) {
        if unit == .money { return writer.put(nanoUSD: amount) }
        writer.put(decimal: amount)
        switch unit {
        case .requests: writer.put(" requests")
        case .tokens: writer.put(" tokens")
        case .inputTokens: writer.put(" input tokens")
        case .outputTokens: writer.put(" output tokens")
        case .concurrent: writer.put(" concurrent requests")
        case .money: break
        }
    }

    private func writePeriod(_ writer: inout ByteWriter) {
        switch period {
        case .second: writer.put(" per second")
        case .minute: writer.put(" per minute")
        case .hour: writer.put(" per hour")
        case .day: writer.put(" per day")
        case .month: writer.put(" per month")
        case .none: break
        }
    }
}

extension ByteWriter {
    /// `$5`, `$0.50`, `$0.000001`: whole dollars, or cents and as many more places as there are.
    /// - Parameter amount: billionths of a US dollar.
    mutating func put(nanoUSD amount: UInt64) {
        put("$")
        put(decimal: amount / 1_000_000_000)
        var rest = amount % 1_000_000_000
        guard rest > 0 else { return }
        put(".")
        var unit: UInt64 = 100_000_000
        var places = 0
        while rest > 0 || places < 2 {
            put(byte: UInt8(rest / unit) + 0x30)
            rest %= unit
            unit /= 10
            places += 1
        }
    }

    /// `2026-03-01T12:00:00Z` - Parameter seconds: since 1970.
    mutating func put(iso8601 seconds: UInt64) {
        let (year, month, day) = HTTPDate.civil(fromDays: Int(seconds / 86_400))
        put(decimal: UInt64(year))
        put(byte: UInt8(ascii: "-"))
        put(twoDigits: month)
        put(byte: UInt8(ascii: "-"))
        put(twoDigits: day)
        put(byte: UInt8(ascii: "T"))
        put(twoDigits: Int(seconds / 3600 % 24))
        put(byte: UInt8(ascii: ":"))
        put(twoDigits: Int(seconds / 60 % 60))
        put(byte: UInt8(ascii: ":"))
        put(twoDigits: Int(seconds % 60))
        put(byte: UInt8(ascii: "Z"))
    }

    private mutating func put(twoDigits value: Int) {
        put(byte: UInt8(value / 10) + 0x30)
        put(byte: UInt8(value % 10) + 0x30)
    }
}
