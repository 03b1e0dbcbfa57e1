import CSQLite
import Glibc

extension StoreError {
    /// What an SQLite result code means here.
    ///
    /// - Parameters:
    ///   - code: extended (<https://sqlite.org/rescode.html>).
    ///   - handle: the connection that has just given it; nil: none could be made.
    init(code: Int32, of handle: OpaquePointer?, path: String) {
        // Why first: what is asked below may change it.
        let lastError = errno
        let message =
            handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
        var systemError = handle.map(sqlite3_system_errno) ?? 0
        // Why: SQLite forgets it where a write was cut short by a limit. Others are not believed, because
        // they may be from a call before that was expected to fail.
        if systemError == 0, [ENOSPC, EDQUOT, EFBIG].contains(lastError) { systemError = lastError }
        self =
            switch code {
            case headgate_sqlite_readonly_directory: .permissionDenied(path: path)
            // Why: the file was unlinked or renamed under the connection.
            case headgate_sqlite_readonly_dbmoved: .missing(path: path)
            case headgate_sqlite_constraint_unique: StoreError(uniqueness: message)
            case headgate_sqlite_constraint_foreignkey: .notFound("such user")
            case _: StoreError(primary: code & 0xFF, message: message, systemError: systemError, path: path)
            }
    }

    private init(primary code: Int32, message: String, systemError: Int32, path: String) {
        self =
            switch code {
            case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: .locked
            case SQLITE_FULL: .diskFull
            case SQLITE_CONSTRAINT: .refused("\(path): \(message)")
            case SQLITE_READONLY: .readOnly
            case SQLITE_PERM, SQLITE_AUTH: .permissionDenied(path: path)
            case SQLITE_NOTADB: .corrupt("it is not an SQLite file")
            case SQLITE_CORRUPT: .corrupt(message)
            case SQLITE_CANTOPEN, SQLITE_IOERR:
                StoreError(systemError: systemError, path: path) ?? .failed("\(path): \(message)")
            case _: .failed("\(path): \(message)")
            }
    }

    /// What a failed call for the file at `path` means; nil: none failed.
    init?(systemError code: Int32, path: String) {
        switch code {
        case 0: return nil
        case ENOSPC, EDQUOT, EFBIG: self = .diskFull
        case EROFS: self = .readOnly
        case EACCES, EPERM: self = .permissionDenied(path: path)
        case ENOENT: self = .missing(path: path)
        case _: self = .failed("\(path): \(String(cString: strerror(code)))")
        }
    }

    /// `UNIQUE constraint failed: users.username`
    private init(uniqueness message: String) {
        let column = message.split(separator: ".").last.map(String.init) ?? ""
        self = message.contains(": users.") ? .duplicate(field: column) : .failed(message)
    }
}
