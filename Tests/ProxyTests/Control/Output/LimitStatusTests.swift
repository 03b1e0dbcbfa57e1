import JSON
import Testing

@testable import Proxy

private func plan(
    _ name: String, _ subject: LimitSubjectParts, _ measures: [(String, LimitMeasure.Unit, UInt64)],
    isShadow: Bool = false
) -> LimitPlan {
    LimitPlan(
        name: PlanText(name),
        measures: measures.enumerated().map { index, measure in
            LimitMeasure(
                id: UInt32(index + 1), identity: name, limitName: PlanText(name),
                keyName: PlanText(measure.0), unit: measure.1, period: .day, max: measure.2,
                isShadow: isShadow)
        }, subject: subject)
}

extension LimitPlan {
    fileprivate func note(_ index: Int, refused: UInt64 = 0, shadowed: UInt64 = 0, overshoot: UInt64 = 0) {
        let figures = measures[index].figures
        figures.refused.add(refused, ordering: .relaxed)
        figures.shadowed.add(shadowed, ordering: .relaxed)
        figures.worstOvershoot.max(overshoot, ordering: .relaxed)
    }
}

private func json(_ status: LimitStatus) throws -> JSONValue {
    var text = JSONText()
    text.object { status.append(to: &$0) }
    return try JSONValue.parse(text.bytes)
}

@Suite(.tags(.fast)) struct LimitStatusTests {
    private let team = plan(
        "team", [.user, .model],
        [
            ("requests_per_day", .requests, 60), ("tokens_per_day", .tokens, 5000),
            ("usd_per_day", .money, 5_500_000_000),
        ])
    private let tried = plan("tried", .ip, [("requests_per_day", .requests, 7)], isShadow: true)

    @Test func `a limit that nobody reached is counted in one line`() {
        let status = LimitStatus(limits: [team, tried], subjectCount: 12)
        #expect(status.lines == ["limits      4 numbers, none reached; 12 counts remembered"])
        #expect(LimitStatus(limits: [], subjectCount: 0).lines == [])
        #expect(
            LimitStatus(limits: [], subjectCount: 1).lines
                == ["limits      0 numbers, none reached; 1 count remembered"], "callers' own")
    }

    @Test func `each number that was reached has a line with what became of it`() {
        team.note(0, refused: 3)
        team.note(2, refused: 1, overshoot: 2_500_000)
        team.note(1, overshoot: 640)
        tried.note(0, shadowed: 9)
        #expect(
            LimitStatus(limits: [team, tried], subjectCount: 1).lines == [
                "limits      4 numbers; 1 count remembered",
                "limit       team requests_per_day 60 by user, model: 3 refused",
                "limit       team tokens_per_day 5000 by user, model: worst overshoot 640",
                "limit       team usd_per_day $5.5 by user, model: 1 refused, worst overshoot $0.0025",
                "limit       tried requests_per_day 7 by ip: 9 would have been refused",
            ])
    }

    @Test func `JSON has every number in file order, money in dollars`() throws {
        team.note(2, refused: 1, overshoot: 2_500_000)
        tried.note(0, shadowed: 9)
        let value = try json(LimitStatus(limits: [team, tried], subjectCount: 12))
        #expect(value["limit_subjects"] == .integer(12))
        guard case .array(let limits) = value["limits"] else { throw Unexpected("no list") }
        #expect(
            limits.map { $0["key"]?.text } == [
                "requests_per_day", "tokens_per_day", "usd_per_day", "requests_per_day",
            ])
        var writer = JSONWriter()
        writer.value(limits[2])
        #expect(
            writer.text
                == #"{"name":"team","key":"usd_per_day","by":["user","model"],"max":5.5,"mode":"enforce","#
                + #""refused":1,"shadowed":0,"worst_overshoot":0.0025}"#)
        #expect(limits[3]["mode"]?.text == "shadow" && limits[3]["shadowed"] == .integer(9))
    }
}
