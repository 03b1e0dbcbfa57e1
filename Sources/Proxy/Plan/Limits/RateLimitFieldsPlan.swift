/// What response fields say of one measure whatever its standing, as bytes made once, so that a response
/// costs a few copies and the numbers that change.
///
/// A policy is named `per-key` where the measure is `requests_per_minute`, else `per-key/` and the number's
/// key: `per-key/tokens`, `per-key/tokens-per-day`, `per-key/burst`. No two measures of a generation share a
/// name, because a slash within the limit's own name is escaped.
final class RateLimitFieldsPlan: @unchecked Sendable {
    /// Lives as long as the object.
    let pieces: UnsafePointer<RateLimitFieldPieces>
    /// The limit's name for messages: needs no escaping in JSON.
    let limitName: PlanText

    init(
        limitName: PlanText, keyName: PlanText, unit: LimitMeasure.Unit, period: LimitMeasure.Period,
        max: UInt64, isShadow: Bool
    ) {
        let name = RateLimitFieldsPlan.escaped(limitName)
        self.limitName = PlanText(String(decoding: name, as: UTF8.self))
        let policy = name + RateLimitFieldsPlan.suffix(of: keyName)
        let quota = "\(min(max, RateLimitFieldsPlan.integerMax))"
        let parameters = RateLimitFieldsPlan.parameters(unit, period)
        let kind: RateLimitFieldPieces.Kind =
            switch unit {
            case _ where isShadow: .hidden
            case .money: .hidden
            case .requests: .requests
            case .tokens, .inputTokens, .outputTokens: .tokens
            case .concurrent: .concurrent
            }
        var pieces = RateLimitFieldPieces(
            kind: kind, max: max, windowSeconds: RateLimitFieldsPlan.windowSeconds(period) ?? .max)
        var bytes = Bytes()
        pieces.firstPolicy = bytes.append(
            Array("RateLimit-Policy: \"".utf8) + policy + Array("\";q=".utf8), quota, parameters)
        pieces.nextPolicy = bytes.append(Array(", \"".utf8) + policy + Array("\";q=".utf8), quota, parameters)
        pieces.firstService = bytes.append(Array("\r\nRateLimit: \"".utf8) + policy + Array("\";r=".utf8))
        pieces.nextService = bytes.append(Array(", \"".utf8) + policy + Array("\";r=".utf8))
        if kind == .requests || kind == .tokens {
            pieces.openai = bytes.append(
                Array("x-ratelimit-limit-\(kind): ".utf8), "\(max)",
                "\r\nx-ratelimit-remaining-\(kind): ")
            pieces.openaiReset = bytes.append(Array("\r\nx-ratelimit-reset-\(kind): ".utf8))
        }
        pieces.count = bytes.all.count
        let padded = bytes.all + Array(repeating: 0, count: RateLimitFieldPieces.padding)
        let copy = UnsafeMutableRawPointer.allocate(byteCount: padded.count, alignment: 1)
        padded.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        pieces.base = UnsafeRawPointer(copy)
        let place = UnsafeMutablePointer<RateLimitFieldPieces>.allocate(capacity: 1)
        place.initialize(to: pieces)
        self.pieces = UnsafePointer(place)
    }

    deinit {
        pieces.pointee.base.deallocate()
        pieces.deallocate()
    }

    /// The largest Integer of structured fields (RFC 9651 §3.3.1).
    static let integerMax: UInt64 = 999_999_999_999_999

    private struct Bytes {
        var all: [UInt8] = []

        mutating func append(_ more: [UInt8]) -> RateLimitFieldPieces.Piece {
            all += more
            return RateLimitFieldPieces.Piece(start: all.count - more.count, count: more.count)
        }

        mutating func append(_ head: [UInt8], _ number: String, _ tail: String)
            -> RateLimitFieldPieces.Numbered
        {
            var piece = RateLimitFieldPieces.Numbered(start: all.count)
            all += head
            piece.numberStart = all.count
            all += number.utf8
            piece.numberEnd = all.count
            all += tail.utf8
            piece.end = all.count
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

    /// nil: a calendar month has no one length, and `w` may be left out.
    private static func windowSeconds(_ period: LimitMeasure.Period) -> UInt64? {
        switch period {
        case .second: 1
        case .minute: 60
        case .hour: 3600
        case .day: 86_400
        case .month, .none: nil
        }
    }

    /// Behind the quota. There is no registered unit for tokens: an unregistered `qu` would make the policy
    /// invalid, a parameter of our own is a comment to those who do not know it.
    private static func parameters(_ unit: LimitMeasure.Unit, _ period: LimitMeasure.Period) -> String {
        let window = windowSeconds(period).map { ";w=\($0)" } ?? ""
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
}

/// The bytes of a `RateLimitFieldsPlan` and where each piece stands in them.
///
/// Why not members of the class: one pointer to plain memory costs no retain for each piece that is copied.
struct RateLimitFieldPieces {
    /// What a measure counts, so far as the families of fields tell apart.
    enum Kind {
        case requests, tokens, concurrent
        /// A measure in `mode: shadow`, which no client is told of, or money: what requests cost is between
        /// the operator and the upstream.
        case hidden
    }

    struct Piece: Equatable {
        var start = 0
        var count = 0
    }

    /// A piece with a number in its middle that may be another for one caller.
    struct Numbered: Equatable {
        var start = 0
        var numberStart = 0
        var numberEnd = 0
        var end = 0
    }

    let kind: Kind
    /// The measure's.
    let max: UInt64
    /// `w` of its policy; the most there is where it has none.
    let windowSeconds: UInt64
    /// May be read up to `padding` bytes beyond the end of any piece.
    var base = UnsafeRawPointer(bitPattern: 1)!
    static let padding = 32

    /// Bytes of all pieces together: no response takes more of them.
    var count = 0
    /// `RateLimit-Policy: "per-key";q=60;w=60`
    var firstPolicy = Numbered()
    /// `, "per-key";q=60;w=60`
    var nextPolicy = Numbered()
    /// CR LF, `RateLimit: "per-key";r=`
    var firstService = Piece()
    /// `, "per-key";r=`
    var nextService = Piece()
    /// `x-ratelimit-limit-requests: 60`, CR LF, `x-ratelimit-remaining-requests: `. Empty for `concurrent`,
    /// of which OpenAI knows nothing.
    var openai = Numbered()
    /// CR LF, `x-ratelimit-reset-requests: `
    var openaiReset = Piece()
}
