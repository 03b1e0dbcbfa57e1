import Glibc

extension Store {
    /// What is wrong with the file; empty: nothing.
    ///
    /// Pages and indexes (`PRAGMA integrity_check`), references between tables, the schema, whether sealed
    /// keys can be opened, who may read the file.
    public func check() throws(StoreError) -> [String] {
        do throws(StoreError) {
            return try damage() + strayRows() + schemaDifferences() + sealingProblems() + openFiles()
        } catch .corrupt(let detail) {
            return ["the file is damaged: \(detail)"]
        }
    }

    /// A whole copy (mode 0600), made while others write.
    /// - Throws: `.failed` where something stands at `target` already.
    public func backUp(to target: String) throws(StoreError) {
        // Why a placeholder: what comes to stand there meanwhile would be somebody's.
        guard try PrivateFile.create(target) else { throw .failed("\(target) is there already") }
        let aside = "\(target).\(PublicID.uuid().prefix(8)).partial"
        do throws(StoreError) {
            try copy(to: aside)
            guard rename(aside, target) == 0 else {
                throw StoreError(systemError: errno, path: target) ?? .failed(target)
            }
            try PrivateFile.synchronize(PrivateFile.folder(of: target))
        } catch {
            unlink(aside)
            unlink(target)
            throw error
        }
    }

    private func copy(to path: String) throws(StoreError) {
        guard try PrivateFile.create(path) else { throw .failed("\(path) is there already") }
        let copy = try Database(path: path, busyTimeoutMilliseconds: 0)
        defer { copy.close() }
        try database.copy(into: copy)
        // Why before: closing a descriptor of an open database would drop its locks.
        copy.close()
        try PrivateFile.synchronize(path)
    }

    private func damage() throws(StoreError) -> [String] {
        let lines = try database.rows("PRAGMA integrity_check(20)") { $0.text(0) }
        return lines == ["ok"] ? [] : lines.map { "the file is damaged: \($0)" }
    }

    private func strayRows() throws(StoreError) -> [String] {
        try database.rows("PRAGMA foreign_key_check") { row in
            "row \(row.number(1)) of \(row.text(0)) belongs to nobody in \(row.text(2))"
        }
    }

    /// Against what the migrations make of an empty file. What somebody has added is no difference.
    private func schemaDifferences() throws(StoreError) -> [String] {
        let fresh = try Database.inMemory()
        _ = try Schema.migrate(fresh)
        let found = try Store.objects(of: database)
        return try Store.objects(of: fresh).compactMap { wanted in
            guard let match = found.first(where: { $0.name == wanted.name }) else {
                return "\(wanted.kind) \(wanted.name) is missing"
            }
            return match.sql == wanted.sql ? nil : "\(wanted.kind) \(wanted.name) has been changed"
        }
    }

    private static func objects(
        of database: Database
    ) throws(StoreError) -> [(kind: String, name: String, sql: String)] {
        try database.rows("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name") {
            (kind: $0.text(0), name: $0.text(1), sql: $0.text(2))
        }
    }

    private func openFiles() throws(StoreError) -> [String] {
        ["", "-wal", "-shm"].compactMap { ending in
            guard let mode = PrivateFile.mode(path + ending), mode & 0o077 != 0 else { return nil }
            let digits = String(mode, radix: 8)
            return "\(path)\(ending) can be reached by others (mode \(digits)); `chmod 600` it"
        }
    }
}
