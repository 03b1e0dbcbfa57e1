/// Content of a JSON string by offsets, quotes excluded.
public struct JSONString: Equatable, Sendable {
    public let range: Range<Int>
    /// Without any, the bytes of `range` are the text.
    public let hasEscapes: Bool
    /// All bytes of `range` are below 0x80; what escapes stand for may still be beyond.
    public let isASCII: Bool

    public init(range: Range<Int>, hasEscapes: Bool, isASCII: Bool) {
        self.range = range
        self.hasEscapes = hasEscapes
        self.isASCII = isASCII
    }
}

/// What a text consists of, in its order.
public enum JSONEvent: Equatable, Sendable {
    case beginObject, endObject, beginArray, endArray
    /// The value of the member follows.
    case key(JSONString)
    case string(JSONString)
    /// As written. `isInteger`: without fraction and exponent.
    case number(Range<Int>, isInteger: Bool)
    case bool(Bool)
    case null
    /// The text is over. Comes again for each further call.
    case end
}

/// Reads one JSON text (RFC 8259) event by event, by offsets into bytes that it does not own. Allocates
/// nothing.
///
/// Strict: no byte order mark, no comments, no control characters in strings, no halves of surrogate pairs,
/// nothing but blanks behind the value; UTF-8 as RFC 3629 has it. Whether a key comes twice is for the reader
/// of the events to see. After an error the only thing to do is to drop the reader.
public struct JSONReader {
    /// Levels that a reader can remember.
    public static let depthMax = 64

    private let bytes: UnsafeRawBufferPointer
    private let depthLimit: Int
    /// How far it has read.
    public private(set) var offset = 0
    /// First byte of the latest event.
    public private(set) var start = 0
    /// Open objects and arrays.
    public private(set) var depth = 0
    /// Bit `n` is set where the container at depth `n + 1` is an object.
    private var objects: UInt64 = 0
    private var expected = Expected.value

    private enum Expected {
        case value, valueOrEnd, keyOrEnd, commaOrEnd, nothing
    }

    /// - Parameter depthLimit: at most `depthMax`; deeper texts are refused.
    public init(_ bytes: UnsafeRawBufferPointer, depthLimit: Int = JSONValue.depthMax) {
        self.bytes = bytes
        self.depthLimit = min(depthLimit, JSONReader.depthMax)
    }

    public mutating func next() throws(JSONError) -> JSONEvent {
        skipBlanks()
        start = offset
        switch expected {
        case .value: return try value()
        case .valueOrEnd:
            return peek == UInt8(ascii: "]") ? close(.endArray) : try value()
        case .keyOrEnd:
            return peek == UInt8(ascii: "}") ? close(.endObject) : try key()
        case .commaOrEnd: return try commaOrEnd()
        case .nothing:
            guard offset == bytes.count else { throw JSONError(.trailing, offset: offset) }
            return .end
        }
    }

    /// Passes over the value that comes next: behind a key, or at the beginning of the text.
    /// - Returns: where it stands, quotes and brackets included.
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        let outside = depth
        var event = try next()
        let first = start
        while depth > outside { event = try next() }
        guard event != .end else { throw JSONError(.syntax, offset: offset) }
        return first..<offset
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipBlanks() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    private mutating func commaOrEnd() throws(JSONError) -> JSONEvent {
        let isObject = objects >> UInt64(depth - 1) & 1 == 1
        switch peek {
        case UInt8(ascii: ","):
            offset += 1
            skipBlanks()
            start = offset
            return isObject ? try key() : try value()
        case UInt8(ascii: "}") where isObject: return close(.endObject)
        case UInt8(ascii: "]") where !isObject: return close(.endArray)
        default: throw JSONError(.syntax, offset: offset)
        }
    }

    private mutating func open(isObject: Bool) throws(JSONError) {
        guard depth < depthLimit else { throw JSONError(.depth, offset: offset) }
        let bit: UInt64 = 1 << UInt64(depth)
        if isObject { objects |= bit } else { objects &= ~bit }
        depth += 1
        offset += 1
        expected = isObject ? .keyOrEnd : .valueOrEnd
    }

    private mutating func close(_ event: JSONEvent) -> JSONEvent {
        offset += 1
        depth -= 1
        valueEnded()
        return event
    }

    private mutating func valueEnded() { expected = depth == 0 ? .nothing : .commaOrEnd }

    private mutating func key() throws(JSONError) -> JSONEvent {
        guard peek == UInt8(ascii: "\"") else { throw JSONError(.syntax, offset: offset) }
        let key = try string()
        skipBlanks()
        guard peek == UInt8(ascii: ":") else { throw JSONError(.syntax, offset: offset) }
        offset += 1
        expected = .value
        return .key(key)
    }

