/// Reads a JSON text of an answer that is whole within one piece and written the usual way, to the same
/// result as `AnswerReader`, which reads whatever this one gives up on, from its start.
///
/// Why there are two: nearly every event, and many an answer, comes whole, and what has not to be told to a
/// next piece stays in registers. In instructions of a tap, as Callgrind counts them: 4,260 to 2,500 for the
/// bench's answer of 1,024 bytes, 2,860 to 1,800 for an event of a chat of 246.
///
/// Gives up, with a negative offset, on what breaks the grammar, keys and models with escapes, control
/// characters in strings, a second usage object, text that is nested deeper than `textDepthMax`.
struct WholeAnswerReader {
    private let text: WholeJSON
    /// Octets of text.
    private(set) var textBytes = 0
    private(set) var choices = AnswerReader.Choices.unseen
    /// Of the usage object.
    var members = UsageMembers()
    private(set) var total: UInt64 = 0
    /// The key at depth 1 at or below which the usage object stood; none: there was none.
    private(set) var usageKey = AnswerKey.none
    /// The name of the model, unless one was known before.
    private(set) var model: Range<Int>?
    private var isModelKnown: Bool

    private static let textDepthMax = 16

    @inline(__always)
    init(_ text: WholeJSON, isModelKnown: Bool) {
        self.text = text
        self.isModelKnown = isModelKnown
    }

    /// - Parameter start: of the text.
    /// - Returns: the end of the text; negative: it has to be read by other means.
    @inline(__always)
    mutating func read(from start: Int) -> Int { readObject(start &+ 1, below: .none) }

    // MARK: Objects of interest

    /// The top, or one that wraps a usage object, from behind its brace.
    /// - Parameter outer: none at the top, else its key.
    @inline(never)
    private mutating func readObject(_ start: Int, below outer: AnswerKey) -> Int {
        let text = text
        var offset = text.token(start)
        if text.octet(offset) == UInt8(ascii: "}") { return offset &+ 1 }
        while true {
            let name = text.key(offset)
            guard name.value >= 0 else { return WholeJSON.unusual }
            let key = text.answerKey(offset &+ 1, name.end)
            switch text.octet(name.value) {
            case UInt8(ascii: "\""): offset = readString(name.value &+ 1, key, below: outer)
            case UInt8(ascii: "{"), UInt8(ascii: "["): offset = readContainer(name.value, key, below: outer)
            default: offset = text.scalarEnd(name.value)
            }
            guard text.isWithin(offset) else { return WholeJSON.unusual }
            offset = text.token(offset)
            guard text.octet(offset) == UInt8(ascii: ",") else {
                return text.octet(offset) == UInt8(ascii: "}") ? offset &+ 1 : WholeJSON.unusual
            }
            offset = text.token(offset &+ 1)
        }
    }

    @inline(__always)
    private mutating func readString(_ start: Int, _ key: AnswerKey, below outer: AnswerKey) -> Int {
        if key == .delta, outer == .none { return readTextString(start) }
        guard key == .model, !isModelKnown else { return text.stringEnd(start) &+ 1 }
        let name = text.string(start)
        guard name.end >= 0, name.escapeBytes == 0 else { return WholeJSON.unusual }
        model = start..<name.end
        isModelKnown = name.end > start
        return name.end &+ 1
    }

    /// From its bracket.
    @inline(__always)
    private mutating func readContainer(_ start: Int, _ key: AnswerKey, below outer: AnswerKey) -> Int {
        let isObject = text.octet(start) == UInt8(ascii: "{")
        switch key {
        case .usage where isObject:
            guard usageKey == .none else { return WholeJSON.unusual }
            usageKey = outer == .none ? .usage : outer
            return readUsage(start &+ 1, isDetails: false)
        case .choices where outer == .none:
            guard !isObject else { return WholeJSON.unusual }
            return readChoices(start &+ 1)
        case .delta where outer == .none: return readText(start &+ 1, isObject: isObject)
        case .response where outer == .none && isObject, .message where outer == .none && isObject,
            .xGroq where outer == .none && isObject:
            return readObject(start &+ 1, below: key)
        case .output where outer == .none && !isObject && !text.isLine,
            .content where outer == .none && !isObject && !text.isLine:
            return readText(start &+ 1, isObject: false)
        default: return text.containerEnd(start &+ 1)
        }
    }

    @inline(__always)
    private mutating func readChoices(_ start: Int) -> Int {
        let first = text.token(start)
        guard text.octet(first) != UInt8(ascii: "]") else {
            if choices != .some { choices = .empty }
            return first &+ 1
        }
        choices = .some
        return readText(first, isObject: false)
    }

