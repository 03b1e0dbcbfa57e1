import Config
import Stores

/// Comes by a key for one user and one upstream: looks into the sources, writes down what was found outside
/// the database, and has a key made where there is none. Says what it does, line by line, keys masked.
///
/// Goes in steps, because a key is made on a thread that may wait, and the store belongs to another: `begin`,
/// and where that asks for it `take`.
struct KeySync: Sendable {
    typealias Opened = Result<Store, StoreError>

    struct Line: Sendable, Equatable {
        let level: Log.Level
        let text: String
        /// What is wrong with a source, told once; nil: told each time.
        var problem: Problem?
    }

    struct Problem: Sendable, Hashable {
        /// User and place.
        let at: String
        let text: String
    }

    enum Step: Sendable {
        case done
        /// A key is to be made; this lets the request in.
        case provision(with: Secret)
    }

    struct Outcome: Sendable {
        var key: Secret?
        /// As S1 has it: `database`, `key.txt`, `environment`, `auto-provisioned`.
        var source: String?
        /// The database has it by this.
        var isSynced = false
        /// Why there is no key; nil: there is one.
        var error: String?
        /// It cannot be known whether there is one.
        var isUnavailable = false
    }

    let sources: KeySources
    let query: KeyQuery
    /// Keys may be made.
    let mayProvision: Bool
    private(set) var resolution: KeyResolution
    private(set) var outcome = Outcome()
    private(set) var lines: [Line] = []
    /// Was made and could be written nowhere: to be kept in memory.
    private(set) var unsaved: Secret?

    /// - Parameter held: made earlier, and could be written nowhere.
    init(
        _ sources: KeySources, for query: KeyQuery, in store: Opened?, held: Secret? = nil,
        mayProvision: Bool = true
    ) {
        self.sources = sources
        self.query = query
        self.mayProvision = mayProvision
        resolution = sources.look(for: query, in: store, held: held)
    }

    // MARK: - Looking

    /// - Parameter isRefused: of keys that the upstream does not take.
    mutating func begin(in store: Opened?, isRefused: (Secret) -> Bool = { _ in false }) -> Step {
        say("===== Syncing API key for user \(query.shortID) =====")
        tellProblems()
        guard !resolution.isBlocked else {
            outcome.isUnavailable = true
            fail("The database cannot be read")
            return .done
        }
        let usable = resolution.usable
        if let finding = usable.first(where: { $0.key.map { !isRefused($0) } ?? false }) {
            use(finding, in: store)
            return .done
        }
        for finding in usable {
            say(
                "⚠️ Key from \(finding.source) is refused by \(sources.upstream): \(finding.masked ?? "")",
                .warning)
        }
        if usable.isEmpty { say("⚠️ No API key found in database, file, or environment", .warning) }
        guard let key = keyForProvisioning() else {
            fail("No API key available")
            return .done
        }
        say("🔄 Auto-provisioning new key for user \(query.shortID)...")
        return .provision(with: key)
    }

    private mutating func use(_ finding: KeyResolution.Finding, in store: Opened?) {
        guard let key = finding.key else { return }
        say("✅ Loaded key from \(finding.source): \(KeyMask.text(key))")
        for other in resolution.differing { say("⚠️ Key in \(other.source) differs from database", .warning) }
        if !resolution.differing.isEmpty { say("💡 Keeping database key (priority)") }
        let isSynced = finding.kind != .database && save(key, finding.source, in: store)
        finish(key, finding.source, isSynced: isSynced)
    }

    private mutating func keyForProvisioning() -> Secret? {
        // Why only for users: nothing is remembered for others, and strangers would have keys made.
        guard let provision = sources.chain.provision, mayProvision, query.user != nil else { return nil }
        say("🔄 Attempting auto-provision...")
        guard mayWrite(KeySources.provisioned) else {
            say("⚠️ The stored key stands in the way, cannot auto-provision", .warning)
            return nil
        }
        if let key = sources.provisioningKey() { return key }
        let state = resolution.findings.first { $0.kind == .provision }?.state
        let reason =
            switch state {
            case .badFormat: "has an invalid format"
            case .unreadable: "cannot be read"
            case .absent, .shadowed, .ready, .used, nil: "not set"
            }
        say("⚠️ \(provision.key.shownName) \(reason), cannot auto-provision", .warning)
        return nil
    }

