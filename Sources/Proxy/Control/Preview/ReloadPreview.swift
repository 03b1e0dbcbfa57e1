import Config

/// What a reload would do, told before it is done: what changes, and which of all that runs is touched by it.
///
///     trial ─▶ changes ─▶ census of what runs ─▶ touches
///
/// Changes nothing and asks nobody. Belongs to the control thread.
struct ReloadPreview {
    struct Entry {
        let change: ConfigChange
        var touch = PreviewTouch()
    }

    /// A file that is sent has at most this many bytes (`SourceText.byteCountMax`).
    static let fileBytesMax = 4 << 20

    /// The file, as messages show it.
    let file: String
    /// The generation that is served.
    let generation: UInt64
    /// As `check` and a reload tell them.
    let diagnostics: [Diagnostic]
    /// The file is a configuration that could be served.
    let isGood: Bool
    /// In the order of `ConfigChanges`.
    private(set) var entries: [Entry] = []
    /// All that runs.
    let running: RunningExchanges
    /// What is touched by at least one change, each once.
    private(set) var total = PreviewTouch()
    /// Subjects that are counted, by identity of the limit's number.
    private let subjects: [String: Int]

    init(_ trial: ConfigTrial, _ served: ReloadDriver.Served, _ context: Context) {
        file = trial.outcome.places.file
        generation = served.generation.number
        running = context.running
        guard let loaded = trial.loaded else {
            (isGood, diagnostics, subjects) = (false, trial.diagnostics, [:])
            return
        }
        isGood = true
        let comparison = ConfigComparison(
            served: served.config, next: loaded.config, counted: context.counted)
        let places = trial.outcome.places
        diagnostics =
            trial.diagnostics + comparison.removalWarnings(places) + comparison.resetWarnings(places)
            + comparison.restartWarnings(places)
        let next = ConfigSnapshot(loaded, places.document)
        let changes = ConfigChanges(from: served.snapshot, to: next, counted: context.counted)
        entries = changes.all.map { Entry(change: $0) }
        subjects = changes.all.contains { !$0.numbers.isEmpty } ? context.subjects() : [:]
        touch(changes, context, next)
        touchConnections(served, next)
        touchCallers(changes, context.auth, trial.auth)
    }

    /// What there is beside the file.
    struct Context {
        let running: RunningExchanges
        /// Generations that are served no more and still have exchanges.
        let older: [GenerationRecord]
        /// As they are served.
        let auth: AuthSet
        /// `LimitRegistry.served`
        let counted: Set<String>
        /// Subjects that are counted, by identity; asked where it matters.
        let subjects: () -> [String: Int]
    }

    func subjects(of number: LimitNumberChange) -> Int { subjects[number.identity] ?? 0 }

    // MARK: - Touches

    /// An exchange is touched by what is other than it is in its own generation.
    private mutating func touch(_ changes: ConfigChanges, _ context: Context, _ next: ConfigSnapshot) {
        let byGeneration = Dictionary(grouping: running.groups, by: \.generation)
        for (number, groups) in byGeneration {
            if number == generation {
                for group in groups { touch(group, changes.touched(group), changes) }
            } else if let record = context.older.first(where: { $0.number == number }) {
                let since = ConfigChanges(from: record.snapshot, to: next)
                for group in groups { touch(group, since.touched(group), changes) }
            }
        }
    }

    private mutating func touch(
        _ group: RunningExchanges.Group, _ items: [ConfigItem], _ changes: ConfigChanges
    ) {
        let places = items.compactMap { changes.touching[$0] }
        guard !places.isEmpty else { return }
        for place in Set(places) { entries[place].touch.add(group) }
        total.add(group)
    }

    /// Of sockets that are closed.
    private mutating func touchConnections(_ served: ReloadDriver.Served, _ next: ConfigSnapshot) {
        let wanted = Set(next.config.listeners.map(\.bind))
        for (listener, socket) in zip(served.config.listeners, served.sockets)
        where !wanted.contains(listener.bind) {
            let open = running.connections[socket.identity]?.open ?? 0
            total.connections += open
            let item = ConfigItem(section: .listeners, key: listener.name)
            for place in entries.indices where entries[place].change.item == item {
                entries[place].touch.connections += open
            }
        }
    }

    /// Who is not let in any more by an entry that stays.
    private mutating func touchCallers(_ changes: ConfigChanges, _ served: AuthSet, _ next: AuthSet) {
        for place in entries.indices where entries[place].change.item.section == .auth {
            let name = entries[place].change.item.key
            guard let old = served.entries[name], let new = next.entries[name], old !== new else { continue }
            let groups = running.groups.filter { $0.auth == name && $0.cutsOnRevoke }
            switch (old.source, new.source) {
            case (.environment, .environment), (.tokenFile, .tokenFile):
                let callers = new.callers
                guard callers.inDoubtSince.load(ordering: .relaxed) == 0 else { continue }
                for group in groups {
                    entries[place].touch.cut(group) { callers.find($0)?.state != .active }
                    total.cut(group) { callers.find($0)?.state != .active }
                }
            case (.store, .store): if !groups.isEmpty { entries[place].touch.isCutUnknown = true }
            case (.none, _), (.environment, _), (.tokenFile, _), (.store, _), (.jwt, _): break
            }
        }
    }
}
