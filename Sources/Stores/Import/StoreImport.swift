/// Another program's records on their way into a store, within one transaction: users first, then what is
/// theirs.
struct StoreImport {
    let store: Store
    let replaces: Bool
    let passwordCostMax: Int
    private var report = ImportReport()
    /// Users of the store by their id in the source.
    private var owners: [String: User] = [:]
    /// Names of users of the source that the store does not have, by id.
    private var strangers: [String: String] = [:]

    init(store: Store, replaces: Bool, passwordCostMax: Int) {
        self.store = store
        self.replaces = replaces
        self.passwordCostMax = passwordCostMax
    }

    mutating func run(_ records: ImportedRecords) throws(StoreError) -> ImportReport {
        for user in records.users { try take(user) }
        for key in StoreImport.lastOfEach(records.upstreamKeys) { try take(key) }
        for key in records.clientKeys { try take(key) }
        return report
    }

    /// Of several keys of one user for one model the last.
    private static func lastOfEach(_ keys: [ImportedUpstreamKey]) -> [ImportedUpstreamKey] {
        var last: [[String]: Int] = [:]
        for (index, key) in keys.enumerated() { last[[key.ownerID, key.name]] = index }
        return keys.enumerated().filter { last[[$1.ownerID, $1.name]] == $0 }.map(\.element)
    }

    private mutating func note(
        _ kind: ImportReport.Kind, _ name: String, _ outcome: ImportReport.Outcome, _ reason: String? = nil
    ) {
        report.items.append(.init(kind: kind, name: name, outcome: outcome, reason: reason))
    }

    // MARK: Users

    private mutating func take(_ user: ImportedUser) throws(StoreError) {
        let telegram = user.telegramID.map { "telegram \($0)" }
        let shown = user.username ?? user.email ?? telegram ?? "without a name"
        var checked = CheckedUser(user, passwordCostMax: passwordCostMax)
        guard let problem = checked.problem else {
            switch try standing(of: checked.new) {
            case .unknown: return try make(&checked, user, shown)
            case .known(let found): return try compare(found, checked, user, shown)
            case .mixed(let why): return leave(user, shown, .conflict, why)
            }
        }
        leave(user, shown, .leftOut, problem)
    }

    private mutating func leave(
        _ user: ImportedUser, _ shown: String, _ outcome: ImportReport.Outcome, _ reason: String
    ) {
        strangers[user.sourceID] = shown
        note(.user, shown, outcome, reason)
    }

    private enum Standing {
        case unknown
        case known(User)
        /// Not clear who that is here.
        case mixed(String)
    }

    /// Who of the store a user of the source is: whoever has one of the names, if no other name contradicts.
    private func standing(of new: NewUser) throws(StoreError) -> Standing {
        var found: [User] = []
        let lookups: [UserLookup?] = [
            new.username.map { .username($0) }, new.email.map { .email($0) },
            new.telegramID.map { .telegramID($0) }, new.publicID.map { .publicID($0) },
        ]
        for lookup in lookups.compactMap({ $0 }) {
            if let user = try store.user(lookup), !found.contains(user) { found.append(user) }
        }
        guard let user = found.first else { return .unknown }
        guard found.count == 1 else { return .mixed("its names are those of \(found.count) users here") }
        let pairs = [
            ("username", new.username, user.username),
            ("e-mail address", new.email?.lowercased(), user.email?.lowercased()),
            ("telegram id", new.telegramID, user.telegramID),
        ]
        for (what, theirs, ours) in pairs {
            if let theirs, let ours, theirs != ours {
                return .mixed("the user here who has one of its names has another \(what)")
            }
        }
        return .known(user)
    }

    private mutating func make(
        _ checked: inout CheckedUser, _ user: ImportedUser, _ shown: String
    ) throws(StoreError) {
        try giveID(&checked.new, user.sourceID)
        do throws(StoreError) {
            owners[user.sourceID] = try store.createUser(checked.new)
            note(.user, shown, .made, checked.remark)
        } catch .duplicate(let field) {
            // Why not found before: the store compares without case, and also names with addresses.
            let what = field.replacing("_", with: " ")
            leave(user, shown, .conflict, "somebody here has this \(what), perhaps in other letters")
        }
    }

    /// Where ids of the source are of the form that the store gives, they stay.
    private func giveID(_ new: inout NewUser, _ id: String) throws(StoreError) {
        switch store.options.userIDs {
        case .uuid: new.publicID = PublicID.isUUID(id) ? id : nil
        case .objectid: new.publicID = PublicID.isObjectID(id) ? id : nil
        case .integer:
            // Why a bound: ids go on counting from the highest.
            guard let number = Int64(id), (1...Int64(Int32.max)).contains(number),
                try store.isUnusedUserID(number)
            else { return }
            new.id = number
        }
    }

