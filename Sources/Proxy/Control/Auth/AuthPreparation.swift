import CLinux
import Config
import Glibc
import Stores

/// One preparation of the entries of `auth:` and the stores for a configuration.
struct AuthPreparation {
    let loaded: LoadedConfig
    let places: DiagnosticPlaces
    /// What is served meanwhile: what means the same is taken from here.
    let served: AuthSet
    let trigger: Reload.Trigger
    let mailboxes: Mailboxes
    let limits: LimitRegistry
    /// false: only looks whether they are there, for `check`.
    let opensStores: Bool
    var set = AuthSet()

    init(
        loaded: LoadedConfig, places: DiagnosticPlaces, served: AuthSet, trigger: Reload.Trigger,
        mailboxes: Mailboxes, limits: LimitRegistry, opensStores: Bool = true
    ) {
        self.loaded = loaded
        self.places = places
        self.served = served
        self.trigger = trigger
        self.mailboxes = mailboxes
        self.limits = limits
        self.opensStores = opensStores
    }

    mutating func run() -> AuthSet {
        for config in loaded.config.stores { prepare(config) }
        for config in loaded.config.auth { prepare(config) }
        warnOfOpenRoutes()
        return set
    }

    // MARK: - Stores

    private mutating func prepare(_ config: StoreConfig) {
        let steps: [ConfigStep] = [.key("stores"), .key(config.name)]
        var atRest = Store.Options.AtRest.refused
        do throws(StoreError) {
            atRest = try self.atRest(config)
        } catch { fail(steps + [.key("encryption_key")], error.description) }
        let previousKeys = self.previousMasterKeys(config, steps)
        let path = Path.absolute(config.path, in: loaded.folder)
        let identity = StoreEntry.Identity(
            path: path, userIDs: config.userIDs, storesPlain: config.storesPlain,
            keyID: atRest.keyID, previousKeyIDs: previousKeys.map(\.id), passwordCost: config.passwordCost)
        warnIfReadable(path, config.path, steps + [.key("sqlite")])
        if let known = served.stores[config.name], known.identity == identity {
            set.stores[config.name] = known
            return
        }
        let options = Store.Options(
            userIDs: Store.Options.UserIDs(config.userIDs), atRest: atRest, previousMasterKeys: previousKeys)
        do throws(SystemError) {
            let keeper = try StoreKeeper(
                path: path, options: options, passwordCost: config.passwordCost, display: config.path,
                mailboxes: mailboxes)
            let entry = StoreEntry(name: config.name, identity: identity, keeper: keeper)
            set.stores[config.name] = entry
            guard opensStores else {
                let exists = FileSignature(path) != nil
                if !exists, !config.isCreated {
                    warn(steps + [.key("sqlite")], "\(StoreError.missing(path: config.path))")
                }
                return
            }
            guard make(config, at: path, steps) else { return }
            try keeper.start(migrates: trigger == .start)
            set.newStores.append(entry)
            let opened = keeper.ask { opened in opened.map { _ in true } }
            if case .failure(let error) = opened { fail(steps + [.key("sqlite")], error.description) }
        } catch { fail(steps, error.description) }
    }

    /// Makes the file of a store with `create` that has none.
    /// - Returns: false: it is missing, and cannot be made.
    private mutating func make(_ config: StoreConfig, at path: String, _ steps: [ConfigStep]) -> Bool {
        guard config.isCreated, FileSignature.isMissing(path) else { return true }
        do throws(StoreError) {
            // Why: elsewhere a folder that is not there is a path that is wrong.
            if !config.path.hasPrefix("/") { try PrivateFile.prepareFolder(of: path) }
            try Store.prepare(path)
            Log.info("made \(config.path), an empty database")
            return true
        } catch {
            fail(steps + [.key("sqlite")], error.description)
            return false
        }
    }

    private func atRest(_ config: StoreConfig) throws(StoreError) -> Store.Options.AtRest {
        if config.storesPlain { return .plain }
        guard let text = config.encryptionKey else { return .refused }
        return .sealed(try MasterKey(loaded.secret(text)))
    }

