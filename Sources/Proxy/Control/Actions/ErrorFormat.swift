import JSON

/// How the gateway's own errors look on one route.
struct ErrorFormat: Sendable {
    let shape: ErrorShape
    /// Member `footer`, as text; nil: none.
    let footer: String?

    init(shape: ErrorShape = .openai, footer: String? = nil) {
        self.shape = shape
        self.footer = footer
    }

    /// The whole answer. A request that is not valid is 400 in `openai`, as OpenAI has it, and 422 in the
    /// others, as their frameworks have it.
    func reply(_ failure: ActionFailure) -> ActionReply {
        let properties = failure.properties
        var lines = ""
        if properties.status == 401 { lines += "WWW-Authenticate: Bearer\r\n" }
        if let seconds = failure.retryAfterSeconds { lines += "Retry-After: \(seconds)\r\n" }
        if failure == .methodNotAllowed { lines += "Allow: GET, HEAD\r\n" }
        return ActionReply(
            status: status(failure, properties), headerLines: Array(lines.utf8),
            body: body(failure, properties), code: properties.code)
    }

    private func status(_ failure: ActionFailure, _ properties: ActionFailure.Properties) -> UInt16 {
        if case .invalid = failure, shape != .openai { return 422 }
        return properties.status
    }

    private func body(_ failure: ActionFailure, _ properties: ActionFailure.Properties) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        switch (shape, failure) {
        case (.openai, _), (.webscout, .modelNotFound), (.webscout, .methodNotAllowed):
            json.key("error")
            json.beginObject()
            writeOpenAI(failure, properties, &json)
            if let footer { json.member("footer", footer) }
            json.endObject()
        case (.detail, _):
            json.member("detail", properties.message)
            if let footer { json.member("footer", footer) }
        case (.webscout, .invalid(let members)):
            json.key("error")
            json.beginObject()
            writeValidation(members, &json)
            if let footer { json.member("footer", footer) }
            json.endObject()
        case (.webscout, _):
            json.member("error", properties.message)
            json.member("code", properties.code.description)
            json.key("details")
            json.beginObject()
            json.member("message", properties.message)
            json.endObject()
            if let footer { json.member("footer", footer) }
        }
        json.endObject()
        return json.bytes + [UInt8(ascii: "\n")]
    }

    private func writeOpenAI(
        _ failure: ActionFailure, _ properties: ActionFailure.Properties, _ json: inout JSONWriter
    ) {
        json.member("message", openaiMessage(failure, properties))
        json.member("type", properties.type.description)
        json.member("param", parameter(failure))
        json.member("code", properties.code.description)
    }

    private func parameter(_ failure: ActionFailure) -> String? {
        if case .modelNotFound = failure { return "model" }
        guard case .invalid(let members) = failure, let first = members.first else { return nil }
        return first.name.isEmpty ? nil : first.name
    }

    /// Whoever is refused for their credential reads the same as everywhere else.
    private func openaiMessage(_ failure: ActionFailure, _ properties: ActionFailure.Properties) -> String {
        switch failure {
        case .notAuthenticated, .userGone: "Invalid API key provided"
        case .invalid, .duplicate, .loginWrong, .userNeeded, .activeKeyExists, .usernameTaken,
            .telegramIDTaken,
            .loginNeeded, .userNotSelfMade,
            .userDisabled, .upstreamKeyMissing, .storingKeysNotConfigured, .modelNotFound, .methodNotAllowed,
            .overloaded, .storeUnavailable, .internalError:
            properties.message
        }
    }

    private func writeValidation(_ members: [InvalidMember], _ json: inout JSONWriter) {
        json.member("message", "Request validation error.")
        json.key("details")
        json.beginArray()
        for member in members {
            json.beginObject()
            json.key("loc")
            json.beginArray()
            json.value("body")
            if !member.name.isEmpty { json.value(member.name) }
            json.endArray()
            json.member("message", member.sentence)
            json.member("type", member.type)
            json.endObject()
        }
        json.endArray()
        json.member("type", "validation_error")
    }
}
