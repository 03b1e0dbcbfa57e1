@testable import Config

extension JSONText {
    subscript(name: String) -> JSONText? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
    var items: [JSONText] { if case .array(let items) = self { items } else { [] } }
    var members: [Member] { if case .object(let members) = self { members } else { [] } }
}

/// Key paths that a JSON Schema declares. What a user names (`additionalProperties`) and list entries add
/// nothing.
enum SchemaWalk {
    static func paths(_ schema: JSONText) -> Set<String> { Set(all(schema, at: "").map(\.path)) }

    static func defaults(_ schema: JSONText) -> [(path: String, value: JSONText)] {
        all(schema, at: "").compactMap { entry in entry.schema["default"].map { (entry.path, $0) } }
    }

    static func all(_ schema: JSONText, at path: String) -> [(path: String, schema: JSONText)] {
        var found: [(path: String, schema: JSONText)] = []
        for member in schema["properties"]?.members ?? [] {
            let next = path + "." + member.name
            found.append((next, member.value))
            found += all(member.value, at: next)
        }
        for part in (schema["anyOf"]?.items ?? [])
            + [schema["items"], schema["additionalProperties"]].compactMap({ $0 })
        {
            found += all(part, at: path)
        }
        return found
    }
}