    private mutating func value() throws(JSONError) -> JSONEvent {
        guard let first = peek else { throw JSONError(.syntax, offset: offset) }
        let event: JSONEvent
        switch first {
        case UInt8(ascii: "{"):
            try open(isObject: true)
            return .beginObject
        case UInt8(ascii: "["):
            try open(isObject: false)
            return .beginArray
        case UInt8(ascii: "\""): event = .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): event = try number()
        case UInt8(ascii: "t"): event = try word("true", .bool(true))
        case UInt8(ascii: "f"): event = try word("false", .bool(false))
        case UInt8(ascii: "n"): event = try word("null", .null)
        default: throw JSONError(.syntax, offset: offset)
        }
        valueEnded()
        return event
    }

    private mutating func word(_ word: StaticString, _ event: JSONEvent) throws(JSONError) -> JSONEvent {
        for index in 0..<word.utf8CodeUnitCount {
            guard peek == word.utf8Start[index] else { throw JSONError(.syntax, offset: offset) }
            offset += 1
        }
        return event
    }
}

// MARK: Numbers

extension JSONReader {
    private mutating func number() throws(JSONError) -> JSONEvent {
        let first = offset
        var isInteger = true
        if peek == UInt8(ascii: "-") { offset += 1 }
        if peek == UInt8(ascii: "0") { offset += 1 } else { try digits() }
        if peek == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            try digits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isInteger = false
            offset += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        // Why here: `01` and `1x` are a number gone wrong rather than a missing comma.
        switch peek ?? UInt8(ascii: " ") {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"):
            throw JSONError(.number, offset: offset)
        default: return .number(first..<offset, isInteger: isInteger)
        }
    }

    /// One at least.
    private mutating func digits() throws(JSONError) {
        let first = offset
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > first else { throw JSONError(.number, offset: offset) }
    }
}

// MARK: Strings

extension JSONReader {
    private mutating func string() throws(JSONError) -> JSONString {
        let first = offset + 1
        offset = plainEnd(from: first)
        // Most strings are plain to their end.
        guard peek == UInt8(ascii: "\"") else { return try stringRest(from: first) }
        offset += 1
        return JSONString(range: first..<offset - 1, hasEscapes: false, isASCII: true)
    }

    /// On from what is not simply text.
    private mutating func stringRest(from first: Int) throws(JSONError) -> JSONString {
        var hasEscapes = false
        var isASCII = true
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return JSONString(range: first..<offset - 1, hasEscapes: hasEscapes, isASCII: isASCII)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape()
            case 0..<0x80: throw JSONError(.string, offset: offset)
            default:
                isASCII = false
                // Why a loop: scalars beyond ASCII come in runs, through which vectors gain nothing.
                repeat { try multibyte() } while offset < bytes.count && bytes[offset] >= 0x80
            }
            offset = plainEnd(from: offset)
        }
        throw JSONError(.string, offset: offset)
    }

    private typealias Lanes = SIMD16<Int8>

    /// Why not `Lanes` within the comparison: against what may be a scalar, each lane is compared by itself.
    @inline(__always)
    private func repeating(_ byte: Int8) -> Lanes { Lanes(repeating: byte) }

    @inline(__always)
    private func specials(_ base: UnsafeRawPointer, _ offset: Int) -> SIMDMask<SIMD16<Int8>> {
        // Signed, all beyond ASCII are below 0x20 as well.
        let lanes = base.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
        return (lanes .== repeating(0x22)) .| (lanes .== repeating(0x5C)) .| (lanes .< repeating(0x20))
    }

    /// The first byte that is not simply text: a quote, a backslash, a control character, or one beyond
    /// ASCII. Sixteen at a time, never beyond the bytes.
    @inline(__always)
    private func plainEnd(from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return start }
        let end = bytes.count
        var offset = start
        while offset &+ 16 <= end {
            let stops = unsafeBitCast(specials(base, offset), to: SIMD2<UInt64>.self)
            if stops[0] != 0 { return offset &+ stops[0].trailingZeroBitCount &>> 3 }
            if stops[1] != 0 { return offset &+ 8 &+ stops[1].trailingZeroBitCount &>> 3 }
            offset &+= 16
            // Long strings: twice as many at a time, once the first sixteen were not all.
            while offset &+ 32 <= end {
                let both = specials(base, offset) .| specials(base, offset &+ 16)
                let halves = unsafeBitCast(both, to: SIMD2<UInt64>.self)
                guard halves[0] | halves[1] == 0 else { break }
                offset &+= 32
            }
        }
        while offset < end {
            switch bytes[offset] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0..<0x20, 0x80...: return offset
            default: offset &+= 1
            }
        }
        return end
    }

    private mutating func escape() throws(JSONError) {
        let first = offset
        offset += 1
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 1
        case UInt8(ascii: "u"):
            offset += 1
            switch try hexDigits() {
            case 0xD800..<0xDC00:
                guard peek == UInt8(ascii: "\\") else { throw JSONError(.string, offset: first) }
                offset += 1
                guard peek == UInt8(ascii: "u") else { throw JSONError(.string, offset: first) }
                offset += 1
                guard (0xDC00..<0xE000).contains(try hexDigits()) else {
                    throw JSONError(.string, offset: first)
                }
            case 0xDC00..<0xE000: throw JSONError(.string, offset: first)
            default: break
            }
        default: throw JSONError(.string, offset: offset)
        }
    }

    private mutating func hexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = hexValue(byte) else {
                throw JSONError(.string, offset: offset)
            }
            value = value << 4 | digit
            offset += 1
        }
        return value
    }

    /// One scalar beyond ASCII: RFC 3629 §4, which leaves no overlong forms, surrogates and values too large.
    private mutating func multibyte() throws(JSONError) {
        let first = offset
        var second: ClosedRange<UInt8> = 0x80...0xBF
        let count: Int
        switch bytes[first] {
        case 0xC2...0xDF: count = 2
        case 0xE0:
            count = 3
            second = 0xA0...0xBF
        case 0xED:
            count = 3
            second = 0x80...0x9F
        case 0xE1...0xEF: count = 3
        case 0xF0:
            count = 4
            second = 0x90...0xBF
        case 0xF4:
            count = 4
            second = 0x80...0x8F
        case 0xF1...0xF3: count = 4
        default: throw JSONError(.utf8, offset: first)
        }
        guard bytes.count - first >= count, second.contains(bytes[first + 1]) else {
            throw JSONError(.utf8, offset: first)
        }
        for index in first + 2..<first + count where bytes[index] & 0xC0 != 0x80 {
            throw JSONError(.utf8, offset: first)
        }
        offset = first + count
    }
}

