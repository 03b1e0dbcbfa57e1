/// Names resolve, and what is defined is used.
extension Validation {
    func checkReferences() {
        let listeners = Defined("listener", "listeners", config.listeners.map(\.name))
        let auth = Defined("auth", "auth", config.auth.map(\.name))
        let upstreams = Defined("upstream", "upstreams", config.upstreams.map(\.name))
        let limits = Defined("limit", "limits", config.limits.map(\.name))
        let stores = Defined("store", "stores", config.stores.map(\.name))
        for entry in config.auth {
            let path = ConfigPath.key(.key(.root, "auth"), entry.name)
            if let store = entry.mode.store {
                check([store], in: stores, at: .key(path, "store"), isList: false)
            }
        }
        if let usage = config.usage {
            let path = ConfigPath.key(.root, "usage")
            check([usage.store], in: stores, at: written("store", of: path), isList: false)
        }
        checkTargets(in: upstreams)
        checkChains(in: stores)
        for route in config.routes {
            let path = Self.path(of: route)
            check(route.listeners, in: listeners, at: .key(path, "listener"))
            check(route.auth, in: auth, at: .key(path, "auth"))
            check(route.limits, in: limits, at: .key(path, "limits"))
            switch route.action {
            case .respond, .models: break
            case .upstream(let name): check([name], in: upstreams, at: .key(path, "to"), isList: false)
            case .action(let action):
                let place = ConfigPath.key(path, "action")
                // Why only if written: what was left out has been filled in from what is defined.
                if reading.node(at: .key(place, "store")) != nil {
                    check([action.store], in: stores, at: .key(place, "store"), isList: false)
                }
                if case .limits(let names) = action.kind {
                    check(names, in: limits, at: .key(place, "of"))
                }
                if case .login(let login) = action.kind, let sync = login.sync {
                    let whole = ConfigPath.key(place, "sync")
                    check([sync.upstream], in: upstreams, at: written("upstream", of: whole), isList: false)
                }
                if case .keyStatus(let upstream) = action.kind {
                    let place = written("upstream", of: place)
                    check([upstream], in: upstreams, at: place, isList: false)
                }
                if let (key, name) = action.authName {
                    check([name], in: auth, at: .key(place, key), isList: false)
                }
            }
        }
    }

    private func checkTargets(in upstreams: Defined) {
        for model in config.models {
            for (index, target) in model.targets.enumerated() {
                check([target.upstream], in: upstreams, at: place(of: index, in: model), isList: false)
            }
        }
    }

    private func checkChains(in stores: Defined) {
        for upstream in config.upstreams {
            let sources = ConfigPath.key(Self.keyPath(of: upstream), "first_of")
            for (index, source) in (upstream.key?.chain?.sources ?? []).enumerated() {
                guard case .database(let store) = source else { continue }
                let place = ConfigPath.key(.index(sources, index), "database")
                check([store], in: stores, at: place, isList: false)
            }
        }
    }

    /// The path of a key, or of the value that stands for a mapping of nothing but it.
    func written(_ key: String, of path: ConfigPath) -> ConfigPath {
        reading.node(at: .key(path, key)) == nil ? path : .key(path, key)
    }

    private struct Defined {
        let kind: String
        let section: String
        let names: [String]
        let set: Set<String>
        init(_ kind: String, _ section: String, _ names: [String]) {
            (self.kind, self.section, self.names, self.set) = (kind, section, names, Set(names))
        }
    }

    private func check(_ names: [String], in defined: Defined, at path: ConfigPath, isList: Bool = true) {
        var seen: Set<String> = []
        for (index, name) in names.enumerated() where !name.isEmpty && !reading.isFull {
            let place = isList ? reading.entryPath(path, index) : path
            guard reading.isSound(place) else { continue }
            if !seen.insert(name).inserted {
                reading.note(
                    .error, "\(shown(name, at: place)) is listed twice", at: reading.span(of: place),
                    path: place)
            }
            guard !defined.set.contains(name) else { continue }
            let list =
                defined.names.prefix(20).joined(separator: ", ") + (defined.names.count > 20 ? ", …" : "")
            let known = defined.names.isEmpty ? "`\(defined.section)` is empty" : "defined: \(list)"
            let hint = usesVariable(at: place) ? nil : Suggestion.hint(for: name, among: defined.names)
            let message = "\(defined.kind) \(shown(name, at: place)) is not defined (\(known))"
            reading.note(.error, message, hint: hint, at: reading.span(of: place), path: place)
        }
    }

    /// Why: a name may have come from a variable, or be a key put in the wrong place; neither is printed.
    private func shown(_ name: String, at path: ConfigPath) -> String {
        if usesVariable(at: path) { return "made from `${…}`" }
        let isSecret = reading.node(at: path).map(reading.mustHide) ?? false
        return isSecret ? "that is not shown" : Quoting.quoted(name)
    }

