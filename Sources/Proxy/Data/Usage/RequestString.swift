import JSON

/// A string of a request body, by offsets, quotes excluded.
///
/// Strict: no control characters, no unknown escapes, no halves of surrogate pairs; UTF-8 as RFC 3629 has it.
struct RequestString {
    let start: Int
    /// Where the closing quote is.
    let end: Int
    /// Octets beyond ASCII.
    let otherCount: Int
    let hasEscapes: Bool

    @inline(__always)
    var count: Int { end &- start }

    var json: JSONString {
        JSONString(range: start..<end, hasEscapes: hasEscapes, isASCII: otherCount == 0)
    }

    /// - Parameter start: behind the opening quote.
    /// - Returns: nil for what is no string.
    @inline(__always)
    static func read(_ base: UnsafeRawPointer, from start: Int, end: Int) -> RequestString? {
        guard start &+ 16 <= end else { return readLong(base, from: start, onFrom: start, end: end) }
        // Keys and most values are over within sixteen octets.
        guard let stop = firstMark(base, start) else {
            return readLong(base, from: start, onFrom: start &+ 16, end: end)
        }
        guard ByteScan.octet(base, stop) == quote else {
            return readRest(base, from: start, onFrom: stop, end: end)
        }
        return RequestString(start: start, end: stop, otherCount: 0, hasEscapes: false)
    }

    /// - Parameter first: all before it is simply text.
    @inline(never)
    private static func readLong(
        _ base: UnsafeRawPointer, from start: Int, onFrom first: Int, end: Int
    ) -> RequestString? {
        let stop = plainEnd(base, from: first, end: end)
        guard stop < end else { return nil }
        guard ByteScan.octet(base, stop) == quote else {
            return readRest(base, from: start, onFrom: stop, end: end)
        }
        return RequestString(start: start, end: stop, otherCount: 0, hasEscapes: false)
    }

    /// On from what is not simply text.
    @inline(never)
    private static func readRest(
        _ base: UnsafeRawPointer, from start: Int, onFrom first: Int, end: Int
    ) -> RequestString? {
        var otherCount = 0
        var hasEscapes = false
        var offset = first
        while offset < end {
            let octet = ByteScan.octet(base, offset)
            let next: Int
            switch octet {
            case quote:
                return RequestString(
                    start: start, end: offset, otherCount: otherCount, hasEscapes: hasEscapes)
            case backslash:
                next = escapeEnd(base, from: offset, end: end)
                hasEscapes = true
            case 0..<0x80: return nil
            default:
                next = othersEnd(base, from: offset, end: end)
                otherCount &+= next &- offset
            }
            guard next > offset else { return nil }
            offset = nearEnd(base, from: next, end: end)
        }
        return nil
    }
}

// MARK: Plain text

extension RequestString {
    private static var quote: UInt8 { UInt8(ascii: "\"") }
    private static var backslash: UInt8 { UInt8(ascii: "\\") }

    private typealias Lanes = SIMD16<Int8>
    private typealias Mask = SIMDMask<SIMD16<Int8>>

    /// Which of sixteen octets are simply text: no quote, backslash or control character, and none beyond
    /// ASCII, which signed are below all.
    @inline(__always)
    private static func plain(_ base: UnsafeRawPointer, _ offset: Int) -> Mask {
        let lanes = base.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
        // With that bit turned, a quote is 0x20 and what was 0x20 and 0x21 above it: one comparison for both.
        let turned = lanes ^ Lanes(repeating: 0x02)
        return (turned .> Lanes(repeating: 0x20)) .& (lanes .!= Lanes(repeating: 0x5C))
    }

    @inline(__always)
    private static func halves(_ mask: Mask) -> SIMD2<UInt64> { unsafeBitCast(mask, to: SIMD2<UInt64>.self) }

    /// The first of sixteen octets that is not simply text; nil if all are.
    @inline(__always)
    private static func firstMark(_ base: UnsafeRawPointer, _ offset: Int) -> Int? {
        let marks = halves(.!plain(base, offset))
        if marks[0] != 0 { return offset &+ marks[0].trailingZeroBitCount &>> 3 }
        if marks[1] != 0 { return offset &+ 8 &+ marks[1].trailingZeroBitCount &>> 3 }
        return nil
    }

