import Glibc

/// An SQLite file of another program with users and the keys that they store for models.
///
/// The tables are found by their columns, because their names differ: one with `id`, `username` and a hash of
/// the password, and perhaps one with `user_id`, `model_name` and `api_key`. The file is read as of one
/// moment and never written, also while the other program has it open. Only then does SQLite itself need a
/// `-shm` beside it.
struct ForeignDatabase {
    private let database: Database

    static func read(_ path: String) throws(ImportError) -> ImportedRecords {
        if isAtRest(path) {
            let records = try read(path, .immutable)
            // Why asked again: somebody may have begun to write meanwhile.
            if isAtRest(path) { return records }
        }
        return try read(path, .readOnly)
    }

    /// In WAL mode without a WAL: nobody has it open. To read it like any other, SQLite would make one.
    private static func isAtRest(_ path: String) -> Bool {
        // Why: SQLite keeps them beside the file itself.
        guard let real = realpath(path, nil) else { return false }
        defer { free(real) }
        let file = String(cString: real)
        guard access(file + "-wal", F_OK) != 0, access(file + "-journal", F_OK) != 0,
            let first = try? ImportedRecords.beginning(of: file), first.count > readVersionOffset
        else { return false }
        return first[readVersionOffset] == walVersion
    }

    /// <https://sqlite.org/fileformat.html#file_format_version_numbers>
    private static let readVersionOffset = 19
    private static let walVersion: UInt8 = 2

    private static func read(
        _ path: String, _ access: Database.Access
    ) throws(ImportError) -> ImportedRecords {
        do throws(StoreError) {
            // Why so long: a person waits, and the other program may be busy.
            let database = try Database(path: path, busyTimeoutMilliseconds: 5000, access: access)
            defer { database.close() }
            for pragma in ["query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"] {
                try database.script("PRAGMA \(pragma)")
            }
            return try database.transaction(isReading: true) { () throws(StoreError) in
                try ForeignDatabase(database: database).records()
            }
        } catch {
            throw ImportError("\(path): \(problem(error))")
        }
    }

    private static func problem(_ error: StoreError) -> String {
        switch error {
        case .missing: "no such file"
        case .locked: "the other program holds it; stop that, or try again"
        case .corrupt(let detail): detail
        case .permissionDenied: "permission denied"
        case .diskFull, .readOnly, .schemaTooNew, .schemaTooOld, .notAStore, .duplicate, .notFound,
            .ambiguous, .cannotSeal, .refused, .failed:
            "\(error)"
        }
    }

    // MARK: Tables

    private struct Table {
        let name: String
        /// As the file writes them, by lower case.
        let columns: [String: String]

        /// The first of the names that is there.
        func column(_ names: [String]) -> String? { names.lazy.compactMap { columns[$0] }.first }
    }

    private static let hashNames = ["hashed_password", "password_hash", "password"]
    private static let keyNames = ["api_key", "api_key_encrypted", "encrypted_key", "key"]
    private static let modelNames = ["model_name", "model", "provider"]

    private func records() throws(StoreError) -> ImportedRecords {
        guard try database.integer("PRAGMA application_id") != Schema.applicationID else {
            throw .failed("it is a store of headgate's already; `headgate db backup` copies one")
        }
        let tables = try tables()
        let users = tables.filter {
            $0.column(["id"]) != nil && $0.column(["username"]) != nil
                && $0.column(ForeignDatabase.hashNames) != nil
        }
        let keys = tables.filter {
            $0.column(["user_id"]) != nil && $0.column(ForeignDatabase.modelNames) != nil
                && $0.column(ForeignDatabase.keyNames) != nil
        }
        guard let userTable = try single(users, "users") else {
            let names = tables.map(\.name).joined(separator: ", ")
            throw .failed(
                "it has no table with the columns id, username and hashed_password"
                    + (names.isEmpty ? "; it has no tables at all" : "; its tables: \(names)"))
        }
        var records = ImportedRecords()
        records.users = try self.users(userTable)
        if let keyTable = try single(keys, "keys") {
            records.upstreamKeys = try self.keys(keyTable)
        } else {
            records.notes.append("it has no table with the columns user_id, model_name and api_key: no keys")
        }
        return records
    }

