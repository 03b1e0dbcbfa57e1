import Glibc
import JSON

extension ImportedRecords {
    /// From an SQLite file of users and their keys for models, or from a folder with `users.json` and
    /// `api_keys.json`, or one such file. Never writes to them; SQLite may make `-shm` beside a file that
    /// has a `-wal`.
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
        let text = ForeignText.withoutMark(first)
        guard let mark = text.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            throw ImportError("\(file): is empty")
        }
        guard mark == UInt8(ascii: "[") || mark == UInt8(ascii: "{") else {
            throw ImportError("\(file): is neither an SQLite database nor JSON")
        }
        return try ForeignFiles.read(file: file)
    }

    /// Why so much: blanks may stand before the first bracket.
    static func beginning(of file: String) throws(FileReadError) -> [UInt8] {
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
    ///   - replaces: upstream keys and passwords that differ become those of the source; users and keys of
    ///     clients may do afterwards what they may both here and there.
    ///   - passwordCostMax: hashes that cost more are taken, and it is said that nobody can log in by them.
    ///   - keyPrefixes: it is said of keys that begin otherwise; empty: of none.
    ///   - isTrial: the report is the same, and nothing is changed. Works on a copy in memory: no writer
    ///     waits.
    /// - Throws: `.cannotSeal` where there are upstream keys and no master key, or none that opens a key that
    ///   is sealed here; then nothing is changed.
    public func importRecords(
        _ records: ImportedRecords, replaces: Bool, passwordCostMax: Int, keyPrefixes: [String] = [],
        isTrial: Bool
    ) throws(StoreError) -> ImportReport {
        let store = try isTrial ? Store(trialOf: self) : self
        return try store.transaction { () throws(StoreError) -> ImportReport in
            if !records.upstreamKeys.isEmpty { try store.refuseOtherMasterKey() }
            var work = StoreImport(
                store: store, replaces: replaces, passwordCostMax: passwordCostMax, keyPrefixes: keyPrefixes)
            return try work.run(records)
        }
    }

    /// Why: with a wrong master key in its place the right one would not be missed, and half of the keys in
    /// the file would open with neither alone.
    private func refuseOtherMasterKey() throws(StoreError) {
        guard case .sealed(let master) = options.atRest else { return }
        let known = [master.id] + options.previousMasterKeys.map(\.id)
        let used = try masterKeyIDs()
        guard !used.isEmpty, !used.contains(where: { known.contains($0) }) else { return }
        throw .cannotSeal(
            "the database holds keys that are sealed with master key \(used.joined(separator: " and ")), and "
                + "`encryption_key` is \(master.id), which opens none of them: put the right one back")
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

    /// Sets the bounds of a key that are given; one that is revoked stays so.
    func bound(
        _ key: Int64, expiresAt: Int64?, requestsPerMinute: Int64?, isRevoked: Bool
    ) throws(StoreError) {
        try database.run(
            "UPDATE keys SET expires_at = ?1, rate_limit = ?2 WHERE id = ?3",
            [.of(expiresAt), .of(requestsPerMinute), .integer(key)])
        if isRevoked { try revokeKey(key) }
    }

    /// A key that was made elsewhere, cut to what there can be. Of it only the digest is kept.
    func insertKey(_ key: ImportedClientKey, name: String, of user: User) throws(StoreError) {
        let credential = String(decoding: key.key.reveal(), as: UTF8.self)
        let isFree =
            try database.row(
                "SELECT 1 FROM keys WHERE public_id = ?", [.text(key.sourceID)], { _ in true }) == nil
        let publicID = PublicID.isUUID(key.sourceID) && isFree ? key.sourceID : PublicID.uuid()
        try database.run(
            """
            INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, rate_limit, metadata, expires_at,
                revoked_at, usage_count, last_used_at, created_at)
            VALUES (?, ?, 'key', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(publicID), .integer(user.id), .text(name),
                .text(Credential.shownPrefix(of: credential)), .blob(sha256(key.key.reveal())),
                .of(key.requestsPerMinute), .of(key.metadata), .of(key.expiresAt),
                .of(key.isActive == true ? nil : now), .integer(key.usageCount), .of(key.lastUsedAt),
                .integer(key.createdAt ?? now),
            ])
    }

    /// Whether no row has had this id before: an id is never given twice.
    func isUnusedUserID(_ id: Int64) throws(StoreError) -> Bool {
        let last = try database.integer("SELECT seq FROM sqlite_sequence WHERE name = 'users'") ?? 0
        return id > last
    }
}
