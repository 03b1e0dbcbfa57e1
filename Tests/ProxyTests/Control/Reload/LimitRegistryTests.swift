import Config
import Testing

@testable import Proxy

private func config(_ limits: String) throws -> GatewayConfig {
    let text =
        "version: 1\nlisteners: { one: unix:/tmp/x }\nauth: { a: { mode: none } }\n"
        + "limits: { \(limits) }\nroutes: [{ path: /, auth: a, respond: { text: x } }]"
    let draft = try #require(ConfigDocument.parse(Array(text.utf8), file: "x").document).draft { _ in nil }
    return try #require(draft.config)
}

private func text(_ text: PlanText) -> String { String(decoding: text.bytes, as: UTF8.self) }

@Suite struct LimitRegistryTests {
    private let registry = LimitRegistry()

    private func plan(_ limit: String) throws -> LimitPlan {
        try #require(registry.plans(of: try config("a: { \(limit) }"))["a"])
    }

    @Test func `a number that changes is the same measure`() throws {
        let before = try plan("by: ip, requests_per_minute: 20, concurrent: 3")
        let after = try plan("by: ip, concurrent: 5, requests_per_minute: 5, mode: shadow")
        #expect(before.measures.map(\.max) == [20, 3] && after.measures.map(\.max) == [5, 5])
        for (old, new) in zip(before.measures, after.measures) {
            #expect(old.id == new.id && old.identity == new.identity && old.figures === new.figures)
        }
        #expect(!before.measures[0].isShadow && after.measures[0].isShadow)
    }

    @Test func `what comes back is the same measure, and nothing else ever has its id`() throws {
        let first = try plan("by: ip, requests_per_minute: 20")
        let others = [
            try plan("by: ip, requests_per_hour: 20"), try plan("by: key, requests_per_minute: 20"),
            try plan("by: [ip, key], requests_per_minute: 20"), try plan("by: ip, concurrent: 20"),
            try plan("by: ip, tokens_per_day: 20"), try plan("by: ip, tokens_per_day: 20, tokens: input"),
            try plan("by: ip, tokens_per_day: 20, tokens: output"), try plan("by: ip, usd_per_day: 20"),
            try plan("by: ip, requests_per_second: 20"), try plan("by: ip, burst: 20, requests_per_day: 90"),
        ]
        _ = registry.plans(of: try config(""))
        let again = try plan("by: ip, requests_per_minute: 20")
        #expect(again.measures[0].id == first.measures[0].id)
        #expect(again.measures[0].figures === first.measures[0].figures)
        let all = others.flatMap(\.measures) + first.measures + [registry.ownMeasure(of: "a")]
        #expect(Set(all.map(\.id)).count == all.count && Set(all.map(\.identity)).count == all.count)
        #expect(!all.contains { $0.id == 0 }, "0 is of no registry")
        #expect(Set(all.map { ObjectIdentifier($0.figures) }).count == all.count)
    }

    @Test(arguments: [
        ("by: key, requests_per_minute: 5", ["a/requests_per_minute/by=key"]),
        ("by: [model, key], tokens_per_day: 5", ["a/tokens_per_day/by=key,model"]),
        ("by: ip, tokens_per_day: 5, tokens: input", ["a/tokens_per_day/by=ip/tokens=input"]),
        (
            "by: ip, requests_per_day: 5, burst: 2, tokens_per_hour: 5, tokens: output",
            ["a/requests_per_day/by=ip", "a/burst/by=ip", "a/tokens_per_hour/by=ip/tokens=output"]
        ),
    ])
    func `an identity says what is counted, and not how much`(limit: String, identities: [String]) throws {
        #expect(try plan(limit).measures.map(\.identity) == identities)
    }

    @Test func `each number has its unit and its period`() throws {
        let plan = try plan(
            """
            by: [user, model], requests_per_minute: 1, requests_per_hour: 2, requests_per_day: 3, burst: 4,
            tokens_per_minute: 5, tokens_per_hour: 6, tokens_per_day: 7, usd_per_day: 8, usd_per_month: 9, concurrent: 10
            """)
        #expect(
            plan.measures.map(\.unit) == [
                .requests, .requests, .requests, .requests, .tokens, .tokens, .tokens, .money, .money,
                .concurrent,
            ])
        #expect(
            plan.measures.map(\.period) == [
                .minute, .hour, .day, .second, .minute, .hour, .day, .day, .month, .none,
            ])
        #expect(plan.measures.map(\.max) == [1, 2, 3, 4, 5, 6, 7, 8_000_000_000, 9_000_000_000, 10])
        #expect(plan.measures.allSatisfy { text($0.limitName) == "a" })
        #expect(
            text(plan.measures[3].keyName) == "burst" && text(plan.measures[8].keyName) == "usd_per_month")
        #expect(plan.subject == [.user, .model] && !plan.givesWayToOwn)
    }

    @Test func `the rest of a limit is taken over`() throws {
        let plan = try plan(
            """
            by: key, tokens_per_day: 10k, tokens: output, on_exceed: cut, default_reserve: 4k,
            charge: { client_gone: reserved, upstream_eof: nothing, upstream_error: measured, timeout: reserved }
            """)
        #expect(plan.measures[0].unit == .outputTokens && plan.subject == .key && plan.givesWayToOwn)
        #expect(plan.cutsOnExceed && plan.defaultReserve == 4000)
        #expect(
            plan.charge
                == ChargePolicy(
                    clientGone: .reserved, upstreamEOF: .nothing, upstreamError: .measured, timeout: .reserved
                ))
        #expect(try self.plan("by: ip, tokens_per_day: 10k, tokens: input").measures[0].unit == .inputTokens)
        #expect(try self.plan("by: key, concurrent: 1").charge == ChargePolicy())
    }

    @Test func `callers' own limits are counted one by one, for each entry of auth`() {
        let own = registry.ownMeasure(of: "apps")
        #expect(
            own.identity == "auth/apps/requests_per_minute" && own.unit == .requests && own.period == .minute)
        #expect(own.max == LimitMeasure.loggedMax)
        let again = registry.ownMeasure(of: "apps")
        #expect(again.id == own.id && again.figures === own.figures)
        #expect(registry.ownMeasure(of: "other").id != own.id)
    }

    @Test func `a limit called auth is no entry of auth`() throws {
        let own = registry.ownMeasure(of: "requests_per_minute")
        let limit = try #require(
            registry.plans(of: try config("auth: { by: ip, requests_per_minute: 5 }"))["auth"])
        #expect(limit.measures[0].identity != own.identity && limit.measures[0].id != own.id)
    }
}
