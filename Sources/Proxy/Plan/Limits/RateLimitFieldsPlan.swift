/// What response fields say of one measure whatever its standing, as bytes made once, so that a response
/// costs a few copies and the numbers that change.
///
/// A policy is named `per-key` where the measure is `requests_per_minute`, else `per-key/` and the number's
/// key: `per-key/tokens`, `per-key/tokens-per-day`, `per-key/burst`. No two measures of a generation share a
/// name, because a slash within the limit's own name is escaped.
final class RateLimitFieldsPlan: @unchecked Sendable {
    /// Bytes with a number in their middle that may be another for one caller.
    struct Numbered: Equatable {
        var start = 0
        var numberStart = 0
        var numberEnd = 0
        var end = 0
    }

    /// May be read up to `padding` bytes beyond the end of any piece.
    let base: UnsafePointer<UInt8>
    static let padding = 16

    /// Bytes of all pieces together: no response takes more of them.
    let count: Int
    /// False for a measure in `mode: shadow`, which no client is told of, and for money: what requests cost
    /// is between the operator and the upstream.
    let isShown: Bool
    /// `RateLimit-Policy: "per-key";q=60;w=60`
    let firstPolicy: Numbered
    /// `, "per-key";q=60;w=60`
    let nextPolicy: Numbered
    /// CR LF, `RateLimit: "per-key";r=`
    let firstService: Range<Int>
    /// `, "per-key";r=`
    let nextService: Range<Int>
    /// `x-ratelimit-limit-requests: 60`, CR LF, `x-ratelimit-remaining-requests: `. Empty for `concurrent`,
    /// of which OpenAI knows nothing.
    let openai: Numbered
    /// CR LF, `x-ratelimit-reset-requests: `
    let openaiReset: Range<Int>
    /// The limit's name for messages: needs no escaping in JSON.
    let limitName: PlanText

    init(
        limitName: PlanText, keyName: PlanText, unit: LimitMeasure.Unit, period: LimitMeasure.Period,
        max: UInt64, isShadow: Bool
    ) {
        let name = RateLimitFieldsPlan.escaped(limitName)
        self.limitName = PlanText(String(decoding: name, as: UTF8.self))
        isShown = !isShadow && unit != .money
        let policy = name + RateLimitFieldsPlan.suffix(of: keyName)
        let quota = "\(min(max, RateLimitFieldsPlan.integerMax))"
        let parameters = RateLimitFieldsPlan.parameters(unit, period)
        var pieces = Pieces()
        firstPolicy = pieces.append(
            Array("RateLimit-Policy: \"".utf8) + policy + Array("\";q=".utf8), quota, parameters)
        nextPolicy = pieces.append(Array(", \"".utf8) + policy + Array("\";q=".utf8), quota, parameters)
        firstService = pieces.append(Array("\r\nRateLimit: \"".utf8) + policy + Array("\";r=".utf8))
        nextService = pieces.append(Array(", \"".utf8) + policy + Array("\";r=".utf8))
        if let resource = RateLimitFieldsPlan.openaiName(of: unit) {
            openai = pieces.append(
                Array("x-ratelimit-limit-\(resource): ".utf8), "\(max)",
                "\r\nx-ratelimit-remaining-\(resource): ")
            openaiReset = pieces.append(Array("\r\nx-ratelimit-reset-\(resource): ".utf8))
        } else {
            openai = Numbered()
            openaiReset = 0..<0
        }
        count = pieces.bytes.count
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: count + RateLimitFieldsPlan.padding)
        copy.initialize(repeating: 0, count: count + RateLimitFieldsPlan.padding)
        for (index, byte) in pieces.bytes.enumerated() { copy[index] = byte }
        base = UnsafePointer(copy)
    }

    deinit { base.deallocate() }

    /// The largest Integer of structured fields (RFC 9651 §3.3.1).
    static let integerMax: UInt64 = 999_999_999_999_999

    private struct Pieces {
        var bytes: [UInt8] = []

        mutating func append(_ more: [UInt8]) -> Range<Int> {
            bytes += more
            return bytes.count - more.count..<bytes.count
        }

        mutating func append(_ head: [UInt8], _ number: String, _ tail: String) -> Numbered {
            var piece = Numbered(start: bytes.count)
            bytes += head
            piece.numberStart = bytes.count
            bytes += number.utf8
            piece.numberEnd = bytes.count
            bytes += tail.utf8
            piece.end = bytes.count
            return piece
        }
    }

    /// As it may stand in a String of structured fields (RFC 9651 §3.3.3) and of JSON: what else there is in
    /// the name is escaped as in a URL.
    private static func escaped(_ name: PlanText) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return name.bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "/"):
                [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            case 0x20...0x7E: [byte]
            default: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    private static func suffix(of keyName: PlanText) -> [UInt8] {
        var key = String(decoding: keyName.bytes, as: UTF8.self)
        if key.hasSuffix("_per_minute") { key.removeLast("_per_minute".count) }
        return key == "requests" ? [] : [UInt8(ascii: "/")] + key.utf8.map { $0 == 0x5F ? 0x2D : $0 }
    }

    /// Behind the quota. There is no registered unit for tokens: an unregistered `qu` would make the policy
    /// invalid, a parameter of our own is a comment to those who do not know it.
    private static func parameters(_ unit: LimitMeasure.Unit, _ period: LimitMeasure.Period) -> String {
        let window: String =
            switch period {
            case .second: ";w=1"
            case .minute: ";w=60"
            case .hour: ";w=3600"
            case .day: ";w=86400"
            // A calendar month has no one length, and `w` may be left out.
            case .month, .none: ""
            }
        let meaning: String =
            switch unit {
            case .requests, .money: ""
            case .concurrent: ";qu=\"concurrent-requests\""
            case .tokens: ";headgate-unit=\"tokens\""
            case .inputTokens: ";headgate-unit=\"input-tokens\""
            case .outputTokens: ";headgate-unit=\"output-tokens\""
            }
        return window + meaning
    }

    private static func openaiName(of unit: LimitMeasure.Unit) -> String? {
        switch unit {
        case .requests: "requests"
        case .tokens, .inputTokens, .outputTokens: "tokens"
        case .money, .concurrent: nil
        }
    }
}
