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
    }
    public var kind: Kind
    /// As in the file: `login`.
    public var name: String
    public var store: String
    /// What `me` and `register` can tell of a user.
    public static let userFields = [
        "id", "user_id", "username", "email", "telegram_id", "is_active", "created_at", "updated_at",
    ]
}

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
