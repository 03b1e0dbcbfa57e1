/// One SQLite file with users, their keys and what they store (schema in `Schema.swift`).
///
/// Belongs to one thread at a time. Other processes, the command line among them, may have the same file open:
/// WAL mode, one writer at a time, a busy timeout. Calls block for as long as the disk does.
public final class Store {
    public struct Options: Sendable {
        public enum UserIDs: String, Sendable { case uuid, objectid, integer }
        /// How upstream keys are kept.
        public enum AtRest: Sendable {
            case sealed(MasterKey)
            case plain
            /// There is no master key: storing one is refused.
            case refused
        }
        public var userIDs: UserIDs
        public var atRest: AtRest
        /// Milliseconds to wait for another process's lock.
        public var busyTimeoutMilliseconds: Int32
        public init(
            userIDs: UserIDs = .uuid, atRest: AtRest = .refused, busyTimeoutMilliseconds: Int32 = 2000
        ) {
            self.userIDs = userIDs
            self.atRest = atRest
            self.busyTimeoutMilliseconds = busyTimeoutMilliseconds
        }
    }

    public let path: String

    /// Opens an existing file. Does not migrate.
    /// - Throws: `.missing`, `.schemaTooOld`, `.schemaTooNew`, `.notAStore`, and what stands in the way.
    public init(opening path: String, options: Options) throws(StoreError) { fatalError("not yet") }

    /// Makes the file (mode 0600) with the newest schema, or migrates the one that is there.
    /// - Returns: the schema that was there before; nil: the file is new.
    @discardableResult
    public static func prepare(_ path: String) throws(StoreError) -> Int? { fatalError("not yet") }

    public func close() { fatalError("not yet") }

    // MARK: Users

    /// - Throws: `.duplicate`.
    public func createUser(_ new: NewUser) throws(StoreError) -> User { fatalError("not yet") }
    public func user(_ lookup: UserLookup) throws(StoreError) -> User? { fatalError("not yet") }
    /// nil: no such user; `hash` nil: the user has no password.
    public func passwordHash(of lookup: UserLookup) throws(StoreError) -> (user: User, hash: String?)? {
        fatalError("not yet")
    }
    public func users() throws(StoreError) -> [User] { fatalError("not yet") }
    public func setActive(_ user: Int64, _ isActive: Bool) throws(StoreError) { fatalError("not yet") }
    public func setPasswordHash(_ user: Int64, _ hash: String) throws(StoreError) { fatalError("not yet") }
    /// With keys, sessions and upstream keys.
    public func deleteUser(_ user: Int64) throws(StoreError) { fatalError("not yet") }

    // MARK: Keys and sessions

    /// The credential itself is told here once and kept nowhere.
    public func createKey(_ new: NewClientKey) throws(StoreError) -> (key: ClientKey, credential: Secret) {
        fatalError("not yet")
    }
    /// In order of creation. nil: of everybody.
    public func keys(ofUser user: Int64?) throws(StoreError) -> [ClientKey] { fatalError("not yet") }
    public func key(digest: [UInt8]) throws(StoreError) -> ClientKey? { fatalError("not yet") }
    /// By public id, or by the beginning of the credential as `list` shows it; a trailing `...` is ignored.
    /// - Throws: `.notFound`, `.ambiguous`; an empty prefix is not found.
    public func key(named prefix: String) throws(StoreError) -> ClientKey { fatalError("not yet") }
    /// - Parameter at: also in the future. nil: now.
    public func revokeKey(_ key: Int64, at time: Int64? = nil) throws(StoreError) { fatalError("not yet") }
    /// A new key like the old one, which goes on for `overlapSeconds`.
    public func rotateKey(_ key: Int64, overlapSeconds: Int64) throws(StoreError) -> (
        key: ClientKey, credential: Secret
    ) { fatalError("not yet") }
    public func recordUses(_ uses: [(key: Int64, count: Int64, lastUsedAt: Int64)]) throws(StoreError) {
        fatalError("not yet")
    }

    /// Grows with every commit of another connection, cheaply asked (`PRAGMA data_version`).
    public func foreignChanges() throws(StoreError) -> Int64 { fatalError("not yet") }
    /// - Parameter version: of the last call; nil: everything.
    public func keyChanges(since version: Int64?) throws(StoreError) -> KeyChanges { fatalError("not yet") }

    // MARK: Upstream keys

    /// Replaces one of the same name.
    /// - Throws: `.cannotSeal`.
    public func setUpstreamKey(user: Int64, name: String, key: Secret, source: String) throws(StoreError)
        -> UpstreamKey
    { fatalError("not yet") }
    public func upstreamKeys(user: Int64) throws(StoreError) -> [UpstreamKey] { fatalError("not yet") }
    /// The key itself. - Throws: `.cannotSeal` where it cannot be opened.
    public func revealUpstreamKey(user: Int64, name: String) throws(StoreError) -> Secret? {
        fatalError("not yet")
    }
    /// - Returns: false: there was none.
    public func deleteUpstreamKey(user: Int64, name: String) throws(StoreError) -> Bool {
        fatalError("not yet")
    }

    // MARK: Care

    /// What is wrong with the file; empty: nothing (`PRAGMA integrity_check`, foreign keys, sealed values).
    public func check() throws(StoreError) -> [String] { fatalError("not yet") }
    /// A whole copy (mode 0600), made while others write.
    public func backUp(to path: String) throws(StoreError) { fatalError("not yet") }
    public static var schemaVersion: Int { fatalError("not yet") }
}
