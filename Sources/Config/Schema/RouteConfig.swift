/// `routes[]`: conditions, and what happens where they hold.
public struct RouteConfig: Equatable, Sendable {
    /// Index in the file.
    public var index: Int
    /// Listener names; empty: every listener.
    public var listeners: [String]
    public var host: HostConfig
    public var path: PathConfig
    /// Upper-case; empty: every method. GET implies HEAD. Default: those of the action, every one of others.
    public var methods: [String]
    public var headers: [HeaderMatchConfig]
    /// Names of `auth` entries, in the order they are asked.
    public var auth: [String]
    /// nil: none.
    public var stripPrefix: String?
    public var addPrefix: String?
    public var requestHeaders: HeaderEditsConfig
    public var responseHeaders: HeaderEditsConfig
    public var timeouts: RouteTimeoutsConfig
    /// nil: no limit (`off`). Default 32 MiB.
    public var maxBodyBytes: UInt64?
    public var cors: CORSConfig?
    public var action: RouteActionConfig
    /// Names of `limits` entries; all must pass.
    public var limits: [String] = []
    /// Fields that tell what is left; empty: none. Default `openai` and `ietf`.
    public var rateLimitFields: [RateLimitFieldsConfig] = [.openai, .ietf]
    /// Bytes of a body that is held because it decides. Default 16 MiB.
    public var inspectBodyMax: UInt64 = 16 << 20
    public var errors = ErrorsConfig.openai
    /// Member `footer` of errors; nil: none.
    public var errorFooter: String?
    /// `model` of a body that has none; nil: it stays without.
    public var defaultModel: String?
    /// `temperature` of a body that has none, as written: a decimal number from 0 to 2. nil: it stays
    /// without.
    public var defaultTemperature: String?
    public var transform = TransformConfig.none
    public var streamErrorEnd = StreamErrorEndConfig.cut
}

/// `stream_error_end`: how a stream of events ends that its upstream has broken off, behind the event that
/// says so. Default `cut`.
public enum StreamErrorEndConfig: String, Equatable, Sendable, CaseIterable {
    /// Abnormally and without `[DONE]`, so that no client takes it for a whole one.
    case cut
    /// With `data: [DONE]`, like a whole one: for clients that look for the error in the events alone.
    case done
}

/// `transform`: what bodies are made into on their way. Default none.
public enum TransformConfig: String, Equatable, Sendable, CaseIterable {
    case none
    /// `{messages, model?, temperature?, stream?}` in; `{content, model}`, or events with `content`, out.
    case simpleChat = "simple_chat"
}

/// `errors`: how the gateway's own errors look on a route.
public enum ErrorsConfig: String, Equatable, Sendable, CaseIterable { case openai, detail, webscout }

