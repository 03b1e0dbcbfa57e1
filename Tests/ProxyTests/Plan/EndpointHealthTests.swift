// Covers BalancePlan.swift
import Testing

@testable import Proxy

private let start: UInt64 = 1_000 * second

@Suite(.tags(.fast)) struct EndpointHealthTests {
    private let plan = HealthPlan(failuresMax: 3, ejection: 10 * second, ejectionMax: 60 * second)

    private enum Event {
        case failure, success
        case cooled(for: UInt64)
        case check(Bool)
    }

    /// Happens, so many seconds after the start; whether it is available then, and a millisecond before the
    /// next row.
    private func run(_ rows: [(at: UInt64, event: Event, isAvailable: Bool)], _ plan: HealthPlan) {
        let health = EndpointHealth()
        for (index, row) in rows.enumerated() {
            let now = start + row.at * second
            switch row.event {
            case .failure: health.failed(now: now, plan)
            case .success: health.succeeded(now: now)
            case .cooled(let seconds): health.coolDown(until: now + seconds * second)
            case .check(let isGood): health.checked(isGood: isGood, now: now)
            }
            #expect(health.isAvailable(now: now) == row.isAvailable, "row \(index): \(row)")
        }
    }

    @Test func `failures in a row eject, and a success in between begins anew`() {
        run(
            [
                (0, .failure, true), (0, .failure, true), (1, .success, true), (2, .failure, true),
                (3, .failure, true), (4, .failure, false),
            ], plan)
    }

    @Test func `it comes back when its time is over, and one failure then takes twice as long`() {
        let health = EndpointHealth()
        for _ in 0..<3 { health.failed(now: start, plan) }
        var now = start
        for seconds: UInt64 in [10, 20, 40, 60, 60] {
            #expect(!health.isAvailable(now: now + seconds * second - 1))
            #expect(health.isAvailable(now: now + seconds * second))
            #expect(health.figures.ejectedUntil == now + seconds * second)
            now += seconds * second + 5
            health.failed(now: now, plan)
        }
        #expect(health.figures.ejections == 6 && health.figures.ejectionsInRow == 6)
        #expect(health.figures.failuresInRow == 8 && health.figures.lastFailureAt == now)
        now = health.figures.ejectedUntil
        health.succeeded(now: now)
        #expect(health.figures.ejectionsInRow == 0 && health.figures.failuresInRow == 0)
        for _ in 0..<2 { health.failed(now: now, plan) }
        #expect(health.isAvailable(now: now))
        health.failed(now: now, plan)
        #expect(health.figures.ejectedUntil == now + 10 * second)
    }

    @Test func `failures of those who asked before it was ejected change nothing`() {
        let health = EndpointHealth()
        for _ in 0..<50 { health.failed(now: start, plan) }
        health.failed(now: start + 10 * second - 1, plan)
        #expect(health.figures.ejections == 1 && health.figures.ejectedUntil == start + 10 * second)
    }

    @Test func `an answer ends an ejection, but not what the endpoint itself or a check says`() {
        let none = HealthPlan(failuresMax: 1, ejection: 10 * second, ejectionMax: 60 * second)
        run([(0, .failure, false), (1, .success, true), (2, .failure, false)], none)
        run([(0, .cooled(for: 5), false), (1, .success, false), (5, .success, true)], none)
        run([(0, .check(false), true), (1, .check(false), false), (2, .success, false)], none)
    }

    @Test func `a cool-down holds for as long as the longest of those that were asked for`() {
        run(
            [
                (0, .cooled(for: 10), false), (1, .cooled(for: 2), false), (9, .success, false),
                (10, .success, true),
            ], plan)
    }

    @Test func `two checks that fail leave it out, one that is good brings it back`() {
        run(
            [
                (0, .check(false), true), (1, .check(true), true), (2, .check(false), true),
                (3, .check(false), false), (900, .check(false), false), (901, .check(true), true),
                (902, .check(false), true), (903, .check(false), false),
            ], plan)
        // A good check is no answer to requests.
        run(
            [
                (0, .failure, true), (0, .failure, true), (0, .failure, false), (1, .check(true), false),
                (10, .check(true), true),
            ], plan)
    }

    @Test func `failures: off ejects nobody`() {
        let off = HealthPlan(failuresMax: 0)
        let health = EndpointHealth()
        for _ in 0..<1000 { health.failed(now: start, off) }
        #expect(health.isAvailable(now: start) && health.figures.failuresInRow == 1000)
    }

    @Test(
        arguments: [
            (0, 10), (1, 20), (2, 40), (4, 160), (5, 300), (6, 300), (40, 300), (63, 300), (64, 300),
            (.max, 300),
        ] as [(UInt32, UInt64)])
    func `each ejection takes twice as long, up to the longest`(count: UInt32, seconds: UInt64) {
        #expect(HealthPlan().ejectionTime(after: count) == seconds * second)
    }

    @Test func `times at the end of all time trap nothing`() {
        let endless = HealthPlan(failuresMax: 1, ejection: .max, ejectionMax: .max, slowStart: .max)
        let health = EndpointHealth()
        health.failed(now: .max - 1, endless)
        #expect(!health.isAvailable(now: .max - 1) && health.figures.ejectedUntil == .max)
        #expect(health.share(now: .max, endless) == EndpointHealth.shareMin)
        health.coolDown(until: .max)
        health.checked(isGood: true, now: .max)
        health.succeeded(now: 0)
        #expect(health.isAvailable(now: .max))
    }

    // MARK: - Slow start

    @Test func `what comes back is given more and more`() {
        let plan = HealthPlan(
            failuresMax: 1, ejection: 10 * second, ejectionMax: 60 * second, slowStart: 20 * second)
        let health = EndpointHealth()
        #expect(health.share(now: start, plan) == 1000)
        health.failed(now: start, plan)
        let back = start + 10 * second
        let rows: [(UInt64, UInt32)] = [
            (0, 100), (1, 145), (5, 325), (10, 550), (19, 955), (20, 1000), (9999, 1000),
        ]
        for (seconds, share) in rows { #expect(health.share(now: back + seconds * second, plan) == share) }
        #expect(health.share(now: start, plan) == 100)
        var off = plan
        off.slowStart = 0
        #expect(health.share(now: back, off) == 1000)
    }

    @Test func `a slow start begins when it came back, whatever kept it out`() {
        let plan = HealthPlan(failuresMax: 1, ejection: 10 * second, slowStart: 10 * second)
        let answered = EndpointHealth()
        answered.failed(now: start, plan)
        answered.succeeded(now: start + 2 * second)
        #expect(answered.share(now: start + 7 * second, plan) == 550)
        let checked = EndpointHealth()
        for _ in 0..<2 { checked.checked(isGood: false, now: start) }
        #expect(checked.share(now: start + second, plan) == 100)
        checked.checked(isGood: true, now: start + 60 * second)
        checked.checked(isGood: true, now: start + 63 * second)
        #expect(checked.share(now: start + 65 * second, plan) == 550)
        let cooled = EndpointHealth()
        cooled.coolDown(until: start + 3 * second)
        #expect(cooled.share(now: start + 8 * second, plan) == 550)
    }

    // MARK: - Model and races

    @Test(arguments: UInt64(1)...80)
    func `whatever happens, it is what a plain model says`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let plan = HealthPlan(
            failuresMax: UInt32.random(in: 0...4, using: &random), ejection: 10,
            ejectionMax: UInt64.random(in: 10...200, using: &random), slowStart: 30)
        let health = EndpointHealth()
        var model = HealthModel(plan: plan)
        for step in 0..<400 {
            model.now += UInt64.random(in: 0...12, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                health.failed(now: model.now, plan)
                model.fail()
            case 5..<7:
                health.succeeded(now: model.now)
                model.succeed()
            case 7:
                let until = model.now + UInt64.random(in: 0...40, using: &random)
                health.coolDown(until: until)
                model.cooled.append(until)
            default:
                let isGood = Bool.random(using: &random)
                health.checked(isGood: isGood, now: model.now)
                model.check(isGood)
            }
            #expect(health.isAvailable(now: model.now) == model.isAvailable, "seed \(seed), step \(step)")
            #expect(health.figures.failuresInRow == model.failures, "seed \(seed), step \(step)")
            #expect(health.figures.ejections == model.ejections, "seed \(seed), step \(step)")
        }
    }

    @Test func `failures of many workers at once are one ejection, and none is lost`() async {
        let health = EndpointHealth()
        let plan = plan
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<5000 { health.failed(now: start, plan) } }
            }
        }
        #expect(health.figures.failuresInRow == 20_000 && health.figures.ejections == 1)
        #expect(!health.isAvailable(now: start) && health.isAvailable(now: start + 10 * second))
    }

    @Test func `after workers that disagree at once, a success is enough`() async {
        let health = EndpointHealth()
        let plan = HealthPlan(failuresMax: 2, ejection: 5, ejectionMax: 50)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for now in start..<start + 5000 {
                        if worker % 2 == 0 {
                            health.failed(now: now, plan)
                        } else {
                            health.succeeded(now: now)
                        }
                    }
                }
            }
        }
        #expect(health.figures.lastFailureAt == start + 4999)
        health.succeeded(now: start + 5000)
        #expect(health.isAvailable(now: start + 5000) && health.figures.failuresInRow == 0)
    }
}

/// As one would write it down, without a thought of threads.
private struct HealthModel {
    let plan: HealthPlan
    var now = start
    var cooled: [UInt64] = []
    private(set) var failures: UInt32 = 0
    private(set) var ejections: UInt64 = 0
    private var ejected: Range<UInt64>?
    private var inRow = 0
    private var checks: [Bool] = []

    init(plan: HealthPlan) { self.plan = plan }

    private var isEjected: Bool { ejected?.contains(now) ?? false }

    mutating func fail() {
        failures += 1
        guard plan.failuresMax > 0, !isEjected, inRow > 0 || failures >= plan.failuresMax else { return }
        var time = plan.ejection
        for _ in 0..<inRow { time = min(time * 2, plan.ejectionMax) }
        ejected = now..<now + time
        inRow += 1
        ejections += 1
    }

    mutating func succeed() {
        (failures, inRow, ejected) = (0, 0, nil)
    }

    mutating func check(_ isGood: Bool) {
        if isGood { checks = [] } else { checks.append(false) }
    }

    var isAvailable: Bool { !isEjected && checks.count < 2 && !cooled.contains { $0 > now } }
}
