/// All that runs at one moment, on all workers, in groups of what runs by the same things.
struct RunningExchanges {
    struct Group {
        /// Number of the generation that all of them began with.
        let generation: UInt64
        let listener: String
        /// Place of the route in its generation; nil: none was found yet, or none is there.
        let route: Int?
        /// nil: nobody was let in yet.
        let auth: String?
        /// `on_revoke: cut` of `auth`.
        let cutsOnRevoke: Bool
        /// nil: they go nowhere, or nobody knows yet.
        let upstream: String?
        var count = 0
        /// Those of them whose answer is a stream of events.
        var streams = 0
        /// How many are whose; those of nobody in particular left out.
        var callers: [KeyDigest: Int] = [:]
    }

    struct Connections: Equatable {
        var open = 0
        /// Of those, the ones that end with what they ask now.
        var retired = 0
    }

    var groups: [Group] = []
    var connections: [ListenerIdentity: Connections] = [:]
    /// False: a worker has not answered in time, and what it has is missing.
    let isComplete: Bool

    init(_ workers: [WorkerCensus] = [], isComplete: Bool = true) {
        self.isComplete = isComplete
        var grouping = Grouping()
        for worker in workers {
            grouping.add(worker)
            for counted in worker.connections {
                connections[counted.listener, default: Connections()].open += counted.open
                connections[counted.listener, default: Connections()].retired += counted.retired
            }
        }
        groups = grouping.groups
    }

    var count: Int { groups.reduce(0) { $0 + $1.count } }
    var streams: Int { groups.reduce(0) { $0 + $1.streams } }
}

/// Puts names to what workers tell, and the same of several workers together.
private struct Grouping {
    private struct Names: Hashable {
        let generation: UInt64
        let listener: String
        let route: Int?
        let auth: String?
        let upstream: String?
    }

    /// Of one generation.
    private struct Lookup {
        var routes: [ObjectIdentifier: Int] = [:]
        var auth: [ObjectIdentifier: AuthPlan] = [:]

        init(_ plan: Generation) {
            for (index, route) in plan.routes.routes.enumerated() {
                routes[ObjectIdentifier(route)] = index
                for entry in route.auth { auth[ObjectIdentifier(entry)] = entry }
            }
        }
    }

    private(set) var groups: [RunningExchanges.Group] = []
    private var places: [Names: Int] = [:]
    private var lookups: [ObjectIdentifier: Lookup] = [:]

    mutating func add(_ worker: WorkerCensus) {
        var known: [WorkerCensus.Ties: Int] = [:]
        for item in worker.items {
            let place =
                known[item.ties]
                ?? {
                    let place = self.place(of: item.ties, worker.generations[item.ties.generation])
                    known[item.ties] = place
                    return place
                }()
            groups[place].count += 1
            if item.isStream { groups[place].streams += 1 }
            if let caller = item.caller { groups[place].callers[caller, default: 0] += 1 }
        }
    }

    private mutating func place(of ties: WorkerCensus.Ties, _ plan: Generation) -> Int {
        let lookup = lookups[ObjectIdentifier(plan)] ?? Lookup(plan)
        lookups[ObjectIdentifier(plan)] = lookup
        let auth = ties.auth.flatMap { lookup.auth[$0] }
        let names = Names(
            generation: plan.number,
            listener: ties.listener < plan.listeners.count ? plan.listeners[ties.listener].name : "",
            route: ties.route.flatMap { lookup.routes[$0] }, auth: auth?.name,
            upstream: ties.upstream.map { plan.upstreams[$0].name })
        if let place = places[names] { return place }
        groups.append(
            RunningExchanges.Group(
                generation: names.generation, listener: names.listener, route: names.route,
                auth: names.auth, cutsOnRevoke: auth?.cutsOnRevoke ?? false, upstream: names.upstream))
        places[names] = groups.count - 1
        return groups.count - 1
    }
}
