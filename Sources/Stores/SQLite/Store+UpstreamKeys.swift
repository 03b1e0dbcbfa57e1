/// Keys for upstreams. Each belongs to a user, or, where `user` is nil, to all callers.
extension Store {
    /// Replaces one of the same name, which keeps its id and when it was made.
    /// - Throws: `.cannotSeal`; `.notFound`: no such user.
    @discardableResult
    public func setUpstreamKey(user: Int64?, name: String, key: Secret, source: String) throws(StoreError)
        -> UpstreamKey
    {
        let sealed = try sealed(key, user: user, name: name)
        return try transaction { () throws(StoreError) -> UpstreamKey in
            try database.run(
                """
                INSERT INTO upstream_keys (user_id, name, key_encrypted, master_key_id, source, created_at, updated_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
                ON CONFLICT (coalesce(user_id, 0), name) DO UPDATE SET key_encrypted = excluded.key_encrypted,
                    master_key_id = excluded.master_key_id, source = excluded.source,
                    updated_at = excluded.updated_at, last_validated = NULL
                """,
                [
                    .of(user), .text(name), .blob(sealed.stored), .of(sealed.masterKeyID), .text(source),
                    .integer(now),
                ])
            let found = try find("\(Store.owned) AND name = ?2", [.of(user), .text(name)])
            guard let set = found.first else { throw .notFound("upstream key of that name") }
            return set
        }
    }

    /// In order of creation.
    public func upstreamKeys(user: Int64?) throws(StoreError) -> [UpstreamKey] {
        try find("\(Store.owned) ORDER BY id", [.of(user)])
    }

    /// Of everybody, in order of creation.
    public func allUpstreamKeys() throws(StoreError) -> [UpstreamKey] {
        try find("true ORDER BY id", [])
    }

    /// The key itself. - Throws: `.cannotSeal` where it cannot be opened.
    public func revealUpstreamKey(user: Int64?, name: String) throws(StoreError) -> Secret? {
        try upstreamKey(user: user, among: [name])?.1
    }

    /// The first of `names` that the user has a key by, or that there is a shared key by.
    /// - Throws: `.cannotSeal` where it cannot be opened: no later name stands in for it.
    public func upstreamKey(
        user: Int64?, among names: [String]
    ) throws(StoreError) -> (UpstreamKey, Secret)? {
        guard !names.isEmpty else { return nil }
        let list = names.indices.map { "(\($0), ?\($0 + 2))" }.joined(separator: ", ")
        let found = try database.row(
            """
            WITH wanted (place, name) AS (VALUES \(list))
            SELECT \(Store.columns), key_encrypted, master_key_id FROM wanted JOIN upstream_keys USING (name)
            WHERE \(Store.owned) ORDER BY place LIMIT 1
            """, [.of(user)] + names.map { .text($0) }
        ) { (key: UpstreamKey($0), stored: $0.blob(7), masterKeyID: $0.optionalText(8)) }
        guard let found else { return nil }
        let key = try open(
            found.stored, sealedWith: found.masterKeyID, user: found.key.userID, name: found.key.name)
        return (found.key, key)
    }

    /// The upstream has accepted it now. That is no change of the key.
    /// - Returns: false: there is none.
    @discardableResult
    public func noteUpstreamKeyValidated(user: Int64?, name: String) throws(StoreError) -> Bool {
        try database.run(
            "UPDATE upstream_keys SET last_validated = ?3 WHERE \(Store.owned) AND name = ?2",
            [.of(user), .text(name), .integer(now)]) > 0
    }

    /// - Returns: false: there was none.
    public func deleteUpstreamKey(user: Int64?, name: String) throws(StoreError) -> Bool {
        try database.run(
            "DELETE FROM upstream_keys WHERE \(Store.owned) AND name = ?2", [.of(user), .text(name)]) > 0
    }

    /// All of one user, or all shared ones.
    /// - Returns: how many there were.
    public func deleteUpstreamKeys(user: Int64?) throws(StoreError) -> Int {
        try database.run("DELETE FROM upstream_keys WHERE \(Store.owned)", [.of(user)])
    }

    /// Those of every user and the shared ones.
    /// - Returns: how many there were.
    public func deleteAllUpstreamKeys() throws(StoreError) -> Int {
        try database.run("DELETE FROM upstream_keys")
    }

    /// As the unique index has it.
    private static let owned = "coalesce(user_id, 0) = coalesce(?1, 0)"

    fileprivate static let columns =
        "id, user_id, name, source, created_at, updated_at, last_validated"

    private func find(_ condition: String, _ values: [Database.Value]) throws(StoreError) -> [UpstreamKey] {
        try database.rows("SELECT \(Store.columns) FROM upstream_keys WHERE \(condition)", values) {
            UpstreamKey($0)
        }
    }
}

extension UpstreamKey {
    /// - Parameter row: begins with the seven columns of `Store.columns`.
    fileprivate init(_ row: Row) {
        self.init(
            id: row.number(0), userID: row.integer(1), name: row.text(2), source: row.text(3),
            createdAt: row.number(4), updatedAt: row.number(5), lastValidatedAt: row.integer(6))
    }
}