    /// A usage object, or its details, from behind the brace.
    @inline(never)
    private mutating func readUsage(_ start: Int, isDetails: Bool) -> Int {
        let text = text
        var offset = text.token(start)
        if text.octet(offset) == UInt8(ascii: "}") { return offset &+ 1 }
        while true {
            let name = text.key(offset)
            guard name.value >= 0 else { return WholeJSON.unusual }
            let key = text.answerKey(offset &+ 1, name.end)
            switch text.octet(name.value) {
            case UInt8(ascii: "\""):
                offset = text.stringEnd(name.value &+ 1) &+ 1
            case UInt8(ascii: "{") where key == .details && !isDetails:
                offset = readUsage(name.value &+ 1, isDetails: true)
            case UInt8(ascii: "{"), UInt8(ascii: "["): offset = text.containerEnd(name.value &+ 1)
            case UInt8(ascii: "0")...UInt8(ascii: "9") where isDetails ? key == .cachedTokens : key.isCount:
                offset = readCount(name.value, key)
            default: offset = text.scalarEnd(name.value)
            }
            guard text.isWithin(offset) else { return WholeJSON.unusual }
            offset = text.token(offset)
            guard text.octet(offset) == UInt8(ascii: ",") else {
                return text.octet(offset) == UInt8(ascii: "}") ? offset &+ 1 : WholeJSON.unusual
            }
            offset = text.token(offset &+ 1)
        }
    }

    /// Up to fifteen digits, which are less than `UsageMembers.countMax`.
    @inline(__always)
    private mutating func readCount(_ start: Int, _ key: AnswerKey) -> Int {
        var value: UInt64 = 0
        var offset = start
        while true {
            let digit = text.octet(offset) &- 0x30
            guard digit < 10 else { break }
            value = value &* 10 &+ UInt64(digit)
            offset &+= 1
        }
        let count = offset &- start
        let isEnd = text.octet(offset) == UInt8(ascii: ",") || text.octet(offset) == UInt8(ascii: "}")
        guard isEnd || text.octet(offset) <= Byte.space, count < 16,
            count == 1 || text.octet(start) != UInt8(ascii: "0")
        else { return WholeJSON.unusual }
        if key == .totalTokens { total = value } else { members.set(key, to: value) }
        return offset
    }

    // MARK: Text

    /// A container that holds text, from behind its bracket.
    @inline(never)
    private mutating func readText(_ start: Int, isObject: Bool) -> Int {
        // The lowest bit is set in an object; the others are of what it stands in, below a bit that is set.
        var open: UInt = isObject ? 3 : 2
        let text = text
        var offset = text.token(start)
        if isClosing(text.octet(offset), open) { return offset &+ 1 }
        while true {
            var key = AnswerKey.none
            if open & 1 == 1 {
                let name = text.key(offset)
                guard name.value >= 0 else { return WholeJSON.unusual }
                key = text.answerKey(offset &+ 1, name.end)
                offset = name.value
            }
            let byte = text.octet(offset)
            switch byte {
            case UInt8(ascii: "\""):
                offset = key.isText ? readTextString(offset &+ 1) : text.stringEnd(offset &+ 1) &+ 1
                guard offset > 0 else { return WholeJSON.unusual }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard key != .reasoningDetails else {
                    offset = text.containerEnd(offset &+ 1)
                    break
                }
                open = open &<< 1 | (byte == UInt8(ascii: "{") ? 1 : 0)
                guard open &>> UInt(WholeAnswerReader.textDepthMax) == 0 else { return WholeJSON.unusual }
                offset = text.token(offset &+ 1)
                guard isClosing(text.octet(offset), open) else { continue }
                open &>>= 1
                offset &+= 1
            default: offset = text.scalarEnd(offset)
            }
            offset = nextText(offset, &open)
            if open == 1 || offset <= 0 { return offset }
        }
    }

    /// Behind a value: what the next one begins with, past all that is closed there.
    @inline(__always)
    private func nextText(_ start: Int, _ open: inout UInt) -> Int {
        var offset = start
        while text.isWithin(offset) {
            offset = text.token(offset)
            let byte = text.octet(offset)
            if byte == UInt8(ascii: ",") { return text.token(offset &+ 1) }
            guard isClosing(byte, open) else { break }
            open &>>= 1
            offset &+= 1
            if open == 1 { return offset }
        }
        return WholeJSON.unusual
    }

    @inline(__always)
    private func isClosing(_ byte: UInt8, _ open: UInt) -> Bool {
        byte == (open & 1 == 1 ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }

    /// From behind the opening quote to behind the closing one.
    @inline(__always)
    private mutating func readTextString(_ start: Int) -> Int {
        let string = text.textEnd(start)
        textBytes &+= string.end &- start &- string.escapeBytes
        return string.end &+ 1
    }
}
