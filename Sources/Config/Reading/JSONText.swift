/// A JSON value to be written (RFC 8259). Members keep their order, numbers their digits.
indirect enum JSONText: Equatable, Sendable {
    case null
    case bool(Bool)
    /// Already a JSON number.
    case number(String)
    case string(String)
    case array([JSONText])
    case object([Member])

    struct Member: Equatable, Sendable {
        var name: String
        var value: JSONText
    }

    static func integer(_ value: Int) -> JSONText { .number(String(value)) }

    static func object(_ members: [(String, JSONText)]) -> JSONText {
        .object(members.map { Member(name: $0.0, value: $0.1) })
    }

    /// On one line, or with two spaces per level.
    func text(indented: Bool = false) -> String {
        var text = ""
        write(into: &text, indent: indented ? 0 : nil)
        return text
    }

    private func write(into text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let digits): text += digits
        case .string(let value): Self.write(value, into: &text)
        case .array(let items):
            Self.writeList(items, "[", "]", into: &text, indent: indent) { item, text, indent in
                item.write(into: &text, indent: indent)
            }
        case .object(let members):
            Self.writeList(members, "{", "}", into: &text, indent: indent) { member, text, indent in
                Self.write(member.name, into: &text)
                text += indent == nil ? ":" : ": "
                member.value.write(into: &text, indent: indent)
            }
        }
    }

    private static func writeList<Item>(
        _ items: [Item], _ open: String, _ close: String, into text: inout String, indent: Int?,
        write: (Item, inout String, Int?) -> Void
    ) {
        text += open
        let inner = indent.map { $0 + 2 }
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            if let inner { text += "\n" + String(repeating: " ", count: inner) }
            write(item, &text, inner)
        }
        if let indent, !items.isEmpty { text += "\n" + String(repeating: " ", count: indent) }
        text += close
    }

    private static func write(_ string: String, into text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                text += "\\u" + TextEncoding.hex(scalar.value, digits: 4).lowercased()
            case _: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
