import Testing

@testable import Proxy

private func measure(_ unit: LimitMeasure.Unit) -> LimitMeasure {
    LimitMeasure(
        id: 1, identity: "a", limitName: PlanText("a"), keyName: PlanText("k"), unit: unit, period: .minute,
        max: 5)
}

private func plan(_ unit: LimitMeasure.Unit = .requests, _ subject: LimitSubjectParts = .key) -> LimitPlan {
    LimitPlan(name: PlanText("a"), measures: [measure(unit)], subject: subject)
}

@Suite(.tags(.fast)) struct LimitPlanTests {
    @Test(
        arguments: [
            (.key, true), (.user, true), (.ip, false), ([.key, .model], false), ([.key, .user], false),
            (.model, false),
        ] as [(LimitSubjectParts, Bool)])
    func `a limit of callers alone gives way to their own`(subject: LimitSubjectParts, gives: Bool) {
        #expect(plan(.requests, subject).givesWayToOwn == gives)
    }

    @Test(arguments: LimitMeasure.Unit.allCases)
    func `tokens and money have to be looked for`(unit: LimitMeasure.Unit) {
        let isLookedFor = ![.requests, .concurrent].contains(unit)
        #expect(plan(unit).countsTokensOrMoney == isLookedFor)
        let route = RoutePlan.limited([plan(unit)])
        #expect(route.inspectsBody == isLookedFor && route.countsUsage == isLookedFor)
    }

    @Test func `a limit by model looks into the body, and only that`() {
        let route = RoutePlan.limited([plan(.requests, [.key, .model])])
        #expect(route.inspectsBody && !route.countsUsage)
    }

    @Test func `recorded usage is looked for where an upstream answers`() {
        let recorded = RoutePlan.limited([], recordsUsage: true)
        #expect(recorded.countsUsage && !recorded.inspectsBody)
        #expect(!RoutePlan.limited([], recordsUsage: true, action: .act).countsUsage)
        #expect(!RoutePlan.limited([]).countsUsage)
    }

    @Test func `what did not end well is charged as it was seen, and errors are not charged`() {
        #expect(plan().charge == ChargePolicy())
        let policy = ChargePolicy()
        #expect(
            [policy.clientGone, policy.upstreamEOF, policy.timeout] == [.measured, .measured, .measured])
        #expect(policy.upstreamError == .nothing)
    }
}

extension RoutePlan {
    fileprivate static func limited(
        _ limits: [LimitPlan], recordsUsage: Bool = false,
        action: RouteAction = .proxy(upstream: 0, timeouts: .patient)
    ) -> RoutePlan {
        RoutePlan(
            match: RouteMatch(listeners: [], host: .any, path: .subtree([]), methods: .any, headers: []),
            auth: [.open()], limits: limits, recordsUsage: recordsUsage, action: action, stripPrefix: [],
            addPrefix: [], requestHeaders: .none, responseHeaders: .none, maxBodyBytes: .max, cors: nil,
            label: "routes[0]", labelText: PlanText("routes[0]"))
    }
}