extension RouteConfig {
    init(_ node: MappingReader) {
        index = node.index
        path = node.required(
            "path", .pathPattern,
            "`/health` (exactly), `/v1/chat*` (begins with), `/v1/**` (it and all below), `/**` (all).")
        listeners =
            node.optional("listener", .oneOrList(.name), "Listener, or a list. Default: every listener.")
            ?? []
        host =
            node.optional("host", .host, "`api.example.com` or `*.example.com`. Default: every host.") ?? .any
        methods =
            node.optional(
                "methods", .distinct(.oneOrList(.method)),
                "Method, or a list; GET implies HEAD. Default: those of the action, else every one.") ?? []
        headers =
            node.optional(
                "headers", .headerMatches,
                "Header fields that must be there: with this value, or `true` for any.") ?? []
        auth = node.required(
            "auth", .oneOrList(.name), "Entry of `auth`, or a list in the order they are asked.")
        limits =
            node.optional(
                "limits", .oneOrList(.name), "Entry of `limits`, or a list; all must pass. Default: none.")
            ?? []
        rateLimitFields = node.value(
            "rate_limit_headers", .rateLimitFields, default: ["openai", "ietf"],
            "Fields that tell what is left: `openai`, `ietf`, and one of `webscout`, `epoch` and `delta`; or `none`."
        )
        inspectBodyMax = node.value(
            "inspect_body", .size(1 << 10...64 << 20), default: "16MiB",
            "Size of a request body that is held where its content decides.")
        errors = node.value(
            "errors", .word, default: "openai", "How the gateway's own errors look on this route.")
        errorFooter = node.optional(
            "error_footer", .footer, "Text that errors have as `footer` besides. Default: none.")
        stripPrefix = node.optional("strip_prefix", .pathPrefix, "Removed from the front of the path.")
        addPrefix = node.optional(
            "add_prefix", .pathPrefix, "Put in front of the path, after `strip_prefix`.")
        requestHeaders = node.group("request_headers", .headerEdits, "Edits of the request's header fields.")
        responseHeaders = node.group("response_headers", .headerEdits, "Edits of the answer's header fields.")
        timeouts = node.group("timeouts", .mapping(RouteTimeoutsConfig.init), "Over the upstream's own.")
        maxBodyBytes = node.value(
            "max_body", .orOff(.size(1...Quantities.sizeMax)), default: "32MiB", "Size of a request body.")
        cors = node.optional(
            "cors", .mapping(shortFor: "origins", CORSConfig.init),
            "Let web pages of other origins in; `\"*\"`: all of them.")
        defaultModel = node.optional(
            "default_model", .modelName, "`model` of a request body that has none. Default: it stays without."
        )
        defaultTemperature = node.optional(
            "default_temperature", .temperature,
            "`temperature` of a request body that has none, 0 to 2. Default: it stays without.")
        transform = node.value(
            "transform", .word, default: "none",
            "`simple_chat`: messages in, `content` out, whatever the upstream speaks.")
        streamErrorEnd = node.value(
            "stream_error_end", .word, default: "cut",
            "How a stream of events ends that was broken off, behind the event that says so: `cut`, or `done`: with `[DONE]`."
        )
        action = Self.action(node)
        if methods.isEmpty, case .action(let builtIn) = action { methods = builtIn.kind.methods }
    }

    private static func action(_ node: MappingReader) -> RouteActionConfig {
        let upstream = node.optional(
            "to", .name,
            "Upstream that answers; `models`: the one that `models` names for the request's model.")
        let respond = node.optional(
            "respond", .mapping(RespondConfig.init), "A fixed answer, without an upstream.")
        let builtIn = node.optional(
            "action", .variants(by: "name", isShort: true, ActionConfig.variants, ActionConfig.init),
            "A built-in endpoint: its name, or a mapping of `name` and what it takes.")
        node.requireOne(of: ["to", "respond", "action"])
        return upstream.map { $0 == modelsWord ? .models : .upstream($0) } ?? respond.map { .respond($0) }
            ?? builtIn.map { .action($0) }
            ?? .upstream("")
    }

    /// In place of an upstream's name in `to`.
    static let modelsWord = "models"
}

public enum HostConfig: Equatable, Sendable, Hashable {
    case any
    /// Lower-case.
    case exact(String)
    /// `*.example.com` as `.example.com`.
    case suffix(String)
}

public enum PathConfig: Equatable, Sendable, Hashable {
    case exact(String)
    /// `/v1/chat*`, without the star.
    case prefix(String)
    /// `/v1/**` as `/v1`; `/**` as "".
    case subtree(String)
}

public struct HeaderMatchConfig: Equatable, Sendable, Hashable {
    /// Lower-case.
    public var name: String
    /// nil: present with any value (`true` in the file).
    public var value: String?
}

/// Edits of header fields: first `remove`, then `set`.
public struct HeaderEditsConfig: Equatable, Sendable {
    public struct Assignment: Equatable, Sendable {
        /// As written; compared without case.
        public var name: String
        public var value: TextSource
    }
    public var set: [Assignment]
    public var remove: [String]
}

