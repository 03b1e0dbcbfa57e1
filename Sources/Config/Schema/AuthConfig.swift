/// `auth.NAME`: one way of coming in.
public struct AuthConfig: Equatable, Sendable {
    public enum Mode: Equatable, Sendable {
        /// `mode: none`.
        case none(allowOpen: Bool, ignoreCredentials: Bool)
        case envKey(EnvKeyConfig)
        /// `mode: token-file`. Path, relative to the config file's folder.
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
    /// 401 (default) or 403, for a credential that nobody accepts.
    public var rejectStatus = 401
    /// `on_revoke: cut`. Default `finish`.
    public var cutsOnRevoke = false
    /// How long a source may be unreadable before unknown credentials get 503. Default 30 s.
    public var maxStale = Duration.seconds(30)
    /// `when_unconfigured: allow`; `env-key` and `token-file` alone. Default `deny`.
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

/// `mode: jwt` (RFC 7519).
public struct JWTConfig: Equatable, Sendable {
    public enum Key: Equatable, Sendable {
        /// For HS256, HS384, HS512; at least 32 bytes.
        case secret(TextSource)
        /// PEM of a public key or certificate; path.
        case publicKey(path: String)
        /// Path of a JWK set (RFC 7517).
        case jwksFile(path: String)
        case jwksURL(EndpointURLWithPath)
    }
    /// An http(s) URL with a whole path and query.
    public struct EndpointURLWithPath: Equatable, Sendable {
        public var endpoint: EndpointURL
        /// As it goes into the request line: begins with `/`.
        public var target: String
    }
    /// `HS256` …; never empty.
    public var algorithms: [String]
    public var key: Key
    /// PEM of trusted authorities for a `jwks` URL; nil: the system's.
    public var ca: String?
    /// How long a fetched JWK set is used before it is looked at again. Default 1 h.
    public var refresh: Duration
    /// nil: not looked at.
    public var issuer: String?
    /// Any of them; empty: a token must not say `aud`… see the reference.
    public var audiences: [String]
    /// For clocks that differ. Default 30 s.
    public var leeway: Duration
    /// Claims that must be there besides. `exp` is always required unless `requiresExpiry` is false.
    public var requiredClaims: [String]
    public var requiresExpiry: Bool
    /// Claim that names the caller. Default `sub`.
    public var callerClaim: String
    /// Claim with the caller's own requests per minute; nil: none.
    public var limitClaim: String?
    /// Claim with the models that the caller may use; nil: none.
    public var modelsClaim: String?
    /// Store in which the subject must be an active user; nil: the token alone decides.
    public var store: String?
    /// What `sub` holds for `store`, and what `login` puts there: `id` (default) or `username`.
    public var subject: Subject
    public enum Subject: String, Equatable, Sendable, CaseIterable { case id, username }
    /// Of the tokens that `login` makes. Default 24 h.
    public var lifetime: Duration
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
}

extension AuthConfig {
    init(_ node: MappingReader) {
        name = node.name
        node.required("mode", .word([("none", ())]), "`none`: everybody, without a credential.")
        mode = .none(
            allowOpen: node.value(
                "allow_open", .bool, default: "false",
                "Accept that a listener beyond this machine serves everybody."),
            ignoreCredentials: node.value(
                "ignore_credentials", .bool, default: "false",
                "Drop a credential unread instead of refusing it."))
    }
}
