import Glibc

/// Answers of an upstream that are not passed on, because the request goes out once more or because they are
/// about the gateway's own key; and what an endpoint's answers say of its health.
extension Worker {
    /// Before the answer's head goes to the client.
    /// - Returns: true: it does not; what becomes of the exchange is settled.
    func turnsAway(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ head: ResponseHead,
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard head.status >= 400 else {
            upstream.pool.state.health.succeeded(now: now)
            return false
        }
        let retryAfter = RetryAfter.find(fields, head, bytes)
        noteHealth(exchange, upstream.pool.state, head.status, retryAfter)
        if turnsKeyAway(exchange, head, retryAfter: retryAfter) { return true }
        guard triesAgain(exchange, after: .status(head.status)) else { return false }
        exchange.sentAt = 0
        perform(exchange.machine.turnedAway(again: true, reply: .upstreamBadResponse), exchange)
        return true
    }

    private func noteHealth(
        _ exchange: RunningExchange, _ state: EndpointState, _ status: UInt16, _ retryAfter: UInt64?
    ) {
        if status >= 500 {
            noteFailure(exchange)
        } else {
            state.health.succeeded(now: now)
        }
        guard status == 429 || status == 503, let retryAfter else { return }
        // It is the key that has been used too much, and others have other keys.
        if status == 429, exchange.course?.credential != nil { return }
        state.health.coolDown(until: now + min(retryAfter, RetryAfter.max))
    }

    /// The endpoint of this attempt has failed.
    func noteFailure(_ exchange: RunningExchange) {
        let plan = upstreamPlan(of: exchange)
        plan.endpoints[exchange.endpoint].state.health.failed(now: now, plan.health)
    }
}

/// `Retry-After` (RFC 9110 §10.2.3), and `retry-after-ms`, which OpenAI's clients read first.
enum RetryAfter {
    /// Nanoseconds that an upstream is believed at most.
    static let max: UInt64 = 300_000_000_000

    /// - Returns: nanoseconds from now; nil: it does not say, or not so that it can be read.
    static func find(
        _ fields: FieldTable, _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer
    ) -> UInt64? {
        var found: UInt64?
        for index in 0..<head.fieldCount {
            let line = fields.lines[index]
            let name = line.name.bytes(of: bytes)
            let value = line.value.bytes(of: bytes)
            if asciiCaseInsensitiveEqual(name, "retry-after-ms"), let milliseconds = number(value) {
                return clamped(milliseconds, nanosecondsEach: 1_000_000)
            }
            if asciiCaseInsensitiveEqual(name, "retry-after") {
                found = number(value).map { clamped($0, nanosecondsEach: 1_000_000_000) } ?? date(value)
            }
        }
        return found
    }

    /// A field that says when to come again.
    static func isHint(_ name: UnsafeRawBufferPointer) -> Bool {
        asciiCaseInsensitiveEqual(name, "retry-after") || asciiCaseInsensitiveEqual(name, "retry-after-ms")
    }

    private static func clamped(_ count: UInt64, nanosecondsEach: UInt64) -> UInt64 {
        let (product, overflow) = count.multipliedReportingOverflow(by: nanosecondsEach)
        return overflow ? max : min(product, max)
    }

    /// Whole, or with a fraction, which is rounded up.
    private static func number(_ value: UnsafeRawBufferPointer) -> UInt64? {
        var total: UInt64 = 0
        var at = 0
        while at < value.count, let digit = decimalDigitValue(value[at]) {
            total = min(total * 10 + UInt64(digit), 1 << 40)
            at += 1
        }
        guard at > 0 else { return nil }
        guard at < value.count else { return total }
        guard value[at] == UInt8(ascii: "."),
            value.dropFirst(at + 1).allSatisfy({ decimalDigitValue($0) != nil })
        else { return nil }
        return total + 1
    }

    /// An HTTP-date of the preferred form, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    private static func date(_ value: UnsafeRawBufferPointer) -> UInt64? {
        guard value.count == 29, let day = digits(value, 5..<7), let year = digits(value, 12..<16),
            let hour = digits(value, 17..<19), let minute = digits(value, 20..<22),
            let second = digits(value, 23..<25),
            let month = (0..<12).first(where: { value[8..<11].elementsEqual(months($0)) })
        else { return nil }
        var parts = tm()
        parts.tm_mday = day
        parts.tm_mon = Int32(month)
        parts.tm_year = year - 1900
        parts.tm_hour = hour
        parts.tm_min = minute
        parts.tm_sec = second
        let seconds = timegm(&parts) - time(nil)
        return seconds <= 0 ? 0 : clamped(UInt64(seconds), nanosecondsEach: 1_000_000_000)
    }

    private static func digits(_ value: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int32? {
        var number: Int32 = 0
        for index in range {
            guard let digit = decimalDigitValue(value[index]) else { return nil }
            number = number * 10 + Int32(digit)
        }
        return number
    }

    private static func months(_ index: Int) -> UnsafeRawBufferPointer {
        let names: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
        return UnsafeRawBufferPointer(start: names.utf8Start + 3 * index, count: 3)
    }
}
