extension Form where Value == String {
    /// Any YAML value, as JSON text. Numbers keep their digits; `${…}` in quotes stays text, in plain text is
    /// typed.
    static var jsonValue: Form {
        Form(schema: .anything, standIn: "null") { (place) throws(Noted) in
            try YAMLToJSON.convert(place).text()
        }
    }
}

/// YAML's core schema is JSON's with more spellings; what JSON cannot say is refused.
enum YAMLToJSON {
    static func convert(_ place: Place) throws(Noted) -> JSONText {
        switch place.node.kind {
        case .sequence(let items):
            var values: [JSONText] = []
            for (index, item) in items.enumerated() {
                values.append(
                    try convert(Place(node: item, path: .index(place.path, index), reading: place.reading)))
            }
            return .array(values)
        case .mapping(let entries):
            var members: [JSONText.Member] = []
            for entry in entries {
                let value = Place(
                    node: entry.value, path: .key(place.path, entry.key), reading: place.reading)
                members.append(.init(name: entry.key, value: try convert(value)))
            }
            return .object(members)
        case .scalar(_, let style):
            let scalar = try place.scalar(wanted: "a value")
            guard style == .plain else { return .string(scalar.text) }
            switch CoreScalar(scalar.text) {
            case .null: return .null
            case .bool(let value): return .bool(value)
            case .integer(let digits), .float(let digits): return .number(digits)
            case .text: return .string(scalar.text)
            case .unrepresentable:
                throw place.fail("is a number that JSON cannot hold", hint: "quote it if it is text")
            }
        }
    }
}
