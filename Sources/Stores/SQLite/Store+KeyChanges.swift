extension Store {
    /// What whoever keeps keys in memory has to know, as of one moment.
    /// - Parameter version: of the last call; nil: everything.
    public func keyChanges(since version: Int64?) throws(StoreError) -> KeyChanges {
        try database.transaction(isReading: true) { () throws(StoreError) -> KeyChanges in
            let newest = try database.integer("SELECT seq FROM sqlite_sequence WHERE name = 'changes'") ?? 0
            // Why also for a version of the future: the file is an older copy, put back.
            guard let version, version <= newest, try isKept(after: version, newest: newest) else {
                return KeyChanges(
                    version: newest, changed: try rows("true", []), removed: [], users: try userIDs(),
                    isComplete: true)
            }
            if version == newest {
                return KeyChanges(version: newest, changed: [], removed: [], users: [], isComplete: false)
            }
            return try changes(since: version, newest)
        }
    }

    private func changes(since version: Int64, _ newest: Int64) throws(StoreError) -> KeyChanges {
        let since = Database.Value.integer(version)
        // Why two: a condition with OR would read every key.
        let changed = ["id IN (SELECT key_id \(Store.since))", "user_id IN (SELECT user_id \(Store.since))"]
        let keys = try rows("k.\(changed[0])", [since])
        let ofUsers = try rows("k.\(changed[1])", [since])
        let known = Set(keys.map(\.id))
        var removed = try database.rows(
            """
            SELECT DISTINCT gone_digest \(Store.since) AND gone_digest IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM keys WHERE digest = gone_digest)
            """, [since]
        ) { $0.blob(0) }
        // Why: without foreign keys, the shell can give a key to nobody.
        for condition in changed {
            removed += try database.rows(
                """
                SELECT digest FROM keys
                WHERE \(condition) AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = user_id)
                """, [since]
            ) { $0.blob(0) }
        }
        let users = try database.rows(
            "SELECT DISTINCT user_id FROM changes WHERE sequence > ? AND user_id IS NOT NULL", [since]
        ) { $0.number(0) }
        return KeyChanges(
            version: newest, changed: keys + ofUsers.filter { !known.contains($0.id) }, removed: removed,
            users: users, isComplete: false)
    }

    private static let since = "FROM changes WHERE sequence > ?"

    /// Whether no change after `version` has been dropped from the log.
    private func isKept(after version: Int64, newest: Int64) throws(StoreError) -> Bool {
        guard version < newest else { return true }
        guard let oldest = try database.integer("SELECT min(sequence) FROM changes") else { return false }
        return oldest <= version + 1
    }

    private func userIDs() throws(StoreError) -> [Int64] {
        try database.rows("SELECT id FROM users ORDER BY id") { $0.number(0) }
    }

    private func rows(_ condition: String, _ values: [Database.Value]) throws(StoreError) -> [KeyRow] {
        try database.rows(
            """
            SELECT k.id, k.user_id, k.kind, k.digest, coalesce(u.username, u.email, u.public_id) || '/' || k.name,
                k.expires_at, k.revoked_at, u.is_active, k.rate_limit, k.models
            FROM keys k JOIN users u ON u.id = k.user_id
            WHERE \(condition)
            """, values
        ) { row in
            KeyRow(
                id: row.number(0), userID: row.number(1), kind: ClientKey.Kind(row, 2), digest: row.blob(3),
                label: row.text(4), expiresAt: row.integer(5), revokedAt: row.integer(6),
                isUserActive: row.number(7) != 0, requestsPerMinute: row.integer(8).map { Int($0) },
                models: Models.list(row.optionalText(9)))
        }
    }
}
