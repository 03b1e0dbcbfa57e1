import JSON

/// A JSON value: what the mock upstream reads from requests and writes into answers.
enum MockJSON: Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([MockJSON])
    /// Members in the order they were written. A name that comes twice is kept twice.
    case object([MockMember])

    struct MockMember: Equatable {
        var name: String
        var value: MockJSON
    }

    /// The value of an object's member, the last one of that name; nil where there is none, and for all else.
    subscript(name: String) -> MockJSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    var stringValue: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    var boolValue: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    var arrayValue: [MockJSON]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    /// A whole number that an Int holds exactly.
    var integerValue: Int? {
        if case .number(let value) = self { return Int(exactly: value) }
        return nil
    }
}

// Why literals: an answer then reads in the source as it does on the wire.
extension MockJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .number(Double(value)) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(nilLiteral: ()) { self = .null }
    init(arrayLiteral elements: MockJSON...) { self = .array(elements) }
    init(dictionaryLiteral members: (String, MockJSON)...) {
        self = .object(members.map { MockMember(name: $0.0, value: $0.1) })
    }

    static func integer(_ value: Int) -> MockJSON { .number(Double(value)) }
}

// MARK: - Writing

extension MockJSON {
    /// The value as compact JSON text (RFC 8259).
    var text: String {
        var writer = JSONWriter()
        writer.value(tree)
        return writer.text
    }

    private var tree: JSONValue {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let value): Int64(exactly: value).map { .integer($0) } ?? .number("\(value)")
        case .string(let value): .string(value)
        case .array(let elements): .array(elements.map(\.tree))
        case .object(let members): .object(members.map { .init($0.name, $0.value.tree) })
        }
    }
}
