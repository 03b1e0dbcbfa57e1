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
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let value): text += Int(exactly: value).map { "\($0)" } ?? "\(value)"
        case .string(let value): Self.writeQuoted(value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                Self.writeQuoted(member.name, to: &text)
                text += ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }

    private static func writeQuoted(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