    /// What is not one is told and left out.
    private mutating func previousMasterKeys(_ config: StoreConfig, _ steps: [ConfigStep]) -> [MasterKey] {
        var keys: [MasterKey] = []
        for (index, text) in config.previousEncryptionKeys.enumerated() {
            do throws(StoreError) {
                keys.append(try MasterKey(loaded.secret(text)))
            } catch { fail(steps + [.key("previous_encryption_keys"), .index(index)], error.description) }
        }
        return keys
    }

    // MARK: - Entries

    private mutating func prepare(_ config: AuthConfig) {
        set.maxStale[config.name] = nanoseconds(config.maxStale)
        switch config.mode {
        case .none(_, let ignores):
            adopt(config, .open, mode: .open(ignoresCredentials: ignores)) { _ in .none }
        case .envKey(let keys): prepare(config, keys)
        case .tokenFile(let path): prepare(config, tokenFile: path)
        case .userKeys(let keys): prepare(config, keys)
        case .jwt(let jwt): prepare(config, jwt)
        }
    }

    private mutating func prepare(_ config: AuthConfig, _ keys: EnvKeyConfig) {
        let found = EnvironmentKeys.find(keys, in: loaded.environment)
        let wanted = found.map { caller(config.name, $0) }
        adopt(config, .envKey(found.map(\.digest)), mode: .keys) { callers in
            for caller in wanted { callers.put(caller) }
            return .environment
        }
        decideWhetherOpen(config, isUnconfigured: found.isEmpty)
    }

    /// Whoever stays the same stays the same object.
    private func caller(_ name: String, _ key: EnvironmentKeys.Key) -> Caller {
        if let entry = served.entries[name], case .environment = entry.source,
            let known = entry.callers.find(key.digest), known.label.text == key.variable
        {
            return known
        }
        return Caller(digest: key.digest, label: PlanText(key.variable))
    }

    private mutating func prepare(_ config: AuthConfig, tokenFile path: String) {
        let absolute = Path.absolute(path, in: loaded.folder)
        let steps: [ConfigStep] = [.key("auth"), .key(config.name), .key("file")]
        let isKept = served.entries[config.name].map { $0.identity == .tokenFile(path: absolute) } ?? false
        do throws(SystemError) {
            let entry: AuthEntry
            if isKept, let known = served.entries[config.name] {
                entry = known
            } else {
                let callers = CallerIndex()
                let source = try TokenFileSource(
                    path: absolute, display: path, callers: callers, mailboxes: mailboxes)
                entry = AuthEntry(
                    name: config.name, modeName: "token-file", identity: .tokenFile(path: absolute),
                    callers: callers, source: .tokenFile(source))
                set.newEntries.append(entry)
            }
            add(entry, config, .keys)
            guard case .tokenFile(let source) = entry.source else { return }
            decideWhetherOpen(config, isUnconfigured: source.isUnconfigured(isNew: !isKept))
            warnIfReadable(absolute, path, steps)
            if !set.open.contains(config.name), let problem = source.state.problem {
                let advice = "`headgate token create` makes the first token"
                let isMissing = source.state.standing == .gone
                warn(steps, "\(path): \(problem.text); \(isMissing ? advice : "nobody new is let in by it")")
            }
        } catch { fail(steps, error.description) }
    }

    private mutating func prepare(_ config: AuthConfig, _ keys: UserKeysConfig) {
        // Where the store is missing, that has been told.
        guard let store = set.stores[keys.store] else { return }
        let identity = AuthEntry.Identity.userKeys(
            store: ObjectIdentifier(store.keeper), acceptsKeys: keys.acceptsKeys,
            acceptsSessions: keys.acceptsSessions, ignoresOwnLimits: keys.ignoresOwnLimits)
        var problem: StoreError?
        let attaches = opensStores && set.isGood
        adopt(config, identity, mode: .keys) { callers in
            let audience = KeyAudience(
                callers, acceptsKeys: keys.acceptsKeys, acceptsSessions: keys.acceptsSessions,
                ignoresOwnLimits: keys.ignoresOwnLimits)
            if attaches, case .failure(let error) = store.keeper.attach(audience) { problem = error }
            return .store(store.keeper, audience)
        }
        if let problem { fail([.key("auth"), .key(config.name), .key("store")], problem.description) }
    }

