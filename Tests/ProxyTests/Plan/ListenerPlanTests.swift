import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct ListenerPlanTests {
    @Test func `two generations of a listener share one count of connections`() {
        let connections = ConnectionCount()
        let plans = [plan(connections, maxConnections: 1), plan(connections, maxConnections: 2)]
        plans[0].connections.count.add(1, ordering: .relaxed)
        #expect(plans[1].connections.count.load(ordering: .relaxed) == 1)
        #expect(plans.map(\.maxConnections) == [1, 2])
        #expect(plans[0].identity == plans[1].identity)
    }

    private func plan(_ connections: ConnectionCount, maxConnections: Int) -> ListenerPlan {
        ListenerPlan(
            name: "l", nameText: PlanText("l"), identity: ListenerIdentity(rawValue: 7), allow: [],
            maxConnections: maxConnections, connections: connections,
            headLimits: HeadLimits(maxBytes: 1024, maxFields: 10),
            timeouts: ListenerTimeouts(head: 1, body: 2, clientIdle: 3, keepAlive: 4), allowsHalfClose: false)
    }
}
