/// What cannot work in `key` of an upstream, and beside it.
extension Validation {
    static func keyPath(of upstream: UpstreamConfig) -> ConfigPath {
        .key(.key(.key(.root, "upstreams"), upstream.name), "key")
    }

    /// Everything that an upstream is sent as a secret, and where it stands.
    static func keySources(of upstream: UpstreamConfig) -> [(source: TextSource, path: ConfigPath)] {
        let path = keyPath(of: upstream)
        switch upstream.key {
        case .one(let source): return [(source, path)]
        case .anyOf(let keys):
            let list = ConfigPath.key(path, "any_of")
            return keys.enumerated().map { ($0.element.source, .index(list, $0.offset)) }
        case .chain(let chain):
            let list = ConfigPath.key(path, "first_of")
            return chain.sources.enumerated().compactMap { index, source in
                let place = ConfigPath.index(list, index)
                switch source {
                case .environment(let name): return (.environment(name), place)
                case .provision(let provision): return (provision.key, .key(.key(place, "provision"), "key"))
                case .database, .file, .credential: return nil
                }
            }
        case nil: return []
        }
    }

    func checkUpstreamKeys() {
        for upstream in config.upstreams {
            let path = Self.keyPath(of: upstream)
            guard upstream.key != nil, reading.isSound(path), !reading.isFull else { continue }
            for (source, place) in Self.keySources(of: upstream) { warnLiteral(source, at: place) }
            if let chain = upstream.key?.chain { checkChain(chain, path) }
            checkCount(of: upstream, path)
        }
    }

    private func checkCount(of upstream: UpstreamConfig, _ path: ConfigPath) {
        guard case .anyOf(let keys) = upstream.key, keys.count > UpstreamKeyConfig.keysMax else { return }
        let list = ConfigPath.key(path, "any_of")
        note(
            "`\(list.text)` has \(keys.count) keys; at most \(UpstreamKeyConfig.keysMax) can be told apart",
            hint: "remove some", at: list)
    }

    private func checkChain(_ chain: KeyChainConfig, _ path: ConfigPath) {
        let list = ConfigPath.key(path, "first_of")
        for (index, source) in chain.sources.enumerated() {
            let earlier = chain.sources[..<index]
            let place = ConfigPath.index(list, index)
            if let kind = source.onceOnly, earlier.contains(where: { $0.onceOnly == kind }) {
                note("`\(list.text)` may have one `\(kind)`", hint: "remove this one", at: place)
            } else if earlier.contains(source) {
                note("`\(place.text)` is listed twice", at: place)
            }
        }
        checkRemembering(chain, path)
        guard chain.provision != nil,
            let index = chain.sources.firstIndex(where: { $0.onceOnly == "provision" })
        else { return }
        let place = ConfigPath.index(list, index)
        if index != chain.sources.count - 1 {
            note(
                "`\(place.text)` has to be the last: a key is made where no source has one",
                hint: "move it to the end", at: place)
        }
        if chain.store == nil {
            note(
                "`\(place.text)` makes keys for users, and the chain has no `database` whose users they are",
                hint: "add `{ database: STORE }` in front of it", at: place)
        } else if !chain.remembers {
            let message = "keys that `\(place.text)` makes are forgotten when the gateway ends"
            reading.note(
                .warning, message, hint: "add `remember: database`", at: reading.span(of: place), path: place)
        }
    }

    private func checkRemembering(_ chain: KeyChainConfig, _ path: ConfigPath) {
        let place = ConfigPath.key(path, "remember")
        guard chain.remembers else { return }
        guard let name = chain.store else {
            return note(
                "`\(place.text)` has nowhere to write to: `first_of` has no `database`",
                hint: "add `{ database: STORE }` to it", at: place)
        }
        if chain.sources.count == 1 {
            return note(
                "`\(place.text)` has no effect: the database is the only source", hint: "remove it", at: place
            )
        }
        guard let store = config.stores.first(where: { $0.name == name }),
            reading.isSound(.key(.key(.root, "stores"), name)), !store.storesPlain, store.encryptionKey == nil
        else { return }
        note(
            "`\(place.text)` cannot write into store \(Quoting.quoted(name)): it has no `encryption_key`",
            hint: "add one, or `at_rest: plain`", at: place)
    }

    // MARK: Beside it

    /// Two keys for one field: nobody could tell which one is meant.
    func checkKeyFields(_ route: RouteConfig, _ path: ConfigPath) {
        let set = ConfigPath.key(.key(path, "request_headers"), "set")
        guard !route.requestHeaders.set.isEmpty else { return }
        for name in upstreamNames(of: route) where !reading.isFull {
            guard let upstream = upstreams[name], upstream.key != nil,
                let assignment = route.requestHeaders.set.first(where: {
                    ASCII.lowercased($0.name) == upstream.keyField.fieldName
                })
            else { continue }
            let place = ConfigPath.key(set, assignment.name)
            let message =
                "`\(place.text)` sets the field that carries the `key` of upstream \(Quoting.quoted(name))"
            note(message, hint: "remove one of them, or choose another `key_field`", at: place)
        }
    }

    /// The action tells of a key of its user, so it must be able to know one.
    /// - Parameter place: where the upstream's name is written.
    func checkUserKeys(of upstreamName: String, _ action: ActionConfig, _ place: ConfigPath) {
        guard let upstream = upstreams[upstreamName], reading.isSound(place),
            reading.isSound(.key(.key(.root, "upstreams"), upstreamName))
        else { return }
        let name = Quoting.quoted(upstream.name)
        guard let store = upstream.key?.chain?.store else {
            return note(
                "`\(place.text)` cannot know of a user's key: the `key` of upstream \(name) has no `database`",
                hint:
                    "write it as `first_of` with `{ database: \(action.store.isEmpty ? "STORE" : action.store) }`",
                at: place)
        }
        guard store != action.store, !store.isEmpty, !action.store.isEmpty else { return }
        note(
            "`\(action.name)` takes users from store `\(action.store)`, and upstream \(name) their keys from `\(store)`",
            hint: "name one store in both", at: place)
    }

    private func note(_ message: String, hint: String? = nil, at place: ConfigPath) {
        reading.note(.error, message, hint: hint, at: reading.span(of: place), path: place)
    }
}

extension KeySourceConfig {
    /// The word of a source that a chain can have once.
    fileprivate var onceOnly: String? {
        switch self {
        case .database: "database"
        case .provision: "provision"
        case .file, .environment, .credential: nil
        }
    }
}
