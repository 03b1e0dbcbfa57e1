import Testing

@testable import Proxy

// Covers RateLimitFieldStyles.swift

@Suite(.tags(.fast)) struct RateLimitFieldsPlanTests {
    private func plan(
        _ name: String, _ key: String, _ unit: LimitMeasure.Unit, _ period: LimitMeasure.Period,
        max: UInt64 = 60, isShadow: Bool = false
    ) -> RateLimitFieldsPlan {
        RateLimitFieldsPlan(
            limitName: PlanText(name), keyName: PlanText(key), unit: unit, period: period, max: max,
            isShadow: isShadow)
    }

    private func text(_ start: Int, _ end: Int, _ plan: RateLimitFieldsPlan) -> String {
        let bytes = UnsafeRawBufferPointer(start: plan.pieces.pointee.base + start, count: end - start)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func text(_ piece: RateLimitFieldPieces.Piece, _ plan: RateLimitFieldsPlan) -> String {
        text(piece.start, piece.start + piece.count, plan)
    }

    private func text(_ piece: RateLimitFieldPieces.Numbered, _ plan: RateLimitFieldsPlan) -> String {
        text(piece.start, piece.end, plan)
    }

    private func policy(_ plan: RateLimitFieldsPlan) -> String {
        text(plan.pieces.pointee.firstPolicy, plan)
    }

    @Test func `a policy names its quota, its window and what it counts`() {
        let table: [(key: String, LimitMeasure.Unit, LimitMeasure.Period, item: String)] = [
            ("requests_per_minute", .requests, .minute, "\"per-key\";q=60;w=60"),
            ("requests_per_second", .requests, .second, "\"per-key/requests-per-second\";q=60;w=1"),
            ("burst", .requests, .second, "\"per-key/burst\";q=60;w=1"),
            ("requests_per_hour", .requests, .hour, "\"per-key/requests-per-hour\";q=60;w=3600"),
            ("tokens_per_minute", .tokens, .minute, "\"per-key/tokens\";q=60;w=60;headgate-unit=\"tokens\""),
            (
                "tokens_per_day", .inputTokens, .day,
                "\"per-key/tokens-per-day\";q=60;w=86400;headgate-unit=\"input-tokens\""
            ),
            (
                "tokens_per_hour", .outputTokens, .hour,
                "\"per-key/tokens-per-hour\";q=60;w=3600;headgate-unit=\"output-tokens\""
            ),
            ("concurrent", .concurrent, .none, "\"per-key/concurrent\";q=60;qu=\"concurrent-requests\""),
        ]
        for (key, unit, period, item) in table {
            let plan = plan("per-key", key, unit, period)
            #expect(policy(plan) == "RateLimit-Policy: " + item)
            #expect(text(plan.pieces.pointee.nextPolicy, plan) == ", " + item)
            let name = item.prefix { $0 != ";" }
            #expect(text(plan.pieces.pointee.firstService, plan) == "\r\nRateLimit: \(name);r=")
            #expect(text(plan.pieces.pointee.nextService, plan) == ", \(name);r=")
            #expect(plan.pieces.pointee.kind != .hidden)
        }
        #expect(Set(table.map(\.item)).count == table.count)
    }

    @Test func `the number stands where the plan says, so that another may take its place`() {
        let plan = plan("l", "tokens_per_minute", .tokens, .minute, max: 100_000)
        let pieces = plan.pieces.pointee
        for piece in [pieces.firstPolicy, pieces.nextPolicy, pieces.openai] {
            #expect(text(piece.numberStart, piece.numberEnd, plan) == "100000")
        }
        #expect(
            text(pieces.openai, plan)
                == "x-ratelimit-limit-tokens: 100000\r\nx-ratelimit-remaining-tokens: ")
        #expect(text(pieces.openaiReset, plan) == "\r\nx-ratelimit-reset-tokens: ")
    }

    @Test func `a name that a String cannot hold is escaped, and no two names become one`() {
        let names = ["a", "a/tokens", "a\"", "a\\", "a%22", "a%", "schlüssel", "a\r\nX: y", " ", ""]
        var seen: Set<String> = []
        for name in names {
            let requests = plan(name, "requests_per_minute", .requests, .minute)
            let tokens = plan(name, "tokens_per_minute", .tokens, .minute)
            for text in [policy(requests), policy(tokens)] {
                let name = text.dropFirst("RateLimit-Policy: \"".count).prefix { $0 != "\"" }
                #expect(name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x5C })
                #expect(text.hasPrefix("RateLimit-Policy: \"\(name)\";q=60;w=60"))
                #expect(seen.insert(String(name)).inserted, "\(text)")
            }
        }
        let quoted = plan("a\"\\\n", "burst", .requests, .second)
        #expect(quoted.limitName.bytes.elementsEqual("a%22%5C%0A".utf8))
    }

    @Test func `a quota is an Integer of fifteen digits at most`() {
        let plan = plan("l", "tokens_per_day", .tokens, .day, max: .max)
        #expect(policy(plan).hasPrefix("RateLimit-Policy: \"l/tokens-per-day\";q=999999999999999;w=86400"))
        let openai = plan.pieces.pointee.openai
        #expect(text(openai.numberStart, openai.numberEnd, plan) == "18446744073709551615")
    }

    @Test func `money, and what is only watched, are not shown`() {
        let watched = plan("l", "requests_per_minute", .requests, .minute, isShadow: true)
        let month = plan("l", "usd_per_month", .money, .month)
        for plan in [watched, month, plan("l", "usd_per_day", .money, .day)] {
            #expect(plan.pieces.pointee.kind == .hidden)
            #expect(plan.pieces.pointee.openai == RateLimitFieldPieces.Numbered())
        }
        #expect(policy(month) == "RateLimit-Policy: \"l/usd-per-month\";q=60")
    }
}
