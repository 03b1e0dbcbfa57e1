import CSQLite
import Glibc

/// One connection to an SQLite file: statements with values bound, rows read, failures as `StoreError`.
///
/// Statements stay prepared for the next time. Belongs to one thread at a time.
final class Database {
    enum Value: Equatable {
        case null
        case integer(Int64)
        case text(String)
        case blob([UInt8])
    }

    enum Access {
        case readWrite, readOnly
        /// Of a file that nobody writes meanwhile: nothing is locked, and SQLite makes nothing beside it.
        case immutable
    }

    let path: String
    private let handle: OpaquePointer
    /// By their text.
    private var statements: [String: OpaquePointer] = [:]
    private var isClosed = false
    /// How long a statement waits for somebody else's lock.
    var busyTimeoutMilliseconds: Int32 {
        didSet { sqlite3_busy_timeout(handle, busyTimeoutMilliseconds) }
    }
    /// How the last attempt to write went, since this was last set to nil.
    var lastWrite: Result<Void, StoreError>?
    /// A statement did not run for somebody else's lock, since this was last set to false.
    var hasMetLock = false
    /// Transactions that run, one within the other.
    private var depth = 0

    /// Opens a file that is there.
    /// - Throws: `.missing`, `.permissionDenied`; that the content is no database shows at the first
    ///   statement.
    init(path: String, busyTimeoutMilliseconds: Int32, access: Access = .readWrite) throws(StoreError) {
        var opened: OpaquePointer?
        let mode =
            switch access {
            case .readWrite: SQLITE_OPEN_READWRITE
            case .readOnly: SQLITE_OPEN_READONLY
            case .immutable: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            }
        // Why no mutex: a connection belongs to one thread at a time.
        let flags = mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let name = access == .immutable ? Database.immutableURI(path) : path
        let code = path.isEmpty ? SQLITE_CANTOPEN : sqlite3_open_v2(name, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            let error = StoreError(code: code, of: opened, path: path)
            sqlite3_close_v2(opened)
            throw error
        }
        self.path = path
        handle = opened
        self.busyTimeoutMilliseconds = busyTimeoutMilliseconds
        sqlite3_busy_timeout(handle, busyTimeoutMilliseconds)
    }

    deinit { close() }

