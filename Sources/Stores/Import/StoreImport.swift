/// Another program's records on their way into a store, within one transaction: users first, then what is
/// theirs.
struct StoreImport {
    let store: Store
    let replaces: Bool
    let passwordCostMax: Int
    /// What keys begin with that clients come in by; empty: with anything.
    let keyPrefixes: [String]
    private var report = ImportReport()
    /// Users of the store by their id in the source, which is not empty.
    private var owners: [String: User] = [:]
    /// Names of users of the source that are not taken, by id.
    private var strangers: [String: String] = [:]
    /// Ids that several users of the source have.
    private var repeated: Set<String> = []

    init(store: Store, replaces: Bool, passwordCostMax: Int, keyPrefixes: [String]) {
        self.store = store
        self.replaces = replaces
        self.passwordCostMax = passwordCostMax
        self.keyPrefixes = keyPrefixes
    }

    mutating func run(_ records: ImportedRecords) throws(StoreError) -> ImportReport {
        var seen: Set<String> = []
        for user in records.users where !user.sourceID.isEmpty && !seen.insert(user.sourceID).inserted {
            repeated.insert(user.sourceID)
        }
        for user in records.users { try take(user) }
        for (key, count) in StoreImport.lastOfEach(records.upstreamKeys) {
            try take(key, count == 1 ? nil : "the newest of \(count) there")
        }
        for key in records.clientKeys { try take(key) }
        return report
    }

    /// Of several keys of one user for one model the last, and how many there are.
    private static func lastOfEach(_ keys: [ImportedUpstreamKey]) -> [(ImportedUpstreamKey, Int)] {
        var indexes: [[String]: [Int]] = [:]
        for (index, key) in keys.enumerated() { indexes[[key.ownerID, key.name], default: []].append(index) }
        let last = indexes.values.compactMap { same in same.last.map { ($0, same.count) } }
        return last.sorted { $0.0 < $1.0 }.map { (keys[$0.0], $0.1) }
    }

    mutating func note(
        _ kind: ImportReport.Kind, _ name: String, _ outcome: ImportReport.Outcome, _ reason: String? = nil
    ) {
        report.items.append(.init(kind: kind, name: name, outcome: outcome, reason: reason))
    }

    // MARK: Users

