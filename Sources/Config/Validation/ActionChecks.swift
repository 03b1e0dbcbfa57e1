/// What a built-in endpoint needs of the entries around it.
extension Validation {
    func checkAction(_ action: ActionConfig, _ route: RouteConfig) {
        let path = ConfigPath.key(Self.path(of: route), "action")
        switch action.kind {
        case .register(let register):
            if let issues = register.issues { checkIssues(issues, action, path) }
            warnUnlimited(action, route)
        case .login(let login):
            checkIssues(login.issues, action, path)
            if let sync = login.sync {
                checkUserKeys(of: sync.upstream, action, written("upstream", of: .key(path, "sync")))
            }
            warnUnlimited(action, route)
        case .generateKey(let rules):
            checkKeys(rules.keys, action, path)
            if rules.selfService { warnUnlimited(action, route) } else { checkUser(action, route) }
        case .validateKey(let keys):
            checkKeys(keys, action, path)
            warnUnasked(action, route)
        case .deleteAPIKey:
            checkUser(action, route)
            checkDeletePath(route)
        case .limits(let names): checkTold(names, path)
        case .models: checkListed(route)
        case .keyStatus(let upstream):
            checkUser(action, route)
            checkUserKeys(of: upstream, action, written("upstream", of: path))
        case .docs(let docs): checkDescribed(docs.openapi, path)
        case .health, .openapi: break
        case .me, .protected, .setAPIKey, .listAPIKeys: checkUser(action, route)
        }
    }

    /// Who asks is known, and nothing of a request that would count.
    private func checkTold(_ names: [String], _ path: ConfigPath) {
        let list = ConfigPath.key(path, "of")
        for (index, name) in names.enumerated() {
            let place = reading.entryPath(list, index)
            guard let limit = config.limits.first(where: { $0.name == name }), !limit.isOfCaller,
                reading.isSound(.key(.key(.root, "limits"), name)), reading.isSound(place)
            else { continue }
            let parts = limit.by.map(\.rawValue).joined(separator: ", ")
            let message = "`limits` cannot tell of limit \(Quoting.quoted(name)): it is by \(parts)"
            let hint = "it tells of those that are by key, user or ip alone"
            reading.note(.error, message, hint: hint, at: reading.span(of: place), path: place)
        }
    }

    /// What the page shows is there.
    private func checkDescribed(_ wanted: String, _ path: ConfigPath) {
        let isThere = config.routes.contains { route in
            guard case .action(let action) = route.action, case .openapi = action.kind else { return false }
            switch route.path {
            case .exact(let path): return path == wanted
            case .prefix(let start): return wanted.hasPrefix(start)
            case .subtree(let start): return wanted == start || wanted.hasPrefix(start + "/")
            }
        }
        guard !isThere, reading.isSound(.key(.root, "routes")), !reading.isFull else { return }
        let message =
            "`docs` has nothing to show: no route with `action: openapi` answers \(Quoting.quoted(wanted))"
        let hint = "add `{ path: \(wanted), auth: …, action: openapi }`"
        reading.note(.warning, message, hint: hint, at: reading.span(of: path), path: path)
    }

    // MARK: Users

    /// The action is about the caller's user, so the route must be one that knows it.
    private func checkUser(_ action: ActionConfig, _ route: RouteConfig) {
        let need = "`\(action.name)` needs a caller who is a user"
        let list = ConfigPath.key(Self.path(of: route), "auth")
        if let index = route.auth.firstIndex(where: isOpen) {
            let path = reading.entryPath(list, index)
            let message =
                "\(need): auth `\(route.auth[index])` of routes[\(route.index)] has `mode: none`"
            let hint =
                action.name == ActionConfig.Name.generateKey.rawValue
                ? "`self_service: true` lets anybody make a key"
                : "name an entry that asks for a credential"
            return reading.note(.error, message, hint: hint, at: reading.span(of: path), path: path)
        }
        guard !action.store.isEmpty, reading.isSound(.key(.root, "auth")) else { return }
        let stores = route.auth.map { auth[$0]?.mode.store }
        if let index = stores.firstIndex(where: { $0 != nil && $0 != action.store }),
            let other = stores[index], stores.contains(action.store)
        {
            let path = reading.entryPath(list, index)
            let message =
                "`\(action.name)` is about users of store `\(action.store)`, and auth "
                + "`\(route.auth[index])` of routes[\(route.index)] lets in those of `\(other)`"
            return reading.note(
                .error, message, hint: "name entries of one store", at: reading.span(of: path), path: path)
        }
        guard !stores.contains(action.store) else { return }
        let message =
            "\(need) of store `\(action.store)`, and no auth entry of routes[\(route.index)] has them"
        let hint = "`mode: user-keys` and `mode: jwt` with `store: \(action.store)` do"
        reading.note(.error, message, hint: hint, at: reading.span(of: list), path: list)
    }

