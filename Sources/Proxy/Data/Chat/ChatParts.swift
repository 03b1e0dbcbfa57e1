import JSON

/// What `simple_chat` passes on of a chat completion, or of a chunk of one, by offsets into its JSON text.
/// Strings stand there with their quotes, as they are written.
///
/// Of a member that comes twice in one object, the last one counts.
struct ChatParts: Equatable {
    /// Of the first choice.
    enum Content: Equatable {
        /// There is no choice, or none with the object that holds it.
        case missing
        /// Null, or not said.
        case null
        case text(Range<Int>)
        /// Neither text nor null.
        case other
    }
    private(set) var content = Content.missing
    /// Nil where it is no string.
    private(set) var model: Range<Int>?
    /// Any value that is truthy: SDKs take one for the end of an answer.
    private(set) var error: Range<Int>?

    /// - Parameter holder: the member of a choice whose `content` is looked for: `delta` or `message`.
    /// - Returns: nil for what is not one JSON object.
    static func read(_ text: UnsafeRawBufferPointer, holder: StaticString) -> ChatParts? {
        var parts = ChatParts()
        var reader = JSONReader(text, depthLimit: JSONReader.depthMax)
        do throws(JSONError) {
            guard try reader.next() == .beginObject else { return nil }
            while case .key(let key) = try reader.next() {
                try parts.readMember(key, of: text, &reader, holder)
            }
            return try reader.next() == .end ? parts : nil
        } catch { return nil }
    }

    private mutating func readMember(
        _ key: JSONString, of text: UnsafeRawBufferPointer, _ reader: inout JSONReader, _ holder: StaticString
    ) throws(JSONError) {
        if reader.isEqual(key, "choices") { return try readChoices(of: text, &reader, holder) }
        let value = try reader.skipValue()
        if reader.isEqual(key, "model") {
            model = text[value.lowerBound] == UInt8(ascii: "\"") ? value : nil
        } else if reader.isEqual(key, "error") {
            error = ChatParts.isTruthy(UnsafeRawBufferPointer(rebasing: text[value])) ? value : nil
        }
    }

    private mutating func readChoices(
        of text: UnsafeRawBufferPointer, _ reader: inout JSONReader, _ holder: StaticString
    ) throws(JSONError) {
        content = .missing
        let outside = reader.depth
        if try reader.next() == .beginArray, try reader.next() == .beginObject {
            while case .key(let key) = try reader.next() {
                if reader.isEqual(key, holder) {
                    try readHolder(of: text, &reader)
                } else {
                    _ = try reader.skipValue()
                }
            }
        }
        while reader.depth > outside { _ = try reader.next() }
    }

    private mutating func readHolder(
        of text: UnsafeRawBufferPointer, _ reader: inout JSONReader
    ) throws(JSONError) {
        content = .missing
        let outside = reader.depth
        if try reader.next() == .beginObject {
            content = .null
            while case .key(let key) = try reader.next() {
                let value = try reader.skipValue()
                guard reader.isEqual(key, "content") else { continue }
                switch text[value.lowerBound] {
                case UInt8(ascii: "\""): content = .text(value)
                case UInt8(ascii: "n"): content = .null
                default: content = .other
                }
            }
        }
        while reader.depth > outside { _ = try reader.next() }
    }

    /// As JavaScript has it: all but null, false, zero and the empty text.
    private static func isTruthy(_ value: UnsafeRawBufferPointer) -> Bool {
        switch value[0] {
        case UInt8(ascii: "n"), UInt8(ascii: "f"): return false
        case UInt8(ascii: "\""): return value.count > 2
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            for digit in value {
                switch digit {
                case UInt8(ascii: "1")...UInt8(ascii: "9"): return true
                case UInt8(ascii: "e"), UInt8(ascii: "E"): return false
                default: continue
                }
            }
            return false
        default: return true
        }
    }
}
