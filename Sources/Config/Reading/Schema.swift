/// A piece of JSON Schema 2020-12.
struct Schema: Equatable {
    var members: [JSONText.Member]

    init(_ members: [(String, JSONText)]) {
        self.members = members.map { .init(name: $0.0, value: $0.1) }
    }

    var json: JSONText { .object(members) }

    static var string: Schema { Schema([("type", .string("string"))]) }
    static var boolean: Schema { Schema([("type", .string("boolean"))]) }
    static var anything: Schema { Schema([]) }

    static func string(pattern: String) -> Schema {
        Schema([("type", .string("string")), ("pattern", .string(pattern))])
    }

    static func integer(_ range: ClosedRange<Int>) -> Schema {
        Schema([
            ("type", .string("integer")), ("minimum", .integer(range.lowerBound)),
            ("maximum", .integer(range.upperBound)),
        ])
    }

    static func constant(_ word: String) -> Schema { Schema([("const", .string(word))]) }

    static func oneOf(words: [String]) -> Schema { Schema([("enum", .array(words.map { .string($0) }))]) }

    static func list(_ element: Schema, nonEmpty: Bool) -> Schema {
        var schema = Schema([("type", .string("array")), ("items", element.json)])
        if nonEmpty { schema.members.append(.init(name: "minItems", value: .integer(1))) }
        return schema
    }

    static func named(_ element: Schema, pattern: String) -> Schema {
        let names = JSONText.object([("pattern", .string(pattern))])
        return Schema([
            ("type", .string("object")), ("propertyNames", names), ("additionalProperties", element.json),
        ])
    }

    /// Flattened, so that an editor lists the alternatives at one level.
    static func anyOf(_ alternatives: [Schema]) -> Schema {
        var flat: [JSONText] = []
        for alternative in alternatives {
            if alternative.members.count == 1, alternative.members[0].name == "anyOf",
                case .array(let inner) = alternative.members[0].value
            {
                flat += inner.filter { !flat.contains($0) }
            } else if !flat.contains(alternative.json) {
                flat.append(alternative.json)
            }
        }
        return Schema([("anyOf", .array(flat))])
    }

    /// A scalar may hold `${…}` and is typed after expansion. Plain text allows that anyway.
    static func orExpansion(_ schema: Schema) -> Schema {
        if schema == .string { return schema }
        return anyOf([schema, Schema([("$ref", .string("#/$defs/expansion"))])])
    }

    func with(_ name: String, _ value: JSONText) -> Schema {
        var schema = self
        schema.members.append(.init(name: name, value: value))
        return schema
    }
}
