/// What upstream keys are sealed with, and how they come to be sealed with another.
extension Store {
    /// Ids of the master keys that something in the file is sealed with.
    public func masterKeyIDs() throws(StoreError) -> [String] {
        try database.rows(
            "SELECT DISTINCT master_key_id FROM upstream_keys WHERE master_key_id IS NOT NULL ORDER BY 1"
        ) { $0.text(0) }
    }

    /// Upstream keys that are sealed with another master key than the current one, or not at all.
    /// - Throws: `.cannotSeal`: there is no current one.
    public func countUpstreamKeysToReseal() throws(StoreError) -> Int {
        let master = try currentMasterKey()
        let count = try database.integer(
            "SELECT count(*) FROM upstream_keys WHERE master_key_id IS NOT ?1", [.text(master.id)])
        return Int(count ?? 0)
    }

    /// Seals with the current master key the next upstream keys that are sealed with another, or not at all.
    /// All of them or none: whoever stops in the middle goes on later. What cannot be opened stays as it is.
    ///
    /// The keys themselves, and when they were set, do not change.
    /// - Parameters:
    ///   - id: where the last call came to (`Resealing.last`); 0: from the beginning.
    ///   - limit: rows that are looked at, 1 or more.
    /// - Throws: `.cannotSeal`: there is no current master key.
    public func resealUpstreamKeys(after id: Int64 = 0, limit: Int) throws(StoreError) -> Resealing {
        let master = try currentMasterKey()
        return try transaction { () throws(StoreError) -> Resealing in
            let rows = try sealedRows(
                "id > ?1 AND master_key_id IS NOT ?2 ORDER BY id LIMIT ?3",
                [.integer(id), .text(master.id), .integer(Int64(limit))])
            var result = Resealing(last: rows.last?.id ?? id, isComplete: rows.count < limit)
            for row in rows {
                do throws(StoreError) {
                    let key = try open(row)
                    try database.run(
                        "UPDATE upstream_keys SET key_encrypted = ?2, master_key_id = ?3 WHERE id = ?1",
                        [
                            .integer(row.id), .blob(master.seal(key, context: row.context)),
                            .text(master.id),
                        ])
                    result.resealedCount += 1
                } catch {
                    guard case .cannotSeal(let why) = error else { throw error }
                    result.unopened.append(
                        Resealing.Unopened(id: row.id, userID: row.userID, name: row.name, reason: why))
                }
            }
            return result
        }
    }

    // MARK: Sealing and opening

    /// As it is to be stored. - Throws: `.cannotSeal`: there is no master key.
    func sealed(
        _ key: Secret, user: Int64?, name: String
    ) throws(StoreError) -> (stored: [UInt8], masterKeyID: String?) {
        switch options.atRest {
        case .sealed, .refused:
            let master = try currentMasterKey()
            return (master.seal(key, context: Store.context(user, name)), master.id)
        case .plain: return (key.reveal(), nil)
        }
    }

    /// What is not sealed is read as it is, so that encryption can be turned on later.
    /// - Throws: `.cannotSeal`.
    func open(
        _ stored: [UInt8], sealedWith masterKeyID: String?, user: Int64?, name: String
    ) throws(StoreError) -> Secret {
        guard let masterKeyID else { return Secret(stored) }
        var known = options.previousMasterKeys
        if case .sealed(let master) = options.atRest { known.insert(master, at: 0) }
        guard let master = known.first(where: { $0.id == masterKeyID }) else {
            let why =
                known.isEmpty
                ? "and there is no master key (`encryption_key`)"
                : "not with " + known.map(\.id).joined(separator: " or ")
            throw .cannotSeal("it is sealed with master key \(masterKeyID), \(why)")
        }
        return try master.open(stored, context: Store.context(user, name))
    }

    private func open(_ row: SealedRow) throws(StoreError) -> Secret {
        try open(row.stored, sealedWith: row.masterKeyID, user: row.userID, name: row.name)
    }

    private func currentMasterKey() throws(StoreError) -> MasterKey {
        switch options.atRest {
        case .sealed(let master): return master
        case .plain: throw .cannotSeal("`at_rest: plain` seals nothing")
        case .refused:
            throw .cannotSeal(
                "no master key: set `encryption_key` of the store (`headgate db init --print-key` makes one)")
        }
    }

    /// Binds a sealed key to its owner and name, so that rows cannot be swapped.
    fileprivate static func context(_ user: Int64?, _ name: String) -> String {
        "upstream_keys/\(user.map(String.init) ?? "shared")/\(name)"
    }

    // MARK: Findings

    /// Sealed keys that cannot be opened, or only with a previous master key, and what is not sealed.
    func sealingProblems() throws(StoreError) -> [String] {
        var problems: [String] = []
        var previous: [String: Int] = [:]
        for row in try sealedRows("true ORDER BY id", []) {
            if row.masterKeyID == nil, case .sealed = options.atRest {
                problems.append(
                    "upstream key \(row.id) is not encrypted; setting it again or `headgate key rotate-master` "
                        + "encrypts it")
            }
            do throws(StoreError) {
                _ = try open(row)
                if let id = row.masterKeyID, id != currentMasterKeyID { previous[id, default: 0] += 1 }
            } catch {
                problems.append("upstream key \(row.id) cannot be opened: \(error)")
            }
        }
        for (id, count) in previous.sorted(by: { $0.key < $1.key }) {
            let keys = count == 1 ? "1 upstream key is" : "\(count) upstream keys are"
            problems.append(
                "\(keys) sealed with previous master key \(id); `headgate key rotate-master` seals anew")
        }
        return problems
    }

    private var currentMasterKeyID: String? {
        guard case .sealed(let master) = options.atRest else { return nil }
        return master.id
    }

    private struct SealedRow {
        var id: Int64
        var userID: Int64?
        var name: String
        var stored: [UInt8]
        var masterKeyID: String?
        var context: String { Store.context(userID, name) }
    }

    private func sealedRows(
        _ condition: String, _ values: [Database.Value]
    ) throws(StoreError) -> [SealedRow] {
        try database.rows(
            "SELECT id, user_id, name, key_encrypted, master_key_id FROM upstream_keys WHERE \(condition)",
            values
        ) { row in
            SealedRow(
                id: row.number(0), userID: row.integer(1), name: row.text(2), stored: row.blob(3),
                masterKeyID: row.optionalText(4))
        }
    }
}