    // MARK: - A key that was made

    mutating func take(_ made: Result<Secret, Provisioning.Failure>, in store: Opened?) {
        switch made {
        case .failure(let failure):
            say("❌ Auto-provision failed: \(failure)", .warning)
            fail("No API key available")
        case .success(let key):
            guard sources.format.accepts(key) else {
                say("⚠️ Invalid key format in \(KeySources.provisioned)", .warning)
                return fail("No API key available")
            }
            say("✅ Auto-provisioned new key: \(KeyMask.text(key))")
            // Why again: somebody may have stored one meanwhile.
            resolution = sources.look(for: query, in: store)
            let isSynced = save(key, KeySources.provisioned, in: store)
            if !isSynced, !isStored(key) { unsaved = key }
            resolution = sources.look(for: query, in: store, held: unsaved)
            finish(key, KeySources.provisioned, isSynced: isSynced)
        }
    }

    // MARK: - The database

    /// Writes it down for the user, by the upstream's name. Why never over a key that somebody has stored:
    /// what is in the database wins, and only who stored it takes it back.
    private mutating func save(_ key: Secret, _ source: String, in store: Opened?) -> Bool {
        guard sources.chain.remembers, let user = query.user, mayWrite(source), !isStored(key),
            case .success(let store) = store
        else { return false }
        do throws(StoreError) {
            let seen = resolution.ownRow?.row
            let isSaved = try store.transaction { () throws(StoreError) -> Bool in
                // What was looked at may be another's by now: a user of another file, a key stored meanwhile.
                let found = try store.upstreamKeys(user: user.id).first { $0.name == sources.upstream }
                guard try store.user(.id(user.id))?.publicID == user.publicID, found?.id == seen?.id,
                    found?.updatedAt == seen?.updatedAt, found?.source == seen?.source
                else { return false }
                _ = try store.setUpstreamKey(user: user.id, name: sources.upstream, key: key, source: source)
                return true
            }
            guard isSaved else {
                say("⚠️ Another key was stored meanwhile, not saving this one", .warning)
                return false
            }
            say("✅ Saved key to database (source: \(source)): \(KeyMask.text(key))")
            return true
        } catch {
            say("❌ Error saving key to database: \(error)", .warning)
            return false
        }
    }

    private func mayWrite(_ source: String) -> Bool {
        !resolution.findings.contains { finding in
            guard finding.kind == .database else { return false }
            if case .unreadable = finding.state { return true }
            guard let row = finding.row, row.userID == query.user?.id, row.name == sources.upstream else {
                return false
            }
            return source != KeySources.provisioned || row.source != KeySources.provisioned
        }
    }

    private func isStored(_ key: Secret) -> Bool {
        resolution.findings.contains { $0.kind == .database && $0.key?.isEqual(to: key) ?? false }
    }

    // MARK: - Saying

    private mutating func tellProblems() {
        for finding in resolution.findings {
            guard let text = finding.problem else { continue }
            let problem = Problem(at: KeySync.place(of: finding, query), text: text)
            lines.append(Line(level: .warning, text: "[KeyManager] ⚠️ \(text)", problem: problem))
        }
    }

    /// Where a problem would be, of this user's sources.
    static func place(of finding: KeyResolution.Finding, _ query: KeyQuery) -> String {
        finding.kind == .database ? "\(query.user?.id ?? 0) \(finding.place)" : finding.place
    }

    private mutating func finish(_ key: Secret, _ source: String, isSynced: Bool) {
        outcome = Outcome(key: key, source: source, isSynced: isSynced)
        say("✅ Using key from: \(source)")
        if isSynced { say("✅ Key synced to database") }
        say("===== Sync complete =====")
    }

    private mutating func fail(_ error: String) {
        outcome.error = error
        say("❌ \(error)", .warning)
    }

    private mutating func say(_ text: String, _ level: Log.Level = .info) {
        lines.append(Line(level: level, text: "[KeyManager] \(text)"))
    }
}

extension TextSource {
    /// What people know it by: never the value.
    var shownName: String {
        switch self {
        case .literal: "key"
        case .environment(let name), .file(let name), .credential(let name): name
        }
    }
}
