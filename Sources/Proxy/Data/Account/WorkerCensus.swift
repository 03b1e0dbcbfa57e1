/// All that runs on one worker at one moment, for control, which asks for it by `Mail.census`.
///
/// Nothing is counted on the way of a request for it. Cost: one pass over the worker's connections between
/// two events, and about 100 bytes for each exchange until control has looked.
struct WorkerCensus: Sendable {
    /// What an exchange runs by.
    struct Ties: Hashable, Sendable {
        /// Into `generations`.
        let generation: Int
        /// Into the generation's listeners.
        let listener: Int
        /// One of the generation's routes; nil: none was found yet, or none is there.
        let route: ObjectIdentifier?
        /// One of the route's entries of `auth`; nil: nobody was let in yet.
        let auth: ObjectIdentifier?
        /// Into the generation's upstreams; nil: it goes nowhere, or nobody knows yet.
        let upstream: Int?
    }

    struct Item: Sendable {
        let ties: Ties
        /// nil: nobody in particular.
        let caller: KeyDigest?
        /// Its answer is a stream of events, and has begun.
        let isStream: Bool
    }

    struct Connections: Sendable {
        let listener: ListenerIdentity
        var open = 0
        /// Of those, the ones that end with what they ask now: their listener is served no more.
        var retired = 0
    }

    /// That of the question which this answers.
    let number: UInt64
    /// Held, so that what `Ties` name stays what it is.
    private(set) var generations: [Generation] = []
    private(set) var items: [Item] = []
    private(set) var connections: [Connections] = []

    init(number: UInt64, reserving count: Int = 0) {
        self.number = number
        items.reserveCapacity(count)
    }

    mutating func add(_ exchange: RunningExchange) {
        guard let serving = exchange.serving else { return }
        // Why the clocks: they are off until somewhere to go is known.
        let upstream = exchange.timeouts == .off ? nil : exchange.upstreamIndex
        let ties = Ties(
            generation: index(of: serving.plan), listener: exchange.listenerIndex,
            route: exchange.route.map { ObjectIdentifier($0) },
            auth: exchange.auth.map { ObjectIdentifier($0) }, upstream: upstream)
        items.append(
            Item(ties: ties, caller: exchange.caller?.digest, isStream: exchange.isEventStream))
    }

    mutating func add(_ client: ClientConnection) {
        let index =
            connections.firstIndex { $0.listener == client.listener }
            ?? {
                connections.append(Connections(listener: client.listener))
                return connections.count - 1
            }()
        connections[index].open += 1
        if client.isRetired { connections[index].retired += 1 }
    }

    private mutating func index(of plan: Generation) -> Int {
        // Why from the end: most run by the one that was met last.
        if let index = generations.lastIndex(where: { $0 === plan }) { return index }
        generations.append(plan)
        return generations.count - 1
    }
}

extension Worker {
    func answerCensus(_ number: UInt64) {
        var census = WorkerCensus(number: number, reserving: clients.count)
        for client in clients {
            census.add(client)
            if let exchange = client.exchange { census.add(exchange) }
        }
        // Those whose client has left, and whose answer is read to its end.
        for upstream in upstreams {
            if let exchange = upstream.exchange, exchange.client == nil { census.add(exchange) }
        }
        handle.census.withLock { $0 = census }
        handle.controlBell.ring()
    }
}
