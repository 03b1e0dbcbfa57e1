extension Store {
    /// Replaces one of the same name, which keeps its id and when it was made.
    /// - Throws: `.cannotSeal`; `.notFound`: no such user.
    public func setUpstreamKey(user: Int64, name: String, key: Secret, source: String) throws(StoreError)
        -> UpstreamKey
    {
        let stored: [UInt8]
        let masterKeyID: String?
        switch options.atRest {
        case .sealed(let master):
            stored = master.seal(key, context: Store.context(user, name))
            masterKeyID = master.id
        case .plain:
            stored = key.reveal()
            masterKeyID = nil
        case .refused:
            throw .cannotSeal(
                "no master key: set `encryption_key` of the store (`headgate db init --print-key` makes one)")
        }
        return try transaction { () throws(StoreError) -> UpstreamKey in
            try database.run(
                """
                INSERT INTO upstream_keys (user_id, name, key_encrypted, master_key_id, source, created_at, updated_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
                ON CONFLICT (user_id, name) DO UPDATE SET key_encrypted = excluded.key_encrypted,
                    master_key_id = excluded.master_key_id, source = excluded.source,
                    updated_at = excluded.updated_at, last_validated = NULL
                """,
                [
                    .integer(user), .text(name), .blob(stored), .of(masterKeyID), .text(source),
                    .integer(now),
                ])
            let found = try find("user_id = ? AND name = ?", [.integer(user), .text(name)])
            guard let set = found.first else { throw .notFound("upstream key of that name") }
            return set
        }
    }

    /// In order of creation.
    public func upstreamKeys(user: Int64) throws(StoreError) -> [UpstreamKey] {
        try find("user_id = ? ORDER BY id", [.integer(user)])
    }

    /// The key itself. - Throws: `.cannotSeal` where it cannot be opened.
    public func revealUpstreamKey(user: Int64, name: String) throws(StoreError) -> Secret? {
        let found = try database.row(
            "SELECT key_encrypted, master_key_id FROM upstream_keys WHERE user_id = ? AND name = ?",
            [.integer(user), .text(name)]
        ) { (stored: $0.blob(0), masterKeyID: $0.optionalText(1)) }
        guard let found else { return nil }
        return try open(found.stored, sealedWith: found.masterKeyID, user: user, name: name)
    }

    /// - Returns: false: there was none.
    public func deleteUpstreamKey(user: Int64, name: String) throws(StoreError) -> Bool {
        try database.run(
            "DELETE FROM upstream_keys WHERE user_id = ? AND name = ?", [.integer(user), .text(name)]) > 0
    }

    /// Ids of the master keys that something in the file is sealed with.
    public func masterKeyIDs() throws(StoreError) -> [String] {
        try database.rows(
            "SELECT DISTINCT master_key_id FROM upstream_keys WHERE master_key_id IS NOT NULL ORDER BY 1"
        ) { $0.text(0) }
    }

    /// What is not sealed is read as it is, so that encryption can be turned on later.
    func open(
        _ stored: [UInt8], sealedWith masterKeyID: String?, user: Int64, name: String
    ) throws(StoreError) -> Secret {
        guard let masterKeyID else { return Secret(stored) }
        guard case .sealed(let master) = options.atRest else {
            throw .cannotSeal("it is sealed with master key \(masterKeyID), and no `encryption_key` is set")
        }
        guard master.id == masterKeyID else {
            throw .cannotSeal("it is sealed with master key \(masterKeyID), not with \(master.id)")
        }
        return try master.open(stored, context: Store.context(user, name))
    }

    /// Binds a sealed key to its owner and name, so that rows cannot be swapped.
    private static func context(_ user: Int64, _ name: String) -> String { "upstream_keys/\(user)/\(name)" }

    private func find(_ condition: String, _ values: [Database.Value]) throws(StoreError) -> [UpstreamKey] {
        try database.rows(
            """
            SELECT id, user_id, name, source, created_at, updated_at, last_validated
            FROM upstream_keys WHERE \(condition)
            """, values
        ) { row in
            UpstreamKey(
                id: row.number(0), userID: row.number(1), name: row.text(2), source: row.text(3),
                createdAt: row.number(4), updatedAt: row.number(5), lastValidatedAt: row.integer(6))
        }
    }
}
