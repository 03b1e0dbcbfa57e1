import Config

/// A part of the configuration by which exchanges run, or which stands beside them.
struct ConfigItem: Hashable {
    enum Section: String, CaseIterable {
        case process, listeners, stores, auth, limits, models, upstreams, routes
        /// Keys at the top of the file that are no list of entries.
        case others = "top"
    }

    let section: Section
    /// Its name in the file; of a route its conditions (`RouteConfig.identity`).
    let key: String
}

/// What a reload would do to one part of the configuration.
struct ConfigChange {
    enum Kind: String {
        case added, removed, changed
        /// Only the place among the others, which decides what comes first.
        case moved
        /// Changed in the file, and not in force before a restart.
        case restart
    }

    let item: ConfigItem
    /// For people: the name; of a route its label and its path.
    let name: String
    let kind: Kind
    /// What differs in the text of the file.
    var keys: [KeyChange] = []
    /// What a limit's numbers become of.
    var numbers: [LimitNumberChange] = []
    /// Sentences besides.
    var notes: [String] = []

    /// Name and kind in one: `upstream openai`.
    var title: String {
        switch item.section {
        case .process: "process.\(name)"
        case .listeners: "listener \(name)"
        case .stores: "store \(name)"
        case .auth: "auth \(name)"
        case .limits: "limit \(name)"
        case .models: "model \(name)"
        case .upstreams: "upstream \(name)"
        case .routes, .others: name
        }
    }

    /// What runs by it runs by something else than is served afterwards.
    var isTouching: Bool {
        switch kind {
        case .removed, .changed: true
        case .added, .moved, .restart: false
        }
    }
}

/// What becomes of the counts of one number of a limit.
struct LimitNumberChange: Equatable {
    enum Outcome: String {
        /// What was used counts against the new number.
        case kept
        /// It was there before, and what was counted then still counts.
        case resumed
        /// Counts from zero.
        case fresh
        /// Counts no more.
        case ended
    }

    /// `requests_per_minute`
    let key: String
    let outcome: Outcome
    /// In the unit of the file; nil: there was none.
    let before: String?
    let after: String?
    /// Names its counts in the ledger (`LimitRegistry.identity`).
    let identity: String

    /// - Parameter subjects: whose counts it has.
    func text(subjects: Int) -> String {
        let whose = subjects > 0 ? " (\(counted(subjects, "count")))" : ""
        switch outcome {
        case .kept: return "\(key) \(before ?? "") → \(after ?? ""), keeps what was used\(whose)"
        case .resumed: return "\(key) \(after ?? ""), goes on from what was used before\(whose)"
        case .fresh: return "\(key) \(after ?? ""), counts from zero"
        case .ended: return "\(key) \(before ?? ""), counts no more\(whose)"
        }
    }
}