    func checkUnused() {
        let routes = config.routes
        if config.listeners.isEmpty {
            warnMissing("listeners", "no listener is defined: nothing can connect")
        }
        if routes.isEmpty { warnMissing("routes", "no route is defined: every request gets 404") }
        // Why: a name that is misspelt where it is used would be called unused where it is defined.
        guard reading.isSound(.key(.root, "routes")) else { return }
        let actions = routes.compactMap { route in
            if case .action(let action) = route.action { action } else { nil }
        }
        let auth = usedAuth.union(actions.compactMap { $0.authName?.name })
        for entry in config.auth where !auth.contains(entry.name) && !isChosen(by: "auth", \.auth) {
            warnUnused("auth", entry.name)
        }
        let routed = routes.contains { $0.action == .models } ? modelUpstreams : []
        let upstreams = Set(
            routes.compactMap(\.action.upstream) + routed + actions.compactMap(\.keyUpstream))
        let isUpstreamChosen = isChosen(by: "to") { [$0.action.upstream].compactMap(\.self) }
        for entry in config.upstreams where !upstreams.contains(entry.name) && !isUpstreamChosen {
            warnUnused("upstreams", entry.name)
        }
        let limits = Set(routes.flatMap(\.limits))
        for entry in config.limits where !limits.contains(entry.name) && !isChosen(by: "limits", \.limits) {
            warnUnused("limits", entry.name)
        }
        warnUnusedStores(actions)
        guard !routes.isEmpty, routes.allSatisfy({ !$0.listeners.isEmpty }) else { return }
        let listeners = Set(routes.flatMap(\.listeners))
        for entry in config.listeners where !listeners.contains(entry.name) {
            warnUnused("listeners", entry.name)
        }
    }

    /// A variable chooses among entries: those that it does not name now are there for another time.
    private func isChosen(by key: String, _ names: (RouteConfig) -> [String]) -> Bool {
        config.routes.contains { route in
            let path = ConfigPath.key(Self.path(of: route), key)
            return names(route).indices.contains { usesVariable(at: reading.entryPath(path, $0)) }
        }
    }

    private func warnUnusedStores(_ actions: [ActionConfig]) {
        guard reading.isSound(.key(.root, "auth")) else { return }
        guard reading.isSound(.key(.root, "usage")) else { return }
        guard reading.isSound(.key(.root, "upstreams")) else { return }
        let named =
            actions.map(\.store) + config.auth.compactMap(\.mode.store)
            + config.upstreams.compactMap { $0.key?.chain?.store }
        let stores = Set(named + [config.usage?.store].compactMap { $0 })
        for entry in config.stores where !stores.contains(entry.name) { warnUnused("stores", entry.name) }
    }

    private func warnMissing(_ key: String, _ message: String) {
        let path = ConfigPath.key(.root, key)
        guard reading.isSound(path) else { return }
        reading.note(.warning, message, at: reading.keySpan(of: path), path: path)
    }

    private func warnUnused(_ section: String, _ name: String) {
        guard !reading.isFull else { return }
        let path = ConfigPath.key(.key(.root, section), name)
        let kind = section == "auth" ? "auth" : String(section.dropLast())
        let message =
            "\(kind) \(Quoting.quoted(name)) is not used by any \(section == "stores" ? "auth entry, upstream or route" : "route")"
        reading.note(.warning, message, at: reading.keySpan(of: path), path: path)
    }
}

extension ActionConfig {
    /// The entry of `auth` that the action names, and the key that names it.
    var authName: (key: String, name: String)? {
        switch kind {
        case .login(let login): login.issues.signer.map { ("jwt", $0) }
        case .register(let register): register.issues?.signer.map { ("jwt", $0) }
        case .generateKey(let rules): ("keys", rules.keys)
        case .validateKey(let keys): ("keys", keys)
        case .me, .protected, .setAPIKey, .listAPIKeys, .deleteAPIKey, .limits, .models, .keyStatus, .health,
            .openapi, .docs:
            nil
        }
    }
}

extension ActionConfig {
    /// The upstream whose keys the action looks for.
    public var keyUpstream: String? {
        switch kind {
        case .login(let login): login.sync?.upstream
        case .keyStatus(let upstream): upstream
        case .register, .me, .protected, .setAPIKey, .listAPIKeys, .deleteAPIKey, .generateKey, .validateKey,
            .limits, .models, .health, .openapi, .docs:
            nil
        }
    }
}

extension IssueConfig {
    fileprivate var signer: String? { if case .jwt(let name) = self { name } else { nil } }
}
