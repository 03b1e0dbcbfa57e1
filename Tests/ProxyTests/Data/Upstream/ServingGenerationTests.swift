import Testing

@testable import Proxy

@Suite struct ServingGenerationTests {
    private func serving(_ endpointCounts: [Int], _ handle: WorkerHandle, _ census: GenerationCensus)
        -> ServingGeneration
    {
        let plan = Generation(
            number: 1, listeners: [], routes: RouteTable(routes: []), upstreams: [], trustedProxies: [],
            census: census)
        let pools = endpointCounts.map { count in
            (0..<count).map { EndpointPool(state: EndpointState(id: $0, display: "", tls: nil)) }
        }
        return ServingGeneration(plan: plan, pools: pools, handle: handle)
    }

    @Test func `each upstream has a balancer`() throws {
        let handle = try WorkerHandle(
            index: 0, controlBell: try Bell(), writerBell: try WriterBell(), desk: Desk())
        #expect(serving([3, 1], handle, GenerationCensus()).balancers.count == 2)
    }

    @Test func `a generation lives as long as somebody holds it, and is freed by control`() throws {
        let handle = try WorkerHandle(
            index: 0, controlBell: try Bell(), writerBell: try WriterBell(), desk: Desk())
        let census = GenerationCensus()
        var held: [ServingGeneration] = [serving([], handle, census), serving([1], handle, census)]
        handle.freeReleased()
        #expect(census.alive == 2)
        held.removeLast()
        #expect(census.alive == 2)
        handle.freeReleased()
        #expect(census.alive == 1)
        held.removeAll()
        handle.freeReleased()
        #expect(census.alive == 0)
    }
}
