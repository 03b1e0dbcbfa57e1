import Config

/// All that differs between two configurations, part by part, and which parts exchanges run by.
///
/// Cost: linear in the entries of both; 10,000 routes take some 20 ms.
struct ConfigChanges {
    let old: ConfigSnapshot
    let new: ConfigSnapshot
    /// Identities of limits' numbers that were ever served (`LimitRegistry.served`).
    let counted: Set<String>
    /// In the order of sections; in each as the new file has them, then what is gone.
    private(set) var all: [ConfigChange] = []
    /// Those of `all` that touch what runs, by what they are about.
    private(set) var touching: [ConfigItem: Int] = [:]
    private let oldRouteKeys: [String]
    private let newRouteKeys: [String]
    private let oldRoutePlaces: [String: Int]

    init(from old: ConfigSnapshot, to new: ConfigSnapshot, counted: Set<String> = []) {
        self.old = old
        self.new = new
        self.counted = counted
        oldRouteKeys = old.config.routes.map(\.identity)
        newRouteKeys = new.config.routes.map(\.identity)
        oldRoutePlaces = Dictionary(
            oldRouteKeys.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first }
        )
        compareProcess()
        compare(.listeners, old.config.listeners, new.config.listeners, \.name) {
            old.meaning(of: $0) == new.meaning(of: $1)
        }
        compare(.stores, old.config.stores, new.config.stores, \.name) {
            old.meaning(of: $0) == new.meaning(of: $1)
        }
        compare(.auth, old.config.auth, new.config.auth, \.name) {
            old.meaning(of: $0) == new.meaning(of: $1) && old.store(of: $0) == new.store(of: $1)
        }
        compare(.limits, old.config.limits, new.config.limits, \.name) {
            old.meaning(of: $0) == new.meaning(of: $1)
        }
        compare(.models, old.config.models, new.config.models, \.name) {
            old.meaning(of: $0) == new.meaning(of: $1)
        }
        compare(.upstreams, old.config.upstreams, new.config.upstreams, \.name) {
            old.meaning(of: $0) == new.meaning(of: $1)
        }
        compareRoutes()
        compareOthers()
        describeLimits()
        describeListeners()
        describeUpstreams()
        for (index, change) in all.enumerated() where change.isTouching { touching[change.item] = index }
    }

    /// Those parts of the old configuration that an exchange runs by and that are not the same in the new
    /// one.
    func touched(_ group: RunningExchanges.Group) -> [ConfigItem] {
        guard !touching.isEmpty else { return [] }
        return items(of: group).filter { touching[$0] != nil }
    }

    private func items(of group: RunningExchanges.Group) -> [ConfigItem] {
        var items = [ConfigItem(section: .listeners, key: group.listener)]
        if let auth = group.auth { items.append(ConfigItem(section: .auth, key: auth)) }
        if let upstream = group.upstream { items.append(ConfigItem(section: .upstreams, key: upstream)) }
        if let route = group.route, route < oldRouteKeys.count {
            items.append(ConfigItem(section: .routes, key: oldRouteKeys[route]))
            for limit in old.config.routes[route].limits {
                items.append(ConfigItem(section: .limits, key: limit))
            }
        }
        return items
    }

    // MARK: - Sections

    private mutating func compareProcess() {
        for key in ConfigComparison(served: old.config, next: new.config, counted: []).restartKeys {
            let steps: [ConfigStep] = [.key("process"), .key(key)]
            all.append(
                ConfigChange(
                    item: ConfigItem(section: .process, key: key), name: key, kind: .restart,
                    keys: keys(at: steps, since: steps)))
        }
    }

    private mutating func compare<Entry>(
        _ section: ConfigItem.Section, _ before: [Entry], _ after: [Entry], _ name: (Entry) -> String,
        _ isSame: (Entry, Entry) -> Bool
    ) {
        let known = Dictionary(before.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        let names = Set(after.map(name))
        for entry in after {
            let item = ConfigItem(section: section, key: name(entry))
            guard let old = known[item.key] else {
                all.append(ConfigChange(item: item, name: item.key, kind: .added))
                continue
            }
            guard !isSame(old, entry) else { continue }
            let steps: [ConfigStep] = [.key(section.rawValue), .key(item.key)]
            all.append(
                ConfigChange(item: item, name: item.key, kind: .changed, keys: keys(at: steps, since: steps)))
        }
        for entry in before where !names.contains(name(entry)) {
            let item = ConfigItem(section: section, key: name(entry))
            all.append(ConfigChange(item: item, name: item.key, kind: .removed))
        }
    }

    private mutating func compareRoutes() {
        let moved = movedRoutes()
        for (index, key) in newRouteKeys.enumerated() {
            let route = new.config.routes[index]
            let item = ConfigItem(section: .routes, key: key)
            guard let place = oldRoutePlaces[key] else {
                all.append(ConfigChange(item: item, name: route.shownName, kind: .added))
                continue
            }
            let before = old.config.routes[place]
            let note = moved.contains(key) ? ["stood at routes[\(place)] before"] : []
            if old.meaning(of: before) != new.meaning(of: route) {
                let keys = keys(
                    at: [.key("routes"), .index(index)], since: [.key("routes"), .index(place)])
                all.append(
                    ConfigChange(
                        item: item, name: route.shownName, kind: .changed, keys: keys, notes: note))
            } else if !note.isEmpty {
                all.append(ConfigChange(item: item, name: route.shownName, kind: .moved, notes: note))
            }
        }
        let kept = Set(newRouteKeys)
        for (index, key) in oldRouteKeys.enumerated() where !kept.contains(key) {
            let item = ConfigItem(section: .routes, key: key)
            all.append(
                ConfigChange(item: item, name: old.config.routes[index].shownName, kind: .removed))
        }
    }

    /// Those that stand elsewhere among the routes that stay: as few as explain the new order.
    private func movedRoutes() -> Set<String> {
        let places = newRouteKeys.compactMap { oldRoutePlaces[$0] }
        let stay = Set(longestAscent(in: places))
        return Set(newRouteKeys.filter { key in oldRoutePlaces[key].map { !stay.contains($0) } ?? false })
    }

    /// Keys at the top of the file, such as `access_log`: by their text alone.
    private mutating func compareOthers() {
        guard let before = old.document, let after = new.document else { return }
        let sections = Set(ConfigItem.Section.allCases.map(\.rawValue))
        let keys = after.keys + before.keys.filter { !after.keys.contains($0) }
        for key in keys where !sections.contains(key) {
            let steps: [ConfigStep] = [.key(key)]
            let changes = after.changes(at: steps, since: before, at: steps)
            guard !changes.isEmpty else { continue }
            let kind: ConfigChange.Kind =
                before.keys.contains(key) ? after.keys.contains(key) ? .changed : .removed : .added
            let item = ConfigItem(section: .others, key: key)
            all.append(
                ConfigChange(item: item, name: key, kind: kind, keys: kind == .changed ? changes : []))
        }
    }

    private func keys(at steps: [ConfigStep], since oldSteps: [ConfigStep]) -> [KeyChange] {
        guard let before = old.document, let after = new.document else { return [] }
        return after.changes(at: steps, since: before, at: oldSteps)
    }

    /// What a section's changes are to be told besides.
    mutating func describe(_ section: ConfigItem.Section, _ body: (inout ConfigChange) -> Void) {
        for index in all.indices where all[index].item.section == section { body(&all[index]) }
    }
}

extension RouteConfig {
    /// `routes[3] POST /v1/**`
    fileprivate var shownName: String {
        let methods = methods.isEmpty ? "" : methods.joined(separator: ",") + " "
        return "routes[\(index)] \(methods)\(shownPath)"
    }

    private var shownPath: String {
        switch path {
        case .exact(let path): path
        case .prefix(let path): path + "*"
        case .subtree(let path): path + "/**"
        }
    }
}

/// The longest list of numbers that stand one behind the other and grow (patience sorting).
func longestAscent(in numbers: [Int]) -> [Int] {
    /// Place of the smallest number that an ascent of so many can end with.
    var ends: [Int] = []
    var before = [Int](repeating: -1, count: numbers.count)
    for (place, number) in numbers.enumerated() {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if numbers[ends[middle]] < number { low = middle + 1 } else { high = middle }
        }
        if low > 0 { before[place] = ends[low - 1] }
        if low == ends.count { ends.append(place) } else { ends[low] = place }
    }
    var ascent: [Int] = []
    var place = ends.last ?? -1
    while place >= 0 {
        ascent.append(numbers[place])
        place = before[place]
    }
    return ascent.reversed()
}
