/// Writes JSON, compact or indented. Keeps the order in which it is told; sees to commas and escapes.
public struct JSONWriter {
    /// `indent`: spaces per level; nil: everything on one line.
    public init(indent: Int? = nil) { fatalError("not yet") }
    public private(set) var bytes: [UInt8] = []
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func beginObject() { fatalError("not yet") }
    public mutating func endObject() { fatalError("not yet") }
    public mutating func beginArray() { fatalError("not yet") }
    public mutating func endArray() { fatalError("not yet") }
    /// Before the value of a member.
    public mutating func key(_ key: String) { fatalError("not yet") }
    public mutating func value(_ text: String) { fatalError("not yet") }
    /// nil: `null`.
    public mutating func value(_ text: String?) { fatalError("not yet") }
    public mutating func value(_ number: Int64) { fatalError("not yet") }
    public mutating func value(_ flag: Bool) { fatalError("not yet") }
    public mutating func null() { fatalError("not yet") }
    public mutating func value(_ tree: JSONValue) { fatalError("not yet") }

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
}
