/// `routes[].action`: a built-in endpoint.
public struct ActionConfig: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        case register(RegisterConfig)
        case login(LoginConfig)
        /// Members of the answer, in order, of `ActionConfig.userFields`.
        case me(fields: [String])
        case protected
        case setAPIKey(UpstreamKeyRules)
        case listAPIKeys
        case deleteAPIKey
        case generateKey(GenerateKeyConfig)
        case validateKey(keys: String)
        /// Names of entries of `limits`; empty: all that are by key, user or ip.
        case limits(of: [String])
        /// `discover`: models of upstreams are listed besides those of the file; asked anew after `refresh`.
        case models(discover: Bool = true, refresh: Duration = .seconds(300))
        /// Name of the upstream whose keys are told of.
        case keyStatus(upstream: String)
        case health(HealthAnswerConfig)
        case openapi(DescriptionConfig)
        case docs(DocsConfig)

        /// What a route with the action takes where it has no `methods`. GET implies HEAD.
        public var methods: [String] {
            switch self {
            case .register, .login, .setAPIKey, .generateKey: ["POST"]
            case .me, .protected, .listAPIKeys, .limits, .models, .keyStatus, .health, .openapi, .docs:
                ["GET"]
            case .validateKey: ["GET", "POST"]
            case .deleteAPIKey: ["DELETE"]
            }
        }
    }
    public var kind: Kind
    /// As in the file: `login`.
    public var name: String
    /// Empty for `limits`, `models`, `health`, `openapi` and `docs`, which take none.
    public var store: String
    /// What `me` and `register` can tell of a user.
    public static let userFields = [
        "id", "user_id", "username", "email", "telegram_id", "is_active", "created_at", "updated_at",
    ]
}

public struct UpstreamKeyRules: Equatable, Sendable {
    /// What a key must begin with; nil: anything.
    public var prefix: String?
    /// Least bytes. Default 1.
    public var lengthMin: Int
}

public struct GenerateKeyConfig: Equatable, Sendable {
    /// Name of the `user-keys` entry of `auth` whose keys are made.
    public var keys: String
    /// `self_service: true`: anybody may make one, naming themselves. Default false: the caller makes one.
    public var selfService: Bool
    /// Highest `rate_limit` that a request may ask for. Default 60.
    public var rateLimitMax: Int
    /// Without one in the request; nil: none.
    public var rateLimitDefault: Int?
}
extension ActionConfig {
    enum Name: String, CaseIterable {
        case register, login, me, protected
        case setAPIKey = "set-api-key"
        case listAPIKeys = "list-api-keys"
        case deleteAPIKey = "delete-api-key"
        case generateKey = "generate-key"
        case validateKey = "validate-key"
        case limits, models
        case keyStatus = "key-status"
        case health, openapi, docs

        /// It takes a `store`.
        var isOfStore: Bool {
            switch self {
            case .register, .login, .me, .protected, .setAPIKey, .listAPIKeys, .deleteAPIKey, .generateKey,
                .keyStatus:
                true
            case .validateKey, .limits, .models, .health, .openapi, .docs: false
            }
        }
    }

    static let variants: [Variant<Name>] = [
        ("makes a user", .register), ("gives out a token for a password", .login),
        ("tells the caller's user", .me), ("greets the caller's user", .protected),
        ("stores an upstream key of the caller's user", .setAPIKey),
        ("lists the upstream keys of the caller's user, without the keys", .listAPIKeys),
        ("deletes one that the path names", .deleteAPIKey), ("makes a key of `user-keys`", .generateKey),
        ("tells whether a key is good", .validateKey),
        ("tells what is left of the caller's limits, and uses nothing", .limits),
        ("lists the models that the caller may use", .models),
        ("tells whether the caller's user has a key for an upstream, and where from", .keyStatus),
        ("tells whether stores can be read", .health),
        ("describes what the routes offer, as OpenAPI 3.1", .openapi),
        ("shows such a description to people", .docs),
    ].map { (about: String, name: Name) in
        Variant(name.rawValue, name, "`\(name.rawValue)`: \(about).")
    }

