/// Rows of the store as values. Times are seconds since 1970, UTC.

public struct User: Equatable, Sendable {
    public var id: Int64
    /// Form by `stores.NAME.user_ids`.
    public var publicID: String
    public var username: String?
    public var email: String?
    public var telegramID: String?
    public var isActive: Bool
    public var hasPassword: Bool
    public var createdAt: Int64
    public var updatedAt: Int64

    public init(
        id: Int64, publicID: String, username: String?, email: String?, telegramID: String?, isActive: Bool,
        hasPassword: Bool, createdAt: Int64, updatedAt: Int64
    ) {
        self.id = id
        self.publicID = publicID
        self.username = username
        self.email = email
        self.telegramID = telegramID
        self.isActive = isActive
        self.hasPassword = hasPassword
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

public struct NewUser: Sendable {
    public var username: String?
    public var email: String?
    public var telegramID: String?
    /// As `PasswordHash.make` gives it; nil: cannot log in.
    public var passwordHash: String?
    public var isActive = true
    /// Seconds since 1970; nil: now.
    var createdAt: Int64?
    var updatedAt: Int64?
    /// Nobody has had it; nil: one is made.
    var publicID: String?
    /// Likewise, of the row.
    var id: Int64?
    public init(
        username: String? = nil, email: String? = nil, telegramID: String? = nil, passwordHash: String? = nil
    ) {
        self.username = username
        self.email = email
        self.telegramID = telegramID
        self.passwordHash = passwordHash
    }
}

/// How a user is named by people.
public enum UserLookup: Sendable {
    case id(Int64)
    case publicID(String)
    case username(String)
    /// Compared without case.
    case email(String)
    case telegramID(String)
    /// Username, else e-mail.
    case login(String)
}

/// A credential of a user: a key, or a session that `login` made. Only its digest is stored.
public struct ClientKey: Equatable, Sendable {
    public enum Kind: String, Equatable, Sendable { case key, session }
    public enum State: String, Equatable, Sendable { case active, revoked, expired }
    public var id: Int64
    public var publicID: String
    public var userID: Int64
    public var kind: Kind
    public var name: String
    /// The configured prefix and the 8 characters after it, enough to tell keys apart.
    public var shownPrefix: String
    public var createdAt: Int64
    public var expiresAt: Int64?
    public var revokedAt: Int64?
    public var requestsPerMinute: Int?
    /// Empty: every model.
    public var models: [String]
    public var usageCount: Int64
    public var lastUsedAt: Int64?

    public func state(at now: Int64) -> State {
        if revokedAt.map({ $0 <= now }) ?? false { return .revoked }
        return expiresAt.map { $0 <= now } ?? false ? .expired : .active
    }
}

public struct NewClientKey: Sendable {
    public var userID: Int64
    public var kind: ClientKey.Kind
    public var name: String
    /// What the credential begins with: `ws_`.
    public var prefix: String
    public var expiresAt: Int64?
    public var requestsPerMinute: Int?
    public var models: [String]
    public init(
        userID: Int64, kind: ClientKey.Kind = .key, name: String, prefix: String, expiresAt: Int64? = nil,
        requestsPerMinute: Int? = nil, models: [String] = []
    ) {
        self.userID = userID
        self.kind = kind
        self.name = name
        self.prefix = prefix
        self.expiresAt = expiresAt
        self.requestsPerMinute = requestsPerMinute
        self.models = models
    }
}

/// One row of what the gateway keeps in memory.
public struct KeyRow: Equatable, Sendable {
    public var id: Int64
    public var userID: Int64
    public var kind: ClientKey.Kind
    /// SHA-256, 32 bytes.
    public var digest: [UInt8]
    /// `username` (or e-mail, or public id) of the user, `/`, name of the key.
    public var label: String
    public var expiresAt: Int64?
    /// Also in the future: a rotated key goes on until then.
    public var revokedAt: Int64?
    public var isUserActive: Bool
    public var requestsPerMinute: Int?
    public var models: [String]
}

/// What has changed since a version.
public struct KeyChanges: Equatable, Sendable {
    /// To be given at the next call.
    public var version: Int64
    public var changed: [KeyRow]
    /// Digests of keys that are gone.
    public var removed: [[UInt8]]
    /// Users that were changed or removed, or whose upstream keys were: their tokens have to be looked at
    /// again. 0: the upstream keys that all callers share.
    public var users: [Int64]
    /// `changed` is everybody: whoever is not in it is gone.
    public var isComplete: Bool
}

/// A key for an upstream, of a user or of all callers.
public struct UpstreamKey: Equatable, Sendable {
    public var id: Int64
    /// nil: shared by all callers.
    public var userID: Int64?
    /// Model, `provider/model`, upstream or `default`.
    public var name: String
    /// `manual`, `key.txt`, `environment`, `auto-provisioned`
    public var source: String
    public var createdAt: Int64
    public var updatedAt: Int64
    public var lastValidatedAt: Int64?
}

/// What one step of sealing anew has done.
public struct Resealing: Equatable, Sendable {
    public var resealedCount = 0
    public var unopened: [Unopened] = []
    /// Where the next step goes on.
    public var last: Int64
    /// Nothing is left after `last`.
    public var isComplete: Bool

    /// A key that no known master key opens, left as it is.
    public struct Unopened: Equatable, Sendable {
        public var id: Int64
        /// nil: shared by all callers.
        public var userID: Int64?
        public var name: String
        public var reason: String
    }

    init(last: Int64, isComplete: Bool) {
        self.last = last
        self.isComplete = isComplete
    }
}
