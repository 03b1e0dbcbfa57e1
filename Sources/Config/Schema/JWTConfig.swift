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
    /// A `secret` whose file is missing is made: 32 random bytes in hex. Default false: that is an error.
    public var isSecretCreated = false
    /// PEM of trusted authorities for a `jwks` URL; nil: the system's.
    public var ca: String?
    /// How long a fetched JWK set is used before it is looked at again. Default 1 h.
    public var refresh: Duration
    /// nil: not looked at.
    public var issuer: String?
    /// `aud` must have one of them (RFC 7519 §4.1.3). Empty: `aud` is not looked at, whatever a token says.
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
    /// Claim with the models that the caller may use: a list, or text for one, blanks included (not a list
    /// with blanks between, as OAuth's `scope` is). nil: there is none, and every model may be used.
    public var modelsClaim: String?
    /// Store in which the subject must be an active user; nil: the token alone decides.
    public var store: String?
    /// What `sub` holds for `store`, and what `login` puts there: `id` (default) or `username`.
    public var subject: Subject
    public enum Subject: String, Equatable, Sendable, CaseIterable { case id, username }
    /// Of the tokens that `login` makes. Default 24 h.
    public var lifetime: Duration
}

extension JWTConfig {
    static let algorithms = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA",
    ]

    init(_ node: MappingReader) {
        let names = Self.algorithms.map { ($0, $0) }
        algorithms = node.required(
            "algorithms", .distinct(.oneOrList(.word(names))),
            "Signatures that are accepted, and no other: HS… with `secret`, the rest with `public_key` or `jwks`."
        )
        (key, isSecretCreated) = Self.key(node)
        ca = node.optional(
            "ca", .filePath, "PEM file of trusted authorities for a `jwks` URL. Default: the system's.")
        refresh = node.value(
            "refresh", .duration(.seconds(1)...Quantities.durationMax), default: "1h",
            "How long a fetched `jwks` is used before it is looked at again.")
        issuer = node.optional("issuer", .claimText, "What `iss` must be. Default: it is not looked at.")
        audiences =
            node.optional(
                "audience", .distinct(.oneOrList(.claimText)),
                "What `aud` must have one of: text, or a list. Default: it is not looked at.") ?? []
        leeway = node.value(
            "leeway", .duration(.zero...Duration.seconds(600)), default: "30s",
            "For clocks that differ; up to 10m.")
        requiredClaims =
            node.optional(
                "require", .distinct(.oneOrList(.claimText)),
                "Claim that must be there besides, or a list. Default: none.") ?? []
        requiresExpiry = node.value(
            "require_expiry", .bool, default: "true", "Refuse tokens without `exp`, which are good for ever.")
        let claims = node.group(
            "claims", .mapping(ClaimNames.init), "Which claims say what about the caller.")
        callerClaim = claims.caller
        limitClaim = claims.limit
        modelsClaim = claims.models
        store = node.optional(
            "store", .name, "Entry of `stores` in which the subject must be an active user. Default: none.")
        subject = node.value(
            "subject", .word, default: "id",
            "What `sub` holds of a user of the store, also in tokens that `action: login` makes.")
        lifetime = node.value(
            "lifetime", .duration(.seconds(1)...Quantities.durationMax), default: "24h",
            "Of the tokens that `action: login` makes.")
        checkKey(node)
    }

    private static func key(_ node: MappingReader) -> (Key, isSecretCreated: Bool) {
        let secret = node.optional(
            "secret", .signingSecret,
            "Shared secret for HS…, at least 32 bytes: `{env: NAME}`, `{file: path}` or `{credential: name}`."
        )
        let publicKey = node.optional(
            "public_key", .filePath, "PEM file of a public key or certificate. Watched.")
        let jwks = node.optional("jwks", .jwks, "JWK set (RFC 7517): a path, or an https URL.")
        node.requireOne(of: ["secret", "public_key", "jwks"])
        if let secret { return (.secret(secret.source), secret.isCreated) }
        if let publicKey { return (.publicKey(path: publicKey), false) }
        return (jwks ?? .jwksFile(path: ""), false)
    }

    /// Why so strict: an attacker who may choose HS256 where a public key stands signs with that key
    /// (RFC 8725 §2.1).
    private func checkKey(_ node: MappingReader) {
        let isShared = node.has("secret")
        let keys = ["secret", "public_key", "jwks"].filter(node.has)
        let wrong = algorithms.first { $0.hasPrefix("HS") != isShared }
        if let first = wrong, keys.count == 1, node.isSound("algorithms") {
            node.fail(
                "algorithms", "`\(first)` cannot stand with `\(keys[0])`\(node.path.inside)",
                hint: isShared
                    ? "HS256, HS384 and HS512 have a secret; the others have `public_key` or `jwks`"
                    : "whoever knows the public key could sign; write `RS256`, or what its owner says")
        }
        var isURL = false
        if case .jwksURL = key { isURL = true }
        for name in ["ca", "refresh"] where node.has(name) && !isURL {
            node.fail(
                name, "`\(name)` has no effect\(node.path.inside): there is no `jwks` URL", hint: "remove it")
        }
        if node.has("lifetime"), !isShared {
            node.fail(
                "lifetime",
                "`lifetime` has no effect\(node.path.inside): tokens are made with a `secret` alone",
                hint: "remove it")
        }
        if isURL, issuer == nil, audiences.isEmpty {
            node.warn(
                "jwks",
                "every token of that issuer comes in by `\(node.path.text)`, whomever it is meant for",
                hint: "add `issuer` and `audience`")
        }
    }
}

