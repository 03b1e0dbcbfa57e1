extension Store {
    /// The credential itself is told here once and kept nowhere.
    ///
    /// A new session takes some that have long expired out of the file.
    /// - Throws: `.notFound`: no such user.
    public func createKey(_ new: NewClientKey) throws(StoreError) -> (key: ClientKey, credential: Secret) {
        try transaction { () throws(StoreError) -> (key: ClientKey, credential: Secret) in
            if new.kind == .session { try forgetExpiredSessions() }
            let (credential, shownPrefix) = Credential.make(prefix: new.prefix)
            try database.run(
                """
                INSERT INTO keys
                    (public_id, user_id, kind, name, shown_prefix, digest, rate_limit, models, expires_at, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(PublicID.uuid()), .integer(new.userID), .text(new.kind.rawValue), .text(new.name),
                    .text(shownPrefix), .blob(sha256(credential.reveal())),
                    .of(new.requestsPerMinute.map(Int64.init)), .of(Models.joined(new.models)),
                    .of(new.expiresAt), .integer(now),
                ])
            return (try key(database.lastInsertedID), credential)
        }
    }

    /// In order of creation. nil: of everybody.
    public func keys(ofUser user: Int64?) throws(StoreError) -> [ClientKey] {
        if let user { return try find("user_id = ? ORDER BY id", [.integer(user)]) }
        return try find("true ORDER BY id", [])
    }

    public func key(digest: [UInt8]) throws(StoreError) -> ClientKey? {
        try find("digest = ?", [.blob(digest)]).first
    }

    /// By public id, by the whole credential, or by the beginning of the credential as `list` shows it; a
    /// trailing `...` is ignored.
    /// - Throws: `.notFound`, `.ambiguous`; an empty prefix is not found.
    public func key(named prefix: String) throws(StoreError) -> ClientKey {
        var wanted = prefix[...]
        while let last = wanted.last, last == "." || last == "…" { wanted.removeLast() }
        let text = String(wanted)
        guard !text.isEmpty else { throw .notFound("key is named by an empty text") }
        if let whole = try key(digest: sha256(Array(text.utf8))) { return whole }
        if let exact = try find("public_id = ?", [.text(text)]).first { return exact }
        let found = try find(
            "substr(shown_prefix, 1, length(?1)) = ?1 ORDER BY id LIMIT \(Store.ambiguousMax)", [.text(text)])
        guard let first = found.first else { throw .notFound(try unknownKey(text)) }
        guard found.count == 1 else { throw .ambiguous(found.map { $0.shownPrefix + "..." }) }
        return first
    }

    /// Why not quoted whole: somebody may have pasted a key.
    private func unknownKey(_ text: String) throws(StoreError) -> String {
        let what = "key begins with \(text.prefix(16))\(text.count > 16 ? "..." : "")"
        let shorter = try find(
            "length(shown_prefix) > 0 AND substr(?1, 1, length(shown_prefix)) = shown_prefix LIMIT 1",
            [.text(text)]
        ).first
        guard let shown = shorter?.shownPrefix else { return what }
        return
            "\(what), as far as is known: name it by what `list` shows, the first \(shown.count) characters "
            + "(\(shown)...), or by the whole key"
    }

    /// One that is revoked already stays revoked from the earlier time on.
    /// - Parameter at: also in the future. nil: now.
    public func revokeKey(_ key: Int64, at time: Int64? = nil) throws(StoreError) {
        let sql = "UPDATE keys SET revoked_at = min(coalesce(revoked_at, ?1), ?1) WHERE id = ?2"
        guard try database.run(sql, [.integer(time ?? now), .integer(key)]) > 0 else {
            throw .notFound("such key")
        }
    }

    /// A new key like the old one, which goes on for `overlapSeconds`. One that expires is as long-lived as
    /// the old one was when it was new.
    /// - Throws: `.notFound`; `.failed`: it is revoked or has expired, so there is nothing to go on.
    public func rotateKey(_ key: Int64, overlapSeconds: Int64) throws(StoreError) -> (
        key: ClientKey, credential: Secret
    ) {
        try transaction { () throws(StoreError) -> (key: ClientKey, credential: Secret) in
            let old = try self.key(key)
            switch old.state(at: now) {
            case .revoked: throw .failed("the key is revoked; make a new one")
            case .expired: throw .failed("the key has expired; make a new one")
            case .active: try revokeKey(key, at: now.adding(max(0, overlapSeconds)))
            }
            return try createKey(
                NewClientKey(
                    userID: old.userID, kind: old.kind, name: old.name,
                    prefix: Credential.prefix(ofShown: old.shownPrefix),
                    expiresAt: old.expiresAt.map { now.adding($0.subtracting(old.createdAt)) },
                    requestsPerMinute: old.requestsPerMinute, models: old.models))
        }
    }

    /// Revokes the sessions of a user, not the keys.
    /// - Returns: how many there were.
    @discardableResult
    public func endSessions(ofUser user: Int64) throws(StoreError) -> Int {
        try database.run(
            """
            UPDATE keys SET revoked_at = ?1
            WHERE user_id = ?2 AND kind = 'session' AND coalesce(revoked_at > ?1, true)
            """, [.integer(now), .integer(user)])
    }

    /// Keys that are gone are passed over, and so are rows that somebody's own rules keep from being changed.
    /// Why: no other key's count has to wait for them. A count that is full stays so.
    public func recordUses(_ uses: [(key: Int64, count: Int64, lastUsedAt: Int64)]) throws(StoreError) {
        guard !uses.isEmpty else { return }
        try transaction { () throws(StoreError) in
            for use in uses { try record(use) }
        }
    }

    private func record(_ use: (key: Int64, count: Int64, lastUsedAt: Int64)) throws(StoreError) {
        do throws(StoreError) {
            try database.run(
                """
                UPDATE keys SET usage_count = min(usage_count, \(Int64.max) - ?1) + ?1,
                    last_used_at = max(coalesce(last_used_at, 0), ?2)
                WHERE id = ?3
                """, [.integer(use.count), .integer(use.lastUsedAt), .integer(use.key)])
        } catch {
            guard case .refused = error else { throw error }
        }
    }

    /// As many as `.ambiguous` lists.
    private static let ambiguousMax = 20
    /// Sessions are kept a day beyond their end, at most so many go at once.
    private static let expiredKeptSeconds: Int64 = 86_400
    private static let forgottenMax = 100

    private func forgetExpiredSessions() throws(StoreError) {
        try database.run(
            """
            DELETE FROM keys WHERE id IN (
                SELECT id FROM keys WHERE kind = 'session' AND expires_at < ? LIMIT \(Store.forgottenMax))
            """, [.integer(now - Store.expiredKeptSeconds)])
    }

    private func key(_ id: Int64) throws(StoreError) -> ClientKey {
        guard let key = try find("id = ?", [.integer(id)]).first else { throw .notFound("such key") }
        return key
    }

    private func find(_ condition: String, _ values: [Database.Value]) throws(StoreError) -> [ClientKey] {
        try database.rows(
            """
            SELECT id, public_id, user_id, kind, name, shown_prefix, created_at, expires_at, revoked_at, rate_limit,
                models, usage_count, last_used_at
            FROM keys WHERE \(condition)
            """, values, ClientKey.init)
    }
}

extension ClientKey {
    fileprivate init(_ row: Row) {
        self.init(
            id: row.number(0), publicID: row.text(1), userID: row.number(2), kind: Kind(row, 3),
            name: row.text(4), shownPrefix: row.text(5), createdAt: row.number(6), expiresAt: row.integer(7),
            revokedAt: row.integer(8), requestsPerMinute: row.integer(9).map { Int($0) },
            models: Models.list(row.optionalText(10)), usageCount: row.number(11),
            lastUsedAt: row.integer(12))
    }
}

extension Int64 {
    /// Why: times in a file that anybody may edit can be any number.
    fileprivate func adding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    fileprivate func subtracting(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}

extension ClientKey.Kind {
    /// Why without a failure: the table holds nothing else.
    init(_ row: Row, _ column: Int32) { self = row.text(column) == "session" ? .session : .key }
}

/// Models as one column holds them: one per line.
enum Models {
    static func joined(_ models: [String]) -> String? {
        models.isEmpty ? nil : models.joined(separator: "\n")
    }

    static func list(_ text: String?) -> [String] {
        text?.split(separator: "\n").map(String.init) ?? []
    }
}
