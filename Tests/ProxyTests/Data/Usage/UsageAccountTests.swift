import Testing

@testable import Proxy

private let model = ModelPlan(
    name: PlanText("m"), maxOutput: 500,
    price: ModelPrice(input: 1_000_000, output: 10_000_000, cachedInput: 500_000))
private let nameless = ModelPlan(name: PlanText("n"))

@Suite(.tags(.fast)) struct UsageAccountTests {
    @Test(
        arguments: [
            // max_tokens, n, default_reserve, known model, output that is reserved
            (100, 1, nil, true, 100), (100, 3, nil, true, 300), (900, 1, nil, true, 500),
            (900, 2, 7, true, 1000), (900, 1, nil, false, 900), (nil, 1, nil, true, 500),
            (nil, 2, nil, true, 1000), (nil, 1, 7, true, 7), (nil, 3, 7, false, 21),
            (nil, 1, nil, false, 0), (0, 1, 7, true, 0),
            (.max, .max, nil, false, UsageAccount.amountMax), (.max, 1, nil, false, UsageAccount.amountMax),
        ] as [(UInt64?, UInt64, UInt64?, Bool, UInt64)])
    func `a request may come to what it asks for, else what the limit or the model says`(
        asked: UInt64?, choices: UInt64, defaultReserve: UInt64?, isKnown: Bool, output: UInt64
    ) {
        let account = UsageAccount()
        account.inputTokensEstimate = 20
        account.outputTokensAsked = asked
        account.choices = choices
        account.model = isKnown ? model : nameless
        let charge = account.charge(defaultReserve: defaultReserve)
        #expect(charge.inputTokens == 20 && charge.outputTokens == output)
        #expect(charge.nanoUSD == (isKnown ? 20 + 10 * output : 0))
    }

    @Test func `what was cached costs what the price says`() {
        let account = UsageAccount()
        account.model = model
        #expect(account.charge(input: 100, cached: 40, output: 1).nanoUSD == 60 + 20 + 10)
        account.model = nil
        #expect(account.charge(input: 100, cached: 40, output: 1).nanoUSD == 0)
    }

    @Test func `the latest report counts, and what has come behind it`() {
        let account = UsageAccount()
        account.inputTokensEstimate = 9
        #expect(account.measured == nil)
        account.taps = true
        account.tap = UsageTap(isEventStream: true)
        func scan(_ text: String) { withExactBytes(text) { account.tap.scan(UnsafeRawBufferPointer($0)) } }
        func expect(_ input: UInt64, _ output: UInt64, isEstimated: Bool) {
            let measured = account.measured
            #expect(measured?.charge.inputTokens == input && measured?.charge.outputTokens == output)
            #expect(measured?.isEstimated == isEstimated)
        }
        expect(9, 0, isEstimated: true)
        scan(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"
                + "{\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n")
        expect(25, 1, isEstimated: false)
        let delta =
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
            + "\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n"
        scan(delta)
        expect(25, 2, isEstimated: true)
        for _ in 0..<4 { scan(delta) }
        expect(25, 6, isEstimated: true)
        scan("data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":4}}")
        expect(25, 4, isEstimated: false)
        scan("\n\n")
        expect(25, 4, isEstimated: false)
    }

    @Test func `nothing of one exchange is left for the next`() {
        let account = UsageAccount()
        let pool = BlockPool()
        account.isMetered = true
        account.inputTokensEstimate = 1
        account.outputTokensAsked = 2
        account.choices = 3
        account.model = model
        account.taps = true
        account.hidesUsage = true
        account.mustCut = true
        account.saidCut = true
        let measure = LimitMeasure.sample(.tokens, .day, max: 9)
        account.add(
            measure, .everybody, of: LimitCharge(outputTokens: 4), limit: 0,
            cuts: true)
        account.tap = UsageTap(isEventStream: true)
        // In the middle of an event of which a part has gone on.
        withExactBytes("data: {\"model\":\"m-1\",\"choices\":[{}],") {
            _ = account.filter.take($0, through: &account.tap, blocks: pool)
        }
        // What a request has bounded is believed to twice the bound.
        #expect(account.hasSpending && account.outputTokensGranted == 8)
        account.reset(blocks: pool)
        #expect(!account.isMetered && !account.taps && !account.hidesUsage)
        #expect(!account.mustCut && !account.saidCut && !account.hasSpending)
        #expect(account.inputTokensEstimate == 0 && account.outputTokensAsked == nil)
        #expect(account.choices == 1 && account.model == nil && account.outputTokensGranted == .max)
        #expect(account.reservation.count == 0)
        #expect(account.tap.model.withBytes { $0.isEmpty })
        account.tap = UsageTap(isEventStream: true)
        withExactBytes(MeteredScene.usage) {
            let passing = account.filter.take($0, through: &account.tap, blocks: pool)
            #expect(passing.first.isEmpty && passing.second.isEmpty)
        }
        account.filter.release(to: pool)
    }
}