/// `claims`: which claim says what.
private struct ClaimNames {
    var caller: String
    var limit: String?
    var models: String?

    init(_ node: MappingReader) {
        caller = node.value("caller", .claimText, default: "sub", "Claim that names the caller.")
        limit = node.optional(
            "requests_per_minute", .claimText, "Claim with the caller's own limit. Default: none.")
        models = node.optional(
            "models", .claimText,
            "Claim with the models that the caller may use: a list, or text for one. Default: every model."
        )
    }
}

extension Form where Value == String {
    /// Name or value of a claim: 1 to 512 bytes, without control characters.
    static var claimText: Form {
        .text("text of 1 to 512 bytes") { (text) in
            (1...512).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
                ? text : nil
        }
    }
}

extension Form where Value == JWTConfig.Key {
    /// A path, or an https URL with a whole path and query; http to this machine alone.
    static var jwks: Form {
        let wanted = "a path or a URL such as `https://id.example.com/jwks.json`"
        return .scalar(wanted, schema: .string(pattern: "^."), standIn: .jwksFile(path: "")) {
            (scalar) throws(Mismatch) in
            guard scalar.core != .null, !scalar.text.isEmpty, !scalar.text.utf8.contains(0) else {
                throw Mismatch(text: "must be \(wanted)")
            }
            guard scalar.text.firstRange(of: "://") != nil else { return .jwksFile(path: scalar.text) }
            return .jwksURL(try JWKSURL.parse(scalar.text, wanted: wanted))
        }
    }
}

enum JWKSURL {
    static func parse(_ text: String, wanted: String) throws(Mismatch) -> JWTConfig.EndpointURLWithPath {
        let bytes = Array(text.utf8)
        guard !bytes.contains(UInt8(ascii: "@")) else {
            // Why not shown: what stands before the `@` is a password as a rule.
            throw Mismatch(text: "must not hold a user or password", showsFound: false)
        }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !bytes.contains(UInt8(ascii: "#")) else {
            throw Mismatch(text: "must not have blanks, a fragment or what is not ASCII")
        }
        let whole = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        var endpoint = try URLParts.parse(String(decoding: bytes[..<whole], as: UTF8.self), wanted: wanted)
        // Why: who reads along could put keys of their own into the answer.
        guard endpoint.scheme == .https || isLoopback(endpoint.host) else {
            throw Mismatch(text: "must be https", hint: "http goes to this machine alone")
        }
        let authority = bytes.dropFirst(endpoint.scheme == .https ? 8 : 7)
        let start = authority.firstIndex { "/?".utf8.contains($0) } ?? bytes.count
        let tail = String(decoding: bytes[start...], as: UTF8.self)
        endpoint.basePath = ""
        return .init(endpoint: endpoint, target: tail.hasPrefix("/") ? tail : "/" + tail)
    }

    private static func isLoopback(_ host: String) -> Bool {
        BindAddress.ip(host: host, port: 0).isLoopback
            && (host == "::1" || host == "localhost" || IPAddress.parse(host)?.count == 4)
    }
}
