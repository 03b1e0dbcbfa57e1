import Glibc

/// One SQLite file with users, their keys and what they store (schema in `Schema.swift`).
///
/// Belongs to one thread at a time. Other processes, the command line among them, may have the same file
/// open: WAL mode, one writer at a time, a busy timeout. Calls block for as long as the disk does.
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
        /// What keys are opened with besides, until all of them are sealed with the current one.
        public var previousMasterKeys: [MasterKey]
        /// Milliseconds to wait for another process's lock. Default 250: who asks the daemon is answered
        /// within a second.
        public var busyTimeoutMilliseconds: Int32
        public init(
            userIDs: UserIDs = .uuid, atRest: AtRest = .refused, previousMasterKeys: [MasterKey] = [],
            busyTimeoutMilliseconds: Int32 = 250
        ) {
            self.userIDs = userIDs
            self.atRest = atRest
            self.previousMasterKeys = previousMasterKeys
            self.busyTimeoutMilliseconds = busyTimeoutMilliseconds
        }
    }

    public let path: String
    let options: Options
    let database: Database
    /// Seconds since 1970.
    var clock: () -> Int64 = { Int64(time(nil)) }
    /// Which file was opened: another one may stand at the path later.
    private let identity: FileIdentity

    public static var schemaVersion: Int { Schema.migrations.count }

    /// Opens an existing file. Does not migrate. A file that cannot be written can be read.
    /// - Throws: `.missing`, `.schemaTooOld`, `.schemaTooNew`, `.notAStore`, and what stands in the way.
    public init(opening path: String, options: Options) throws(StoreError) {
        self.path = path
        self.options = options
        identity = try FileIdentity(path)
        database = try Store.connect(to: path, options.busyTimeoutMilliseconds)
        switch try Schema.state(of: database) {
        case .foreign: throw .notAStore(path: path)
        case .empty: throw .schemaTooOld(found: 0, known: Store.schemaVersion)
        case .version(let found) where found < Store.schemaVersion:
            throw .schemaTooOld(found: found, known: Store.schemaVersion)
        case .version(let found):
            guard found == Store.schemaVersion else {
                throw .schemaTooNew(found: found, known: Store.schemaVersion)
            }
        }
    }

    /// A copy in memory, to try something out on: nothing of it comes back, and nobody has to wait for it.
    init(trialOf store: Store) throws(StoreError) {
        path = store.path
        options = store.options
        identity = store.identity
        database = try Database.inMemory()
        clock = store.clock
        // Why in this order: a database that has been asked something keeps its page size.
        try store.database.copy(into: database)
        try Store.configure(database)
    }

    /// Makes the file (mode 0600) with the newest schema, or migrates the one that is there.
    /// - Returns: the schema that was there before; nil: the file is new.
    /// - Throws: also where the file is missing and what SQLite keeps beside it is not.
    @discardableResult
    public static func prepare(_ path: String) throws(StoreError) -> Int? {
        try prepare(path, by: Schema.migrations)
    }

    static func prepare(
        _ path: String, by migrations: [String], busyTimeoutMilliseconds: Int32 = 5000
    ) throws(StoreError) -> Int? {
        try refuseLeftovers(of: path)
        let isNew = try PrivateFile.create(path)
        if !isNew { try PrivateFile.closeEmpty(path) }
        let database = try connect(to: path, busyTimeoutMilliseconds)
        defer { database.close() }
        let before = try Schema.migrate(database, by: migrations)
        if isNew || before == nil { try PrivateFile.synchronize(PrivateFile.folder(of: path)) }
        guard try database.row("PRAGMA journal_mode", [], { $0.text(0) }) != "wal" else { return before }
        _ = try database.row("PRAGMA journal_mode = WAL") { $0.text(0) }
        return before
    }

    /// Why: SQLite removes a WAL or a journal that it finds beside a new file, and with it what was committed
    /// to the old one, which may only have been moved away.
    private static func refuseLeftovers(of path: String) throws(StoreError) {
        for ending in ["-wal", "-shm", "-journal"] {
            // Why in this order: somebody who makes the file at the same moment makes it first.
            guard PrivateFile.mode(path + ending) != nil, PrivateFile.mode(path) == nil else { continue }
            throw .failed(
                "\(path)\(ending) is there without \(path): put the database back beside it, or remove it")
        }
    }

    /// Nothing may be asked afterwards. Also done when the store goes.
    public func close() { database.close() }

    /// How long another process's lock is waited for from now on, in place of what the options say.
    public func waitForLocks(milliseconds: Int32) {
        guard database.busyTimeoutMilliseconds != milliseconds else { return }
        database.busyTimeoutMilliseconds = milliseconds
    }

    /// Whether such a lock kept something from being done since the last call.
    public func takeHasMetLock() -> Bool {
        defer { database.hasMetLock = false }
        return database.hasMetLock
    }

    /// How the last attempt to write since the last call went; nil: there was none. A lock, and what a rule
    /// of a table refuses, is no failure here.
    public func takeLastWrite() -> Result<Void, StoreError>? {
        defer { database.lastWrite = nil }
        return database.lastWrite
    }

    /// All that `body` does, or nothing of it.
    @discardableResult
    public func transaction<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try database.transaction(body)
    }

    /// Grows with every commit of another connection, cheaply asked (`PRAGMA data_version`).
    /// - Throws: also where another file, or none, has come to stand at the path: open that instead.
    public func foreignChanges() throws(StoreError) -> Int64 {
        guard try FileIdentity(path) == identity else {
            throw .failed("\(path) has been replaced by another file")
        }
        return try database.integer("PRAGMA data_version") ?? 0
    }

    var now: Int64 { clock() }

    private static func connect(
        to path: String, _ busyTimeoutMilliseconds: Int32
    ) throws(StoreError) -> Database {
        let database = try Database(path: path, busyTimeoutMilliseconds: busyTimeoutMilliseconds)
        try configure(database)
        return database
    }

    private static func configure(_ database: Database) throws(StoreError) {
        // Why NORMAL: in WAL mode a crash of the machine may lose the last commits, but damages nothing.
        // Why secure_delete: what was replaced or deleted does not stay readable in free pages.
        for pragma in [
            "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON", "trusted_schema = OFF",
            "cell_size_check = ON",
        ] {
            try database.script("PRAGMA \(pragma)")
        }
    }
}

/// A file by what it is, not by its name.
private struct FileIdentity: Equatable {
    let device: dev_t
    let inode: ino_t

    init(_ path: String) throws(StoreError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw StoreError(systemError: errno, path: path) ?? .failed(path)
        }
        device = status.st_dev
        inode = status.st_ino
    }
}
