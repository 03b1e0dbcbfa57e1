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

    /// Keys that differ by Unicode normalisation alone count as one, so that no reader takes the one for the
    /// other.
    ///
    /// - Throws: `.size` beyond `limitBytes`, `.depth` beyond `depthMax`, `.duplicateKey`, and what is not
    ///   JSON.
    public static func parse(_ bytes: [UInt8], limitBytes: Int = 16 << 20) throws(JSONError) -> JSONValue {
        guard bytes.count <= limitBytes else { throw JSONError(.size, offset: limitBytes) }
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONError) -> JSONValue in
                var reader = JSONReader(bytes, depthLimit: depthMax)
                let value = try JSONValue.value(try reader.next(), &reader)
                _ = try reader.next()
                return value
            }
        }
        return try result.get()
    }

    private static func value(_ event: JSONEvent, _ reader: inout JSONReader) throws(JSONError) -> JSONValue {
        switch event {
        case .beginObject: return .object(try members(&reader))
        case .beginArray:
            var items: [JSONValue] = []
            while true {
                let event = try reader.next()
                if event == .endArray { return .array(items) }
                items.append(try value(event, &reader))
            }
        case .string(let string): return .string(reader.text(string))
        case .number(let range, let isInteger):
            let text = reader.raw(range)
            // Why not `-0`: an integer would lose its sign.
            guard isInteger, text != "-0", let value = Int64(text) else { return .number(text) }
            return .integer(value)
        case .bool(let flag): return .bool(flag)
        case .null: return .null
        case .key, .endObject, .endArray, .end: throw JSONError(.syntax, offset: reader.start)
        }
    }

    private static func members(_ reader: inout JSONReader) throws(JSONError) -> [Member] {
        var members: [Member] = []
        var keys: Set<String> = []
        while case .key(let string) = try reader.next() {
            let at = reader.start
            let key = reader.text(string)
            guard keys.insert(key).inserted else { throw JSONError(.duplicateKey, offset: at) }
            members.append(Member(key, try value(try reader.next(), &reader)))
        }
        return members
    }

    /// Member of an object, its key the same octet by octet; nil for any other value.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    public var text: String? { if case .string(let text) = self { text } else { nil } }
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var items: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
    public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
}
