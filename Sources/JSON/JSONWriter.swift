/// Writes JSON (RFC 8259), compact or indented. Keeps the order in which it is told; sees to commas and
/// escapes. Text goes out as UTF-8, with only quotes, backslashes and control characters escaped.
public struct JSONWriter {
    private let indent: Int?
    /// For each open container, whether it holds something.
    private var levels: [Bool] = []
    private var isAfterKey = false
    public private(set) var bytes: [UInt8] = []

    /// - Parameter indent: spaces per level; nil: everything on one line.
    public init(indent: Int? = nil) { self.indent = indent }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Before the value of a member.
    public mutating func key(_ key: String) {
        beginItem()
        append(quoted: key)
        bytes.append(UInt8(ascii: ":"))
        if indent != nil { bytes.append(UInt8(ascii: " ")) }
        isAfterKey = true
    }

    public mutating func value(_ text: String) {
        beginItem()
        append(quoted: text)
    }

    /// nil: `null`.
    public mutating func value(_ text: String?) {
        if let text { value(text) } else { null() }
    }

    public mutating func value(_ number: Int64) { raw("\(number)") }
    public mutating func value(_ flag: Bool) { raw(flag ? "true" : "false") }
    public mutating func null() { raw("null") }

    /// A `.number` whose text is no number goes out as a string.
    public mutating func value(_ tree: JSONValue) {
        switch tree {
        case .null: null()
        case .bool(let flag): value(flag)
        case .integer(let number): value(number)
        case .number(let text): if isNumber(text) { raw(text) } else { value(text) }
        case .string(let text): value(text)
        case .array(let items):
            beginArray()
            for item in items { value(item) }
            endArray()
        case .object(let members):
            beginObject()
            for member in members {
                key(member.key)
                value(member.value)
            }
            endObject()
        }
    }

    /// `key` and value in one.
    public mutating func member(_ name: String, _ text: String?) {
        key(name)
        value(text)
    }
    public mutating func member(_ name: String, _ number: Int64) {
        key(name)
        value(number)
    }
    public mutating func member(_ name: String, _ flag: Bool) {
        key(name)
        value(flag)
    }

    // MARK: Pieces

    private mutating func raw(_ text: String) {
        beginItem()
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func open(_ bracket: UInt8) {
        beginItem()
        bytes.append(bracket)
        levels.append(false)
    }

    private mutating func close(_ bracket: UInt8) {
        if levels.popLast() == true { breakLine() }
        bytes.append(bracket)
    }

    /// What stands between the item before and this one.
    private mutating func beginItem() {
        if isAfterKey {
            isAfterKey = false
            return
        }
        guard let hasItems = levels.last else { return }
        if hasItems { bytes.append(UInt8(ascii: ",")) }
        levels[levels.count - 1] = true
        breakLine()
    }

    private mutating func breakLine() {
        guard let indent else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * levels.count))
    }

    private mutating func append(quoted text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(escape: byte)
            case 0x08: append(escape: UInt8(ascii: "b"))
            case 0x09: append(escape: UInt8(ascii: "t"))
            case 0x0A: append(escape: UInt8(ascii: "n"))
            case 0x0C: append(escape: UInt8(ascii: "f"))
            case 0x0D: append(escape: UInt8(ascii: "r"))
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(UInt8(ascii: "0") + byte >> 4)
                bytes.append(Array("0123456789abcdef".utf8)[Int(byte & 0xF)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(escape byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
    }
}

private func isNumber(_ text: String) -> Bool {
    switch Result(catching: { () throws(JSONError) in try JSONValue.parse(Array(text.utf8)) }) {
    case .success(.integer), .success(.number): text.utf8.allSatisfy { $0 > 0x20 }
    default: false
    }
}
