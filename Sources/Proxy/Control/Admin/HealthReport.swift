/// `GET /healthz`: whether all that requests need is there, by what is known already. Asks nobody.
struct HealthReport {
    struct Item: Equatable {
        let kind: String
        let name: String
        /// nil: all is well.
        let problem: String?
        /// It alone is reason enough to say that something is wrong.
        let isDecisive: Bool
    }

    let items: [Item]

    var isHealthy: Bool { !items.contains { $0.isDecisive && $0.problem != nil } }

    /// 503 where something decisive is wrong; `?verbose` says what there is.
    func response(to request: AdminRequest) -> AdminResponse {
        let status = isHealthy ? 200 : 503
        let word = isHealthy ? "ok" : "degraded"
        let told = request.query["verbose"] == nil ? [] : items
        if request.wantsText {
            let lines = told.map { "\($0.kind) \($0.name): \($0.problem ?? "ok")" }
            return .text(status, ([word] + lines).joined(separator: "\n"))
        }
        var json = JSONText()
        json.object { json in
            json.string("status", word)
            guard request.query["verbose"] != nil else { return }
            json.array("parts") { json in
                for item in told {
                    json.object { json in
                        json.string("kind", item.kind)
                        json.string("name", item.name)
                        json.boolean("ok", item.problem == nil)
                        if let problem = item.problem {
                            json.string("problem", problem)
                        } else {
                            json.null("problem")
                        }
                    }
                }
            }
        }
        return AdminResponse(status: status, body: json.bytes)
    }
}

extension HealthReport {
    /// - Parameter now: monotonic nanoseconds.
    init(driver: ReloadDriver, readiness: ReadyState, now: UInt64) {
        var items = readiness.problems.map {
            Item(kind: "gateway", name: "ready", problem: $0, isDecisive: true)
        }
        for upstream in driver.served?.generation.upstreams ?? [] {
            items += HealthReport.items(of: upstream, now: now)
        }
        for entry in driver.auth.served.entries.values.sorted(by: { $0.name < $1.name }) {
            let isDoubted = entry.callers.isInDoubt(now: now)
            items.append(
                Item(kind: "auth", name: entry.name, problem: entry.problem?.text, isDecisive: isDoubted))
        }
        for store in driver.auth.served.stores.values.sorted(by: { $0.name < $1.name }) {
            let problem = store.keeper.problem ?? store.keeper.writeProblem
            items.append(Item(kind: "store", name: store.name, problem: problem?.text, isDecisive: true))
        }
        for (name, entry) in driver.keys.served.sorted(by: { $0.key < $1.key }) {
            guard let problems = entry.chain?.problems else { continue }
            let problem = problems.isEmpty ? nil : problems.joined(separator: "; ")
            items.append(Item(kind: "keys", name: name, problem: problem, isDecisive: false))
        }
        self.init(items: items)
    }

    /// The upstream, which needs one of its endpoints, and each of them.
    private static func items(of upstream: UpstreamPlan, now: UInt64) -> [Item] {
        let endpoints = upstream.endpoints.map { endpoint in
            let isAsked = endpoint.state.health.isAvailable(now: now)
            let isKnown = !endpoint.state.currentAddresses().isEmpty
            let problem = isKnown ? isAsked ? nil : "left out after failures" : "its name does not resolve"
            return Item(
                kind: "endpoint", name: "\(upstream.name) \(endpoint.state.display)", problem: problem,
                isDecisive: false)
        }
        let isDown = endpoints.allSatisfy { $0.problem != nil }
        let problem = isDown ? "none of its endpoints can be asked" : nil
        return [Item(kind: "upstream", name: upstream.name, problem: problem, isDecisive: true)] + endpoints
    }
}
