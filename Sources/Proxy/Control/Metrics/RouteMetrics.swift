/// The part of `/metrics` by route.
struct RouteMetrics {
    private struct Route {
        let figures: RouteFigures
        /// `route="routes[3]"`
        let labels: [UInt8]
    }

    private let routes: [Route]

    private static let classes = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"]
    private static let outcomes = ["complete", "client_gone", "truncated", "client_stalled", "cut"]
    /// Behind the label of the route.
    private static let classRests = classes.map { Array(",class=\"\($0)\"".utf8) }
    private static let outcomeRests = outcomes.map { Array(",outcome=\"\($0)\"".utf8) }
    private static let phaseRests = phases.map { Array(",phase=\"\($0)\"".utf8) }
    private static let phases = ["head", "connect", "first_byte", "total"]
    /// By phase and class of time, with all that stands before the number.
    private static let bucketRests = phases.map { phase in
        (0..<DurationBucket.count).map { Array(",phase=\"\(phase)\",le=\"\(bound($0))\"} ".utf8) }
    }

    init(routes: [RouteFigures]) {
        self.routes = routes.map { figures in
            let name = String(decoding: figures.label.bytes, as: UTF8.self)
            return Route(figures: figures, labels: MetricsText.labels(("route", name)))
        }
    }

    /// Seconds, as they stand in `le`.
    private static func bound(_ index: Int) -> String {
        let bound = DurationBucket.bound(index)
        guard bound < .max else { return "+Inf" }
        var bytes: [UInt8] = []
        bytes.appendBillionths(bound)
        return String(decoding: bytes, as: UTF8.self)
    }

    func append(to text: inout MetricsText) {
        text.family("headgate_requests_total", .counter, "Requests that have ended, by route and status.")
        for route in routes {
            for (index, rest) in RouteMetrics.classRests.enumerated() {
                text.sample(route.labels + rest, route.figures.requests(class: index))
            }
        }
        text.family("headgate_request_outcomes_total", .counter, "The same, by how they ended.")
        for route in routes {
            for (index, rest) in RouteMetrics.outcomeRests.enumerated() {
                text.sample(route.labels + rest, route.figures.requests(outcome: index))
            }
        }
        text.family("headgate_request_body_bytes_total", .counter, "Bytes of request bodies.")
        for route in routes { text.sample(route.labels, route.figures.requestBytes) }
        text.family("headgate_response_body_bytes_total", .counter, "Bytes of answers' bodies, as sent.")
        for route in routes { text.sample(route.labels, route.figures.responseBytes) }
        appendDurations(to: &text)
    }

    private func appendDurations(to text: inout MetricsText) {
        text.family(
            "headgate_request_duration_seconds", .histogram,
            "Where the time goes: reading the head, connecting to the upstream (where it was not reused), "
                + "from the request sent to the answer's head, and in all.")
        for route in routes {
            for phase in RouteFigures.Phase.allCases { append(phase, of: route, to: &text) }
        }
    }

    /// Nothing where nothing has come so far: a family of a thousand routes is long enough.
    private func append(_ phase: RouteFigures.Phase, of route: Route, to text: inout MetricsText) {
        let sum = route.figures.sum(phase)
        let counts = (0..<DurationBucket.count).map { route.figures.requests(phase, bucket: $0) }
        let total = counts.reduce(0, +)
        guard total > 0 else { return }
        var below: UInt64 = 0
        for (index, count) in counts.enumerated() {
            below += count
            text.bucket(route.labels, RouteMetrics.bucketRests[phase.rawValue][index], below)
        }
        let labels = route.labels + RouteMetrics.phaseRests[phase.rawValue]
        text.sample(labels, suffix: "_sum", nanoseconds: sum)
        text.sample(labels, suffix: "_count", total)
    }
}
