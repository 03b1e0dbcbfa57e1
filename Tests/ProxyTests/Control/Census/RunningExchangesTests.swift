import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RunningExchangesTests {
    private let generations = GenerationCensus()

    private func generation(_ number: UInt64, _ routes: [RoutePlan]) -> Generation {
        let listener = ListenerPlan(
            name: "main", nameText: PlanText("main"), identity: ListenerIdentity(rawValue: 1), allow: [],
            maxConnections: 1, connections: ConnectionCount(),
            headLimits: HeadLimits(maxBytes: 1024, maxFields: 10),
            timeouts: ListenerTimeouts(head: 0, body: 0, clientIdle: 0, keepAlive: 0),
            allowsHalfClose: false)
        return Generation(
            number: number, listeners: [listener], routes: RouteTable(routes: routes),
            upstreams: [.test("up", [])], trustedProxies: [], census: generations)
    }

    private func exchange(
        _ serving: ServingGeneration, _ route: RoutePlan?, caller: String? = nil, goes: Bool = false,
        isStream: Bool = false
    ) -> RunningExchange {
        let exchange = RunningExchange()
        exchange.serving = serving
        exchange.route = route
        exchange.auth = route?.auth.first
        exchange.caller = caller.map { .test($0) }
        if goes { exchange.timeouts = .patient }
        exchange.isEventStream = isStream
        return exchange
    }

    @Test func `what runs by the same things on several workers is one group`() throws {
        let handle = try WorkerHandle(
            index: 0, controlBell: try Bell(), writerBell: try WriterBell(), desk: Desk())
        let routes: [RoutePlan] = [.test(), .test(auth: [.keys([], cuts: true)])]
        let plans = [generation(7, routes), generation(8, [.test()])]
        let serving = plans.map { ServingGeneration(plan: $0, pools: [], handle: handle) }
        var workers = [WorkerCensus(number: 1), WorkerCensus(number: 1)]
        for index in workers.indices {
            workers[index].add(exchange(serving[0], routes[1], caller: "a", goes: true, isStream: true))
            workers[index].add(exchange(serving[0], routes[1], caller: "b", goes: true))
            workers[index].add(exchange(serving[0], nil))
        }
        workers[1].add(exchange(serving[1], plans[1].routes.routes[0], goes: true))
        let running = RunningExchanges(workers)
        #expect(running.count == 7 && running.streams == 2)
        let groups = running.groups.sorted { ($0.generation, $0.count) < ($1.generation, $1.count) }
        #expect(groups.map(\.generation) == [7, 7, 8])
        #expect(groups.map(\.count) == [2, 4, 1])
        #expect(groups.map(\.route) == [nil, 1, 0])
        #expect(groups.map(\.upstream) == [nil, "up", "up"])
        #expect(groups.map(\.auth) == [nil, "apps", "open"])
        #expect(groups.map(\.cutsOnRevoke) == [false, true, false])
        #expect(groups.allSatisfy { $0.listener == "main" })
        #expect(groups[1].callers == [KeyDigest.test("a"): 2, KeyDigest.test("b"): 2])
    }
}
