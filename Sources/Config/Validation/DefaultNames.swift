/// Fills in the names that a file may leave out where only one entry can be meant: the `store` of users, the
/// `jwt` entry that signs, the `user-keys` entry whose keys are made.
struct DefaultNames {
    private var config: GatewayConfig
    private let reading: Reading
    private let signers: [String]
    /// Names of `user-keys` entries by their store, and all of them under "".
    private var keys: [String: [String]] = [:]
    /// Stores of `user-keys` entries by their names.
    private var stores: [String: String] = [:]

    init(_ config: GatewayConfig, _ reading: Reading) {
        self.config = config
        self.reading = reading
        signers = config.auth.filter(\.mode.signs).map(\.name)
    }

    /// With every name that can be told; what cannot be told has been noted.
    static func fill(_ config: GatewayConfig, _ reading: Reading) -> GatewayConfig {
        var names = DefaultNames(config, reading)
        names.fillAuth()
        names.fillActions()
        return names.config
    }

    private mutating func fillAuth() {
        for (index, entry) in config.auth.enumerated() {
            guard case .userKeys(var entryKeys) = entry.mode else { continue }
            if entryKeys.store.isEmpty {
                entryKeys.store = onlyStore(for: .key(.key(.root, "auth"), entry.name))
                config.auth[index].mode = .userKeys(entryKeys)
            }
            keys["", default: []].append(entry.name)
            if !entryKeys.store.isEmpty { keys[entryKeys.store, default: []].append(entry.name) }
            stores[entry.name] = entryKeys.store
        }
    }

    private mutating func fillActions() {
        for (index, route) in config.routes.enumerated() {
            guard case .action(var action) = route.action else { continue }
            fill(&action, at: .key(Validation.path(of: route), "action"))
            config.routes[index].action = .action(action)
        }
    }

    private func fill(_ action: inout ActionConfig, at path: ConfigPath) {
        switch action.kind {
        case .generateKey(var rules):
            if rules.keys.isEmpty { rules.keys = onlyKeys(of: action.store, for: path) }
            if action.store.isEmpty { action.store = stores[rules.keys] ?? "" }
            action.kind = .generateKey(rules)
            return
        case .validateKey(var keys):
            if keys.isEmpty { keys = onlyKeys(of: "", for: path) }
            action.store = stores[keys] ?? ""
            action.kind = .validateKey(keys: keys)
            return
        case .login(var login):
            fill(&login.issues, at: path)
            action.kind = .login(login)
        case .register(var register):
            if var issues = register.issues {
                fill(&issues, at: path)
                register.issues = issues
            }
            action.kind = .register(register)
        case .keyStatus(let upstream):
            if action.store.isEmpty { action.store = keyStore(of: upstream) }
        case .limits, .models, .health, .openapi, .docs: return
        case .me, .protected, .setAPIKey, .listAPIKeys, .deleteAPIKey: break
        }
        if action.store.isEmpty { action.store = onlyStore(for: path) }
    }

    private func fill(_ issues: inout IssueConfig, at path: ConfigPath) {
        guard case .jwt("") = issues else { return }
        issues = .jwt(
            auth: only(
                "jwt", of: signers, for: path,
                none: (
                    "no auth entry has `mode: jwt` with a `secret`", "define one, or write `issues: session`"
                ),
                section: "auth"))
    }

    /// Where the upstream's keys of users are; "" where that cannot be told.
    private func keyStore(of name: String) -> String {
        config.upstreams.first { $0.name == name }?.key?.chain?.store ?? ""
    }

    private func onlyStore(for path: ConfigPath) -> String {
        only(
            "store", of: config.stores.map(\.name), for: path,
            none: ("`stores` is empty", "add `stores: { main: headgate.db }`"), section: "stores")
    }

    private func onlyKeys(of store: String, for path: ConfigPath) -> String {
        let inside = store.isEmpty ? "" : " and `store: \(store)`"
        return only(
            "keys", of: keys[store] ?? [], for: path,
            none: ("no auth entry has `mode: user-keys`\(inside)", "define one"), section: "auth")
    }

    /// The one candidate; "" where there is none or several, which is noted.
    private func only(
        _ key: String, of candidates: [String], for path: ConfigPath, none: (message: String, hint: String),
        section: String
    ) -> String {
        if candidates.count == 1 { return candidates[0] }
        // Why: what could not be read may be the one that is meant.
        guard reading.isSound(path), reading.isSound(.key(.root, section)), !reading.isFull else { return "" }
        let list = candidates.prefix(20).map { "`\($0)`" }.joined(separator: ", ")
        let reason = candidates.isEmpty ? none.message : "it may be any of \(list)"
        let hint = candidates.isEmpty ? none.hint : "add `\(key): \(candidates[0])`, or another of them"
        reading.note(
            .error, "`\(key)` is missing in \(path.text): \(reason)", hint: hint,
            at: reading.keySpan(of: path), path: path)
        return ""
    }
}

extension AuthConfig.Mode {
    /// Has what tokens are signed with.
    var signs: Bool {
        guard case .jwt(let jwt) = self, case .secret = jwt.key else { return false }
        return true
    }

    /// The store whose users come in by it; nil: callers are no users.
    public var store: String? {
        switch self {
        case .jwt(let jwt): jwt.store
        case .userKeys(let keys): keys.store
        case .none, .envKey, .tokenFile: nil
        }
    }
}
