// Covers LimitMetrics.swift, UpstreamMetrics.swift
import Glibc
import Testing

@testable import Proxy

private func render(_ routes: [RouteFigures]) -> String {
    var text = MetricsText()
    RouteMetrics(routes: routes).append(to: &text)
    return String(decoding: text.bytes, as: UTF8.self)
}

/// Of this thread.
private func processorNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * second + UInt64(time.tv_nsec)
}

@Suite(.tags(.fast)) struct RouteMetricsTests {
    @Test func `buckets add up to the count, and stand in order`() {
        let route = RouteFigures(label: "routes[3]", workers: 2)
        route.note(.total, nanoseconds: 3 * millisecond, worker: 0)
        route.note(.total, nanoseconds: 400 * millisecond, worker: 1)
        route.note(.total, nanoseconds: 200 * second, worker: 1)
        let lines = render([route]).split(separator: "\n").filter { $0.contains("phase=\"total\"") }
        let start = "headgate_request_duration_seconds_bucket{route=\"routes[3]\",phase=\"total\",le="
        #expect(lines.count == DurationBucket.count + 2)
        #expect(lines[0] == start + "\"0.001\"} 0")
        #expect(lines[1] == start + "\"0.005\"} 1")
        #expect(lines[5] == start + "\"0.5\"} 2")
        #expect(lines[12] == start + "\"+Inf\"} 3")
        #expect(
            lines[13]
                == "headgate_request_duration_seconds_sum{route=\"routes[3]\",phase=\"total\"} 200.403")
        #expect(lines[14].hasSuffix("_count{route=\"routes[3]\",phase=\"total\"} 3"))
    }

    @Test func `a phase that nobody has reached takes no room`() {
        let route = RouteFigures(label: "(none)", workers: 1)
        #expect(!render([route]).contains("_bucket"))
        route.note(.head, nanoseconds: 1, worker: 0)
        #expect(render([route]).contains("phase=\"head\""))
        #expect(!render([route]).contains("phase=\"connect\""))
    }

    @Test func `every outcome has a name of its own`() {
        let route = RouteFigures(label: "r", workers: 1)
        for outcome in [
            ExchangeRecord.Outcome.complete, .clientGone, .truncated, .clientStalled, .cut,
        ] {
            var record = ExchangeRecord()
            record.outcome = outcome
            route.note(record, worker: 0)
        }
        for name in ["complete", "client_gone", "truncated", "client_stalled", "cut"] {
            #expect(render([route]).contains("outcomes_total{route=\"r\",outcome=\"\(name)\"} 1\n"))
        }
    }

    @Test func `limits say what was refused, money in dollars`() {
        let limit = LimitPlan.test(.key, [(.requests, .minute, 5), (.money, .day, 5)])
        limit.measures[0].figures.refused.store(3, ordering: .relaxed)
        limit.measures[0].figures.shadowed.store(2, ordering: .relaxed)
        limit.measures[1].figures.worstOvershoot.store(1_250_000_000, ordering: .relaxed)
        var text = MetricsText()
        LimitMetrics(limits: [limit], subjectCount: 4).append(to: &text)
        let written = String(decoding: text.bytes, as: UTF8.self)
        #expect(written.contains("refused_total{limit=\"l\",number=\"requests_per_minute\"} 3\n"))
        #expect(written.contains("shadow_refused_total{limit=\"l\",number=\"requests_per_minute\"} 2\n"))
        #expect(written.contains("worst_overshoot{limit=\"l\",number=\"money_per_day\"} 1.25\n"))
        #expect(written.contains("headgate_limit_subjects 4\n"))
    }

    @Test func `an endpoint that is there twice is told once`() {
        let state = EndpointState(id: 1, display: "http://e:80", tls: nil)
        state.exchangeCount.store(5, ordering: .relaxed)
        state.health.coolDown(until: 50)
        let endpoint = EndpointPlan(
            state: state, authority: [], basePath: [], basePathEndsInV1: false, maxConnections: 1,
            maxIdlePerWorker: 1, idleTimeout: 1)
        let plan = UpstreamPlan.test(
            "u", [endpoint, endpoint], gate: UpstreamGate(.init(inFlightMax: 1, queuedMax: 0)))
        _ = plan.gate?.enterIfFree()
        var text = MetricsText()
        UpstreamMetrics(upstreams: [plan], now: 20).append(to: &text)
        let written = String(decoding: text.bytes, as: UTF8.self)
        let labels = "{upstream=\"u\",endpoint=\"http://e:80\"}"
        #expect(written.ranges(of: "headgate_endpoint_answers_total\(labels) 5\n").count == 1)
        #expect(written.contains("headgate_endpoint_available\(labels) 0\n"))
        #expect(written.contains("headgate_upstream_in_flight{upstream=\"u\"} 1\n"))
    }

    /// Ten scrapes a second of this are less than a hundredth of a core. Why the other bound: a build for
    /// debugging is about thirty times slower.
    @Test func `a hundred busy routes are written in less than a millisecond`() {
        let routes = (0..<100).map { RouteFigures(label: "routes[\($0)]", workers: 4) }
        for (index, route) in routes.enumerated() {
            for phase in RouteFigures.Phase.allCases {
                for bit in 0..<40 {
                    route.note(phase, nanoseconds: UInt64(1) << UInt64(bit), worker: (index + bit) % 4)
                }
            }
        }
        #expect(render(routes).split(separator: "\n").count > 7000)
        let times = (0..<5).map { _ in
            let start = processorNanoseconds()
            _ = render(routes)
            return processorNanoseconds() - start
        }
        #if DEBUG
            let bound = 100 * millisecond
        #else
            let bound = millisecond
        #endif
        #expect(times.min()! < bound, "\(times)")
    }
}