    private mutating func compare(
        _ found: User, _ checked: CheckedUser, _ user: ImportedUser, _ shown: String
    ) throws(StoreError) {
        owners[user.sourceID] = found
        let ours = try store.passwordHash(of: .id(found.id))?.hash
        guard let theirs = checked.new.passwordHash, theirs != ours else {
            return note(.user, shown, .present)
        }
        guard replaces else {
            return note(
                .user, shown, .conflict, "has another password here, which stays; `--replace` takes this one")
        }
        try store.setPasswordHash(found.id, theirs)
        try store.endSessions(ofUser: found.id)
        note(.user, shown, .replaced, "the password; sessions have ended")
    }

    /// Of a key: a user of the source, or one of the store that has the same id.
    private func owner(_ id: String) throws(StoreError) -> User? {
        if let owner = owners[id] { return owner }
        guard strangers[id] == nil, !id.isEmpty else { return nil }
        return try store.user(.publicID(id))
    }

    private func absence(of id: String) -> String {
        strangers[id].map { "its user \($0) is left out" } ?? "its user is neither there nor here"
    }

    // MARK: Keys

    private mutating func take(_ key: ImportedUpstreamKey) throws(StoreError) {
        let text = String(decoding: key.key.reveal(), as: UTF8.self)
        let user = try owner(key.ownerID)
        let shown = "\(user?.shownName ?? strangers[key.ownerID] ?? "?"): \(key.name)"
        guard let user else { return note(.upstreamKey, shown, .leftOut, absence(of: key.ownerID)) }
        guard TextRule.name(max: 256).accepts(key.name) else {
            return note(.upstreamKey, shown, .leftOut, "the name must be \(TextRule.name(max: 256).wanted)")
        }
        // Why: the beginning of a Fernet token, with which some of these programs encrypt.
        guard !text.hasPrefix("gAAAAA") else {
            return note(.upstreamKey, shown, .leftOut, "is encrypted by the other program")
        }
        let rule = TextRule.upstreamKey(prefix: "", lengthMin: 1)
        guard rule.accepts(text) else {
            return note(.upstreamKey, shown, .leftOut, "the key must be \(rule.wanted)")
        }
        guard try store.upstreamKeys(user: user.id).contains(where: { $0.name == key.name }) else {
            try set(key, of: user)
            return note(.upstreamKey, shown, .made)
        }
        let problem = try difference(key, of: user)
        guard let problem else { return note(.upstreamKey, shown, .present) }
        guard replaces else {
            return note(.upstreamKey, shown, .conflict, "\(problem), which stays; `--replace` takes this one")
        }
        try set(key, of: user)
        note(.upstreamKey, shown, .replaced)
    }

    private func set(_ key: ImportedUpstreamKey, of user: User) throws(StoreError) {
        let stored = try store.setUpstreamKey(user: user.id, name: key.name, key: key.key, source: "manual")
        try store.setTimes(ofUpstreamKey: stored.id, createdAt: key.createdAt, updatedAt: key.updatedAt)
    }

    /// nil: the same is there.
    private func difference(_ key: ImportedUpstreamKey, of user: User) throws(StoreError) -> String? {
        do throws(StoreError) {
            let ours = try store.revealUpstreamKey(user: user.id, name: key.name)
            return ours?.reveal() == key.key.reveal() ? nil : "another key is there"
        } catch .cannotSeal {
            return "a key is there that cannot be opened"
        }
    }

    private static let keyBytes = 16...512

    private mutating func take(_ key: ImportedClientKey) throws(StoreError) {
        let text = String(decoding: key.key.reveal(), as: UTF8.self)
        let isKey =
            StoreImport.keyBytes.contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        let user = try owner(key.ownerID)
        let beginning = isKey ? Credential.shownPrefix(of: text) + "..." : "no key"
        let shown = "\(user?.shownName ?? strangers[key.ownerID] ?? "?"): \(beginning)"
        guard let user else { return note(.clientKey, shown, .leftOut, absence(of: key.ownerID)) }
        guard isKey else {
            let wanted = "\(StoreImport.keyBytes.lowerBound) to \(StoreImport.keyBytes.upperBound)"
            return note(.clientKey, shown, .leftOut, "a key must be \(wanted) printable ASCII characters")
        }
        guard key.expiry != .unreadable else {
            return note(.clientKey, shown, .leftOut, "its `expires_at` cannot be read")
        }
        if let found = try store.key(digest: sha256(key.key.reveal())) {
            guard found.userID == user.id else {
                return note(.clientKey, shown, .conflict, "belongs to somebody else here")
            }
            return note(.clientKey, shown, .present)
        }
        let rule = TextRule.name(max: 100)
        let name = key.name.flatMap { rule.accepts($0) ? $0 : nil }
        try store.insertKey(key, name: name ?? "default", of: user)
        let isRenamed = key.name != nil && name == nil
        let remark = isRenamed ? "is called `default` now: a name must be \(rule.wanted)" : nil
        note(.clientKey, shown, .made, key.isActive ? remark : "revoked, as it was")
    }
}

extension User {
    /// What people call the user.
    fileprivate var shownName: String {
        username ?? email ?? telegramID.map { "telegram \($0)" } ?? publicID
    }
}
