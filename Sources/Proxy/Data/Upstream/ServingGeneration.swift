/// A generation as one worker serves it: with the worker's own pools and turns. Exchanges pin this.
final class ServingGeneration {
    let plan: Generation
    /// One per upstream and endpoint, in the plan's order.
    let pools: [[EndpointPool]]
    /// One per upstream.
    let balancers: [Balancer]

    private let handle: WorkerHandle

    init(plan: Generation, pools: [[EndpointPool]], handle: WorkerHandle) {
        self.plan = plan
        self.pools = pools
        self.handle = handle
        balancers = pools.map { Balancer(endpoints: $0.count, worker: handle.index) }
    }

    /// Why control frees the plan: with ten thousand routes that takes milliseconds, which the streams would
    /// feel.
    deinit { handle.letGo(of: plan) }
}
