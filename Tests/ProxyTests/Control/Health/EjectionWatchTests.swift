import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct EjectionWatchTests {
    private let plan = HealthPlan(failuresMax: 1, ejection: 10, ejectionMax: 100)

    @Test func `each ejection is told once, and so is its end`() {
        let health = EndpointHealth()
        var watch = EjectionWatch(health.figures)
        #expect(watch.look(health.figures, now: 0) == nil)
        health.failed(now: 100, plan)
        #expect(watch.look(health.figures, now: 101) == .ejected)
        #expect(watch.look(health.figures, now: 109) == nil)
        #expect(watch.look(health.figures, now: 110) == .back)
        #expect(watch.look(health.figures, now: 111) == nil)
        health.failed(now: 112, plan)
        #expect(watch.look(health.figures, now: 113) == .ejected)
        health.succeeded(now: 114)
        #expect(watch.look(health.figures, now: 115) == .back)
    }

    @Test func `one that is over before anybody looks is told all the same`() {
        let health = EndpointHealth()
        var watch = EjectionWatch(health.figures)
        health.failed(now: 100, plan)
        #expect(watch.look(health.figures, now: 500) == .ejected)
        #expect(watch.look(health.figures, now: 500) == .back)
    }

    @Test func `what was before is not told`() {
        let health = EndpointHealth()
        health.failed(now: 100, plan)
        var watch = EjectionWatch(health.figures)
        #expect(watch.look(health.figures, now: 101) == nil && watch.look(health.figures, now: 200) == nil)
    }
}
