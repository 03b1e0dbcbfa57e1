import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct TelemetryPlanTests {
    @Test(arguments: [-1, 0, 1, 25, 100, 101]) func `about so many of a hundred traces are sampled`(
        percent: Int
    ) {
        let plan = TelemetryPlan(percent: percent)
        var random = SeededGenerator(seed: 3)
        let sampled = (0..<10_000).count { _ in plan.samples(random.next()) }
        let wanted = min(100, max(0, percent)) * 100
        #expect(abs(sampled - wanted) <= 200)
        if wanted == 0 || wanted == 10_000 { #expect(sampled == wanted) }
        #expect(plan.samples(.max) == (percent >= 100))
        #expect(plan.samples(0) == (percent > 0))
    }
}
