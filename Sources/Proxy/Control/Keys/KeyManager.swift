import CLinux
import Config
import Stores

/// The chain of one upstream's keys outside of a gateway: for commands, in which whoever asks waits. Reads the
/// same sources in the same order as a gateway does, with the variables of its own process.
public struct KeyManager {
    private let sources: KeySources
    private let validation: KeyValidation
    /// nil: the upstream makes none.
    private let provisioning: Provisioning?

    public struct Outcome: Sendable {
        public fileprivate(set) var key: Secret?
        /// `database`, `key.txt`, `environment`, `credential`, `auto-provisioned`; nil: there is no key.
        public fileprivate(set) var source: String?
        /// This has written it into the database.
        public fileprivate(set) var isSynced = false
        /// Whether the upstream takes it; nil: it was not asked, or did not say.
        public fileprivate(set) var isValid: Bool?
        /// Why there is no key, or why it is not good; nil: nothing is wrong.
        public fileprivate(set) var error: String?
        /// What was done, for people, keys masked.
        public fileprivate(set) var lines: [String] = []
    }

    /// - Parameters:
    ///   - folder: that relative paths of the file start from.
    ///   - environmentFiles: as written.
    /// - Throws: `tls.ca` cannot be read.
    public init(
        _ upstream: UpstreamConfig, _ chain: KeyChainConfig, folder: String, environmentFiles: [String]
    ) throws(FileReadError) {
        var trust = FetchTrust(
            verifies: !upstream.tls.insecureSkipVerify, serverName: upstream.tls.serverName)
        if let path = upstream.tls.ca {
            trust.authorities = try readFile(Path.absolute(path, in: folder), limitBytes: 16 << 20)
        }
        let sources = KeySources(upstream, chain, folder, environmentFiles)
        self.sources = sources
        validation = KeyValidation(
            baseURL: upstream.baseURL, field: KeyFieldLine(config: upstream.keyField), trust: trust)
        provisioning = chain.provision.map {
            Provisioning($0, url: sources.provisionURL, trust: trust)
        }
    }

    /// Where the key would come from, without changing anything.
    /// - Parameter store: of the chain's database; nil: it has none.
    public func resolution(for query: KeyQuery, in store: Result<Store, StoreError>?) -> KeyResolution {
        sources.look(for: query, in: store)
    }

    /// What a login does: finds the user's key, writes down what was found outside the database, and has one
    /// made where there is none, if it can be written down.
    public func sync(_ user: User, in store: Store) -> Outcome {
        run(user, in: store).outcome
    }

    /// Like `sync`, and asks the upstream about the key where `validates` says so.
    public func ensure(_ user: User, validates: Bool, in store: Store) -> Outcome {
        let run = run(user, in: store)
        var outcome = run.outcome
        guard validates, let key = outcome.key else {
            if outcome.key == nil { outcome.isValid = false }
            return outcome
        }
        KeyManager.note(validation.verdict(on: key), in: &outcome)
        if outcome.isValid == true { KeyValidation.note(key, run.sync, in: store) }
        return outcome
    }

    /// Asks the upstream about a key.
    public func validate(_ key: Secret) -> Outcome {
        var outcome = Outcome(key: key)
        KeyManager.note(validation.verdict(on: key), in: &outcome)
        return outcome
    }

    /// Asks the upstream about the key that requests would go out with.
    public func validate(for query: KeyQuery, in store: Store) -> Outcome {
        let resolution = resolution(for: query, in: .success(store))
        guard let winner = resolution.winner, let key = winner.key else {
            return Outcome(isValid: false, error: resolution.why)
        }
        var outcome = Outcome(key: key, source: winner.source)
        KeyManager.note(validation.verdict(on: key), in: &outcome)
        if outcome.isValid == true, let row = winner.row {
            // Why it may fail: it tells people something, and decides nothing.
            _ = try? store.noteUpstreamKeyValidated(user: row.userID, name: row.name)
        }
        return outcome
    }

    /// Has a new key made for the user, and writes it down. One that was made before is replaced; one that
    /// somebody has stored is not.
    public func provision(_ user: User, in store: Store) throws(StoreError) -> Outcome {
        let query = KeyQuery(user: user)
        guard let provisioning, let config = sources.chain.provision else {
            return Outcome(error: "`key` of \(sources.upstream) has no `provision`")
        }
        guard sources.chain.remembers else { return Outcome(error: KeyManager.nowhere) }
        if let error = try reasonNotToWrite(user, in: store) { return Outcome(error: error) }
        guard let pass = sources.provisioningKey() else {
            return Outcome(error: "\(config.key.shownName) not set, cannot auto-provision")
        }
        var outcome = Outcome(
            lines: ["[KeyManager] 🔄 Auto-provisioning new key for user \(query.shortID)..."])
        let key: Secret
        do throws(Provisioning.Failure) {
            key = try provisioning.make(user8: query.shortID, with: pass)
        } catch {
            outcome.error = "Auto-provision failed: \(error)"
            return outcome
        }
        guard sources.format.accepts(key) else {
            outcome.error = "Invalid key format in \(KeySources.provisioned)"
            return outcome
        }
        let error = try store.transaction { () throws(StoreError) -> String? in
            // Why again: somebody may have stored one meanwhile.
            if let error = try reasonNotToWrite(user, in: store) { return error }
            try store.setUpstreamKey(
                user: user.id, name: sources.upstream, key: key, source: KeySources.provisioned)
            return nil
        }
        guard error == nil else {
            outcome.error = error
            return outcome
        }
        let mask = KeyMask.text(key)
        outcome.lines += [
            "[KeyManager] ✅ Auto-provisioned new key: \(mask)",
            "[KeyManager] ✅ Saved key to database (source: \(KeySources.provisioned)): \(mask)",
        ]
        outcome.key = key
        outcome.source = KeySources.provisioned
        outcome.isSynced = true
        return outcome
    }

    private func reasonNotToWrite(_ user: User, in store: Store) throws(StoreError) -> String? {
        let stored = try store.upstreamKeys(user: user.id).first { $0.name == sources.upstream }
        guard let stored, stored.source != KeySources.provisioned else { return nil }
        return "there is a key with source `\(stored.source)`: `headgate key unset` deletes it"
    }

    private static let nowhere = "a new key would be written nowhere: add `remember: database` to `key`"

    private func run(_ user: User, in store: Store) -> (outcome: Outcome, sync: KeySync) {
        // Why not always: a key that is written nowhere would be lost with this process.
        var sync = KeySync(
            sources, for: KeyQuery(user: user), in: .success(store), mayProvision: sources.chain.remembers)
        if case .provision(let pass) = sync.begin(in: .success(store)), let provisioning {
            let made = Result { () throws(Provisioning.Failure) -> Secret in
                try provisioning.make(user8: sync.query.shortID, with: pass)
            }
            sync.take(made, in: .success(store))
        }
        let found = sync.outcome
        var outcome = Outcome(
            key: found.key, source: found.source, isSynced: found.isSynced, error: found.error,
            lines: sync.lines.map(\.text))
        if sync.unsaved != nil {
            outcome = Outcome(
                error: "a new key was made and could not be written into the database",
                lines: outcome.lines)
        }
        return (outcome, sync)
    }

    private static func note(_ verdict: KeyValidation.Verdict, in outcome: inout Outcome) {
        outcome.error = verdict.error
        switch verdict {
        case .good: outcome.isValid = true
        case .invalid, .outOfCredits, .unexpected: outcome.isValid = false
        case .unknown: outcome.isValid = nil
        }
    }
}
