import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RateRefusalTests {
    /// 2026-03-01T11:59:58.300Z
    private let realtime: UInt64 = 1_772_366_398_300_000_000

    private func refusal(
        _ unit: LimitMeasure.Unit, _ period: LimitMeasure.Period, max: UInt64,
        _ reason: LimitRefusal.Reason, amount: UInt64 = 1, nextIn: UInt64 = 0, name: String = "per-key"
    ) -> RateRefusal {
        let sample = ReservationSample()
        sample.add(.sample(.requests, .minute, max: 1, name: "other", isShadow: true), used: 9)
        sample.add(.sample(unit, period, max: max, name: name), used: max, amount: amount, nextIn: nextIn)
        let refusal = LimitRefusal(entry: 1, reason: reason)
        return RateRefusal(sample.reservation, refusal, realtime: realtime)
    }

    private func body(_ refusal: RateRefusal, _ shape: ErrorShape) -> String {
        written {
            ErrorBody(reply: refusal.reply, shape: shape, bound: 0, rate: refusal).write(&$0, footer: [])
        }
    }

    private func message(_ refusal: RateRefusal) -> String {
        written { refusal.writeMessage(&$0, named: false) }
    }

    private func fields(_ refusal: RateRefusal) -> String { written { refusal.writeFields(&$0) } }

    @Test func `every unit and period has its words`() {
        let full = LimitRefusal.Reason.full(wait: second)
        let table: [(LimitMeasure.Unit, LimitMeasure.Period, UInt64, String)] = [
            (.requests, .second, 10, "Rate limit of 10 requests per second exceeded"),
            (.requests, .minute, 60, "Rate limit of 60 requests per minute exceeded"),
            (.requests, .hour, 1, "Rate limit of 1 requests per hour exceeded"),
            (.tokens, .minute, 100_000, "Rate limit of 100000 tokens per minute exceeded"),
            (.inputTokens, .day, 7, "Rate limit of 7 input tokens per day exceeded"),
            (.outputTokens, .hour, 7, "Rate limit of 7 output tokens per hour exceeded"),
            (.money, .day, 5_000_000_000, "Budget of $5 per day exceeded"),
            (.money, .month, 99_500_000_000, "Budget of $99.50 per month exceeded"),
            (.concurrent, .none, 8, "Limit of 8 concurrent requests exceeded"),
        ]
        for (unit, period, max, words) in table {
            let refusal = refusal(unit, period, max: max, full)
            #expect(message(refusal) == words)
            #expect(body(refusal, .openai).hasPrefix("{\"error\":{\"message\":\"\(words) (per-key)\","))
            #expect(body(refusal, .webscout).contains("\"details\":{\"message\":\"\(words)\","))
            let detail = unit == .requests ? "Rate limit exceeded. Please try again later." : words
            #expect(body(refusal, .detail) == "{\"detail\":\"\(detail)\"}\n")
        }
    }

    @Test func `a budget is a quota, everything else a rate`() {
        let full = LimitRefusal.Reason.full(wait: second)
        for unit in LimitMeasure.Unit.allCases {
            let refusal = refusal(unit, unit == .concurrent ? .none : .day, max: 5, full)
            let kind =
                unit == .money
                ? "\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\""
                : "\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limit_exceeded\""
            #expect(body(refusal, .openai).hasSuffix(kind + "}}\n"))
            #expect(refusal.reply.properties.status == 429)
            #expect(refusal.entry == 1)
        }
    }

    @Test func `webscout is told when in its own members`() {
        let refusal = refusal(.requests, .minute, max: 20, .full(wait: 1_200_000_001))
        #expect(
            body(refusal, .webscout)
                == "{\"error\":\"Rate limit exceeded\",\"code\":\"rate_limit_exceeded\",\"details\":"
                + "{\"message\":\"Rate limit of 20 requests per minute exceeded\",\"retry_after\":2,"
                + "\"reset_at\":\"2026-03-01T12:00:00Z\"}}\n")
    }

    @Test func `a wait is told in seconds and milliseconds, rounded up`() {
        let table: [(wait: UInt64, seconds: Int, milliseconds: Int)] = [
            (1, 1, 1), (999_999, 1, 1), (1_000_001, 1, 2), (second, 1, 1000), (1_200_000_001, 2, 1201),
            (59_000_000_001, 60, 59_001), (60 * second, 60, 60_000),
        ]
        for (wait, seconds, milliseconds) in table {
            let refusal = refusal(.requests, .minute, max: 1, .full(wait: wait))
            #expect(fields(refusal) == "Retry-After: \(seconds)\r\nretry-after-ms: \(milliseconds)\r\n")
        }
    }

    @Test func `who would wait longer than clients do is told not to`() {
        let refusal = refusal(.requests, .hour, max: 1, .full(wait: 60 * second + 1))
        #expect(
            fields(refusal) == "Retry-After: 61\r\nretry-after-ms: 60001\r\nx-should-retry: false\r\n")
    }

    @Test func `a wait never ends before the effective window does`() {
        let refusal = refusal(.tokens, .minute, max: 9, .full(wait: second), nextIn: 3 * second + 1)
        #expect(fields(refusal) == "Retry-After: 4\r\nretry-after-ms: 3001\r\n")
        #expect(refusal.resetsAt == realtime + 3 * second + 1)
    }

    @Test func `nobody knows when a running exchange ends, so a second is waited`() {
        let refusal = refusal(.concurrent, .none, max: 8, .full(wait: 0))
        #expect(fields(refusal) == "Retry-After: 1\r\nretry-after-ms: 1000\r\n")
        #expect(body(refusal, .webscout).contains("\"retry_after\":1,\"reset_at\":\"2026-03-01T12:00:00Z\""))
    }

    @Test func `what is too large altogether is said with both numbers, and not to be sent again`() {
        let table: [(LimitMeasure.Unit, UInt64, UInt64, words: String, LocalReply)] = [
            (
                .tokens, 4000, 5000, "it may use 5000 tokens, and the limit is 4000 tokens per day",
                .requestTooLargeForLimit
            ),
            (
                .outputTokens, 4000, 5000,
                "it may use 5000 output tokens, and the limit is 4000 output tokens per day",
                .requestTooLargeForLimit
            ),
            (
                .money, 5_000_000_000, 5_000_001_000,
                "it may cost $5.000001, and the budget is $5 per day", .budgetExceeded
            ),
        ]
        for (unit, max, asked, words, reply) in table {
            let refusal = refusal(unit, .day, max: max, .tooLarge, amount: asked, nextIn: second)
            #expect(refusal.reply == reply)
            #expect(message(refusal) == "Request too large: " + words)
            #expect(fields(refusal) == "x-should-retry: false\r\n")
            #expect(body(refusal, .webscout).hasSuffix("\"message\":\"Request too large: \(words)\"}}\n"))
            #expect(body(refusal, .detail) == "{\"detail\":\"Request too large: \(words)\"}\n")
        }
    }

    @Test func `a ledger that is full is the gateway's matter`() {
        let refusal = refusal(.requests, .minute, max: 8, .tooManySubjects)
        #expect(refusal.reply == .tooManySubjects && refusal.reply.properties.status == 503)
        #expect(fields(refusal).isEmpty)
        let words = "The gateway keeps count of as many callers as it can at present: try again."
        #expect(body(refusal, .openai).hasPrefix("{\"error\":{\"message\":\"\(words)\","))
        #expect(body(refusal, .detail) == "{\"detail\":\"\(words)\"}\n")
    }

    @Test func `a stream that is cut ends with an event that the SDKs raise`() {
        let sample = ReservationSample()
        sample.add(.sample(.tokens, .minute, max: 100, name: "a\"b"), used: 120)
        sample.add(.sample(.money, .day, max: 250_000_000), used: 1)
        func event(_ index: Int) -> String {
            let refusal = RateRefusal(usedUp: index, of: sample.reservation, realtime: realtime)
            return written { refusal.writeEvent(&$0) }
        }
        #expect(
            event(0)
                == "data: {\"error\":{\"message\":\"Rate limit of 100 tokens per minute exceeded: the answer "
                + "is cut off here (a%22b)\",\"type\":\"rate_limit_error\",\"param\":null,"
                + "\"code\":\"rate_limit_exceeded\"}}\n\n")
        #expect(
            event(1)
                == "data: {\"error\":{\"message\":\"Budget of $0.25 per day exceeded: the answer is cut off "
                + "here (per-key)\",\"type\":\"insufficient_quota\",\"param\":null,"
                + "\"code\":\"insufficient_quota\"}}\n\n")
    }

    @Test(arguments: [
        (0, "$0"), (1, "$0.000000001"), (10_000_000, "$0.01"), (500_000_000, "$0.50"),
        (1_000_000_000, "$1"), (12_345_678_901, "$12.345678901"), (UInt64.max, "$18446744073.709551615"),
    ])
    func `money is written in dollars, with cents where there are some`(amount: UInt64, text: String) {
        #expect(written { $0.put(nanoUSD: amount) } == text)
    }
}
