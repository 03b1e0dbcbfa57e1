import Config

/// Gives the numbers of a limit the same ids and figures in every generation, so that a reload never refills:
/// not even one that changes how much the limit admits, nor one that brings back what an earlier one removed.
///
/// Grows with every limit that was ever configured under another name or for other subjects, by about 200
/// bytes; an id is never given to another.
///
/// Belongs to the control thread.
final class LimitRegistry {
    private struct Known {
        let id: UInt32
        let figures: LimitFigures
    }

    /// By identity.
    private var known: [String: Known] = [:]
    private var lastID: UInt32 = 0
    /// Identities of all numbers that were ever served.
    private(set) var served: Set<String> = []

    /// Takes over the ids of another process, so that both mean the same by them. Before anything else.
    func adopt(_ ids: [(identity: String, id: UInt32, wasServed: Bool)]) {
        for item in ids { known[item.identity] = Known(id: item.id, figures: LimitFigures()) }
        lastID = ids.map(\.id).max() ?? lastID
        served.formUnion(ids.filter(\.wasServed).map(\.identity))
    }

    var ids: [(identity: String, id: UInt32, wasServed: Bool)] {
        known.map { ($0.key, $0.value.id, served.contains($0.key)) }
    }

    /// By id: what refusals are counted in.
    var figures: [UInt32: LimitFigures] {
        Dictionary(known.values.map { ($0.id, $0.figures) }, uniquingKeysWith: { first, _ in first })
    }

    /// By the name of the limit. Changes nothing that is served.
    func plans(of config: GatewayConfig) -> [String: LimitPlan] {
        var plans: [String: LimitPlan] = [:]
        for limit in config.limits { plans[limit.name] = plan(limit) }
        return plans
    }

    /// The configuration is served from now on.
    func commit(_ config: GatewayConfig) { served.formUnion(LimitRegistry.identities(of: config)) }

    /// Of the callers of an entry of `auth` that have a limit of their own.
    func ownMeasure(of auth: String) -> LimitMeasure {
        let known = known(LimitMeasure.ownIdentity(of: auth))
        return LimitMeasure(id: known.id, ownOf: auth, figures: known.figures)
    }

    private func plan(_ config: LimitConfig) -> LimitPlan {
        let name = PlanText(config.name)
        return LimitPlan(
            name: name, measures: config.numbers.map { measure($0, config, name) },
            subject: LimitSubjectParts(config.by), cutsOnExceed: config.cutsOnExceed,
            defaultReserve: config.defaultReserve, charge: ChargePolicy(config.charge))
    }

    private func measure(_ number: LimitConfig.Number, _ config: LimitConfig, _ name: PlanText)
        -> LimitMeasure
    {
        let identity = LimitRegistry.identity(number.key, config)
        let known = known(identity)
        return LimitMeasure(
            id: known.id, identity: identity, limitName: name, keyName: PlanText(number.key.rawValue),
            unit: LimitMeasure.Unit(number.key, config.tokens), period: LimitMeasure.Period(number.key),
            max: number.max, isShadow: config.isShadow, figures: known.figures)
    }

    private func known(_ identity: String) -> Known {
        if let known = known[identity] { return known }
        // Id 0 is of no registry.
        lastID += 1
        let new = Known(id: lastID, figures: LimitFigures())
        known[identity] = new
        return new
    }

    /// `per-key/tokens_per_day/by=key,model`: everything that decides what is counted, and not how much.
    static func identity(_ key: LimitConfig.Key, _ config: LimitConfig) -> String {
        let subject = "by=" + config.by.map(\.rawValue).joined(separator: ",")
        let isTotal = config.tokens == .total || !key.countsTokens
        return "\(config.name)/\(key.rawValue)/\(subject)"
            + (isTotal ? "" : "/tokens=\(config.tokens.rawValue)")
    }

    /// Of every number of `limits:`.
    static func identities(of config: GatewayConfig) -> Set<String> {
        Set(config.limits.flatMap { limit in limit.numbers.map { identity($0.key, limit) } })
    }
}
