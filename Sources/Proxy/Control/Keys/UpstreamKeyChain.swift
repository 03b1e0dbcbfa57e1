import Config
import Stores

/// The keys of one upstream as the command line works on them, with the daemon running or not. By the same
/// code as the daemon; blocks.
public struct UpstreamKeyChain {
    let sources: KeySources
    let provisioning: Provisioning?
    let validation: KeyValidation

    /// What became of a user's key.
    public struct Report: Sendable {
        /// nil: there is none, or none that is good.
        public var key: Secret?
        /// `database`, `key.txt`, `environment`, `auto-provisioned`; nil: there is none.
        public var source: String?
        /// It was written into the database just now.
        public var isSynced = false
        /// The upstream takes it; nil: it was not asked, or did not say.
        public var isValid: Bool?
        public var error: String?
        /// What was done, line by line, keys masked.
        public var lines: [String] = []
    }

    /// - Parameter folder: that relative paths start from.
    /// - Returns: nil: there is no such upstream, or its `key` is no `first_of`.
    /// - Throws: `tls.ca` cannot be read: no other authority stands in for it.
    public init?(
        upstream name: String, of config: GatewayConfig, folder: String
    ) throws(FileReadError) {
        guard let upstream = config.upstreams.first(where: { $0.name == name }),
            case .chain(let chain)? = upstream.key
        else { return nil }
        var authorities: [UInt8]?
        if let path = upstream.tls.ca {
            authorities = try readFile(Path.absolute(path, in: folder), limitBytes: InputFiles.limitBytes)
        }
        let trust = FetchTrust(upstream, authorities: authorities)
        let sources = KeySources(upstream, chain, folder, config.environmentFiles)
        self.init(
            sources,
            validation: KeyValidation(
                baseURL: upstream.baseURL, field: KeyFieldLine(config: upstream.keyField), trust: trust),
            trust: trust)
    }

    init(_ sources: KeySources, validation: KeyValidation, trust: FetchTrust) {
        self.sources = sources
        self.validation = validation
        provisioning = sources.chain.provision.map {
            Provisioning($0, url: sources.provisionURL, trust: trust)
        }
    }

    /// Entry of `stores` that has the users' keys; nil: the chain has no database.
    public var store: String? { sources.chain.store }

    /// Looks, and changes nothing.
    public func explain(_ query: KeyQuery, in store: Result<Store, StoreError>?) -> KeyResolution {
        sources.look(for: query, in: store)
    }

    /// What a login does: looks, remembers, has a key made where there is none, if it can be remembered.
    /// - Parameter validates: ask the upstream whether it takes the key.
    public func sync(
        _ query: KeyQuery, in store: Result<Store, StoreError>?, validates: Bool = false
    ) -> Report {
        // Why not always: a key that is written nowhere would be lost with this process.
        var sync = KeySync(sources, for: query, in: store, mayProvision: sources.chain.remembers)
        if case .provision(let key) = sync.begin(in: store), let provisioning {
            let made = Result { () throws(Provisioning.Failure) -> Secret in
                try provisioning.make(user8: query.shortID, with: key)
            }
            sync.take(made, in: store)
        }
        let outcome = sync.outcome
        var report = Report(
            key: outcome.key, source: outcome.source, isSynced: outcome.isSynced, error: outcome.error,
            lines: sync.lines.map(\.text))
        if sync.unsaved != nil {
            let error = "a new key was made and could not be written into the database"
            return Report(error: error, lines: report.lines)
        }
        guard validates, let key = outcome.key else { return report }
        let verdict = validation.verdict(on: key)
        report.note(verdict)
        if verdict == .good, let opened = try? store?.get() { KeyValidation.note(key, sync, in: opened) }
        return report
    }
}
