/// `respond`: a fixed answer.
public struct RespondConfig: Equatable, Sendable {
    public enum Body: Equatable, Sendable {
        /// Serialised JSON text, made from the YAML value.
        case json(String)
        case text(String)
        case none
    }
    /// Default 200. 200…599.
    public var status: Int
    public var body: Body
}

extension RespondConfig {
    init(_ node: MappingReader) {
        status = node.value("status", .integer(200...599), default: "200", "Status of the answer.")
        let json = node.optional("json", .jsonValue, "Body: any value, sent as JSON.")
        let text = node.optional("text", .text, "Body: plain text.")
        body = json.map { .json($0) } ?? text.map { .text($0) } ?? .none
        if json != nil, text != nil {
            node.fail("text", "only one of `json` or `text` can stand\(node.path.inside)")
        }
        if body != .none, [204, 205, 304].contains(status) {
            node.fail(
                json != nil ? "json" : "text", "an answer with status \(status) has no body (RFC 9110 §6.4.1)"
            )
        }
    }
}
