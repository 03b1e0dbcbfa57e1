import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct LimitMeasureTests {
    @Test func `a charge comes to what the unit counts`() {
        let charge = LimitCharge(inputTokens: 3, outputTokens: 40, nanoUSD: 500)
        for (unit, amount) in [
            (LimitMeasure.Unit.requests, UInt64(1)), (.concurrent, 1), (.inputTokens, 3), (.outputTokens, 40),
            (.tokens, 43), (.money, 500),
        ] {
            #expect(LimitMeasure.test(1, unit, .minute, max: 1).amount(of: charge) == amount)
        }
    }

    @Test func `counts by day and month outlive the process`() {
        let durable = LimitMeasure.Period.allCases.filter {
            LimitMeasure.test(1, .money, $0, max: 1).isDurable
        }
        #expect(durable == [.day, .month])
    }
}
