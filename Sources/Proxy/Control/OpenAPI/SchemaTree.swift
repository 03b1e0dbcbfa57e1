import JSON

/// JSON Schema (2020-12), as OpenAPI 3.1 has it, put together from pieces.
extension JSONValue {
    static func text(_ text: String) -> JSONValue { .string(text) }

    static func ref(_ name: String) -> JSONValue {
        .object([Member("$ref", .string("#/components/schemas/\(name)"))])
    }

    /// - Parameters:
    ///   - optional: names of properties that need not be there.
    static func schema(_ properties: [(String, JSONValue)], optional: [String] = []) -> JSONValue {
        let required = properties.map(\.0).filter { !optional.contains($0) }
        var members = [
            Member("type", .string("object")),
            Member("properties", .object(properties.map { Member($0.0, $0.1) })),
        ]
        if !required.isEmpty { members.append(Member("required", .array(required.map { .string($0) }))) }
        return .object(members)
    }

    static func type(_ name: String, _ more: [(String, JSONValue)] = []) -> JSONValue {
        .object([Member("type", .string(name))] + more.map { Member($0.0, $0.1) })
    }

    /// Of that type, or null.
    static func nullable(_ name: String, _ more: [(String, JSONValue)] = []) -> JSONValue {
        .object(
            [Member("type", .array([.string(name), .string("null")]))] + more.map { Member($0.0, $0.1) })
    }

    static func list(of items: JSONValue) -> JSONValue { .type("array", [("items", items)]) }

    /// - Parameter max: characters; of what is bounded in bytes, the number that no text within it exceeds.
    static func string(min: Int = 0, max: Int? = nil, pattern: String? = nil) -> JSONValue {
        var more: [(String, JSONValue)] = []
        if min > 0 { more.append(("minLength", .integer(Int64(min)))) }
        if let max { more.append(("maxLength", .integer(Int64(max)))) }
        if let pattern { more.append(("pattern", .string(pattern))) }
        return .type("string", more)
    }

    static func integer(_ range: ClosedRange<Int64>, orNull: Bool = false) -> JSONValue {
        let bounds: [(String, JSONValue)] = [
            ("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound)),
        ]
        return orNull ? .nullable("integer", bounds) : .type("integer", bounds)
    }

    static func constant(_ value: JSONValue) -> JSONValue { .object([Member("const", value)]) }

    static func oneOf(_ words: [String]) -> JSONValue {
        .type("string", [("enum", .array(words.map { .string($0) }))])
    }

    static func anyOf(_ schemas: [JSONValue]) -> JSONValue { .object([Member("anyOf", .array(schemas))]) }

    /// The schema with a sentence about it.
    func described(_ text: String) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members + [Member("description", .string(text))])
    }

    static let dateTime = JSONValue.type("string", [("format", .string("date-time"))])
    static let dateTimeOrNull = JSONValue.nullable("string", [("format", .string("date-time"))])

    /// Names of component schemas that the tree refers to.
    var references: Set<String> {
        switch self {
        case .object(let members):
            var found: Set<String> = []
            for member in members {
                if member.key == "$ref", let path = member.value.text,
                    let name = path.split(separator: "/").last
                {
                    found.insert(String(name))
                } else {
                    found.formUnion(member.value.references)
                }
            }
            return found
        case .array(let items): return items.reduce(into: []) { $0.formUnion($1.references) }
        case .null, .bool, .integer, .number, .string: return []
        }
    }
}
