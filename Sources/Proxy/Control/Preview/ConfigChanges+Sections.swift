import Config

/// What is to be said of some sections beside which keys differ.
extension ConfigChanges {
    /// What becomes of the counts.
    mutating func describeLimits() {
        let (before, after) = (byName(old.config.limits), byName(new.config.limits))
        let oldIdentities = LimitRegistry.identities(of: old.config)
        let counted = counted
        describe(.limits) { change in
            let (old, new) = (before[change.item.key], after[change.item.key])
            for key in LimitConfig.Key.allCases {
                change.numbers += LimitNumberChange.changes(
                    of: key, old, new, isServed: oldIdentities.contains, isCounted: counted.contains)
            }
            // Why: said already, together with what becomes of its counts.
            let numbers = Set(change.numbers.map(\.key))
            change.keys.removeAll { numbers.contains($0.path) }
        }
    }

    private func byName(_ limits: [LimitConfig]) -> [String: LimitConfig] {
        Dictionary(limits.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// What becomes of the sockets.
    mutating func describeListeners() {
        let (old, new) = (old.config.listeners, new.config.listeners)
        let (served, wanted) = (Set(old.map(\.bind)), Set(new.map(\.bind)))
        describe(.listeners) { change in
            let before = old.first { $0.name == change.item.key }?.bind
            let after = new.first { $0.name == change.item.key }?.bind
            guard before != after else { return }
            if let after {
                change.notes.append(
                    served.contains(after)
                        ? "takes over the socket of \(after.text)" : "binds \(after.text)")
            }
            if let before {
                change.notes.append(
                    wanted.contains(before)
                        ? "the socket of \(before.text) stays open" : "closes \(before.text)")
            }
        }
    }

    /// Which bounds hold for what runs already, and which endpoints come and go.
    mutating func describeUpstreams() {
        let (old, new) = (old.config.upstreams, new.config.upstreams)
        describe(.upstreams) { change in
            guard let before = old.first(where: { $0.name == change.item.key }),
                let after = new.first(where: { $0.name == change.item.key })
            else { return }
            let (gone, came) = (before.endpoints.map(\.url), after.endpoints.map(\.url))
            for url in came where !gone.contains(url) { change.notes.append("asks \(url.text) as well") }
            for url in gone where !came.contains(url) { change.notes.append("asks \(url.text) no more") }
            if before.maxInFlight != after.maxInFlight || before.queue != after.queue {
                change.notes.append("`max_in_flight` and `queue` hold at once, also for those that run")
            }
        }
    }
}

extension LimitNumberChange {
    /// - Parameters:
    ///   - isServed: an identity is counted by what is served.
    ///   - isCounted: an identity was ever counted.
    /// - Returns: none where nothing changes; two where one count ends and another begins.
    static func changes(
        of key: LimitConfig.Key, _ old: LimitConfig?, _ new: LimitConfig?,
        isServed: (String) -> Bool, isCounted: (String) -> Bool
    ) -> [LimitNumberChange] {
        let before = old.flatMap { limit in limit.number(key).map { (limit, $0) } }
        let after = new.flatMap { limit in limit.number(key).map { (limit, $0) } }
        let oldIdentity = before.map { LimitRegistry.identity(key, $0.0) }
        let newIdentity = after.map { LimitRegistry.identity(key, $0.0) }
        func amount(_ item: (limit: LimitConfig, max: UInt64)?) -> String? {
            item.map { LimitMeasure.Unit(key, $0.limit.tokens).plain($0.max) }
        }
        if let newIdentity, newIdentity == oldIdentity {
            guard before?.1 != after?.1 else { return [] }
            return [
                LimitNumberChange(
                    key: key.rawValue, outcome: .kept, before: amount(before), after: amount(after),
                    identity: newIdentity)
            ]
        }
        var changes: [LimitNumberChange] = []
        if let oldIdentity {
            changes.append(
                LimitNumberChange(
                    key: key.rawValue, outcome: .ended, before: amount(before), after: nil,
                    identity: oldIdentity))
        }
        if let newIdentity {
            let isKnown = isServed(newIdentity) || isCounted(newIdentity)
            changes.append(
                LimitNumberChange(
                    key: key.rawValue, outcome: isKnown ? .resumed : .fresh, before: nil,
                    after: amount(after), identity: newIdentity))
        }
        return changes
    }
}

extension EndpointURL {
    /// `https://api.example.com/v1`
    fileprivate var text: String { "\(scheme.rawValue)://\(authority)\(basePath)" }
}
