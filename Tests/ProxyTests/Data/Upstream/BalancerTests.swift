import Testing

@testable import Proxy

private let start: UInt64 = 1_000 * second

/// Picks of one worker for one upstream, counted.
private struct Scene {
    let plan: UpstreamPlan
    let balancer: Balancer
    var now = start
    private var random = SeededGenerator(seed: 1)

    init(
        weights: [Int], _ method: BalancePlan.Method = .roundRobin, worker: Int = 0,
        slowStart: UInt64 = 0, names: [String]? = nil
    ) {
        plan = UpstreamPlan(
            name: "u",
            endpoints: weights.enumerated().map { index, weight in
                let name = names?[index] ?? "http://e\(index):80"
                return EndpointPlan(
                    state: EndpointState(id: index, display: name, tls: nil), authority: [], basePath: [],
                    basePathEndsInV1: false, maxConnections: 100, maxIdlePerWorker: 1, idleTimeout: 1,
                    weight: weight)
            }, timeouts: .off, preservesHost: false, gate: nil, queueTimeout: 0,
            balance: BalancePlan(method: method),
            health: HealthPlan(failuresMax: 1, ejection: 10 * second, slowStart: slowStart))
        balancer = Balancer(endpoints: weights.count, worker: worker)
    }

    mutating func pick(hash: UInt64 = 0, tried: [Int] = []) -> Int? {
        var marks = Balancer.Tried()
        for endpoint in tried { marks.insert(endpoint) }
        return balancer.pick(plan, hash: hash, tried: marks, now: now, random: random.next())
    }

    /// How often each is picked, of so many times.
    mutating func counts(_ picks: Int, tried: [Int] = []) -> [Int] {
        var counts = plan.endpoints.map { _ in 0 }
        for _ in 0..<picks {
            if let endpoint = pick(hash: random.next(), tried: tried) { counts[endpoint] += 1 }
        }
        return counts
    }

    func eject(_ endpoints: Int...) {
        for endpoint in endpoints { plan.endpoints[endpoint].state.health.failed(now: now, plan.health) }
    }

    func isNear(_ counts: [Int], _ expected: [Int]) -> Bool {
        zip(counts, expected).allSatisfy { abs($0 - $1) <= max(60, $1 / 12) }
    }
}

private let methods: [BalancePlan.Method] = [.roundRobin, .leastLoaded, .hash(.key)]

