/// `stores.NAME`: one SQLite file with users, their keys and what they store.
public struct StoreConfig: Equatable, Sendable {
    public var name: String
    /// Path, relative to the config file's folder.
    public var path: String
    /// Master key for what is encrypted: 32 bytes as 64 hex digits or base64. nil: none.
    public var encryptionKey: TextSource?
    /// `at_rest: plain`: upstream keys are stored as they are. Default: encrypted, and without a key not at
    /// all.
    public var storesPlain: Bool
    public var userIDs: UserIDs
    /// Form of a user's public id.
    public enum UserIDs: String, Equatable, Sendable, CaseIterable { case uuid, objectid, integer }
    /// bcrypt's cost, 4 to 15. Default 10.
    public var passwordCost: Int
}