private func hexValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}

// MARK: The text of a string

extension JSONReader {
    /// The octets of a string of this text, escapes resolved. Allocates nothing.
    public func octets(_ string: JSONString) -> JSONOctets { JSONOctets(bytes: bytes, string: string) }

    /// Whether a string of this text is `name`, escapes resolved. Allocates nothing.
    public func isEqual(_ string: JSONString, _ name: StaticString) -> Bool {
        var rest = octets(string)
        for index in 0..<name.utf8CodeUnitCount where rest.next() != name.utf8Start[index] { return false }
        return rest.next() == nil
    }

    /// A copy, escapes resolved.
    public func text(_ string: JSONString) -> String {
        guard string.hasEscapes else { return raw(string.range) }
        return String(decoding: IteratorSequence(octets(string)).map { $0 }, as: UTF8.self)
    }

    /// A copy of what stands there.
    public func raw(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }
}

/// The octets of a string that was read before, so that nothing in it can be wrong.
public struct JSONOctets: IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var offset: Int
    private let end: Int
    /// The rest of a `\u` escape in UTF-8, the last octet in the lowest byte.
    private var pending: UInt32 = 0
    private var pendingCount = 0

    fileprivate init(bytes: UnsafeRawBufferPointer, string: JSONString) {
        self.bytes = bytes
        offset = string.range.lowerBound
        end = string.range.upperBound
    }

    public mutating func next() -> UInt8? {
        if pendingCount > 0 {
            pendingCount -= 1
            return UInt8(truncatingIfNeeded: pending >> UInt32(8 * pendingCount))
        }
        guard offset < end else { return nil }
        let byte = bytes[offset]
        offset += 1
        guard byte == UInt8(ascii: "\\") else { return byte }
        let escape = bytes[offset]
        offset += 1
        switch escape {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"): return scalar()
        default: return escape
        }
    }

    private mutating func scalar() -> UInt8 {
        var value = unit()
        if (0xD800..<0xDC00).contains(value) {
            offset += 2
            value = 0x10000 + (value - 0xD800) << 10 + (unit() - 0xDC00)
        }
        switch value {
        case 0..<0x80: return UInt8(value)
        case 0x80..<0x800: return queue(0xC0 | value >> 6, value, count: 1)
        case 0x800..<0x10000: return queue(0xE0 | value >> 12, value, count: 2)
        default: return queue(0xF0 | value >> 18, value, count: 3)
        }
    }

    /// - Parameter count: octets that go on from `first`.
    private mutating func queue(_ first: UInt32, _ value: UInt32, count: Int) -> UInt8 {
        pending = 0
        for index in (0..<count).reversed() {
            pending = pending << 8 | 0x80 | value >> UInt32(6 * index) & 0x3F
        }
        pendingCount = count
        return UInt8(first)
    }

    private mutating func unit() -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            value = value << 4 | (hexValue(bytes[offset]) ?? 0)
            offset += 1
        }
        return value
    }
}