    init(_ node: MappingReader, _ name: Name) {
        self.name = name.rawValue
        store =
            name.isOfStore
            ? node.optional("store", .name, "Entry of `stores`. Default: the only one.") ?? "" : ""
        kind =
            switch name {
            case .register: .register(RegisterConfig(node))
            case .login: .login(LoginConfig(node))
            case .me:
                .me(
                    fields: node.value(
                        "fields", .userFields, default: ["id", "username", "email"],
                        "Members of the answer, in this order."))
            case .protected: .protected
            case .setAPIKey: .setAPIKey(UpstreamKeyRules(node))
            case .listAPIKeys: .listAPIKeys
            case .deleteAPIKey: .deleteAPIKey
            case .generateKey: .generateKey(GenerateKeyConfig(node))
            case .validateKey: .validateKey(keys: GenerateKeyConfig.keys(node))
            case .limits:
                .limits(
                    of: node.optional(
                        "of", .oneOrList(.name),
                        "Entries of `limits` by key, user or ip. Default: all of them.") ?? [])
            case .models: Kind(models: node)
            case .keyStatus:
                .keyStatus(
                    upstream: node.required(
                        "upstream", .name,
                        "Entry of `upstreams` whose `key` is a `first_of` with a `database`."))
            case .health: .health(HealthAnswerConfig(node))
            case .openapi: .openapi(DescriptionConfig(node))
            case .docs: .docs(DocsConfig(node))
            }
    }
}

extension Form where Value == [String] {
    /// Members of a user that an answer may have.
    static var userFields: Form {
        .distinct(.list(.word(ActionConfig.userFields.map { ($0, $0) }), nonEmpty: true))
    }
}

extension ActionConfig.Kind {
    fileprivate init(models node: MappingReader) {
        let discovers = node.value(
            "discover", .bool, default: "true",
            "Also list what upstreams say they have, where a pattern in `models` leads to them.")
        let refresh = node.value(
            "refresh", .duration(.seconds(1)...Quantities.durationMax), default: "5m",
            "How long the list of an upstream is used before it is asked again.")
        if !discovers {
            node.fail(
                "refresh", "`refresh` has no effect\(node.path.inside): `discover` is false",
                hint: "remove it")
        }
        self = .models(discover: discovers, refresh: refresh)
    }
}

extension UpstreamKeyRules {
    init(_ node: MappingReader) {
        prefix = node.optional(
            "key_prefix", .claimText, "What a key must begin with. Default: anything.")
        lengthMin = node.value("key_min_length", .integer(1...4096), default: "1", "Least bytes of a key.")
    }
}

extension GenerateKeyConfig {
    private static let perMinute = 1...10_000

    static func keys(_ node: MappingReader) -> String {
        node.optional("keys", .name, "Entry of `auth` with `mode: user-keys`. Default: the only one.") ?? ""
    }

    init(_ node: MappingReader) {
        keys = Self.keys(node)
        selfService = node.value(
            "self_service", .bool, default: "false",
            "Let anybody make a key, naming themselves; else the caller makes one.")
        rateLimitMax = node.value(
            "max_rate_limit", .integer(Self.perMinute), default: "60",
            "Highest `rate_limit` that a request may ask for, in requests per minute.")
        let unasked = node.optional(
            "default_rate_limit", .orOff(.integer(Self.perMinute)),
            "Without one in the request. Default: 60, or `max_rate_limit` if that is less.")
        rateLimitDefault = unasked ?? min(60, rateLimitMax)
        if let limit = rateLimitDefault, limit > rateLimitMax {
            node.fail(
                "default_rate_limit", "`default_rate_limit` is more than `max_rate_limit`\(node.path.inside)")
        }
    }
}