    /// As `plainEnd`, where it is not far: text that has an escape soon has another.
    @inline(__always)
    private static func nearEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset < start &+ 64, offset &+ 16 <= end {
            if let mark = firstMark(base, offset) { return mark }
            offset &+= 16
        }
        return plainEnd(base, from: offset, end: end)
    }

    /// The first octet that is not simply text.
    @inline(__always)
    private static func plainEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ 64 <= end {
            let all = halves(
                (plain(base, offset) .& plain(base, offset &+ 16))
                    .& (plain(base, offset &+ 32) .& plain(base, offset &+ 48)))
            guard all[0] & all[1] == .max else { break }
            offset &+= 64
        }
        while offset &+ 16 <= end {
            if let mark = firstMark(base, offset) { return mark }
            offset &+= 16
        }
        while offset < end {
            let octet = ByteScan.octet(base, offset)
            if octet < Byte.space || octet >= 0x80 || octet == quote || octet == backslash { return offset }
            offset &+= 1
        }
        return end
    }
}

// MARK: Escapes

extension RequestString {
    /// - Parameter start: where the backslash is.
    /// - Returns: `start` for what is none.
    @inline(__always)
    private static func escapeEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        guard start &+ 1 < end else { return start }
        switch ByteScan.octet(base, start &+ 1) {
        case UInt8(ascii: "n"), quote, backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"): return unitsEnd(base, from: start, end: end)
        default: return start
        }
    }

    /// A `\u` escape, or the two of a surrogate pair.
    private static func unitsEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        guard let first = unit(base, at: start, end: end) else { return start }
        switch first {
        case 0xD800..<0xDC00:
            guard let second = unit(base, at: start &+ 6, end: end), 0xDC00..<0xE000 ~= second else {
                return start
            }
            return start &+ 12
        case 0xDC00..<0xE000: return start
        default: return start &+ 6
        }
    }

    /// Nil unless a whole `\u` escape stands there.
    private static func unit(_ base: UnsafeRawPointer, at start: Int, end: Int) -> UInt32? {
        guard start &+ 6 <= end, ByteScan.octet(base, start) == backslash,
            ByteScan.octet(base, start &+ 1) == UInt8(ascii: "u")
        else { return nil }
        var value: UInt32 = 0
        for index in 2..<6 {
            guard let digit = hexDigitValue(ByteScan.octet(base, start &+ index)) else { return nil }
            value = value &<< 4 | UInt32(digit)
        }
        return value
    }
}

// MARK: Beyond ASCII

extension RequestString {
    /// The end of a run of scalars beyond ASCII, in which they come mostly: there vectors gain nothing.
    /// - Returns: `start` if one of them is not UTF-8.
    @inline(__always)
    private static func othersEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        repeat {
            let length = scalarLength(word(base, offset, end: end))
            guard length > 0 else { return start }
            offset &+= length
        } while offset < end && ByteScan.octet(base, offset) >= 0x80
        return offset
    }

    /// Four octets, the first in the lowest byte; zeros are beyond the end.
    @inline(__always)
    private static func word(_ base: UnsafeRawPointer, _ offset: Int, end: Int) -> UInt32 {
        if offset &+ 4 <= end {
            return UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        var word: UInt32 = 0
        for index in 0..<end &- offset {
            word |= UInt32(ByteScan.octet(base, offset &+ index)) &<< UInt32(8 &* index)
        }
        return word
    }

    /// Octets of the scalar beyond ASCII that `word` begins with; 0 if it is none: RFC 3629 §4, which leaves
    /// no overlong forms, surrogates and values beyond 0x10FFFF.
    @inline(__always)
    private static func scalarLength(_ word: UInt32) -> Int {
        if word & 0x00C0_C0F0 == 0x0080_80E0 {
            // The lowest bits of the first octet, and the highest that the second one adds.
            let high = word & 0x200F
            return high == 0 || high == 0x200D ? 0 : 3
        }
        if word & 0x0000_C0E0 == 0x0000_80C0 { return word & 0x1E == 0 ? 0 : 2 }
        guard word & 0xC0C0_C0F8 == 0x8080_80F0 else { return 0 }
        let plane = (word & 0x07) &<< 2 | (word &>> 12) & 0x03
        return 1...16 ~= plane ? 4 : 0
    }
}
