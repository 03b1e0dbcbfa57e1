import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct LedgerSurveyTests {
    private let requests = LimitMeasure.test(1, .requests, .minute, max: 10)
    private let tokens = LimitMeasure.test(2, .tokens, .hour, max: 1000)
    private let now = 1000 * hour

    @Test func `subjects are counted by measure, and the fullest come first`() {
        let ledger = Ledger()
        for subject in UInt64(1)...5 {
            for _ in 0..<(subject * 2) { _ = ledger.use(requests, 1, .test(subject), at: now) }
        }
        _ = ledger.use(tokens, 999, .test(1), at: now)
        // What runs counts as well.
        _ = ledger.take(tokens, 850, .test(2), at: now)
        let survey = ledger.survey(maxima: [1: 10, 2: 1000], at: .both(now))
        #expect(survey.subjects == [1: 5, 2: 2])
        #expect(survey.fullest.map(\.subject) == [.test(5), .test(1), .test(2), .test(4)])
        #expect(survey.fullest.map(\.permille) == [1000, 999, 850, 800])
        #expect(survey.fullest.map(\.used) == [10, 999, 850, 8])
        #expect(survey.unseen == 0)
    }

    /// S4-45.
    @Test func `what has left its window is not counted any more`() {
        let ledger = Ledger()
        _ = ledger.use(requests, 1, .test(1), at: now)
        _ = ledger.use(tokens, 900, .test(1), at: now)
        let later = ledger.survey(maxima: [1: 10, 2: 1000], at: .both(now + 2 * minute))
        #expect(later.subjects == [2: 1] && later.fullest.map(\.measureID) == [2])
        #expect(ledger.survey(at: .both(now + 3 * hour)).subjects == [:])
    }

    @Test func `only measures that are asked for have fullest subjects, and only so many`() {
        let ledger = Ledger()
        for subject in UInt64(1)...100 { _ = ledger.use(tokens, 900 + subject, .test(subject), at: now) }
        #expect(ledger.survey(at: .both(now)).fullest.isEmpty)
        let survey = ledger.survey(maxima: [2: 1000], fullestMax: 3, at: .both(now))
        #expect(survey.fullest.map(\.used) == [1000, 999, 998])
        #expect(ledger.survey(maxima: [2: 1000], permilleMin: 1001, at: .both(now)).fullest.isEmpty)
    }

    @Test func `a survey looks at so many counts of a shard, and says what it has left out`() {
        let ledger = Ledger.small(subjectsMax: 10_000)
        let count = UInt64(Ledger.surveyedPerShard + 10)
        for subject in 1...count { _ = ledger.use(tokens, 1, .test(subject), at: now) }
        let survey = ledger.survey(at: .both(now))
        #expect(survey.unseen == 10 && survey.subjects == [2: Ledger.surveyedPerShard])
    }

    @Test func `a huge count has a share as well`() {
        let subject = LedgerSurvey.Subject(measureID: 1, subject: .test(1), used: 1 << 62, max: 1 << 62)
        #expect(subject.permille == 1000)
    }
}
