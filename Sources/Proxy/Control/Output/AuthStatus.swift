/// The part of `headgate status` about who may come in.
struct AuthStatus {
    let auth: AuthSet

    private var entries: [AuthEntry] { auth.entries.values.sorted { $0.name < $1.name } }
    private var stores: [StoreEntry] { auth.stores.values.sorted { $0.name < $1.name } }

    /// For people.
    var lines: [String] {
        entries.map { entry in
            let what = entry.isOpen ? ", UNCONFIGURED, lets everybody in" : callers(entry) + refusals(entry)
            let problem = entry.problem.map { "; \(doubt(entry))\(Timestamp.text($0.since)): \($0.text)" }
            return "auth        \(entry.name) \(entry.modeName)\(what)\(problem ?? "")"
        }
            + stores.map { store in
                "store       \(store.name) \(store.keeper.display) \(state(store.keeper))"
            }
    }

    func append(to json: inout JSONText) {
        json.array("auth") { json in
            for entry in entries {
                json.object { json in
                    json.string("name", entry.name)
                    json.string("mode", entry.modeName)
                    json.number("callers", entry.callers.count)
                    json.number("own_limit_refused", ownLimitRefused(entry))
                    json.boolean("open", entry.isOpen)
                    json.boolean("in_doubt", entry.callers.isDoubted)
                    problem(entry.problem, &json)
                }
            }
        }
        json.array("stores") { json in
            for store in stores {
                json.object { json in
                    json.string("name", store.name)
                    json.string("path", store.keeper.path)
                    problem(store.keeper.problem, &json)
                    problem(store.keeper.writeProblem, &json, "write_problem")
                }
            }
        }
    }

    private func state(_ keeper: StoreKeeper) -> String {
        if let problem = keeper.problem {
            return "cannot be read since \(Timestamp.text(problem.since)): \(problem.text)"
        }
        guard let problem = keeper.writeProblem else { return "open" }
        return "open; writes fail since \(Timestamp.text(problem.since)): \(problem.text)"
    }

    private func callers(_ entry: AuthEntry) -> String {
        switch entry.source {
        case .none: ""
        case .environment, .tokenFile, .store, .jwt: ", \(counted(entry.callers.count, "caller"))"
        }
    }

    /// Requests above the callers' own limits.
    private func ownLimitRefused(_ entry: AuthEntry) -> UInt64 {
        auth.plans[entry.name]?.ownMeasure.figures.refused.load(ordering: .relaxed) ?? 0
    }

    private func refusals(_ entry: AuthEntry) -> String {
        let refused = ownLimitRefused(entry)
        return refused == 0 ? "" : ", \(refused) refused by limits of their own"
    }

    private func doubt(_ entry: AuthEntry) -> String {
        entry.callers.isDoubted ? "IN DOUBT since " : "since "
    }

    private func problem(
        _ problem: SourceProblem?, _ json: inout JSONText, _ name: String = "problem"
    ) {
        guard let problem else { return json.null(name) }
        json.object(name) { json in
            json.string("since", Timestamp.text(problem.since))
            json.string("text", problem.text)
        }
    }
}
