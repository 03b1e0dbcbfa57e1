/// A generation as one worker serves it: with the worker's own pools and turns. Exchanges pin this.
final class ServingGeneration {
    let plan: Generation
    /// One per upstream and endpoint, in the plan's order.
    let pools: [[EndpointPool]]
    /// Whose turn it is, per upstream.
    private var turns: [Int]

    /// - Parameter offset: lets workers begin with different endpoints.
    init(plan: Generation, pools: [[EndpointPool]], offset: Int) {
        self.plan = plan
        self.pools = pools
        turns = pools.map { $0.isEmpty ? 0 : offset % $0.count }
    }

    /// Round robin.
    func nextEndpoint(of upstream: Int) -> Int {
        let endpoint = turns[upstream]
        turns[upstream] = endpoint + 1 == pools[upstream].count ? 0 : endpoint + 1
        return endpoint
    }
}
