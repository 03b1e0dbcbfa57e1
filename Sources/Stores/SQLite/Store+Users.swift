extension Store {
    /// - Throws: `.duplicate`, also for a username that differs from another's in case alone, or is another's
    ///   e-mail address, or the reverse: whoever reads or types it must mean one user.
    public func createUser(_ new: NewUser) throws(StoreError) -> User {
        guard new.username ?? new.email ?? new.telegramID != nil else {
            throw .failed("a user needs a username, an e-mail address or a telegram id")
        }
        return try transaction { () throws(StoreError) -> User in
            try refuseMixUp(new)
            try insert(new)
            let id = database.lastInsertedID
            if options.userIDs == .integer {
                try database.run("UPDATE users SET public_id = id WHERE id = ?", [.integer(id)])
            }
            return try existing(id)
        }
    }

    public func user(_ lookup: UserLookup) throws(StoreError) -> User? {
        try passwordHash(of: lookup)?.user
    }

    /// nil: no such user; `hash` nil: the user has no password.
    public func passwordHash(of lookup: UserLookup) throws(StoreError) -> (user: User, hash: String?)? {
        switch lookup {
        case .id(let id): return try find("id = ?", .integer(id))
        case .publicID(let id): return try find("public_id = ?", .text(id))
        case .username(let name): return try find("username = ?", .text(name))
        case .email(let address): return try find("email = ?", .text(address))
        case .telegramID(let id): return try find("telegram_id = ?", .text(id))
        case .login(let login):
            if let found = try find("username = ?", .text(login)) { return found }
            return try find("email = ?", .text(login))
        }
    }

    /// In order of creation.
    public func users() throws(StoreError) -> [User] {
        try database.rows("SELECT \(User.columns) FROM users ORDER BY id", [], User.init)
    }

    public func setActive(_ user: Int64, _ isActive: Bool) throws(StoreError) {
        try change(user, "is_active = ?", .integer(isActive ? 1 : 0))
    }

    /// Sessions go on: `endSessions` ends them.
    public func setPasswordHash(_ user: Int64, _ hash: String) throws(StoreError) {
        try change(user, "hashed_password = ?", .text(hash))
    }

    /// With keys, sessions and upstream keys.
    public func deleteUser(_ user: Int64) throws(StoreError) {
        guard try database.run("DELETE FROM users WHERE id = ?", [.integer(user)]) > 0 else {
            throw .notFound("such user")
        }
    }

    private func insert(_ new: NewUser) throws(StoreError) {
        let made = options.userIDs == .objectid ? PublicID.objectID(now: now) : PublicID.uuid()
        let createdAt = new.createdAt ?? now
        try database.run(
            """
            INSERT INTO users
                (id, public_id, username, email, telegram_id, hashed_password, is_active, created_at, updated_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .of(new.id), .text(new.publicID ?? made), .of(new.username), .of(new.email),
                .of(new.telegramID), .of(new.passwordHash), .integer(new.isActive ? 1 : 0),
                .integer(createdAt), .integer(new.updatedAt ?? createdAt),
            ])
    }

    private func refuseMixUp(_ new: NewUser) throws(StoreError) {
        if let name = new.username, try find("email = ?", .text(name)) != nil {
            throw .duplicate(field: name == new.email ? "email" : "username")
        }
        if let address = new.email, try find("username = ? COLLATE NOCASE", .text(address)) != nil {
            throw .duplicate(field: "email")
        }
    }

    private func existing(_ id: Int64) throws(StoreError) -> User {
        guard let user = try user(.id(id)) else { throw .notFound("such user") }
        return user
    }

    private func find(_ condition: String, _ value: Database.Value) throws(StoreError) -> (
        user: User, hash: String?
    )? {
        try database.row("SELECT \(User.columns), hashed_password FROM users WHERE \(condition)", [value]) {
            (user: User($0), hash: $0.optionalText(User.columnCount))
        }
    }

    private func change(_ user: Int64, _ what: String, _ value: Database.Value) throws(StoreError) {
        let sql = "UPDATE users SET \(what), updated_at = ? WHERE id = ?"
        guard try database.run(sql, [value, .integer(now), .integer(user)]) > 0 else {
            throw .notFound("such user")
        }
    }
}

extension User {
    fileprivate static let columns =
        "id, public_id, username, email, telegram_id, is_active, hashed_password IS NOT NULL, created_at, updated_at"
    fileprivate static let columnCount: Int32 = 9

    fileprivate init(_ row: Row) {
        self.init(
            id: row.number(0), publicID: row.text(1), username: row.optionalText(2),
            email: row.optionalText(3),
            telegramID: row.optionalText(4), isActive: row.number(5) != 0, hasPassword: row.number(6) != 0,
            createdAt: row.number(7), updatedAt: row.number(8))
    }
}

extension Database.Value {
    static func of(_ text: String?) -> Database.Value { text.map { .text($0) } ?? .null }
    static func of(_ number: Int64?) -> Database.Value { number.map { .integer($0) } ?? .null }
}
