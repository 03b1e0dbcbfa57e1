/// `provision`: how the upstream is asked for a key of a user's own.
public struct ProvisionConfig: Equatable, Sendable {
    /// Where; nil: the upstream's first URL with `/keys` behind it.
    public var url: JWTConfig.EndpointURLWithPath?
    /// What the request itself is let in by. Where it is a variable that is unset, or a file that is missing,
    /// the source is not configured.
    public var key: TextSource
    /// Name of a new key: text with `{user8}` and `{time}`. Default `auto-{user8}-{time}`.
    public var nameTemplate: String
    /// Member of the answer that is the key; with points between for one inside another, as in `data.key`.
    /// Default `key`.
    public var field: String
    /// For the whole answer. Default 10 s.
    public var timeout: Duration

    /// The first 8 characters of the user's public id; the time as `YYYYmmdd_HHMMSS`, UTC.
    static let placeholders = ["{user8}", "{time}"]
}

extension ProvisionConfig {
    init(_ node: MappingReader) {
        url = node.optional(
            "url", .provisionURL,
            "Where a key is asked for by POST. Default: the upstream's first URL with `/keys` behind it.")
        key = node.required(
            "key", .provisionKey,
            "What that request is let in by: `{env: NAME}`, `{file: path}` or `{credential: name}`; without it, the source "
                + "has no keys.")
        nameTemplate = node.value(
            "name", .keyNameTemplate, default: "auto-{user8}-{time}",
            "Name of a new key: `{user8}` is the beginning of the user's id, `{time}` the UTC time.")
        field = node.value(
            "field", .claimText, default: "key",
            "Member of the answer that is the key; `data.key` for one inside another.")
        // Why no more: whoever waits for the key is answered after 30 s.
        timeout = node.value(
            "timeout", .duration(.milliseconds(1)...Duration.seconds(25)), default: "10s",
            "For the whole answer; at most 25s.")
    }
}

extension Form where Value == TextSource {
    /// A secret that need not be there: text, or a reference that is looked up while the gateway runs.
    fileprivate static var provisionKey: Form {
        let reference = Form<TextSource>.mapping { node in
            let source = TextSource.references(node, .naming(.variableName))
            node.requireOne(of: TextSource.referenceKeys)
            return source ?? .literal("")
        }
        let literal = literalKey
        return Form(
            schema: .anyOf([literal.schema(), reference.schema()]), standIn: .literal("")
        ) { (place) throws(Noted) in
            if case .mapping = place.node.kind { return try reference.read(place) }
            return try literal.read(place)
        }
    }
}

extension Form where Value == JWTConfig.EndpointURLWithPath {
    fileprivate static var provisionURL: Form {
        let wanted = "a URL such as `https://api.example.com/v1/keys`"
        let endpoint = EndpointURL(scheme: .http, host: "", port: 80, basePath: "", authority: "")
        return .scalar(
            wanted, schema: .string(pattern: "^https?://[^#@]+$"),
            standIn: JWTConfig.EndpointURLWithPath(endpoint: endpoint, target: "/")
        ) { (scalar) throws(Mismatch) in try JWKSURL.parse(scalar.text, wanted: wanted) }
    }
}

extension Form where Value == String {
    fileprivate static var keyNameTemplate: Form {
        let wanted = "text of 1 to 100 bytes, with `{user8}` and `{time}` at most"
        return .text(wanted) { (text) throws(Mismatch) in
            var rest = text
            for placeholder in ProvisionConfig.placeholders {
                while let range = rest.firstRange(of: placeholder) { rest.removeSubrange(range) }
            }
            if rest.utf8.contains(where: { "{}".utf8.contains($0) }) {
                let hint = "there is `{user8}` and `{time}`"
                throw Mismatch(text: "must be \(wanted)", hint: hint)
            }
            return 1...100 ~= text.utf8.count && !text.unicodeScalars.contains(where: Quoting.isUnsafe)
                ? text : nil
        }
    }
}
