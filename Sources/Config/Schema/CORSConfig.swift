/// `cors`: answers to preflights, and the fields that let a web page read an answer (Fetch standard).
public struct CORSConfig: Equatable, Sendable {
    /// nil: `*`.
    public var origins: [String]?
    /// Only with origins that are named.
    public var credentials: Bool
    /// Default: GET, HEAD, POST, PUT, PATCH, DELETE.
    public var methods: [String]
    /// Empty: whatever the preflight asks for.
    public var headers: [String]
    public var expose: [String]
    /// Default 10 min.
    public var maxAge: Duration
}

extension CORSConfig {
    init(_ node: MappingReader) {
        origins = node.required(
            "origins", .origins,
            "`\"*\"`, or a list of origins such as `https://app.example.com`; `null` may be listed.")
        credentials = node.value(
            "credentials", .bool, default: "false",
            "Let pages send cookies and keys of the browser. Needs named origins.")
        methods = node.value(
            "methods", .distinct(.list(.method, nonEmpty: true)),
            default: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            "Methods that a preflight grants.")
        headers = node.value(
            "headers", .headerNames(refusing: []), default: [],
            "Request fields that a preflight grants. Empty: what it asks for.")
        expose = node.value(
            "expose", .headerNames(refusing: []), default: [], "Answer fields that a page may read.")
        maxAge = node.value(
            "max_age", .duration(.zero...Duration.seconds(7 * 86_400)), default: "10m",
            "How long a preflight may be remembered.")
        if credentials, origins == nil {
            node.fail(
                "credentials", "`credentials: true` cannot stand with `origins: \"*\"`\(node.path.inside)",
                hint: "browsers refuse that pair (Fetch standard); list the origins")
        }
    }
}

extension Form where Value == [String]? {
    /// nil: `*`.
    static var origins: Form {
        let list = Form<[String]>.distinct(.list(.origin, nonEmpty: true))
        let wanted = "`\"*\"` or a list of origins"
        return Form(schema: .anyOf([.constant("*"), list.schema()]), standIn: []) {
            (place) throws(Noted) in
            if case .sequence = place.node.kind { return try list.read(place) }
            let text = try place.scalar(wanted: wanted).text
            guard text == "*" else {
                throw place.fail(
                    "must be \(wanted), found \(place.found)", hint: "put `[ ]` around a single origin")
            }
            return nil
        }
    }
}

extension Form where Value == String {
    /// RFC 6454 §6.2, as a browser sends it; `null` quoted or not.
    static var origin: Form {
        let wanted = "an origin such as `https://app.example.com`"
        let schema = Schema.anyOf([
            .string(pattern: "^([a-z][a-z0-9+.-]*://[^/]+|null)$"), Schema([("type", .string("null"))]),
        ])
        return .scalar(wanted, schema: schema, standIn: "") { (scalar) throws(Mismatch) in
            if scalar.text == "null" { return "null" }
            if scalar.text == "*" {
                throw Mismatch(text: "must be \(wanted)", hint: "write `origins: \"*\"` without a list")
            }
            return try Origins.checked(scalar.text, wanted: wanted)
        }
    }
}

/// Origins as text that is compared byte for byte with what a browser sends.
enum Origins {
    static func checked(_ text: String, wanted: String) throws(Mismatch) -> String {
        guard let mark = text.firstRange(of: "://") else {
            throw Mismatch(text: "must be \(wanted)", hint: "the scheme is missing")
        }
        let scheme = text[..<mark.lowerBound]
        var rest = text[mark.upperBound...]
        guard scheme.utf8.first.map({ $0 >= 0x61 && $0 <= 0x7A }) == true,
            scheme.utf8.allSatisfy({ ASCII.isLetterOrDigit($0) || "+.-".utf8.contains($0) }),
            scheme == scheme.lowercased()
        else { throw Mismatch(text: "must be \(wanted)") }
        guard !rest.utf8.contains(UInt8(ascii: "/")) else {
            throw Mismatch(
                text: "must end behind host and port", hint: "an origin has no path and no `/` at its end")
        }
        if scheme == "http" || scheme == "https" {
            let url = try URLParts.parse(text, wanted: wanted)
            rest = url.authority[...]
        }
        guard !rest.isEmpty, HeaderRules.isValue(String(rest)) else {
            throw Mismatch(text: "must be \(wanted)")
        }
        return "\(scheme)://\(rest)"
    }
}
