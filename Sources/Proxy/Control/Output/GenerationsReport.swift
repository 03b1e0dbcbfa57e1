import Config

/// `headgate generations`: the configurations that are alive, and what runs by each of them.
struct GenerationsReport {
    struct Item {
        let number: UInt64
        /// When every worker had it; nanoseconds since 1970.
        let since: UInt64
        /// When it was replaced; nil: it is served.
        let until: UInt64?
        let trigger: Reload.Trigger
        fileprivate(set) var exchanges = 0
        fileprivate(set) var streams = 0
        /// Those of `exchanges` that run by something that is not served any more as it was then. nil: nobody
        /// has looked.
        fileprivate(set) var outdated: Int?
        /// What that is: `upstream openai`, `routes[2] /v1/**`.
        fileprivate(set) var differences: [String] = []
    }

    /// The youngest first.
    let items: [Item]
    /// False: a worker has not answered in time.
    let isComplete: Bool

    /// Routes that are compared for one report: more would keep the control thread from all else.
    static let comparedRoutesMax = 50_000
    /// Of one generation.
    static let differencesMax = 20

    /// - Parameter compares: look at what is outdated as well.
    init(
        _ served: ReloadDriver.Served?, _ older: [GenerationRecord], _ running: RunningExchanges,
        compares: Bool = true
    ) {
        isComplete = running.isComplete
        let groups = Dictionary(grouping: running.groups, by: \.generation)
        var items: [Item] = []
        if let served {
            var item = Item(
                number: served.generation.number, since: served.since, until: nil, trigger: served.trigger)
            item.outdated = 0
            items.append(item)
        }
        var comparedRoutes = 0
        for record in older.reversed() {
            var item = Item(
                number: record.number, since: record.since, until: record.until, trigger: record.trigger)
            let own = groups[record.number] ?? []
            let cost = record.snapshot.config.routes.count + (served?.config.routes.count ?? 0)
            if own.isEmpty {
                item.outdated = 0
            } else if let served, compares, comparedRoutes + cost <= GenerationsReport.comparedRoutesMax {
                comparedRoutes += cost
                item.compare(own, ConfigChanges(from: record.snapshot, to: served.snapshot))
            }
            items.append(item)
        }
        for index in items.indices {
            for group in groups[items[index].number] ?? [] {
                items[index].exchanges += group.count
                items[index].streams += group.streams
            }
        }
        self.items = items
    }

    // MARK: - For people

    var text: String { (lines + (isComplete ? [] : [GenerationsReport.incomplete])).joined(separator: "\n") }

    static let incomplete = "a worker did not answer in time: there may be more"

    private var lines: [String] {
        guard !items.isEmpty else { return ["nothing is served yet"] }
        return items.flatMap { item in
            ["generation  \(item.number) \(item.standing): \(item.running)"]
                + item.differences.map { "            no more as it was: \($0)" }
        }
    }

    /// Of those that are served no more, for `status`.
    var olderLines: [String] {
        items.filter { $0.until != nil }.map {
            "            generation \($0.number) \($0.standing): \($0.running)"
        }
    }

    // MARK: - JSON

    var json: String {
        var json = JSONText()
        json.object { json in
            append(to: &json)
            json.boolean("complete", isComplete)
        }
        return json.text
    }

    func append(to json: inout JSONText) {
        json.array("generations") { json in
            for item in items {
                json.object { json in
                    json.number("number", item.number)
                    json.boolean("served", item.until == nil)
                    json.string("since", Timestamp.text(item.since))
                    if let until = item.until {
                        json.string("until", Timestamp.text(until))
                    } else {
                        json.null("until")
                    }
                    json.string("trigger", item.trigger.rawValue)
                    json.number("exchanges", item.exchanges)
                    json.number("streams", item.streams)
                    if let outdated = item.outdated {
                        json.number("outdated", outdated)
                    } else {
                        json.null("outdated")
                    }
                    json.array("differences") { json in
                        for difference in item.differences { json.string(nil, difference) }
                    }
                }
            }
        }
    }
}

extension GenerationsReport.Item {
    fileprivate mutating func compare(_ groups: [RunningExchanges.Group], _ changes: ConfigChanges) {
        var count = 0
        var places: Set<Int> = []
        for group in groups {
            let touched = changes.touched(group)
            guard !touched.isEmpty else { continue }
            count += group.count
            places.formUnion(touched.compactMap { changes.touching[$0] })
        }
        outdated = count
        let names = places.sorted().map { changes.all[$0].title }
        differences = Array(names.prefix(GenerationsReport.differencesMax))
    }

    fileprivate var standing: String {
        guard let until else { return "served since \(Timestamp.text(since)) by \(trigger.rawValue)" }
        return "served until \(Timestamp.text(until))"
    }

    fileprivate var running: String {
        var text = counted(exchanges, "exchange")
        if streams > 0 { text += " (\(counted(streams, "stream")))" }
        if let outdated, outdated > 0 { text += ", \(outdated) by what is served no more" }
        return text
    }
}
