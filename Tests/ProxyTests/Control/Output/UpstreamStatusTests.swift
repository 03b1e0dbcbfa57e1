import JSON
import Testing

@testable import Proxy

private let now: UInt64 = 1_000_000_000_000
/// 2026-03-01T12:00:00Z
private let clock: UInt64 = 1_772_366_400_000_000_000

private func endpoint(_ id: Int, weight: Int = 1) -> EndpointPlan {
    EndpointPlan(
        state: EndpointState(id: id, display: "http://e\(id):80", tls: nil), authority: [], basePath: [],
        basePathEndsInV1: false, maxConnections: 1, maxIdlePerWorker: 1, idleTimeout: 1, weight: weight)
}

@Suite(.tags(.fast)) struct UpstreamStatusTests {
    private let endpoints = [endpoint(1), endpoint(2, weight: 3), endpoint(3), endpoint(4)]
    private let budget = RetryBudget(percent: 0)
    private let health = HealthPlan(failuresMax: 2, ejection: 10 * second)

    private var status: UpstreamStatus {
        let plan = UpstreamPlan(
            name: "u", endpoints: endpoints, timeouts: .off, preservesHost: false,
            gate: UpstreamGate(.init(inFlightMax: 7, queuedMax: 0)), queueTimeout: 0, health: health,
            retryBudget: budget)
        return UpstreamStatus(
            upstreams: [plan], others: [endpoint(9).state],
            checkProblem: { $0 == 3 ? "status 503" : nil }, now: now, clock: clock)
    }

    private func letThingsHappen() {
        for _ in 0..<2 { endpoints[1].state.health.failed(now: now - second, health) }
        for _ in 0..<2 { endpoints[2].state.health.checked(isGood: false, now: now) }
        endpoints[3].state.health.coolDown(until: now + 90 * second)
        endpoints[1].state.exchangeCount.add(12, ordering: .relaxed)
        endpoints[1].state.failureCount.add(2, ordering: .relaxed)
        endpoints[0].state.leasedCount.add(4, ordering: .relaxed)
        for _ in 0..<13 { _ = budget.take(now: now) }
    }

    @Test func `people read who is asked, who is not, why and until when`() {
        letThingsHappen()
        let lines = status.lines
        #expect(
            lines == [
                "upstream    u 0 of 7 in flight, 0 of 0 queued, 0 refused; 1 of 4 endpoints available; "
                    + "10 repetitions, 3 refused by the budget",
                "endpoint    http://e1:80 does not resolve; 0 connections, 4 in use",
                "endpoint    http://e2:80 does not resolve, weight 3; 0 connections; 12 attempts, 2 failed; "
                    + "left out until 2026-03-01T12:00:09.000Z: 2 failures in a row",
                "endpoint    http://e3:80 does not resolve; 0 connections; left out: fails its check: status 503",
                "endpoint    http://e4:80 does not resolve; 0 connections; "
                    + "left out until 2026-03-01T12:01:30.000Z: asked for it (Retry-After)",
                "endpoint    http://e9:80 does not resolve; 0 connections",
            ])
    }

    @Test func `where nothing has happened it is short`() {
        #expect(
            status.lines[0]
                == "upstream    u 0 of 7 in flight, 0 of 0 queued, 0 refused; 4 of 4 endpoints available")
        #expect(status.lines[1] == "endpoint    http://e1:80 does not resolve; 0 connections")
    }

    @Test func `programs read the same`() throws {
        letThingsHappen()
        var text = JSONText()
        text.object { status.append(to: &$0) }
        let json = text.text
        _ = try JSONValue.parse(Array(json.utf8))
        let upstream =
            #""name":"u","in_flight":0,"max_in_flight":7,"queued":0,"queue_max":0,"refused":0,"#
            + #""repetitions":10,"repetitions_refused":3,"#
            + #""endpoints":[{"url":"http://e1:80","weight":1,"available":true},"#
            + #"{"url":"http://e2:80","weight":3,"available":false}"#
        let ejected =
            #""exchanges":12,"failures":2,"state":"ejected","reason":"2 failures in a row","#
            + #""until":"2026-03-01T12:00:09.000Z","failures_in_row":2,"ejections":1,"#
            + #""last_failure":"2026-03-01T11:59:59.000Z""#
        let failing = #""state":"failing_check","reason":"fails its check: status 503","until":null"#
        let cooling =
            #""state":"cooling_down","reason":"asked for it (Retry-After)","#
            + #""until":"2026-03-01T12:01:30.000Z""#
        let fine =
            #""state":"available","reason":null,"until":null,"failures_in_row":0,"ejections":0,"#
            + #""last_failure":null"#
        for part in [upstream, ejected, failing, cooling, fine, #""outstanding":4"#, #""upstreams":["u"]"#] {
            #expect(json.contains(part), "\(part) in \(json)")
        }
        // Of an older generation.
        #expect(json.contains(#"{"url":"http://e9:80","upstreams":[]"#))
    }
}