    private func tables() throws(StoreError) -> [Table] {
        let names = try database.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        ) { $0.text(0) }
        var tables: [Table] = []
        for name in names {
            let columns = try database.rows("SELECT name FROM pragma_table_info(?)", [.text(name)]) {
                $0.text(0)
            }
            let byLowercase = columns.map { ($0.lowercased(), $0) }
            tables.append(
                Table(name: name, columns: Dictionary(byLowercase, uniquingKeysWith: { first, _ in first })))
        }
        return tables
    }

    private func single(_ tables: [Table], _ what: String) throws(StoreError) -> Table? {
        guard tables.count <= 1 else {
            let names = tables.map(\.name).joined(separator: ", ")
            throw .failed("it has several tables that may be its \(what): \(names)")
        }
        return tables.first
    }

    // MARK: Rows

    private static let rowsMax = 1_000_000
    /// Of one value; what is longer counts as none.
    private static let valueBytesMax = 8192

    /// - Parameters:
    ///   - columns: nil: the table has none such, which reads as NULL.
    ///   - order: what rows are sorted by, least first.
    private func rows(
        _ table: Table, _ columns: [String?], by order: [String?]
    ) throws(StoreError) -> [[Database.Value]] {
        let list = columns.map { column in
            guard let column else { return "NULL" }
            let name = ForeignDatabase.quoted(column)
            let limit = ForeignDatabase.valueBytesMax
            return "CASE WHEN length(CAST(\(name) AS BLOB)) <= \(limit) THEN \(name) END"
        }
        let order = order.compactMap { $0 }.joined(separator: ", ")
        let rows = try database.rows(
            """
            SELECT \(list.joined(separator: ", ")) FROM \(ForeignDatabase.quoted(table.name))
            \(order.isEmpty ? "" : "ORDER BY \(order)") LIMIT \(ForeignDatabase.rowsMax + 1)
            """
        ) { row in columns.indices.map { row.value(Int32($0)) } }
        guard rows.count <= ForeignDatabase.rowsMax else {
            throw .failed("\(table.name) has more than \(ForeignDatabase.rowsMax) rows")
        }
        return rows
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }

    /// The first of the columns that is there and not NULL in a row.
    private static func firstValue(_ columns: [String?]) -> String? {
        let names = columns.compactMap { $0 }.map { quoted($0) }
        // Why: the function takes two or more.
        return names.count < 2 ? names.first : "coalesce(\(names.joined(separator: ", ")))"
    }

    private func users(_ table: Table) throws(StoreError) -> [ImportedUser] {
        let columns = [
            table.column(["id"]), table.column(["username"]), table.column(["email"]),
            table.column(ForeignDatabase.hashNames), table.column(["is_active", "active"]),
            table.column(["created_at"]), table.column(["updated_at"]),
        ]
        let saysActive = columns[4] != nil
        let order = [ForeignDatabase.firstValue([columns[0]])]
        return try rows(table, columns, by: order).map { row in
            var user = ImportedUser(sourceID: row[0].foreignText ?? "")
            user.username = row[1].foreignText
            user.email = row[2].foreignText
            user.passwordHash = row[3].foreignText
            user.isActive = saysActive ? row[4].foreignFlag : true
            user.createdAt = row[5].foreignTime
            user.updatedAt = row[6].foreignTime
            return user
        }
    }

    private func keys(_ table: Table) throws(StoreError) -> [ImportedUpstreamKey] {
        let columns = [
            table.column(["user_id"]), table.column(ForeignDatabase.modelNames),
            table.column(ForeignDatabase.keyNames), table.column(["created_at"]),
            table.column(["updated_at"]),
        ]
        // Why by time: of several for one model the last one counts.
        let order = [
            ForeignDatabase.firstValue([columns[4], columns[3]]),
            ForeignDatabase.firstValue([table.column(["id"])]),
        ]
        return try rows(table, columns, by: order).map { row in
            ImportedUpstreamKey(
                ownerID: row[0].foreignText ?? "", name: row[1].foreignText ?? "",
                key: Secret(row[2].foreignText ?? ""), createdAt: row[3].foreignTime,
                updatedAt: row[4].foreignTime)
        }
    }
}

extension Database.Value {
    /// nil: NULL, or bytes that are no text.
    fileprivate var foreignText: String? {
        switch self {
        case .null: nil
        case .integer(let number): String(number)
        case .text(let text): text
        case .blob(let bytes): String(validating: bytes, as: UTF8.self)
        }
    }

    /// nil: NULL.
    fileprivate var foreignFlag: Bool? {
        switch self {
        case .null: nil
        case .integer(let number): number != 0
        case .text(let text): ForeignText.flag(text)
        case .blob: false
        }
    }

    fileprivate var foreignTime: Int64? {
        switch self {
        case .null, .blob: nil
        case .integer(let number): ForeignTime.seconds(number)
        case .text(let text): ForeignTime.seconds(text)
        }
    }
}