    /// Takes the entry that is served where it means the same, or makes one.
    private mutating func adopt(
        _ config: AuthConfig, _ identity: AuthEntry.Identity, mode: AuthPlan.Mode,
        _ source: (CallerIndex) -> AuthEntry.Source
    ) {
        if let known = served.entries[config.name], known.identity == identity {
            return add(known, config, mode)
        }
        let callers = CallerIndex()
        let entry = AuthEntry(
            name: config.name, modeName: config.mode.name, identity: identity, callers: callers,
            source: source(callers))
        set.newEntries.append(entry)
        add(entry, config, mode)
    }

    mutating func add(_ entry: AuthEntry, _ config: AuthConfig, _ mode: AuthPlan.Mode) {
        let store = config.mode.store.flatMap { set.stores[$0] }
        set.entries[config.name] = entry
        set.plans[config.name] = AuthPlan(
            name: config.name, mode: mode, callers: entry.callers, schemes: CredentialSchemes(config),
            rejectStatus: UInt16(clamping: config.rejectStatus), cutsOnRevoke: config.cutsOnRevoke,
            userStore: store.map { ObjectIdentifier($0.keeper) }, keyPrefixes: config.mode.keyPrefixes,
            ownMeasure: limits.ownMeasure(of: config.name),
            userSubjectBase: store.map { LimitSubject(name: $0.identity.path) } ?? .everybody)
    }

    // MARK: - `when_unconfigured`

    /// Why not on a change of a file: a file that is gone for a moment must not open a door. What stood open
    /// may be closed by one.
    private mutating func decideWhetherOpen(_ config: AuthConfig, isUnconfigured: Bool) {
        let wasOpen = served.entries[config.name]?.isOpen ?? false
        let mayOpen: Bool =
            switch trigger {
            case .start, .signal, .request: true
            case .file: wasOpen
            }
        if config.allowsWhenUnconfigured, isUnconfigured, mayOpen { set.open.insert(config.name) }
    }

    private mutating func warnOfOpenRoutes() {
        for config in loaded.config.auth where set.open.contains(config.name) {
            let routes = loaded.config.routes.filter { route in
                route.auth.contains(config.name) && route.auth.allSatisfy { set.open.contains($0) }
            }
            guard !routes.isEmpty else { continue }
            let names = routes.prefix(5).map { "routes[\($0.index)]" }.joined(separator: ", ")
            let more = routes.count > 5 ? " and \(routes.count - 5) more" : ""
            set.openRoutes[config.name] = names + more
            warn(
                [.key("auth"), .key(config.name), .key("when_unconfigured")],
                "EVERYBODY IS LET IN at \(names)\(more): no key is configured. Configure one, or write "
                    + "`deny`")
        }
    }

    // MARK: - Telling

    mutating func fail(_ steps: [ConfigStep], _ message: String) {
        set.diagnostics.append(places.error(steps, message))
    }

    mutating func warn(_ steps: [ConfigStep], _ message: String) {
        let warning = places.warning(steps, message)
        set.diagnostics.append(warning)
        set.warnings.append(warning)
    }

    private mutating func warnIfReadable(_ path: String, _ display: String, _ steps: [ConfigStep]) {
        guard let mode = SecretFileMode.readableByOthers(path) else { return }
        warn(steps, SecretFileMode.warning(display, mode))
    }
}

extension AuthSet {
    var isGood: Bool { !diagnostics.contains { $0.severity == .error } }
}

extension AuthConfig.Mode {
    /// What its credentials begin with, one or the other; empty: with anything.
    fileprivate var keyPrefixes: [[UInt8]] {
        guard case .userKeys(let keys) = self else { return [] }
        let prefixes =
            (keys.acceptsKeys ? [keys.prefix] : [])
            + (keys.acceptsSessions ? [BoundAction.sessionPrefix] : [])
        return prefixes.map { Array($0.utf8) }
    }
}

extension Store.Options.AtRest {
    fileprivate var keyID: String? {
        switch self {
        case .sealed(let key): key.id
        case .plain, .refused: nil
        }
    }
}

extension Store.Options.UserIDs {
    init(_ config: StoreConfig.UserIDs) {
        switch config {
        case .uuid: self = .uuid
        case .objectid: self = .objectid
        case .integer: self = .integer
        }
    }
}