    private func isOpen(_ name: String) -> Bool {
        guard let mode = auth[name]?.mode else { return false }
        if case .none = mode { return reading.isSound(.key(.key(.root, "auth"), name)) }
        return false
    }

    private func checkDeletePath(_ route: RouteConfig) {
        guard case .exact = route.path else { return }
        let path = ConfigPath.key(Self.path(of: route), "path")
        let message = "`\(path.text)` has no room for the name of the key that `delete-api-key` deletes"
        reading.note(
            .error, message, hint: "end it in `/**`", at: reading.span(of: path), path: path)
    }

    // MARK: What is given out

    private func checkIssues(_ issues: IssueConfig, _ action: ActionConfig, _ path: ConfigPath) {
        switch issues {
        case .jwt(let name): checkSigner(name, action, path)
        case .session:
            guard !sessionStores.contains(action.store), !action.store.isEmpty,
                reading.isSound(.key(.root, "auth"))
            else { return }
            let message = "no route takes the sessions that `\(action.name)` gives out"
            let hint = "list an auth entry with `mode: user-keys` and `store: \(action.store)` on one"
            reading.note(.warning, message, hint: hint, at: reading.span(of: path), path: path)
        }
    }

    private func checkSigner(_ name: String, _ action: ActionConfig, _ path: ConfigPath) {
        let place = ConfigPath.key(path, "jwt")
        guard let entry = auth[name], reading.isSound(.key(.key(.root, "auth"), name)) else { return }
        guard entry.mode.signs else {
            let message = "auth `\(name)` cannot sign: it is not `mode: jwt` with a `secret`"
            return reading.note(.error, message, at: reading.span(of: place), path: place)
        }
        if let store = entry.mode.store, store != action.store, !action.store.isEmpty {
            let message =
                "auth `\(name)` looks for users in store `\(store)`, `\(action.name)` takes them from "
                + "`\(action.store)`"
            return reading.note(
                .error, message, hint: "name one store in both", at: reading.span(of: place), path: place)
        }
        guard !usedAuth.contains(name) else { return }
        let message = "no route takes the tokens that `\(action.name)` gives out"
        reading.note(
            .warning, message, hint: "list auth `\(name)` on one", at: reading.span(of: path), path: path)
    }

    private func checkKeys(_ name: String, _ action: ActionConfig, _ path: ConfigPath) {
        let place = ConfigPath.key(path, "keys")
        guard let entry = auth[name], reading.isSound(.key(.key(.root, "auth"), name)) else { return }
        guard case .userKeys(let keys) = entry.mode else {
            let message = "auth `\(name)` has no keys to make: it is not `mode: user-keys`"
            return reading.note(.error, message, at: reading.span(of: place), path: place)
        }
        guard keys.store != action.store, !action.store.isEmpty else { return }
        let message = "keys of auth `\(name)` are in store `\(keys.store)`, not in `\(action.store)`"
        let store = ConfigPath.key(path, "store")
        reading.note(.error, message, hint: "remove `store`", at: reading.span(of: store), path: store)
    }

    /// A report on a bad key is what the action is for, but the route must let the key through to it.
    private func warnUnasked(_ action: ActionConfig, _ route: RouteConfig) {
        let takesAny = route.auth.contains { name in
            guard case .none(_, ignoreCredentials: true)? = auth[name]?.mode else { return false }
            return true
        }
        guard !takesAny, reading.isSound(.key(.root, "auth")) else { return }
        let path = ConfigPath.key(Self.path(of: route), "auth")
        let message = "`\(action.name)` never hears of a bad key: routes[\(route.index)] refuses it before"
        let hint = "name an entry with `mode: none` and `ignore_credentials: true`"
        reading.note(.warning, message, hint: hint, at: reading.span(of: path), path: path)
    }

    /// Why only a warning: something in front may hold people back.
    private func warnUnlimited(_ action: ActionConfig, _ route: RouteConfig) {
        guard route.limits.isEmpty, route.auth.contains(where: isOpen), let listener = exposure(of: route)
        else { return }
        let path = ConfigPath.key(Self.path(of: route), "action")
        let message =
            "everybody may call `\(action.name)` on listener `\(listener)` as often as they like"
        let hint = "add `limits` with an entry such as `{ by: ip, requests_per_minute: 20 }`"
        reading.note(.warning, message, hint: hint, at: reading.span(of: path), path: path)
    }
}

extension AuthConfig.Mode {
    var acceptsSessions: Bool {
        guard case .userKeys(let keys) = self else { return false }
        return keys.acceptsSessions
    }
}
