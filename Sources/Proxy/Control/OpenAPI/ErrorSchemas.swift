import Config
import JSON

/// How errors of a route look, for the description.
enum ErrorSchemas {
    static func name(_ shape: ErrorsConfig) -> String {
        switch shape {
        case .openai: "Error"
        case .detail: "DetailError"
        case .webscout: "WebscoutError"
        }
    }

    static let all: [JSONValue.Member] = [
        JSONValue.Member(
            "Error",
            .schema(
                [
                    (
                        "error",
                        .schema(
                            [
                                ("message", .type("string")), ("type", .type("string")),
                                ("param", .nullable("string")), ("code", .nullable("string")),
                                ("footer", .type("string")),
                            ], optional: ["param", "code", "footer"])
                    )
                ])),
        JSONValue.Member(
            "DetailError",
            .schema([("detail", .type("string")), ("footer", .type("string"))], optional: ["footer"])),
        JSONValue.Member("WebscoutError", .anyOf([refusal, .schema([("error", validation)])])),
    ]

    private static let refusal = JSONValue.schema(
        [
            ("error", .type("string")), ("code", .type("string")),
            ("details", .schema([("message", .type("string"))])), ("footer", .type("string")),
        ], optional: ["footer"])

    private static let validation = JSONValue.schema(
        [
            ("message", .type("string")), ("type", .type("string")),
            (
                "details",
                .list(
                    of: .schema([
                        ("loc", .list(of: .type("string"))), ("message", .type("string")),
                        ("type", .type("string")),
                    ]))
            ), ("footer", .type("string")),
        ], optional: ["footer"])

    /// Of every operation. An upstream's own errors pass as they come, and those of most are as OpenAI's.
    static func responses(of route: RouteConfig, needsCredential: Bool) -> [JSONValue.Member] {
        let own = JSONValue.ref(name(route.errors))
        let isPassed = route.action.proxies && route.transform == .none && route.errors != .openai
        let schema = isPassed ? JSONValue.anyOf([own, .ref(name(.openai))]) : own
        func response(_ text: String, _ headers: [String] = []) -> JSONValue {
            var members = [JSONValue.Member("description", .string(text))]
            if !headers.isEmpty {
                let fields = headers.map {
                    JSONValue.Member($0, .object([JSONValue.Member("schema", .type("string"))]))
                }
                members.append(JSONValue.Member("headers", .object(fields)))
            }
            members.append(JSONValue.Member("content", content([("application/json", schema)])))
            return .object(members)
        }
        var all: [JSONValue.Member] = []
        if needsCredential {
            all.append(
                .init("401", response("No credential, or one that is no good.", ["WWW-Authenticate"])))
            all.append(.init("403", response("The credential is good, but not for this.")))
        }
        if !route.limits.isEmpty {
            all.append(.init("429", response("A limit is used up.", ["Retry-After"])))
        }
        all.append(.init("4XX", response("The request is refused.")))
        all.append(.init("5XX", response("It did not work out.")))
        return all
    }

    /// - Parameter types: content types with their schemas; `null` for none.
    static func content(_ types: [(String, JSONValue)]) -> JSONValue {
        .object(
            types.map { type, schema in
                let members = schema == .null ? [] : [JSONValue.Member("schema", schema)]
                return JSONValue.Member(type, .object(members))
            })
    }
}
