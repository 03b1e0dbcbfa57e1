/// How somebody is told apart at `login`.
public enum IdentityConfig: String, Equatable, Sendable, CaseIterable { case email, username, either }

/// What a login gives out.
public enum IssueConfig: Equatable, Sendable {
    /// Name of the `jwt` entry of `auth` that signs (by its `secret`) and accepts it.
    case jwt(auth: String)
    /// An opaque token, accepted by `user-keys` of the same store for so long. Default 24 h.
    case session(lifetime: Duration)
}

public struct RegisterConfig: Equatable, Sendable {
    /// Members that the request must have, of `email`, `username`, `password`. Always has `password`.
    public var required: [String]
    /// Members that it may have.
    public var optional: [String]
    /// `response: token`, with what it is made by; nil for `response: user`.
    public var issues: IssueConfig?
    /// `response: user`: members of the answer.
    public var fields: [String]
    /// 409 (default) or 400.
    public var duplicateStatus: Int
    /// Least characters of a password; default 1.
    public var passwordLengthMin: Int
}

public struct LoginConfig: Equatable, Sendable {
    public var identity: IdentityConfig
    public var issues: IssueConfig
    /// `oauth2`: `{access_token, token_type}`; `session`: `{token, user_id, username, api_key_status}`.
    public var response: Response
    public enum Response: String, Equatable, Sendable, CaseIterable { case oauth2, session }
    /// Name under which the user's upstream key is looked up for `api_key_status`. Default `default`.
    public var keyName: String
    /// `response: session`: `api_key_status` tells of the keys that the user has for an upstream, after they
    /// were looked for anew. nil: of the one that `keyName` names.
    public var sync: LoginSyncConfig?
}

/// `sync` of `login`.
public struct LoginSyncConfig: Equatable, Sendable {
    /// Entry of `upstreams` whose `key` has a database.
    public var upstream: String
    /// The upstream is asked whether it takes the key. Default false.
    public var validates: Bool
}

extension LoginSyncConfig {
    init(_ node: MappingReader) {
        upstream = node.required(
            "upstream", .name, "Entry of `upstreams` whose `key` is a `first_of` with a `database`.")
        validates = node.value(
            "validate", .bool, default: "false", "Ask the upstream whether it takes the key.")
    }
}

extension IssueConfig {
    /// `issues`, `jwt` and `lifetime`; nil where nothing is given out.
    init?(_ node: MappingReader, isSession: Bool, isIssuing: Bool = true) {
        let issues = node.optional(
            "issues", .word([("jwt", false), ("session", true)]),
            "What is given out. Default: `session` with `response: session`, else `jwt`.")
        let jwt = node.optional(
            "jwt", .name,
            "Entry of `auth` whose `secret` signs. Default: the only `mode: jwt` with a `secret`.")
        let lifetime = node.optional(
            "lifetime", .duration(.seconds(1)...Quantities.durationMax), "Of a session. Default: 24h.")
        guard isIssuing else { return nil }
        if issues ?? isSession {
            self = .session(lifetime: lifetime ?? .seconds(86_400))
            node.fail(
                "jwt", "`jwt` has no effect\(node.path.inside): sessions are not signed", hint: "remove it")
        } else {
            self = .jwt(auth: jwt ?? "")
            node.fail(
                "lifetime", "`lifetime` has no effect\(node.path.inside): it is that of a session",
                hint: "set `lifetime` of the `jwt` entry of `auth`")
        }
    }
}

extension LoginConfig {
    init(_ node: MappingReader) {
        identity = node.value("identity", .word, default: "either", "What a user is named by.")
        response = node.value(
            "response", .word, default: "oauth2",
            "`oauth2`: `access_token` and `token_type`; `session`: token, user and `api_key_status`.")
        issues = IssueConfig(node, isSession: response == .session) ?? .jwt(auth: "")
        keyName = node.value(
            "key_name", .claimText, default: "default",
            "Name of the upstream key that `api_key_status` tells of.")
        sync = node.optional(
            "sync", .mapping(shortFor: "upstream", LoginSyncConfig.init),
            "Upstream for which the user's key is looked for, so that `api_key_status` tells of it.")
        let inside = node.path.inside
        if response != .session {
            node.fail(
                "sync", "`sync` has no effect\(inside): the answer tells of no key",
                hint: "write `response: session`")
        } else if node.has("sync") {
            node.fail(
                "key_name", "`key_name` has no effect\(inside): `sync` says which key is meant",
                hint: "remove one of them")
        }
    }
}

extension RegisterConfig {
    init(_ node: MappingReader) {
        let members = Form<[String]>.distinct(
            .list(.word(["email", "username", "password"].map { ($0, $0) })))
        required = node.value(
            "require", members, default: ["email", "password"], "Members that a request must have.")
        optional = node.value("optional", members, default: [], "Members that it may have.")
        let givesUser = node.value(
            "response", .word([("token", false), ("user", true)]), default: "token",
            "`token`: logged in at once; `user`: the new user.")
        issues = IssueConfig(node, isSession: false, isIssuing: !givesUser)
        fields = node.value(
            "fields", .userFields, default: ["id", "email"], "Members of the answer with `response: user`.")
        duplicateStatus = node.value(
            "duplicate_status", .number(of: [409, 400]), default: "409",
            "Status where the user exists already.")
        passwordLengthMin = node.value(
            "password_min", .integer(1...1024), default: "1", "Least characters of a password.")
        check(node, givesUser)
    }

    private func check(_ node: MappingReader, _ givesUser: Bool) {
        let inside = node.path.inside
        if !required.contains("password") {
            node.fail("require", "`require` must have `password`\(inside)")
        } else if required == ["password"] {
            node.fail("require", "`require` must have `email` or `username`\(inside)")
        }
        for name in optional where required.contains(name) {
            node.fail("optional", "`\(name)` stands in `require` and in `optional`\(inside)")
        }
        let idle = givesUser ? ["issues", "jwt", "lifetime"] : ["fields"]
        for key in idle {
            node.fail(
                key, "`\(key)` has no effect\(inside) with `response: \(givesUser ? "user" : "token")`",
                hint: "remove it")
        }
    }
}
