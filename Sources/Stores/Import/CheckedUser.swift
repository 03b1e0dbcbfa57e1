/// A user of another program, as a store may have them.
struct CheckedUser {
    var new = NewUser()
    /// Why there can be no such user; nil: there can.
    private(set) var problem: String?
    /// What is not as it was.
    private var remarks: [String] = []

    var remark: String? { remarks.isEmpty ? nil : remarks.joined(separator: "; ") }

    /// - Parameter passwordCostMax: bcrypt's, of hashes that logins compare with.
    init(_ user: ImportedUser, passwordCostMax: Int) {
        new.isActive = user.isActive ?? false
        new.createdAt = user.createdAt
        new.updatedAt = user.updatedAt
        takeNames(user)
        takePassword(user.passwordHash, passwordCostMax)
        if user.isActive != true {
            let isEmpty = user.isActive == nil
            remarks.append(isEmpty ? "disabled: its `is_active` is empty" : "disabled, as it was")
        }
        guard problem == nil else { return }
        if new.username ?? new.email ?? new.telegramID == nil {
            problem = "it has neither a username nor an e-mail address nor a telegram id"
        }
    }

    private mutating func takeNames(_ user: ImportedUser) {
        let rule = TextRule.username(1...64)
        if let name = user.username, !name.isEmpty {
            if TextRule.email.accepts(name) {
                new.email = name
            } else if !rule.accepts(name) {
                problem = "the username must be \(rule.wanted), or an e-mail address"
            }
            new.username = name
        }
        if let address = user.email, !address.isEmpty {
            if TextRule.email.accepts(address) {
                new.email = address
            } else {
                remarks.append("without its e-mail address, which is none")
            }
        }
        if let id = user.telegramID, !id.isEmpty {
            if TextRule.telegramID.accepts(id) {
                new.telegramID = id
            } else {
                remarks.append("without its telegram id, which must be \(TextRule.telegramID.wanted)")
            }
        }
    }

    private mutating func takePassword(_ hash: String?, _ costMax: Int) {
        guard let hash, !hash.isEmpty else { return }
        guard let cost = PasswordHash.cost(of: hash) else {
            return remarks.append("without its password, whose hash is not bcrypt")
        }
        new.passwordHash = hash
        if cost > costMax {
            remarks.append(
                "cannot log in: its hash has the cost \(cost), and logins compute \(costMax) at most; raise "
                    + "`password_cost`, or set a new password")
        }
    }
}
