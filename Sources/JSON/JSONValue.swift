/// A JSON text as a tree, for control, where a text is small and read once.
public enum JSONValue: Equatable, Sendable {
    public struct Member: Equatable, Sendable {
        public let key: String
        public let value: JSONValue
        public init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits.
    case integer(Int64)
    /// Any other number, as written.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// In the order of the text.
    case object([Member])

    public static let depthMax = 32

    /// - Throws: `.size` beyond `limitBytes`, `.depth` beyond `depthMax`, `.duplicateKey`, and what is not
    ///   JSON.
    public static func parse(_ bytes: [UInt8], limitBytes: Int = 16 << 20) throws(JSONError) -> JSONValue {
        fatalError("not yet")
    }

    /// Member of an object; nil for any other value.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    public var text: String? { if case .string(let text) = self { text } else { nil } }
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var items: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
    public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
}
