import Config
import JSON

/// One operation of the description: a path and a method, and what goes in and comes out.
struct DescribedOperation {
    var path: String
    /// Upper-case.
    var method: String
    var id: String
    var summary: String
    var tag: String
    var parameters: [JSONValue] = []
    /// Content types and schemas; empty: there is no body.
    var request: [(type: String, schema: JSONValue)] = []
    /// Answers where all went well, by status.
    var answers: [JSONValue.Member]

    /// - Parameters:
    ///   - errors: responses besides, by status.
    ///   - security: requirements of which one must be met.
    func tree(errors: [JSONValue.Member], security: [JSONValue]) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("operationId", .string(id)), .init("summary", .string(summary)),
            .init("tags", .array([.string(tag)])), .init("security", .array(security)),
        ]
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
        if !request.isEmpty {
            members.append(
                .init(
                    "requestBody",
                    .object([
                        .init("required", .bool(true)), .init("content", ErrorSchemas.content(request)),
                    ])))
        }
        let others = errors.filter { error in !answers.contains { $0.key == error.key } }
        members.append(.init("responses", .object(answers + others)))
        return .object(members)
    }

    static func answer(
        _ status: Int, _ description: String, _ content: [(String, JSONValue)]
    ) -> JSONValue.Member {
        var members = [JSONValue.Member("description", .string(description))]
        if !content.isEmpty { members.append(.init("content", ErrorSchemas.content(content))) }
        return JSONValue.Member("\(status)", .object(members))
    }

    /// A segment of the path that names something.
    static func pathParameter(_ name: String, _ description: String) -> JSONValue {
        .object([
            .init("name", .string(name)), .init("in", .string("path")), .init("required", .bool(true)),
            .init("description", .string(description)),
            // What could be read as a dot segment or as two of them is no name that can be asked for.
            .init("schema", .string(min: 1, max: 256, pattern: "^[A-Za-z0-9_][A-Za-z0-9._:@+-]*$")),
        ])
    }
}

/// What is asked for as JSON may come as a form as well, with each name once.
func jsonOrForm(_ schema: JSONValue) -> [(type: String, schema: JSONValue)] {
    guard case .object(let members) = schema else { return [] }
    let single = JSONValue.object([
        .init("type", .array(["string", "number", "boolean", "null"].map { .string($0) }))
    ])
    return [
        ("application/json", schema),
        ("application/x-www-form-urlencoded", .object(members + [.init("additionalProperties", single)])),
    ]
}
