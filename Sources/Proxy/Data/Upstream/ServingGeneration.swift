/// A generation as one worker serves it: with the worker's own pools and turns. Exchanges pin this.
final class ServingGeneration {
    let plan: Generation
    /// One per upstream and endpoint, in the plan's order.
    let pools: [[EndpointPool]]
    /// Whose turn it is, per upstream.
    private var turns: [Int]

    private let handle: WorkerHandle

    init(plan: Generation, pools: [[EndpointPool]], handle: WorkerHandle) {
        self.plan = plan
        self.pools = pools
        self.handle = handle
        // Workers begin with different endpoints.
        turns = pools.map { $0.isEmpty ? 0 : handle.index % $0.count }
    }

    /// Why control frees the plan: with ten thousand routes that takes milliseconds, which the streams would
    /// feel.
    deinit { handle.letGo(of: plan) }

    /// Round robin.
    func nextEndpoint(of upstream: Int) -> Int {
        let endpoint = turns[upstream]
        turns[upstream] = endpoint + 1 == pools[upstream].count ? 0 : endpoint + 1
        return endpoint
    }
}