    private mutating func take(_ user: ImportedUser) throws(StoreError) {
        let telegram = user.telegramID.map { "telegram \($0)" }
        let shown = user.username ?? user.email ?? telegram ?? "without a name"
        guard !repeated.contains(user.sourceID) else {
            return note(.user, shown, .conflict, "another user there has the same id")
        }
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
        if !user.sourceID.isEmpty { strangers[user.sourceID] = shown }
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
            let made = try store.createUser(checked.new)
            lend(user, to: made)
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

    /// Keys that name the user of the source are those of this one.
    private mutating func lend(_ user: ImportedUser, to ours: User) {
        // Why: a key that names nobody must not be anybody's.
        if !user.sourceID.isEmpty { owners[user.sourceID] = ours }
    }

    private mutating func compare(
        _ found: User, _ checked: CheckedUser, _ user: ImportedUser, _ shown: String
    ) throws(StoreError) {
        let ours = try store.passwordHash(of: .id(found.id))?.hash
        let theirs = checked.new.passwordHash
        let takesPassword = theirs != nil && theirs != ours
        var differences: [String] = []
        if takesPassword { differences.append("has \(ours == nil ? "no" : "another") password here") }
        if found.isActive != checked.new.isActive {
            differences.append("is disabled \(found.isActive ? "there" : "here")")
        }
        guard !differences.isEmpty else {
            lend(user, to: found)
            return note(.user, shown, .present)
        }
        let text = differences.joined(separator: " and ")
        guard replaces else {
            // Why without keys: it may be somebody else who has the same name here.
            let offer = takesPassword ? "takes the password" : "disables who is disabled in one of both"
            let reason = "\(text), which stays, and gets no keys from there; `--replace` \(offer)"
            return leave(user, shown, .conflict, reason)
        }
        lend(user, to: found)
        if takesPassword, let theirs {
            try store.setPasswordHash(found.id, theirs)
            try store.endSessions(ofUser: found.id)
        }
        let isDisabled = found.isActive && !checked.new.isActive
        if isDisabled { try store.setActive(found.id, false) }
        guard takesPassword || isDisabled else { return note(.user, shown, .present, "\(text), which stays") }
        let done = [
            takesPassword ? "the password; sessions have ended" : nil, isDisabled ? "is disabled now" : nil,
            found.isActive ? nil : "stays disabled",
        ]
        note(.user, shown, .replaced, done.compactMap { $0 }.joined(separator: "; "))
    }

    /// Of a key: a user of the source, or one of the store who has kept the id that the source gave.
    func owner(_ id: String) throws(StoreError) -> User? {
        if let owner = owners[id] { return owner }
        guard !id.isEmpty, strangers[id] == nil, !repeated.contains(id) else { return nil }
        let isOurForm =
            switch store.options.userIDs {
            case .uuid: PublicID.isUUID(id)
            case .objectid: PublicID.isObjectID(id)
            // Why: whoever is number 1 here need not be number 1 there.
            case .integer: false
            }
        return try isOurForm ? store.user(.publicID(id)) : nil
    }

    /// What a report calls an owner of the source.
    func shownOwner(_ id: String, _ user: User?) -> String { user?.shownName ?? strangers[id] ?? "?" }

    func absence(of id: String) -> String {
        if id.isEmpty { return "it does not say whose it is" }
        if repeated.contains(id) { return "several users there have the id that it names" }
        return strangers[id].map { "its user \($0) is left out" } ?? "its user is neither there nor here"
    }

    // MARK: Keys

    /// - Parameter remark: what there is to say about it in any case.
    private mutating func take(_ key: ImportedUpstreamKey, _ remark: String?) throws(StoreError) {
        let user = try owner(key.ownerID)
        let shown = "\(shownOwner(key.ownerID, user)): \(key.name)"
        func noteAs(_ outcome: ImportReport.Outcome, _ reason: String? = nil) {
            let reasons = [reason, remark].compactMap { $0 }
            note(.upstreamKey, shown, outcome, reasons.isEmpty ? nil : reasons.joined(separator: "; "))
        }
        guard let user else { return noteAs(.leftOut, absence(of: key.ownerID)) }
        if let problem = StoreImport.problem(key) { return noteAs(.leftOut, problem) }
        guard try store.upstreamKeys(user: user.id).contains(where: { $0.name == key.name }) else {
            try set(key, of: user)
            return noteAs(.made)
        }
        guard let problem = try difference(key, of: user) else { return noteAs(.present) }
        guard replaces else {
            return noteAs(.conflict, "\(problem), which stays; `--replace` takes this one")
        }
        try set(key, of: user)
        noteAs(.replaced)
    }

    /// Why there can be no such key; nil: there can.
    private static func problem(_ key: ImportedUpstreamKey) -> String? {
        let text = String(decoding: key.key.reveal(), as: UTF8.self)
        let nameRule = TextRule.name(max: 256)
        guard nameRule.accepts(key.name) else { return "the name must be \(nameRule.wanted)" }
        // Why: the beginning of a Fernet token, with which some of these programs encrypt.
        guard !text.hasPrefix("gAAAAA") else { return "is encrypted by the other program" }
        let rule = TextRule.upstreamKey(prefix: "", lengthMin: 1)
        return rule.accepts(text) ? nil : "the key must be \(rule.wanted)"
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
}

extension User {
    /// What people call the user.
    fileprivate var shownName: String {
        username ?? email ?? telegramID.map { "telegram \($0)" } ?? publicID
    }
}
