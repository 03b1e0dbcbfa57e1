import Glibc
import JSON

extension ImportedRecords {
    /// From an SQLite file of users and their keys for models, or from a folder with `users.json` and
    /// `api_keys.json`, or one such file. Never writes there.
    public init(path: String) throws(ImportError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ImportError("\(path): \(String(cString: strerror(errno)))")
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: self = try ForeignFiles.read(folder: path)
        case S_IFREG: self = try ImportedRecords.read(file: path)
        case _: throw ImportError("\(path): is neither a file nor a folder")
        }
    }

    private static func read(file: String) throws(ImportError) -> ImportedRecords {
        let first: [UInt8]
        do throws(FileReadError) { first = try beginning(of: file) } catch {
            throw ImportError("\(file): \(error)")
        }
        // <https://sqlite.org/fileformat.html#magic_header_string>
        if first.starts(with: "SQLite format 3\0".utf8) { return try ForeignDatabase.read(file) }
        guard let mark = first.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            throw ImportError("\(file): is empty")
        }
        guard mark == UInt8(ascii: "[") || mark == UInt8(ascii: "{") else {
            throw ImportError("\(file): is neither an SQLite database nor JSON")
        }
        return try ForeignFiles.read(file: file)
    }

    /// Why so much: blanks may stand before the first bracket.
    private static func beginning(of file: String) throws(FileReadError) -> [UInt8] {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed(errno: errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .failed(errno: errno) }
        return Array(bytes[..<count])
    }
}

extension Store {
    /// Takes over what there is a place for, all of it in one transaction. Doing it again changes nothing:
    /// what is there already is left alone.
    /// - Parameters:
    ///   - replaces: upstream keys and passwords that differ become those of the source.
    ///   - passwordCostMax: hashes that cost more are taken, and it is said that nobody can log in by them.
    ///   - isTrial: the report is the same, and nothing is changed.
    /// - Throws: `.cannotSeal` where there are upstream keys and no master key; then nothing is changed.
    public func importRecords(
        _ records: ImportedRecords, replaces: Bool, passwordCostMax: Int, isTrial: Bool
    ) throws(StoreError) -> ImportReport {
        try database.transaction(isTrial: isTrial) { () throws(StoreError) in
            var work = StoreImport(store: self, replaces: replaces, passwordCostMax: passwordCostMax)
            return try work.run(records)
        }
    }

    /// Of keys that have just been stored, and of another program's making.
    func setTimes(
        ofUpstreamKey id: Int64, createdAt: Int64?, updatedAt: Int64?
    ) throws(StoreError) {
        try database.run(
            """
            UPDATE upstream_keys
            SET created_at = coalesce(?1, created_at), updated_at = coalesce(?2, ?1, updated_at) WHERE id = ?3
            """, [.of(createdAt), .of(updatedAt), .integer(id)])
    }

    /// A key that was made elsewhere. Of it only the digest is kept.
    func insertKey(_ key: ImportedClientKey, name: String, of user: User) throws(StoreError) {
        var expiresAt: Int64?
        if case .at(let time) = key.expiry { expiresAt = time }
        let credential = String(decoding: key.key.reveal(), as: UTF8.self)
        let isFree =
            try database.row(
                "SELECT 1 FROM keys WHERE public_id = ?", [.text(key.sourceID)], { _ in true }) == nil
        let publicID = PublicID.isUUID(key.sourceID) && isFree ? key.sourceID : PublicID.uuid()
        let limit = key.requestsPerMinute.flatMap { $0 > 0 ? $0 : nil }
        try database.run(
            """
            INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, rate_limit, metadata, expires_at,
                revoked_at, usage_count, last_used_at, created_at)
            VALUES (?, ?, 'key', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(publicID), .integer(user.id), .text(name),
                .text(Credential.shownPrefix(of: credential)), .blob(sha256(key.key.reveal())), .of(limit),
                .of(key.metadata), .of(expiresAt), .of(key.isActive ? nil : now),
                .integer(key.usageCount), .of(key.lastUsedAt), .integer(key.createdAt ?? now),
            ])
    }

    /// Whether no row has had this id before: an id is never given twice.
    func isUnusedUserID(_ id: Int64) throws(StoreError) -> Bool {
        let last = try database.integer("SELECT seq FROM sqlite_sequence WHERE name = 'users'") ?? 0
        return id > last
    }
}
