/// `auth.NAME`: one way of coming in.
public struct AuthConfig: Equatable, Sendable {
    public enum Mode: Equatable, Sendable {
        /// `mode: none`.
        case none(allowOpen: Bool, ignoreCredentials: Bool)
        case envKey(EnvKeyConfig)
        /// `mode: token-file`. Path, relative to where `relative_to` says.
        case tokenFile(path: String)
        case jwt(JWTConfig)
        case userKeys(UserKeysConfig)
    }
    public var name: String
    public var mode: Mode
    /// Takes `Authorization: Bearer KEY`. Default true.
    public var takesBearer = true
    /// Takes `Authorization: KEY`. Default false.
    public var takesRaw = false
    /// 401 (default) or 403, for a credential that nobody accepts. A request without one gets 401.
    public var rejectStatus = 401
    /// `on_revoke: cut`. Default `finish`.
    public var cutsOnRevoke = false
    /// How long a source may be unreadable before unknown credentials get 503. Default 30 s.
    public var maxStale = Duration.seconds(30)
    /// `when_unconfigured: allow`; `env-key` and `token-file` alone. Judged at the start and when a reload is
    /// asked for, never because a file changed. Default `deny`.
    public var allowsWhenUnconfigured = false
    /// `allow_shared_secret: true`: its variable may also be what an upstream is sent.
    public var allowsSharedSecret = false
}

/// `mode: env-key`.
public struct EnvKeyConfig: Equatable, Sendable {
    /// Names, in order. Empty values count as unset.
    public var variables: [String]
    /// `match: any`: each of them is a key; else the first that is set is the only one.
    public var matchesAny: Bool
}

/// `mode: user-keys`.
public struct UserKeysConfig: Equatable, Sendable {
    public var store: String
    /// What new keys begin with. Default `hg_`.
    public var prefix: String
    /// Keys that users made. Default true.
    public var acceptsKeys: Bool
    /// Sessions that `login` made. Default true.
    public var acceptsSessions: Bool
    /// What keys have as their own limit holds nobody back. Default false.
    public var ignoresOwnLimits = false
}

extension AuthConfig {
    enum Kind { case open, envKey, tokenFile, jwt, userKeys }

    static let variants: [Variant<Kind>] = [
        Variant("none", .open, "`none`: everybody, without a credential."),
        Variant("env-key", .envKey, "`env-key`: whoever has the key that a variable holds."),
        Variant(
            "token-file", .tokenFile, "`token-file`: tokens in a JSON file, as `headgate token` makes them."),
        Variant("jwt", .jwt, "`jwt`: signed tokens (RFC 7519), from elsewhere or from `action: login`."),
        Variant("user-keys", .userKeys, "`user-keys`: keys and sessions of users in a store."),
    ]

    init(_ node: MappingReader, _ kind: Kind) {
        name = node.name
        mode =
            switch kind {
            case .open: .open(node)
            case .envKey: .envKey(EnvKeyConfig(node))
            case .tokenFile:
                .tokenFile(
                    path: node.required(
                        "file", .filePath, "JSON file of tokens. Watched."))
            case .jwt: .jwt(JWTConfig(node))
            case .userKeys: .userKeys(UserKeysConfig(node))
            }
        switch kind {
        case .open: return
        case .envKey:
            readUnconfigured(node)
            allowsSharedSecret = node.value(
                "allow_shared_secret", .bool, default: "false",
                "Accept that a variable named here is also what an upstream is sent.")
        case .tokenFile: readUnconfigured(node)
        case .jwt, .userKeys: break
        }
        readCommon(node)
    }

    private mutating func readUnconfigured(_ node: MappingReader) {
        allowsWhenUnconfigured = node.value(
            "when_unconfigured", .word([("deny", false), ("allow", true)]), default: "deny",
            "No key at all at the start or a `headgate reload`: nobody comes in (`deny`), or everybody does (`allow`)."
        )
    }

    private mutating func readCommon(_ node: MappingReader) {
        let schemes = node.value(
            "schemes", .distinct(.oneOrList(.word([("bearer", true), ("raw", false)]))), default: ["bearer"],
            "How the credential may stand in `Authorization`: `bearer`, behind that word; `raw`, alone.")
        takesBearer = schemes.contains(true)
        takesRaw = schemes.contains(false)
        rejectStatus = node.value(
            "reject_status", .number(of: [401, 403]), default: "401",
            "Status for a credential that is refused.")
        cutsOnRevoke = node.value(
            "on_revoke", .word([("finish", false), ("cut", true)]), default: "finish",
            "What becomes of running requests of a credential that is revoked.")
        maxStale = node.value(
            "max_stale", .duration(.zero...Quantities.durationMax), default: "30s",
            "How long the source may be unreadable before unknown credentials get 503.")
    }
}

extension AuthConfig.Mode {
    fileprivate static func open(_ node: MappingReader) -> Self {
        .none(
            allowOpen: node.value(
                "allow_open", .bool, default: "false",
                "Accept that a listener beyond this machine serves everybody."),
            ignoreCredentials: node.value(
                "ignore_credentials", .bool, default: "false",
                "Drop a credential unread instead of refusing it."))
    }
}

extension EnvKeyConfig {
    init(_ node: MappingReader) {
        variables = node.required(
            "variables", .distinct(.oneOrList(.naming(.variableName))),
            "Variable that holds a key, or a list. Unset or empty ones are passed over.")
        matchesAny = node.value(
            "match", .word([("first", false), ("any", true)]), default: "first",
            "`first`: the first that is set is the key; `any`: each of them is one.")
    }
}

extension UserKeysConfig {
    init(_ node: MappingReader) {
        store = node.optional("store", .name, "Entry of `stores`. Default: the only one.") ?? ""
        prefix = node.value("prefix", .keyPrefix, default: "hg_", "What new keys begin with.")
        let accept = node.value(
            "accept", .distinct(.oneOrList(.word([("keys", true), ("sessions", false)]))),
            default: ["keys", "sessions"],
            "`keys`: those that users made; `sessions`: those that `action: login` made.")
        acceptsKeys = accept.contains(true)
        acceptsSessions = accept.contains(false)
        ignoresOwnLimits = node.value(
            "ignore_own_limits", .bool, default: "false", "Let no key's own limit hold it back.")
    }
}

extension Form where Value == String {
    /// Why not more: a key goes into header fields, command lines and URLs.
    static var keyPrefix: Form {
        let wanted = "1 to 16 letters, digits, `-` or `_`"
        return .scalar(wanted, schema: .string(pattern: "^[A-Za-z0-9_-]{1,16}$"), standIn: "") {
            (scalar) throws(Mismatch) in
            guard (1...16).contains(scalar.text.utf8.count),
                scalar.text.utf8.allSatisfy({ ASCII.isLetterOrDigit($0) || "-_".utf8.contains($0) })
            else { throw Mismatch(text: "must be \(wanted)") }
            return scalar.text
        }
    }
}

extension AuthConfig.Mode {
    /// As in the file.
    public var name: String {
        switch self {
        case .none: "none"
        case .envKey: "env-key"
        case .tokenFile: "token-file"
        case .jwt: "jwt"
        case .userKeys: "user-keys"
        }
    }
}
