import Synchronization

/// The part of `/metrics` about upstreams and their endpoints.
struct UpstreamMetrics {
    let upstreams: [UpstreamPlan]
    /// Monotonic nanoseconds.
    let now: UInt64

    func append(to text: inout MetricsText) {
        appendTokens(to: &text)
        appendGates(to: &text)
        appendRepetitions(to: &text)
        appendEndpoints(to: &text)
    }

    private func labels(_ upstream: UpstreamPlan) -> [UInt8] {
        MetricsText.labels(("upstream", upstream.name))
    }

    private func appendTokens(to text: inout MetricsText) {
        text.family(
            "headgate_tokens_total", .counter,
            "Tokens by upstream, where a limit or usage counts them. `cached` is a part of `input`.")
        let kinds: [(String, UpstreamFigures.Kind)] = [
            ("input", .inputTokens), ("output", .outputTokens), ("cached", .cachedInputTokens),
        ]
        for upstream in upstreams {
            guard let figures = upstream.figures else { continue }
            for (name, kind) in kinds {
                text.sample(
                    MetricsText.labels(("upstream", upstream.name), ("kind", name)), figures.sum(kind))
            }
        }
    }

    private func appendGates(to text: inout MetricsText) {
        let gated = upstreams.compactMap { upstream in
            upstream.gate.map { (labels: labels(upstream), figures: $0.figures) }
        }
        text.family(
            "headgate_upstream_in_flight", .gauge, "Requests at an upstream, where max_in_flight bounds them."
        )
        for gate in gated { text.sample(gate.labels, UInt64(clamping: gate.figures.inFlight)) }
        text.family("headgate_upstream_queued", .gauge, "Requests that wait for a place there.")
        for gate in gated { text.sample(gate.labels, UInt64(clamping: gate.figures.queued)) }
        text.family(
            "headgate_upstream_refused_total", .counter, "Requests that found it full, or waited in vain.")
        for gate in gated { text.sample(gate.labels, gate.figures.refused) }
    }

    private func appendRepetitions(to text: inout MetricsText) {
        text.family("headgate_upstream_repetitions_total", .counter, "Requests that went out once more.")
        for upstream in upstreams { text.sample(labels(upstream), upstream.retryBudget.figures.taken) }
        text.family(
            "headgate_upstream_repetitions_refused_total", .counter, "Those that retry.budget refused.")
        for upstream in upstreams { text.sample(labels(upstream), upstream.retryBudget.figures.refused) }
    }

    private func appendEndpoints(to text: inout MetricsText) {
        let endpoints = upstreams.flatMap { upstream in
            var seen: Set<Int> = []
            return upstream.endpoints.map(\.state).filter { seen.insert($0.id).inserted }.map { state in
                let labels = MetricsText.labels(("upstream", upstream.name), ("endpoint", state.display))
                return (labels: labels, state: state)
            }
        }
        text.family(
            "headgate_endpoint_available", .gauge, "0 if an endpoint is ejected, cooling down or failing.")
        for item in endpoints { text.sample(item.labels, isTrue: item.state.health.isAvailable(now: now)) }
        text.family("headgate_endpoint_connections", .gauge, "Open connections, idle ones included.")
        for item in endpoints {
            let count = item.state.connectionCount.load(ordering: .relaxed)
            text.sample(item.labels, UInt64(clamping: count))
        }
        text.family("headgate_endpoint_in_flight", .gauge, "Requests that are there.")
        for item in endpoints {
            text.sample(item.labels, UInt64(clamping: item.state.leasedCount.load(ordering: .relaxed)))
        }
        text.family("headgate_endpoint_answers_total", .counter, "Answers that have begun.")
        for item in endpoints {
            text.sample(item.labels, item.state.exchangeCount.load(ordering: .relaxed))
        }
        text.family("headgate_endpoint_failures_total", .counter, "Attempts that failed.")
        for item in endpoints {
            text.sample(item.labels, item.state.failureCount.load(ordering: .relaxed))
        }
        text.family("headgate_endpoint_ejections_total", .counter, "Times it was left out for failures.")
        for item in endpoints { text.sample(item.labels, item.state.health.figures.ejections) }
    }
}
