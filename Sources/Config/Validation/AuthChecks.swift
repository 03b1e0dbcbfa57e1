/// What cannot work, or is open, in the entries of `auth` and `stores`.
extension Validation {
    func checkStores() {
        var earlier: [String: String] = [:]
        for store in config.stores {
            let path = ConfigPath.key(.key(.root, "stores"), store.name)
            guard reading.isSound(path), !reading.isFull else { continue }
            if let source = store.encryptionKey { warnLiteral(source, at: .key(path, "encryption_key")) }
            for (index, source) in store.previousEncryptionKeys.enumerated() {
                warnLiteral(source, at: reading.entryPath(.key(path, "previous_encryption_keys"), index))
            }
            guard let other = earlier.updateValue(store.name, forKey: store.path) else { continue }
            let message = "stores `\(other)` and `\(store.name)` are the same file"
            let place = ConfigPath.key(path, "sqlite")
            reading.note(.error, message, hint: "keep one of them", at: reading.span(of: place), path: place)
        }
    }

    func checkAuth() {
        for entry in config.auth {
            let path = ConfigPath.key(.key(.root, "auth"), entry.name)
            guard reading.isSound(path), !reading.isFull else { continue }
            switch entry.mode {
            case .none, .tokenFile, .userKeys: break
            case .envKey(let keys): warnUnset(keys, entry, path)
            case .jwt(let jwt):
                if case .secret(let source) = jwt.key { warnLiteral(source, at: .key(path, "secret")) }
            }
        }
        checkUnconfigured()
        SharedSecrets(config, reading).check()
    }

    /// A secret that stands in the file itself is there for whoever reads the file.
    func warnLiteral(_ source: TextSource, at path: ConfigPath) {
        guard case .literal(let text) = source, !text.isEmpty, !usesVariable(at: path) else { return }
        let message = "`\(path.text)` holds a secret in plain text"
        let hint = "write `{env: NAME}`, `{file: path}` or `{credential: name}`"
        reading.note(.warning, message, hint: hint, at: reading.keySpan(of: path), path: path)
    }

    private func warnUnset(_ keys: EnvKeyConfig, _ entry: AuthConfig, _ path: ConfigPath) {
        // Why not with `when_unconfigured: allow`: then another entry may have keys, and where none has any
        // that is said more loudly.
        guard !entry.allowsWhenUnconfigured, !isSet(keys) else { return }
        let place = ConfigPath.key(path, "variables")
        reading.note(
            .warning, "no variable of auth `\(entry.name)` is set: nobody comes in by it",
            hint: "set it, or name it in an `env_file`", at: reading.keySpan(of: place), path: place)
    }

    private func isSet(_ keys: EnvKeyConfig) -> Bool {
        keys.variables.contains { reading.environment($0)?.isEmpty == false }
    }

    // MARK: `when_unconfigured: allow`

    private func checkUnconfigured() {
        let allowing = Set(config.auth.filter(\.allowsWhenUnconfigured).map(\.name))
        guard !allowing.isEmpty else { return }
        var told: Set<String> = []
        for route in config.routes where !reading.isFull {
            guard let first = route.auth.first(where: allowing.contains) else { continue }
            if let other = route.auth.first(where: { !allowing.contains($0) }) {
                noteOverruled(first, by: other, route)
            } else if !route.auth.contains(where: hasKey), let listener = exposure(of: route),
                told.insert(first).inserted
            {
                noteUnconfigured(first, listener, route)
            }
        }
    }

    /// One variable that is set closes a route for all of its entries. Of files nothing is known here.
    private func hasKey(_ name: String) -> Bool {
        guard case .envKey(let keys) = auth[name]?.mode else { return false }
        return isSet(keys)
    }

    private func noteOverruled(_ name: String, by other: String, _ route: RouteConfig) {
        let path = ConfigPath.key(Self.path(of: route), "auth")
        guard auth[other] != nil, reading.isSound(path) else { return }
        let message =
            "`when_unconfigured: allow` of auth `\(name)` has no effect on routes[\(route.index)]: "
            + "auth `\(other)` does not say so"
        reading.note(.warning, message, at: reading.span(of: path), path: path)
    }

    private func noteUnconfigured(_ name: String, _ listener: String, _ route: RouteConfig) {
        let path = ConfigPath.key(.key(.key(.root, "auth"), name), "when_unconfigured")
        let message =
            "auth `\(name)` lets everybody in while it has no key, and routes[\(route.index)] serves it on "
            + "listener `\(listener)`, which is not loopback"
        reading.note(
            .warning, message, hint: "write `deny`, or bind 127.0.0.1", at: reading.span(of: path), path: path
        )
    }

    // MARK: Order of tokens

    /// A `jwt` entry answers for every token that reaches it, so that one behind it would be asked nothing.
    /// Which of the two made a token is in the token alone, and nobody believes that before it is verified.
    func checkTokens(_ route: RouteConfig) {
        let path = ConfigPath.key(Self.path(of: route), "auth")
        guard reading.isSound(path) else { return }
        var earlier: [AuthConfig] = []
        for (index, name) in route.auth.enumerated() {
            guard let entry = auth[name], case .jwt = entry.mode,
                reading.isSound(.key(.key(.root, "auth"), name))
            else { continue }
            if let first = Self.hiding(entry, earlier) { noteHidden(entry, by: first, route, index) }
            earlier.append(entry)
        }
    }

    /// The first entry before this one that answers in its place; nil if it is asked for some tokens.
    private static func hiding(_ entry: AuthConfig, _ earlier: [AuthConfig]) -> AuthConfig? {
        let isBearerTaken = !entry.takesBearer || earlier.contains(where: \.takesBearer)
        let isRawTaken = !entry.takesRaw || earlier.contains(where: \.takesRaw)
        guard isBearerTaken, isRawTaken else { return nil }
        return earlier.first { $0.takesBearer && entry.takesBearer || $0.takesRaw && entry.takesRaw }
    }

    private func noteHidden(_ entry: AuthConfig, by first: AuthConfig, _ route: RouteConfig, _ index: Int) {
        let place = reading.entryPath(.key(Self.path(of: route), "auth"), index)
        let message =
            "auth `\(entry.name)` is never asked on routes[\(route.index)]: `\(first.name)` before it, "
            + "`mode: jwt` too, answers for every token"
        reading.note(
            .error, message, hint: "give them different routes, or keep one of them",
            at: reading.span(of: place), path: place)
    }
}
