import Config
import Stores

/// With which keys upstreams are talked to, across generations. A chain stays the same object, with all that
/// it has looked up, as long as it means the same and its sources hold the same; keys stay the same objects
/// as long as they are the same keys.
///
/// Belongs to the control thread.
final class KeyRegistry {
    /// `upstreams.NAME.key` as it lives.
    struct Entry {
        let plan: KeyPlan
        /// nil: the same keys for everybody.
        let chain: KeyChain?
        fileprivate let identity: Identity?
        fileprivate let credentials: CredentialPool
    }

    /// What makes two chains of the same upstream the same one.
    fileprivate struct Identity: Equatable {
        let chain: KeyChainConfig
        let field: KeyFieldLine
        let store: ObjectIdentifier?
        let baseURL: String
        let trust: FetchTrust
        let environmentFiles: [EnvironmentFileConfig]
        /// SHA-256 of what the sources outside the database held.
        let contents: [[UInt8]]
    }

    /// By the upstream's name.
    private(set) var served: [String: Entry] = [:]

    /// Of the upstreams with a `key`. Changes nothing that is served.
    func prepare(_ loaded: LoadedConfig, _ auth: AuthSet) -> [String: Entry] {
        var entries: [String: Entry] = [:]
        for upstream in loaded.config.upstreams {
            guard let key = upstream.key else { continue }
            entries[upstream.name] = entry(upstream, key, loaded, auth)
        }
        return entries
    }

    /// The generation with these is about to be served.
    func commit(_ entries: [String: Entry]) {
        for (name, entry) in entries {
            guard let chain = entry.chain, served[name]?.chain !== chain else { continue }
            // What stood in the way of keys that are made may be what was changed.
            chain.provisioner?.forgetFailures()
        }
        served = entries
    }

    private func entry(
        _ upstream: UpstreamConfig, _ key: UpstreamKeyConfig, _ loaded: LoadedConfig, _ auth: AuthSet
    ) -> Entry {
        let old = served[upstream.name]
        let credentials = old?.credentials ?? CredentialPool()
        let field = KeyFieldLine(config: upstream.keyField)
        func fixed(_ keys: [(source: TextSource, weight: Int)], _ choice: KeySet.Choice) -> Entry {
            let found = keys.map { key in
                let secret = loaded.secret(key.source)
                return credentials.credential(
                    secret, line: field.line(secret), source: key.source.keySource, weight: key.weight)
            }
            let plan = KeyPlan(source: .fixed(KeySet(found, choice: choice)), field: field.name)
            return Entry(plan: plan, chain: nil, identity: nil, credentials: credentials)
        }
        switch key {
        case .one(let source): return fixed([(source, 1)], .first)
        case .anyOf(let keys): return fixed(keys.map { ($0.source, $0.weight) }, .weighted)
        case .chain(let chain):
            let keeper = chain.store.flatMap { auth.stores[$0]?.keeper }
            return self.chain(upstream, chain, field, keeper, credentials, loaded)
        }
    }

    private func chain(
        _ upstream: UpstreamConfig, _ config: KeyChainConfig, _ field: KeyFieldLine, _ keeper: StoreKeeper?,
        _ credentials: CredentialPool, _ loaded: LoadedConfig
    ) -> Entry {
        let sources = KeySources(upstream, config, loaded.folder, loaded.config.environmentFiles)
        let trust = FetchTrust(upstream, authorities: upstream.tls.ca.flatMap { loaded.authorities[$0] })
        let identity = Identity(
            chain: config, field: field, store: keeper.map { ObjectIdentifier($0) },
            baseURL: upstream.baseURL, trust: trust, environmentFiles: loaded.config.environmentFiles,
            contents: sources.contentDigests())
        let old = served[upstream.name]
        if let old, old.identity == identity { return old }
        // Why one for each upstream: a slow provider holds up its own users alone.
        let pool = old?.chain?.pool ?? FetchPool()
        let chain = KeyChain(
            sources, field: field, keeper: keeper,
            provisioner: provisioner(
                config, sources, trust, pool,
                old?.identity?.store == identity.store ? old?.chain?.provisioner : nil),
            validation: KeyValidation(baseURL: upstream.baseURL, field: field, trust: trust),
            credentials: credentials, pool: pool)
        let plan = KeyPlan(
            source: .chain(chain.index, answerer: chain, byModel: chain.isByModel), field: field.name,
            userStore: keeper.map { ObjectIdentifier($0) })
        return Entry(plan: plan, chain: chain, identity: identity, credentials: credentials)
    }

    /// Keys that were made stay known, as long as they would be made in the same way.
    /// - Parameter old: of the same store: users of another one have the same numbers.
    private func provisioner(
        _ chain: KeyChainConfig, _ sources: KeySources, _ trust: FetchTrust, _ pool: FetchPool,
        _ old: KeyProvisioner?
    ) -> KeyProvisioner? {
        guard let config = chain.provision else { return nil }
        var provisioning = Provisioning(config, url: sources.provisionURL, trust: trust)
        provisioning.format = sources.format
        if let old, old.provisioning == provisioning { return old }
        return KeyProvisioner(provisioning, on: pool)
    }
}

extension KeySources {
    init(
        _ upstream: UpstreamConfig, _ chain: KeyChainConfig, _ folder: String,
        _ environmentFiles: [EnvironmentFileConfig]
    ) {
        self.init(
            upstream: upstream.name, chain: chain, folder: folder, environmentFiles: environmentFiles,
            provisionURL: chain.provision.map { $0.url?.text ?? upstream.baseURL + "/keys" } ?? "")
    }
}

extension Provisioning {
    init(_ config: ProvisionConfig, url: String, trust: FetchTrust) {
        self.init(
            url: url, nameTemplate: config.nameTemplate, field: config.field,
            timeoutMilliseconds: Int(clamping: nanoseconds(config.timeout) / 1_000_000),
            // Why not always: another server has its own authorities.
            trust: config.url == nil ? trust : FetchTrust())
    }
}

extension FetchTrust {
    /// As its endpoints are believed.
    init(_ upstream: UpstreamConfig, authorities: [UInt8]?) {
        self.init(
            authorities: authorities, verifies: !upstream.tls.insecureSkipVerify,
            serverName: upstream.tls.serverName)
    }
}

extension UpstreamConfig {
    /// The first URL, without a slash at the end: where questions about keys go.
    var baseURL: String {
        guard let url = endpoints.first?.url else { return "" }
        return "\(url.scheme.rawValue)://\(url.authority)\(url.basePath)"
    }
}

extension JWTConfig.EndpointURLWithPath {
    fileprivate var text: String { "\(endpoint.scheme.rawValue)://\(endpoint.authority)\(target)" }
}

extension TextSource {
    /// Where a key of it comes from, in people's words.
    fileprivate var keySource: String {
        switch self {
        case .literal: "configuration"
        case .environment: "environment"
        case .file(let path): Path.name(of: path)
        case .credential: "credential"
        }
    }
}
