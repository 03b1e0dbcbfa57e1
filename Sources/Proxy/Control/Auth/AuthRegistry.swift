import Config

/// Who may come in, across generations: the entries of `auth:` with their callers, and the stores.
///
/// A configuration is prepared aside, then committed when its generation is published; what it does not name
/// any more is stopped once every worker has the new one. A preparation that fails changes nothing.
///
/// Belongs to the control thread.
final class AuthRegistry {
    /// As they are served.
    private(set) var served = AuthSet()
    private var retiredEntries: [AuthEntry] = []
    private var retiredStores: [StoreEntry] = []
    private let mailboxes: Mailboxes
    private let limits: LimitRegistry
    /// Rung when a door that stands open has a key by now; nil: nobody closes it.
    let doorBell: Bell?

    init(mailboxes: Mailboxes, limits: LimitRegistry = LimitRegistry(), doorBell: Bell? = nil) {
        self.doorBell = doorBell
        self.mailboxes = mailboxes
        self.limits = limits
    }

    /// Reads, opens and checks what the configuration names, beside what is served.
    func prepare(_ loaded: LoadedConfig, _ places: DiagnosticPlaces, trigger: Reload.Trigger) -> AuthSet {
        var preparation = AuthPreparation(
            loaded: loaded, places: places, served: served, trigger: trigger, mailboxes: mailboxes,
            limits: limits)
        return preparation.run()
    }

    /// The build failed: what is new in it goes.
    func discard(_ set: AuthSet) {
        for entry in set.newEntries { entry.stop() }
        for store in set.newStores { store.keeper.stop() }
    }

    /// The generation is about to be posted to the workers.
    func commit(_ set: AuthSet) {
        retiredEntries += served.entries.values.filter { old in set.entries[old.name] !== old }
        retiredStores += served.stores.values.filter { old in set.stores[old.name] !== old }
        served = set
        served.newEntries = []
        served.newStores = []
        for (name, entry) in set.entries {
            entry.isOpen = set.open.contains(name)
            if case .tokenFile(let source) = entry.source {
                source.standOpen(at: set.openRoutes[name], doorBell)
            }
            entry.callers.maxStale.store(set.maxStale[name] ?? 0, ordering: .relaxed)
        }
        for entry in set.newEntries {
            do throws(SystemError) {
                try entry.start()
            } catch {
                entry.callers.putInDoubt()
                Log.error("auth.\(entry.name): changes of its source are not seen: \(error)")
            }
        }
    }

    /// Every worker serves what was committed.
    func retire() {
        for old in retiredEntries {
            if let next = served.entries[old.name], next.takeOver(old) { mailboxes.post(.cutRevoked) }
            old.stop()
        }
        for store in retiredStores { store.keeper.stop() }
        retiredEntries = []
        retiredStores = []
    }

    /// Everything ends: what is still to be written is written.
    func stop() {
        retire()
        for entry in served.entries.values { entry.stop() }
        for store in served.stores.values { store.keeper.stop() }
        served = AuthSet()
    }
}

// MARK: - `when_unconfigured`

extension AuthRegistry {
    /// Adds what would change which routes let everybody in, if that were asked now: whoever asks for a
    /// reload asks for that as well. A token file that has gone is waited for, in case it is being replaced.
    func addQuestions(to files: inout InputFiles, _ config: GatewayConfig) {
        for auth in config.auth where auth.allowsWhenUnconfigured {
            guard let entry = served.entries[auth.name] else { continue }
            switch entry.source {
            case .tokenFile(let source) where source.isUnconfiguredNow != entry.isOpen:
                _ = files.read(source.path)
            case .environment where (entry.callers.count == 0) != entry.isOpen: files.asksAnew = true
            case .none, .environment, .tokenFile, .store, .jwt: break
            }
        }
    }
}
