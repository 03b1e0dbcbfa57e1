import Glibc

/// Chooses an upstream's next endpoint, for one worker. Each generation begins anew.
///
/// What an endpoint is given goes by its weight, and while it starts slowly by its share of that. Endpoints
/// that are not available get nothing, unless no other is left.
///
/// Cost: in turn, with equal weights and where nothing has failed, one look at one endpoint; else one at
/// each. Allocates with the first pick alone.
final class Balancer {
    private let worker: Int
    /// Of the pick that runs: what each endpoint may get, 0 for nothing.
    private var effective: [Int]
    /// In turn by weight: what each has to its credit; together 0, as long as the same ones take part.
    private var credit: [Int]
    /// In turn with equal weights: whose turn it is.
    private var turn: Int
    /// What tells endpoints apart with `balance: hash`; the same in every process.
    private var seeds: [UInt64] = []
    private var hasEqualWeights = true
    private var isPrepared = false

    init(endpoints: Int, worker: Int) {
        self.worker = worker
        effective = Array(repeating: 0, count: endpoints)
        credit = Array(repeating: 0, count: endpoints)
        // Workers begin with different endpoints.
        turn = endpoints == 0 ? 0 : worker % endpoints
    }

    /// Endpoints that an exchange has tried; those from the 64th on are not told apart.
    struct Tried: Equatable {
        private var bits: UInt64 = 0
        mutating func insert(_ endpoint: Int) { bits |= 1 << UInt64(min(endpoint, 63)) }
        func contains(_ endpoint: Int) -> Bool { bits & 1 << UInt64(min(endpoint, 63)) != 0 }
        var isEmpty: Bool { bits == 0 }
    }

    /// - Parameters:
    ///   - hash: of whom it is for; counts with `balance: hash`.
    ///   - random: 64 random bits.
    /// - Returns: nil: all were tried. Where none is available, one that is not: an upstream that seems dead
    ///   is asked all the same.
    func pick(_ plan: UpstreamPlan, hash: UInt64, tried: Tried, now: UInt64, random: UInt64) -> Int? {
        if !isPrepared { prepare(plan) }
        if tried.isEmpty, let plain = pickPlainly(plan, now) { return plain }
        let total = weigh(plan, tried, now)
        guard total > 0 else { return nil }
        switch plan.balance.method {
        case .roundRobin: return pickInTurn(total)
        case .leastLoaded: return pickLeastLoaded(plan, total, random)
        case .hash: return pickByHash(hash)
        }
    }

    private func prepare(_ plan: UpstreamPlan) {
        isPrepared = true
        hasEqualWeights = plan.endpoints.allSatisfy { $0.weight == plan.endpoints[0].weight }
        for endpoint in plan.endpoints {
            let name = Array(endpoint.state.displayText.bytes) + endpoint.basePath
            var seed = name.withUnsafeBytes { LimitSubject($0).mixed }
            // The same endpoint once more in the list is another one.
            while seeds.contains(seed) { seed &+= 1 }
            seeds.append(seed)
        }
        // Also where turns go by weight.
        let total = weighAll(plan, but: Tried())
        for _ in 0..<turn { _ = pickInTurn(total) }
    }

    /// The only endpoint, or the next in turn where all are equal.
    /// - Returns: nil: that one is not available, and what it would have got is spread over the others; or
    ///   weights, shares or another method count.
    private func pickPlainly(_ plan: UpstreamPlan, _ now: UInt64) -> Int? {
        guard plan.endpoints.count > 1 else { return plan.endpoints.isEmpty ? nil : 0 }
        guard hasEqualWeights, plan.balance.method == .roundRobin, plan.health.slowStart == 0 else {
            return nil
        }
        let next = turn
        turn = next + 1 == plan.endpoints.count ? 0 : next + 1
        return plan.endpoints[next].state.health.isAvailable(now: now) ? next : nil
    }

    /// Fills `effective`. - Returns: the sum; 0: all were tried.
    private func weigh(_ plan: UpstreamPlan, _ tried: Tried, _ now: UInt64) -> Int {
        var total = 0
        for index in effective.indices {
            let endpoint = plan.endpoints[index]
            let isLeft = !tried.contains(index) && endpoint.state.health.isAvailable(now: now)
            let share = isLeft ? Int(endpoint.state.health.share(now: now, plan.health)) : 0
            effective[index] = endpoint.weight * share
            total += effective[index]
        }
        return total > 0 ? total : weighAll(plan, but: tried)
    }

    /// The same, whether they are available or not.
    private func weighAll(_ plan: UpstreamPlan, but tried: Tried) -> Int {
        var total = 0
        for index in effective.indices where !tried.contains(index) {
            effective[index] = plan.endpoints[index].weight * Int(EndpointHealth.shareWhole)
            total += effective[index]
        }
        return total
    }

    // MARK: - Methods

    /// Weighted, and as evenly spread as can be: each gets its weight to its credit, and who has most pays
    /// for all. With weights 5, 1 and 1: a a b a c a a.
    private func pickInTurn(_ total: Int) -> Int {
        var best = -1
        for index in effective.indices where effective[index] > 0 {
            credit[index] += effective[index]
            if best < 0 || credit[index] > credit[best] { best = index }
        }
        credit[best] -= total
        return best
    }

    /// Of two: with all of them looked at, workers that look at the same moment all run to the same one.
    private func pickLeastLoaded(_ plan: UpstreamPlan, _ total: Int, _ random: UInt64) -> Int {
        let first = draw(of: total, random, except: -1)
        let rest = total - effective[first]
        guard rest > 0 else { return first }
        let second = draw(of: rest, LimitSubject(high: random, low: 1).mixed, except: first)
        let isBetter = load(plan, second) * effective[first] < load(plan, first) * effective[second]
        return isBetter ? second : first
    }

    private func load(_ plan: UpstreamPlan, _ index: Int) -> Int {
        plan.endpoints[index].state.leasedCount.load(ordering: .relaxed)
    }

    /// By weight. - Parameter total: what all but `excluded` may get.
    private func draw(of total: Int, _ random: UInt64, except excluded: Int) -> Int {
        var drawn = Int(UInt64(total).multipliedFullWidth(by: random).high)
        var last = excluded
        for index in effective.indices where index != excluded && effective[index] > 0 {
            last = index
            drawn -= effective[index]
            if drawn < 0 { break }
        }
        return last
    }

    /// Rendezvous hashing: who is for whom is drawn for each endpoint by itself. So one that goes, or whose
    /// weight changes, moves none but those who are or become its own. The time until something happens that
    /// happens `weight` times as often is `-ln(u) / weight`, and the first has it.
    private func pickByHash(_ hash: UInt64) -> Int {
        var best = -1
        var bestTime = Double.infinity
        for index in effective.indices where effective[index] > 0 {
            let bits = LimitSubject(high: seeds[index], low: hash).mixed
            // Why half a step: neither 0 nor 1 has a time.
            let fraction = (Double(bits >> 11) + 0.5) * 0x1p-53
            let time = -log(fraction) / Double(effective[index])
            guard best < 0 || time < bestTime else { continue }
            best = index
            bestTime = time
        }
        return best
    }
}

extension UpstreamPlan {
    /// Some endpoint is neither ejected nor cooling down. Where one is not, `first_of` tries the next.
    func isAvailable(now: UInt64) -> Bool { endpoints.contains { $0.state.health.isAvailable(now: now) } }
}