    /// Nothing may be asked afterwards.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        for statement in statements.values { sqlite3_finalize(statement) }
        statements = [:]
        sqlite3_close_v2(handle)
    }

    /// <https://sqlite.org/uri.html>
    private static func immutableURI(_ path: String) -> String {
        var escaped = path
        for (mark, code) in [("%", "%25"), ("?", "%3f"), ("#", "%23")] {
            escaped = escaped.replacing(mark, with: code)
        }
        return (path.hasPrefix("/") ? "file://" : "file:") + escaped + "?immutable=1"
    }

    /// Another connection to nothing but memory.
    static func inMemory() throws(StoreError) -> Database {
        try Database(path: ":memory:", busyTimeoutMilliseconds: 0)
    }

    // MARK: Statements

    func rows<Result>(
        _ sql: String, _ values: [Value] = [], _ read: (Row) -> Result
    ) throws(StoreError) -> [Result] {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        try bind(values, to: statement)
        var results: [Result] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return results }
            guard code == SQLITE_ROW else { throw failure(code) }
            results.append(read(Row(statement: statement)))
        }
    }

    func row<Result>(
        _ sql: String, _ values: [Value] = [], _ read: (Row) -> Result
    ) throws(StoreError) -> Result? {
        try rows(sql, values, read).first
    }

    /// The first column of the first row.
    func integer(_ sql: String, _ values: [Value] = []) throws(StoreError) -> Int64? {
        try row(sql, values) { $0.integer(0) } ?? nil
    }

    /// - Returns: rows changed, those of triggers and foreign keys not counted.
    @discardableResult
    func run(_ sql: String, _ values: [Value] = []) throws(StoreError) -> Int {
        _ = try rows(sql, values) { _ in }
        lastWrite = .success(())
        return Int(sqlite3_changes(handle))
    }

    var lastInsertedID: Int64 { sqlite3_last_insert_rowid(handle) }

    /// Several statements without values, prepared for this once.
    func script(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    /// All of it or nothing. One within another is part of the outer one.
    ///
    /// Why IMMEDIATE: a transaction that begins by reading may find another writer in its way later, where
    /// waiting no longer helps.
    @discardableResult
    func transaction<Result>(
        isReading: Bool = false, _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard depth == 0 else { return try body() }
        try script(isReading ? "BEGIN" : "BEGIN IMMEDIATE")
        depth = 1
        defer { depth = 0 }
        do throws(StoreError) {
            let result = try body()
            try script("COMMIT")
            return result
        } catch {
            // Why asked: some failures have rolled back already.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// Copies everything into another database, as of one moment; writers go on meanwhile.
    func copy(into other: Database) throws(StoreError) {
        guard let backup = sqlite3_backup_init(other.handle, "main", handle, "main") else {
            throw other.failure(sqlite3_errcode(other.handle))
        }
        let code = sqlite3_backup_step(backup, -1)
        let final = sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else { throw failure(code) }
        guard final == SQLITE_OK else { throw other.failure(final) }
    }

    // MARK: Inside

    private func prepared(_ sql: String) throws(StoreError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var made: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
        guard code == SQLITE_OK, let made else { throw failure(code) }
        statements[sql] = made
        return made
    }

    private func bind(_ values: [Value], to statement: OpaquePointer) throws(StoreError) {
        precondition(Int(sqlite3_bind_parameter_count(statement)) == values.count, "values of a statement")
        for (index, value) in values.enumerated() {
            let position = Int32(index + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(statement, position)
                case .integer(let number): sqlite3_bind_int64(statement, position, number)
                case .text(let text): bind(text, at: position, of: statement)
                case .blob(let bytes): bind(bytes, at: position, of: statement)
                }
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }

    /// "Make a copy of your own" (`SQLITE_TRANSIENT`, a macro that is not imported).
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private func bind(_ text: String, at position: Int32, of statement: OpaquePointer) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            // Why not the bytes alone: nil would bind NULL for an empty text.
            guard let start = bytes.baseAddress, !bytes.isEmpty else {
                return sqlite3_bind_text(statement, position, "", 0, Database.transient)
            }
            return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                sqlite3_bind_text(statement, position, $0, Int32(bytes.count), Database.transient)
            }
        }
    }

    private func bind(_ bytes: [UInt8], at position: Int32, of statement: OpaquePointer) -> Int32 {
        guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, position, 0) }
        return sqlite3_bind_blob(statement, position, bytes, Int32(bytes.count), Database.transient)
    }

    private func failure(_ code: Int32) -> StoreError {
        let error = StoreError(code: code, of: handle, path: path)
        switch error {
        case .locked: hasMetLock = true
        case .diskFull, .readOnly, .permissionDenied: lastWrite = .failure(error)
        case .missing, .corrupt, .schemaTooNew, .schemaTooOld, .notAStore, .duplicate, .notFound, .ambiguous,
            .cannotSeal, .refused, .failed:
            break
        }
        return error
    }
}

/// The row that a statement has come to. Good until the next one.
struct Row {
    fileprivate let statement: OpaquePointer

    func integer(_ column: Int32) -> Int64? {
        sqlite3_column_type(statement, column) == SQLITE_NULL
            ? nil : sqlite3_column_int64(statement, column)
    }

    /// As it is stored; a fraction as its text.
    func value(_ column: Int32) -> Database.Value {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .integer(number(column))
        case SQLITE_BLOB: .blob(blob(column))
        case _: .text(text(column))
        }
    }

    /// NULL is 0.
    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    /// NULL is empty. What is not UTF-8 is repaired.
    func text(_ column: Int32) -> String { optionalText(column) ?? "" }

    func optionalText(_ column: Int32) -> String? {
        guard let start = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// NULL is empty.
    func blob(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(statement, column) else { return [] }
        return [UInt8](
            UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }
}
