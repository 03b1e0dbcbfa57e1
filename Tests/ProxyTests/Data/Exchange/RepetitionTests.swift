import Testing

@testable import Proxy

// Covers RetryPlan.swift, ModelTarget.swift

@Suite(.tags(.fast)) struct RepetitionTests {
    private func verdict(
        _ cause: Repetition.Cause, _ change: (inout RetryPlan) -> Void = { _ in }, attempts: UInt8 = 1,
        idempotent: Bool = true, whole: Bool = true, endpoints: Bool = true, upstreams: Bool = false
    ) -> Repetition.Verdict {
        var plan = RetryPlan()
        change(&plan)
        return Repetition(
            plan: plan, attempts: attempts, isIdempotent: idempotent, isWhole: whole,
            hasOtherEndpoint: endpoints, hasOtherUpstream: upstreams
        ).verdict(cause)
    }

    @Test func `without a connection nothing was sent, so every request tries the next endpoint`() {
        #expect(verdict(.unconnected, idempotent: false, whole: false) == .sameUpstream)
        #expect(verdict(.unconnected, endpoints: false) == .no)
        #expect(verdict(.unconnected, endpoints: false, upstreams: true) == .nextUpstream)
        #expect(verdict(.unconnected, attempts: 3) == .no)
        #expect(verdict(.unconnected, attempts: 3, upstreams: true) == .nextUpstream)
        #expect(verdict(.unconnected, { $0.causes = [] }) == .no)
    }

    @Test(arguments: [Repetition.Cause.lost, .stalled])
    func `what may have been acted on is repeated where that does no harm, or where the file says so`(
        cause: Repetition.Cause
    ) {
        let all: (inout RetryPlan) -> Void = { $0.causes = [.reset, .stalled] }
        let post: (inout RetryPlan) -> Void = {
            $0.causes = [.reset, .stalled]
            $0.repeatsPost = true
        }
        #expect(verdict(cause, all) == .sameUpstream)
        #expect(verdict(cause, all, endpoints: false) == .sameUpstream)
        #expect(verdict(cause, all, idempotent: false) == .no)
        #expect(verdict(cause, all, idempotent: false, upstreams: true) == .no)
        #expect(verdict(cause, post, idempotent: false) == .sameUpstream)
        #expect(verdict(cause, post, idempotent: false, whole: false) == .no)
        #expect(verdict(cause, post, idempotent: false, whole: false, upstreams: true) == .no)
        #expect(verdict(cause, post, attempts: 3, idempotent: false, upstreams: true) == .nextUpstream)
    }

    @Test func `by default a stall and a status are final`() {
        #expect(verdict(.stalled) == .no)
        #expect(verdict(.lost) == .sameUpstream)
        for status in [400, 401, 404, 429, 500, 502, 503, 504] as [UInt16] {
            #expect(verdict(.status(status)) == .no)
        }
    }

    @Test func `a listed status is repeated, of a POST only where the file says so`() {
        let listed: (inout RetryPlan) -> Void = { $0.statuses = [503] }
        #expect(verdict(.status(503), listed) == .sameUpstream)
        #expect(verdict(.status(502), listed) == .no)
        #expect(verdict(.status(503), listed, idempotent: false) == .no)
    }

    @Test func `first_of goes on with an answer that says that nothing comes of it, for POST as well`() {
        for status in RetryPlan.failoverStatuses {
            #expect(verdict(.status(status), idempotent: false, upstreams: true) == .nextUpstream)
            #expect(verdict(.status(status), idempotent: false, whole: false, upstreams: true) == .no)
        }
        for status in [400, 404, 422] as [UInt16] {
            #expect(verdict(.status(status), idempotent: false, upstreams: true) == .no)
        }
        let listed: (inout RetryPlan) -> Void = { $0.statuses = [422] }
        #expect(verdict(.status(422), listed, idempotent: false, upstreams: true) == .nextUpstream)
    }

    @Test func `a name goes on as it is, or not`() {
        #expect(ModelTarget.Name.asSent.isAsSent)
        #expect(!ModelTarget.Name.stripped(3).isAsSent && !ModelTarget.Name.fixed(PlanText("x")).isAsSent)
        #expect(BodyDefaults.none.isEmpty && !BodyDefaults(temperature: PlanText("1")).isEmpty)
    }
}