@Suite(.tags(.fast)) struct BalancerTests {
    @Test func `equal ones are taken in turn, and workers begin with different ones`() {
        for worker in 0..<5 {
            var scene = Scene(weights: [1, 1, 1], worker: worker)
            #expect((0..<6).map { _ in scene.pick() } == (0..<6).map { ($0 + worker) % 3 })
            var weighted = Scene(weights: [2, 2, 2], worker: worker, slowStart: 1)
            #expect((0..<6).map { _ in weighted.pick() } == (0..<6).map { ($0 + worker) % 3 })
        }
    }

    @Test func `weights are mixed as evenly as can be`() {
        var scene = Scene(weights: [5, 1, 1])
        #expect((0..<14).map { _ in scene.pick() } == [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0])
        var later = Scene(weights: [5, 1, 1], worker: 2)
        #expect((0..<5).map { _ in later.pick() } == [1, 0, 2, 0, 0])
    }

    @Test(arguments: methods)
    func `each gets its weight`(method: BalancePlan.Method) {
        var scene = Scene(weights: [1, 2, 7], method)
        let counts = scene.counts(10_000)
        #expect(scene.isNear(counts, [1000, 2000, 7000]), "\(counts)")
        var equal = Scene(weights: [3, 3, 3, 3], method)
        #expect(equal.isNear(equal.counts(8000), [2000, 2000, 2000, 2000]))
    }

    @Test(arguments: methods)
    func `one that is out gets nothing, and the others share what it had`(method: BalancePlan.Method) {
        var scene = Scene(weights: [1, 1, 1, 1], method)
        scene.eject(2)
        let counts = scene.counts(6000)
        #expect(counts[2] == 0 && scene.isNear(counts, [2000, 2000, 0, 2000]), "\(counts)")
        scene.now += 10 * second
        #expect(scene.isNear(scene.counts(8000), [2000, 2000, 2000, 2000]))
    }

    @Test(arguments: methods)
    func `where none is available all are asked`(method: BalancePlan.Method) {
        var scene = Scene(weights: [1, 3], method)
        scene.eject(0, 1)
        #expect(!scene.plan.isAvailable(now: scene.now))
        let counts = scene.counts(4000)
        #expect(scene.isNear(counts, [1000, 3000]), "\(counts)")
        // The one that is available was tried: the other is all that is left.
        scene.plan.endpoints[0].state.health.succeeded(now: scene.now)
        #expect(scene.plan.isAvailable(now: scene.now))
        #expect(scene.pick() == 0 && scene.pick(tried: [0]) == 1)
    }

    @Test(arguments: methods)
    func `what was tried is not picked again`(method: BalancePlan.Method) {
        var scene = Scene(weights: [1, 1, 1], method)
        let counts = scene.counts(4000, tried: [1])
        #expect(counts[1] == 0 && scene.isNear(counts, [2000, 0, 2000]), "\(counts)")
        #expect(scene.counts(10, tried: [0, 2]) == [0, 10, 0])
        #expect(scene.pick(tried: [0, 1, 2]) == nil)
        scene.eject(0)
        #expect(scene.counts(10, tried: [1]) == [0, 0, 10])
    }

    @Test(arguments: methods)
    func `one that comes back slowly is given its share`(method: BalancePlan.Method) {
        var scene = Scene(weights: [1, 1], method, slowStart: 10 * second)
        scene.eject(0)
        scene.now += 10 * second
        // 10 %, 55 % and all of what it has as its weight.
        for (seconds, parts) in [(0, 0.1 / 1.1), (5, 0.55 / 1.55), (10, 0.5)] as [(UInt64, Double)] {
            let first = scene.now
            scene.now += seconds * second
            let counts = scene.counts(11_000)
            let expected = Int(11_000 * parts)
            #expect(scene.isNear(counts, [expected, 11_000 - expected]), "\(seconds) s: \(counts)")
            scene.now = first
        }
    }

    @Test(arguments: methods)
    func `one endpoint, none, and more than can be told apart`(method: BalancePlan.Method) {
        var one = Scene(weights: [7], method)
        one.eject(0)
        #expect(one.pick() == 0 && one.pick(tried: [0]) == nil)
        var none = Scene(weights: [], method)
        #expect(none.pick() == nil)
        var many = Scene(weights: Array(repeating: 1, count: 100), method, worker: 99)
        #expect(many.counts(20_000).allSatisfy { $0 > 100 })
        // From the 64th on they count as one.
        let rest = many.counts(20_000, tried: [0, 1, 80])
        #expect(rest[2..<63].allSatisfy { $0 > 100 } && rest[..<2].allSatisfy { $0 == 0 })
        #expect(rest[63...].allSatisfy { $0 == 0 })
        #expect(many.pick(tried: Array(0..<64)) == nil)
    }

    // MARK: - Least loaded

    @Test func `of two the one with less to do for its weight is taken`() {
        var scene = Scene(weights: [1, 1], .leastLoaded)
        let states = scene.plan.endpoints.map(\.state)
        states[0].leasedCount.store(3, ordering: .relaxed)
        #expect(scene.counts(100) == [0, 100])
        states[1].leasedCount.store(9, ordering: .relaxed)
        #expect(scene.counts(100) == [100, 0])
        // 9 for a weight of 4 is less than 3 for 1.
        var weighted = Scene(weights: [1, 4], .leastLoaded)
        weighted.plan.endpoints[0].state.leasedCount.store(3, ordering: .relaxed)
        weighted.plan.endpoints[1].state.leasedCount.store(9, ordering: .relaxed)
        #expect(weighted.counts(100) == [0, 100])
    }

    @Test func `with requests that last, loads stay near each other`() {
        var scene = Scene(weights: [1, 1, 1, 1, 2], .leastLoaded)
        for _ in 0..<600 {
            guard let endpoint = scene.pick() else { continue }
            scene.plan.endpoints[endpoint].state.leasedCount.add(1, ordering: .relaxed)
        }
        let loads = scene.plan.endpoints.map { $0.state.leasedCount.load(ordering: .relaxed) }
        #expect(loads[..<4].allSatisfy { abs($0 - 100) <= 8 } && abs(loads[4] - 200) <= 12, "\(loads)")
    }

    // MARK: - Hash

    @Test func `the same one for the same caller, in every worker and after a restart`() {
        var first = Scene(weights: [1, 1, 5], .hash(.key))
        var other = Scene(weights: [1, 1, 5], .hash(.key), worker: 3)
        for hash in 0..<200 as Range<UInt64> {
            let picked = first.pick(hash: hash)
            #expect(other.pick(hash: hash) == picked && first.pick(hash: hash) == picked)
        }
    }

    @Test func `one that goes, is out or comes last moves nobody but its own`() {
        let names = ["http://a:1", "http://b:1", "http://c:1", "http://d:1"]
        var all = Scene(weights: [1, 2, 1, 1], .hash(.key), names: names)
        var fewer = Scene(weights: [1, 1, 1], .hash(.key), names: [names[3], names[0], names[2]])
        let places = [3, 0, 2]
        let before = (0..<2000 as Range<UInt64>).map { all.pick(hash: $0)! }
        for (hash, old) in before.enumerated() where old != 1 {
            #expect(places[fewer.pick(hash: UInt64(hash))!] == old)
        }
        all.eject(1)
        let without = (0..<2000 as Range<UInt64>).map { all.pick(hash: $0)! }
        #expect(zip(before, without).allSatisfy { $0 == $1 || $0 == 1 })
        #expect(Set(zip(before, without).filter { $0.0 == 1 }.map(\.1)) == [0, 2, 3])
    }

    @Test func `the same endpoint twice is two`() {
        var scene = Scene(weights: [1, 1], .hash(.key), names: ["http://a:1", "http://a:1"])
        #expect(scene.isNear(scene.counts(4000), [2000, 2000]))
    }
}
