import Synchronization

/// The part of `headgate status` about upstreams and their endpoints: who is asked, who is left out and why,
/// and what has come of it.
struct UpstreamStatus {
    /// Of the generation that is served.
    let upstreams: [UpstreamPlan]
    /// Endpoints that only older generations name.
    let others: [EndpointState]
    /// What was wrong with the last answer to a check, by `EndpointState.id`.
    let checkProblem: (Int) -> String?
    /// Monotonic nanoseconds.
    let now: UInt64
    /// The same moment as nanoseconds since 1970.
    let clock: UInt64

    /// Why an endpoint is not asked; nil: it is.
    private struct Standing {
        let name: String
        let reason: String?
        /// Monotonic nanoseconds; nil: nobody knows.
        let until: UInt64?
    }

    private func standing(_ state: EndpointState) -> Standing {
        let figures = state.health.figures
        if figures.isFailingCheck {
            let reason = "fails its check: \(checkProblem(state.id) ?? "no good answer yet")"
            return Standing(name: "failing_check", reason: reason, until: nil)
        }
        if figures.ejectedUntil > now, figures.ejectedUntil >= figures.cooledUntil {
            let reason = counted(Int(figures.failuresInRow), "failure") + " in a row"
            return Standing(name: "ejected", reason: reason, until: figures.ejectedUntil)
        }
        if figures.cooledUntil > now {
            return Standing(
                name: "cooling_down", reason: "asked for it (Retry-After)", until: figures.cooledUntil)
        }
        return Standing(name: "available", reason: nil, until: nil)
    }

    private func time(_ monotonic: UInt64) -> String {
        Timestamp.text(clock.addingSaturating(monotonic > now ? monotonic - now : 0))
    }

    // MARK: - For people

    var lines: [String] {
        upstreams.flatMap { upstream in
            [line(upstream)] + upstream.endpoints.map { line($0.state, $0.weight) }
        }
            + others.map { line($0, 1) }
    }

    private func line(_ upstream: UpstreamPlan) -> String {
        var parts: [String] = []
        if let figures = upstream.gate?.figures {
            parts.append(
                "\(figures.inFlight) of \(figures.bounds.inFlightMax) in flight, "
                    + "\(figures.queued) of \(figures.bounds.queuedMax) queued, \(figures.refused) refused")
        }
        let available = upstream.endpoints.count { $0.state.health.isAvailable(now: now) }
        parts.append("\(available) of \(counted(upstream.endpoints.count, "endpoint")) available")
        let retries = upstream.retryBudget.figures
        if retries.taken + retries.refused > 0 {
            let repeated = counted(Int(clamping: retries.taken), "repetition")
            parts.append("\(repeated), \(retries.refused) refused by the budget")
        }
        return "upstream    \(upstream.name) " + parts.joined(separator: "; ")
    }

    private func line(_ state: EndpointState, _ weight: Int) -> String {
        let addresses = state.currentAddresses().map(\.text).joined(separator: ", ")
        let connections = counted(state.connectionCount.load(ordering: .relaxed), "connection")
        var parts = [addresses.isEmpty ? "does not resolve" : addresses, connections]
        if weight > 1 { parts[0] += ", weight \(weight)" }
        let outstanding = state.leasedCount.load(ordering: .relaxed)
        let attempts = state.exchangeCount.load(ordering: .relaxed)
        let failures = state.failureCount.load(ordering: .relaxed)
        if outstanding > 0 { parts[1] += ", \(outstanding) in use" }
        if attempts + failures > 0 {
            parts.append("\(counted(Int(clamping: attempts), "attempt")), \(failures) failed")
        }
        let standing = standing(state)
        if let reason = standing.reason {
            let until = standing.until.map { " until \(time($0))" } ?? ""
            parts.append("left out\(until): \(reason)")
        }
        return "endpoint    \(state.display) " + parts.joined(separator: "; ")
    }

    // MARK: - JSON

    func append(to json: inout JSONText) {
        json.array("upstreams") { json in for upstream in upstreams { append(upstream, to: &json) } }
        json.array("endpoints") { json in
            var told: Set<Int> = []
            for state in upstreams.flatMap({ $0.endpoints.map(\.state) }) + others
            where told.insert(state.id).inserted {
                append(state, to: &json)
            }
        }
    }

    private func append(_ upstream: UpstreamPlan, to json: inout JSONText) {
        json.object { json in
            json.string("name", upstream.name)
            if let figures = upstream.gate?.figures {
                json.number("in_flight", figures.inFlight)
                json.number("max_in_flight", figures.bounds.inFlightMax)
                json.number("queued", figures.queued)
                json.number("queue_max", figures.bounds.queuedMax)
                json.number("refused", figures.refused)
            }
            let retries = upstream.retryBudget.figures
            json.number("repetitions", retries.taken)
            json.number("repetitions_refused", retries.refused)
            json.array("endpoints") { json in
                for endpoint in upstream.endpoints {
                    json.object { json in
                        json.string("url", endpoint.state.display)
                        json.number("weight", endpoint.weight)
                        json.boolean("available", endpoint.state.health.isAvailable(now: now))
                    }
                }
            }
        }
    }

    private func append(_ state: EndpointState, to json: inout JSONText) {
        json.object { json in
            json.string("url", state.display)
            json.array("upstreams") { json in
                for upstream in upstreams where upstream.endpoints.contains(where: { $0.state === state }) {
                    json.string(nil, upstream.name)
                }
            }
            json.array("addresses") { json in
                for address in state.currentAddresses() { json.string(nil, address.text) }
            }
            json.number("connections", state.connectionCount.load(ordering: .relaxed))
            json.number("outstanding", state.leasedCount.load(ordering: .relaxed))
            json.number("exchanges", state.exchangeCount.load(ordering: .relaxed))
            json.number("failures", state.failureCount.load(ordering: .relaxed))
            appendHealth(state, to: &json)
        }
    }

    private func appendHealth(_ state: EndpointState, to json: inout JSONText) {
        let figures = state.health.figures
        let standing = standing(state)
        json.string("state", standing.name)
        if let reason = standing.reason { json.string("reason", reason) } else { json.null("reason") }
        if let until = standing.until { json.string("until", time(until)) } else { json.null("until") }
        json.number("failures_in_row", figures.failuresInRow)
        json.number("ejections", figures.ejections)
        guard figures.lastFailureAt > 0 else { return json.null("last_failure") }
        let passed = now > figures.lastFailureAt ? now - figures.lastFailureAt : 0
        json.string("last_failure", Timestamp.text(clock > passed ? clock - passed : 0))
    }
}
