/// Which models there are: the entries of `models:` that say where to, and what upstreams list besides.
struct ModelCatalog: Sendable {
    struct Model: Equatable, Sendable {
        /// As a request names it.
        let id: String
        /// Seconds since 1970.
        let created: Int64
        let upstream: String
    }

    /// One place that an entry leads to.
    struct Target: Sendable {
        let upstream: String
        /// The upstream's own names are what requests say behind `prefix`; false: there is one name for all.
        let passesName: Bool
    }

    struct Entry: Sendable {
        let name: String
        /// Of a pattern with `strip_prefix`, its literal beginning; else empty.
        let prefix: String
        /// Best first; empty: names that fit are refused.
        let targets: [Target]

        var isPattern: Bool { name.utf8.contains(UInt8(ascii: "*")) }
    }

    private let entries: [(entry: Entry, plan: ModelPlan)]
    /// Tells which entry a name belongs to, as for a request.
    private let table: ModelTable
    /// Seconds since 1970: `created` of what nobody says it of.
    private let since: Int64

    /// - Parameter entries: in file order, no name twice.
    init(_ entries: [Entry], since: Int64) {
        self.entries = entries.map { ($0, ModelPlan(name: PlanText($0.name))) }
        table = ModelTable(self.entries.map(\.plan))
        self.since = since
    }

    /// Those whose lists tell of models that no entry names, each once.
    var listedUpstreams: [String] {
        var names: [String] = []
        for (entry, _) in entries where entry.isPattern {
            for target in entry.targets where target.passesName && !names.contains(target.upstream) {
                names.append(target.upstream)
            }
        }
        return names
    }

    /// In file order, and for a pattern as its upstreams list them. A listed model counts where a request for
    /// it would go that way: not where another entry fits its name better.
    /// - Parameter listed: what an upstream lists.
    func models(listed: (String) -> [UpstreamModel]) -> [Model] {
        var models: [Model] = []
        // Why octets: texts that differ are equal to Swift where their characters look the same.
        var seen: Set<[UInt8]> = []
        func add(_ id: String, _ created: Int64?, of target: Target) {
            guard seen.insert(Array(id.utf8)).inserted else { return }
            models.append(Model(id: id, created: created ?? since, upstream: target.upstream))
        }
        for (entry, plan) in entries {
            guard entry.isPattern else {
                if let target = entry.targets.first { add(entry.name, nil, of: target) }
                continue
            }
            for target in entry.targets where target.passesName {
                for model in listed(target.upstream) {
                    let id = entry.prefix + model.id
                    guard leads(id, to: plan) else { continue }
                    add(id, model.created, of: target)
                }
            }
        }
        return models
    }

    private func leads(_ id: String, to plan: ModelPlan) -> Bool {
        Array(id.utf8).withUnsafeBytes { table.find($0) === plan }
    }
}
