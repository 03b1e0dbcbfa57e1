/// What another program's files hold of users and their keys, as far as a store has a place for it. Nothing
/// is checked yet.
public struct ImportedRecords: Sendable {
    /// In the order of the source. `sourceID` is what keys name their user by.
    public var users: [ImportedUser] = []
    public var upstreamKeys: [ImportedUpstreamKey] = []
    public var clientKeys: [ImportedClientKey] = []
    /// What is not taken at all, and why, a line each. Quotes no key.
    public var notes: [String] = []

    public init() {}
}

/// Times are seconds since 1970; nil: the source does not say.
public struct ImportedUser: Equatable, Sendable {
    public var sourceID: String
    public var username: String?
    public var email: String?
    public var telegramID: String?
    /// As it stands there, bcrypt or not.
    public var passwordHash: String?
    /// nil: there is a place for it, with nothing in it. That is no yes.
    public var isActive: Bool? = true
    public var createdAt: Int64?
    public var updatedAt: Int64?

    public init(sourceID: String) { self.sourceID = sourceID }
}

public struct ImportedUpstreamKey: Sendable {
    public var ownerID: String
    /// Model, `provider/model` or provider.
    public var name: String
    public var key: Secret
    public var createdAt: Int64?
    public var updatedAt: Int64?
}

public struct ImportedClientKey: Sendable {
    public var ownerID: String
    public var sourceID: String
    public var name: String?
    public var key: Secret
    public var requestsPerMinute: Int64?
    /// nil: as with users.
    public var isActive: Bool?
    public var expiry: Expiry
    public var usageCount: Int64
    public var lastUsedAt: Int64?
    public var createdAt: Int64?
    /// A JSON object.
    public var metadata: String?

    /// Why not only a time: one that nobody can read must not become a key that is good for ever.
    public enum Expiry: Equatable, Sendable {
        case never
        case at(Int64)
        case unreadable
    }

    /// nil: never, as far as can be read.
    var expiresAt: Int64? {
        guard case .at(let time) = expiry else { return nil }
        return time
    }

    static let keyBytes = 16...512

    /// Printable ASCII, long enough not to be guessed.
    static func canBeKey(_ text: String) -> Bool {
        keyBytes.contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// What callers can have as a limit of their own (24 bits).
    static let requestsPerMinuteMax: Int64 = 16_777_215
    /// Every reader of JSON takes this exactly, and counting goes on from it.
    static let usageCountMax: Int64 = 1_000_000_000_000_000

    /// Makes numbers such as there can be in a store.
    /// - Returns: what there is to say about it.
    mutating func cut() -> [String] {
        var remarks: [String] = []
        if let limit = requestsPerMinute, limit <= 0 { requestsPerMinute = nil }
        if let limit = requestsPerMinute, limit > ImportedClientKey.requestsPerMinuteMax {
            requestsPerMinute = ImportedClientKey.requestsPerMinuteMax
            remarks.append("its limit is \(ImportedClientKey.requestsPerMinuteMax) a minute now, the highest")
        }
        if usageCount > ImportedClientKey.usageCountMax {
            usageCount = ImportedClientKey.usageCountMax
            remarks.append("its uses count from \(ImportedClientKey.usageCountMax) on")
        }
        return remarks
    }
}

/// Why nothing can be imported. Quotes no key.
public struct ImportError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// What became of each record.
public struct ImportReport: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case user
        case upstreamKey = "upstream_key"
        case clientKey = "client_key"
    }
    public enum Outcome: String, CaseIterable, Sendable {
        case made
        /// There already, the same.
        case present
        case replaced
        /// Something else is there, and stays.
        case conflict
        case leftOut = "left_out"
    }
    public struct Item: Equatable, Sendable {
        public let kind: Kind
        /// For people: the user, and what the key is called. Never a key.
        public let name: String
        public let outcome: Outcome
        /// Also where something besides the outcome is to be known; nil: nothing is.
        public let reason: String?
    }
    public internal(set) var items: [Item] = []

    public func count(_ kind: Kind, _ outcome: Outcome) -> Int {
        items.count { $0.kind == kind && $0.outcome == outcome }
    }
}