extension HeaderEditsConfig {
    init(_ node: MappingReader) {
        set =
            node.optional(
                "set", .headerAssignments,
                "Fields to set; values are text, `{env: NAME}`, `{file: path}` or `{credential: name}`."
            ) ?? []
        remove = node.optional("remove", .headerRemovals, "Fields to remove.") ?? []
        for name in remove where set.contains(where: { ASCII.lowercased($0.name) == ASCII.lowercased(name) })
        {
            node.fail(
                "remove", "\(Quoting.quoted(name)) stands in `set` and in `remove`\(node.path.inside)",
                hint: "`set` alone replaces the field")
        }
    }
}

extension Form where Value == HeaderEditsConfig {
    static var headerEdits: Form { .mapping(HeaderEditsConfig.init) }
}

extension Form where Value == String {
    /// Text for people, of a length that an answer can bear.
    static var footer: Form {
        .text("text of 1 to 1000 bytes") { (text) in (1...1000).contains(text.utf8.count) ? text : nil }
    }

    static var modelName: Form {
        .text("a model's name: \(NameRule.models.text)", pattern: NameRule.models.pattern) {
            NameRule.models.isValid($0) ? $0 : nil
        }
    }

    /// A number as JSON has it, so that it can go into a body as it is.
    static var temperature: Form {
        let wanted = "a number from 0 to 2 such as `1.0`"
        let schema = Schema([
            ("type", .string("number")), ("minimum", .integer(0)), ("maximum", .integer(2)),
        ])
        return .scalar(wanted, schema: schema, standIn: "0") { (scalar) throws(Mismatch) in
            let text = scalar.text
            guard Amounts.isDecimal(text), scalar.isPlain else {
                let isQuoted = Amounts.isDecimal(text) && !scalar.isPlain
                throw Mismatch(text: "must be \(wanted)", hint: isQuoted ? "remove the quotes" : nil)
            }
            let isJSON = !text.hasPrefix("0") || text == "0" || text.hasPrefix("0.")
            guard isJSON, text.utf8.count <= 20, let nanos = Amounts.nanoUSD(text),
                nanos <= 2 * Amounts.nanosPerDollar
            else { throw Mismatch(text: "must be \(wanted), with at most 9 digits behind the point") }
            return text
        }
    }

    static var method: Form {
        let wanted = "a method such as `GET`, in capitals"
        return .text(wanted, pattern: "^[A-Z0-9!#$%&'*+.^_`|~-]+$") { (text) throws(Mismatch) in
            let upper = text.uppercased()
            guard ASCII.isToken(text) else { return nil }
            guard upper == text else { throw Mismatch(text: "must be \(wanted)", hint: "write `\(upper)`") }
            return text
        }
    }
}

/// Over the upstream's: nil keeps it, `.some(nil)` is `off`.
public struct RouteTimeoutsConfig: Equatable, Sendable {
    public var connect: Duration?
    public var firstByte: Duration??
    public var idle: Duration??
    public var total: Duration??
}

extension RouteTimeoutsConfig {
    init(_ node: MappingReader) {
        connect = node.optional("connect", .duration, "Until a connection stands. Default: the upstream's.")
        firstByte = node.optional(
            "first_byte", .orOff(.duration), "To the answer's head. Default: the upstream's.")
        idle = node.optional(
            "idle", .orOff(.duration), "Between two pieces of an answer. Default: the upstream's.")
        total = node.optional("total", .orOff(.duration), "For a whole exchange. Default: the upstream's.")
    }
}

public enum RouteActionConfig: Equatable, Sendable {
    case upstream(String)
    /// `to: models`: the entry of `models` that fits the request says which upstream answers.
    case models
    case respond(RespondConfig)
    case action(ActionConfig)

    /// nil: none, or another one for each model.
    var upstream: String? { if case .upstream(let name) = self { name } else { nil } }

    /// An upstream answers.
    public var proxies: Bool {
        switch self {
        case .upstream, .models: true
        case .respond, .action: false
        }
    }
}
