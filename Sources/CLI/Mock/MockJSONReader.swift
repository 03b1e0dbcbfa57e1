/// Why a text is not JSON, and where.
struct MockJSONError: Error, Equatable {
    /// Bytes before the problem.
    var offset: Int
    var problem: String
}

/// Reads one JSON text (RFC 8259), strictly: nothing before or after it but white space, UTF-8 without
/// lone surrogates, no number that a Double cannot hold, at most `depthMax` levels.
struct MockJSONReader {
    static let depthMax = 64

    private let bytes: [UInt8]
    private var index = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func read(_ bytes: [UInt8]) throws(MockJSONError) -> MockJSON {
        var reader = MockJSONReader(bytes)
        let value = try reader.value(depth: 1)
        reader.skipSpace()
        guard reader.index == bytes.count else { throw reader.error("something follows the value") }
        return value
    }

    private func error(_ problem: String) -> MockJSONError { MockJSONError(offset: index, problem: problem) }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(MockJSONError) -> MockJSON {
        guard depth <= Self.depthMax else { throw error("nested deeper than \(Self.depthMax) levels") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("the text ends where a value should be")
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: MockJSON) throws(MockJSONError) -> MockJSON {
        guard bytes[index...].starts(with: word.utf8) else { throw error("not a value") }
        index += word.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(MockJSONError) -> MockJSON {
        index += 1
        var members: [MockJSON.MockMember] = []
        skipSpace()
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("a member needs a name in quotes") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw error("a colon is missing after a name") }
            members.append(.init(name: name, value: try value(depth: depth + 1)))
            skipSpace()
        } while take(",")
        guard take("}") else { throw error("an object is not closed") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(MockJSONError) -> MockJSON {
        index += 1
        var elements: [MockJSON] = []
        skipSpace()
        if take("]") { return .array(elements) }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw error("an array is not closed") }
        return .array(elements)
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    private mutating func number() throws(MockJSONError) -> MockJSON {
        let start = index
        _ = take("-")
        let integerStart = index
        guard digits() else { throw error("not a value") }
        if bytes[integerStart] == UInt8(ascii: "0"), index - integerStart > 1 {
            throw error("a number begins with 0")
        }
        if take("."), !digits() { throw error("a digit is missing after the point") }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard digits() else { throw error("a digit is missing in the exponent") }
        }
        guard let value = Double(String(decoding: bytes[start..<index], as: UTF8.self)), value.isFinite else {
            throw error("the number is too large")
        }
        return .number(value)
    }

    private mutating func digits() -> Bool {
        let start = index
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { index += 1 }
        return index > start
    }

    private mutating func string() throws(MockJSONError) -> String {
        index += 1
        var content: [UInt8] = []
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw error("a string is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): content.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw error("a control character stands in a string")
            default: content.append(byte)
            }
        }
        throw error("a string is not closed")
    }

    private mutating func escape() throws(MockJSONError) -> Character {
        guard let byte = next else { throw error("a string is not closed") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Character(try unicodeEscape())
        default: throw error("unknown escape")
        }
    }

    /// `XXXX` after `\u`, with the second half of a surrogate pair where the first one needs it.
    private mutating func unicodeEscape() throws(MockJSONError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(UInt16(first)), take("\\"), take("u") else {
            throw error("a lone surrogate")
        }
        let second = try fourHexDigits()
        guard second >> 10 == 0xDC00 >> 10 else { throw error("a lone surrogate") }
        let value = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        guard let scalar = Unicode.Scalar(value) else { throw error("a lone surrogate") }
        return scalar
    }

    private mutating func fourHexDigits() throws(MockJSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("\\u needs four hexadecimal digits")
            }
            index += 1
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
