import Config
import Stores

/// A configuration as another is compared with it: the value, the text that it came from, and what its
/// references led to.
struct ConfigSnapshot {
    var config: GatewayConfig
    /// nil: only values are compared.
    var document: ConfigDocument?
    /// SHA-256 of what variables, files and credentials held, by `ConfigInput`.
    private let contents: [ConfigInput: [UInt8]]
    private let folder: String

    init(_ loaded: LoadedConfig, _ document: ConfigDocument?) {
        config = loaded.config
        self.document = document
        folder = loaded.folder
        var contents: [ConfigInput: [UInt8]] = [:]
        for (source, secret) in loaded.secrets { contents[.secret(source)] = sha256(secret.reveal()) }
        for (path, bytes) in loaded.authorities { contents[.file(path)] = sha256(bytes) }
        for (path, bytes) in loaded.keyFiles { contents[.file(path)] = sha256(bytes) }
        for case .envKey(let keys) in loaded.config.auth.map(\.mode) {
            for key in EnvironmentKeys.find(keys, in: loaded.environment) {
                contents[.secret(.environment(key.variable))] = key.digest.bytes
            }
        }
        self.contents = contents
    }

    // MARK: - What an entry comes to

    // Why values beside those of the file: what `{env: NAME}` says is the same, and the key another.

    func meaning(of listener: ListenerConfig) -> Meaning<ListenerConfig> { Meaning(listener, []) }
    func meaning(of limit: LimitConfig) -> Meaning<LimitConfig> { Meaning(limit, []) }
    func meaning(of model: ModelConfig) -> Meaning<ModelConfig> { Meaning(model, []) }

    func meaning(of route: RouteConfig) -> Meaning<RouteConfig> {
        var route = route
        // Where it stands is told by itself.
        route.index = 0
        let edits = route.requestHeaders.set + route.responseHeaders.set
        return Meaning(route, digests(edits.map(\.value)))
    }

    func meaning(of upstream: UpstreamConfig) -> Meaning<UpstreamConfig> {
        let keys: [TextSource] =
            switch upstream.key {
            case .one(let text)?: [text]
            case .anyOf(let keys)?: keys.map(\.source)
            // Those are read while the gateway runs.
            case .chain?, nil: []
            }
        return Meaning(upstream, digests(keys) + [digest(file: upstream.tls.ca)])
    }

    func meaning(of store: StoreConfig) -> Meaning<StoreConfig> {
        let keys = (store.encryptionKey.map { [$0] } ?? []) + store.previousEncryptionKeys
        return Meaning(store, digests(keys))
    }

    func meaning(of auth: AuthConfig) -> Meaning<AuthConfig> {
        switch auth.mode {
        case .none, .tokenFile, .userKeys: return Meaning(auth, [])
        case .envKey(let keys):
            return Meaning(auth, keys.variables.map { contents[.secret(.environment($0))] })
        case .jwt(let jwt):
            let key: [UInt8]? =
                switch jwt.key {
                case .secret(let text): digests([text])[0]
                case .publicKey(let path), .jwksFile(let path): digest(file: path)
                case .jwksURL: nil
                }
            return Meaning(auth, [key, digest(file: jwt.ca)])
        }
    }

    /// The store that an entry's users are rows of; nil: they are no users.
    func store(of auth: AuthConfig) -> Meaning<StoreConfig>? {
        let name: String? =
            switch auth.mode {
            case .none, .envKey, .tokenFile: nil
            case .jwt(let jwt): jwt.store
            case .userKeys(let keys): keys.store
            }
        return config.stores.first { $0.name == name }.map { meaning(of: $0) }
    }

    private func digests(_ texts: [TextSource]) -> [[UInt8]?] {
        texts.map { text in LoadedConfig.source(of: text, in: folder).flatMap { contents[.secret($0)] } }
    }

    private func digest(file: String?) -> [UInt8]? { file.flatMap { contents[.file($0)] } }
}

/// An entry of the file with what it refers to: equal where a reload would change nothing of it.
struct Meaning<Value: Equatable>: Equatable {
    let value: Value
    private let contents: [[UInt8]?]

    init(_ value: Value, _ contents: [[UInt8]?]) {
        self.value = value
        self.contents = contents
    }
}

private enum ConfigInput: Hashable {
    case secret(SecretSource)
    /// By the path as written.
    case file(String)
}
