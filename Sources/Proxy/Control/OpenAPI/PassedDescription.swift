import Config
import JSON

/// Operations of routes to upstreams.
enum PassedDescription {
    static let tag = "Passed on"

    /// Where a client finds the operation, by a route; nil: nowhere.
    static func path(to operation: OpenAIOperation, by route: RouteConfig, basePath: String) -> String? {
        let wanted = UpstreamPath.root(basePath) + operation.samplePath
        for root in UpstreamPath.roots(of: route.path) {
            let path = root + operation.samplePath
            guard route.path.matches(path) else { continue }
            if UpstreamPath.of(path, by: route, basePath: basePath) == wanted { return root + operation.path }
        }
        // The route may give it another name, but only one.
        guard case .exact(let path) = route.path, !operation.hasParameter,
            UpstreamPath.of(path, by: route, basePath: basePath) == wanted
        else { return nil }
        return path
    }

    static func operation(
        _ operation: OpenAIOperation, _ route: RouteConfig, at path: String
    ) -> DescribedOperation {
        let answer: JSONValue =
            operation.response.isEmpty
            ? .type("string", [("contentMediaType", .string(operation.answerType))])
            : .ref(operation.response)
        var content = [(operation.answerType, answer)]
        if operation.streams { content.append(("text/event-stream", .null)) }
        var described = DescribedOperation(
            path: path, method: operation.method, id: operation.id, summary: operation.summary, tag: tag,
            answers: [DescribedOperation.answer(200, "The answer of the upstream.", content)])
        if operation.hasParameter {
            described.parameters = [DescribedOperation.pathParameter("model", "Name of the model.")]
        }
        let request = JSONValue.ref(operation.request).naming("model", isNeeded: route.defaultModel == nil)
        switch operation.body {
        case .none: break
        case .json: described.request = [("application/json", request)]
        case .form: described.request = [("multipart/form-data", request)]
        }
        return described
    }

    /// `transform: simple_chat`: the same as `SimpleChatRequest` takes.
    static func simpleChat(_ route: RouteConfig, at path: String) -> DescribedOperation {
        let message = JSONValue.schema([
            ("role", .oneOf(["user", "system", "assistant"])),
            ("content", .anyOf([.type("string"), .type("array")])),
        ])
        let request = JSONValue.schema(
            [
                ("messages", .type("array", [("minItems", .integer(1)), ("items", message)])),
                ("model", .string(min: 1)),
                ("temperature", .type("number", [("minimum", .integer(0)), ("maximum", .integer(2))])),
                ("stream", .nullable("boolean")),
            ], optional: ["temperature", "stream"] + (route.defaultModel == nil ? [] : ["model"]))
        let answer = JSONValue.schema([("content", .type("string")), ("model", .type("string"))])
        return DescribedOperation(
            path: path, method: "POST", id: "chat", summary: "Answers a conversation.", tag: "Chat",
            request: [("application/json", request)],
            answers: [
                DescribedOperation.answer(
                    200, "The answer; with `stream`, events with `content` as it comes about, and `[DONE]`.",
                    [("application/json", answer), ("text/event-stream", .null)])
            ])
    }

    /// A path of an upstream of which nothing is known.
    static func unknown(at path: String) -> DescribedOperation {
        DescribedOperation(
            path: path, method: "", id: "pass", summary: "Goes to an upstream as it is.", tag: tag,
            answers: [
                JSONValue.Member(
                    "default",
                    .object([
                        .init("description", .string("Whatever the upstream answers.")),
                        .init("content", ErrorSchemas.content([("*/*", .object([]))])),
                    ]))
            ])
    }
}

extension JSONValue {
    /// The schema of an object, with the name of a property that has to be there besides.
    fileprivate func naming(_ property: String, isNeeded: Bool) -> JSONValue {
        guard isNeeded else { return self }
        return .object([
            Member("allOf", .array([self, .object([Member("required", .array([.string(property)]))])]))
        ])
    }
}
