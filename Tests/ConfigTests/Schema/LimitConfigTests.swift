import Testing

@testable import Config

/// With models that bound every request and price.
private func limits(_ text: String) throws -> [LimitConfig] {
    let models = "models: { '*': { max_output: 1k, price: { input: 1, output: 1 } } }\n"
    return try config("version: 1\n\(models)limits:\n\(text)").limits
}

// Covers LimitConfig.swift, LimitKeyHints.swift
@Suite struct LimitConfigTests {
    @Test func `a limit has a subject and a number`() throws {
        let limits = try limits(
            """
              per-ip: { by: ip, requests_per_minute: 1 }
              per-key: { by: key, requests_per_minute: 10000 }

            """)
        #expect(
            limits == [
                LimitConfig(name: "per-ip", by: [.ip], numbers: [.init(key: .requestsPerMinute, max: 1)]),
                LimitConfig(
                    name: "per-key", by: [.key], numbers: [.init(key: .requestsPerMinute, max: 10_000)]),
            ])
    }

    @Test func `a limit is read with all its keys`() throws {
        let limit = try limits(
            """
              team:
                by: [model, user]
                requests_per_minute: 60
                requests_per_hour: 1k
                requests_per_day: 5k
                burst: 20
                tokens_per_minute: 100k
                tokens_per_hour: 1M
                tokens_per_day: 2M
                tokens: output
                usd_per_day: 0.50
                usd_per_month: 10
                concurrent: 8
                mode: shadow
                default_reserve: 4k
                charge: { client_gone: reserved, upstream_error: measured }

            """)[0]
        #expect(limit.by == [.user, .model])
        let maxima: [UInt64] = [
            60, 1000, 5000, 20, 100_000, 1_000_000, 2_000_000, 500_000_000, 10_000_000_000, 8,
        ]
        #expect(limit.numbers.map(\.max) == maxima)
        #expect(limit.numbers.map(\.key) == Array(LimitConfig.Key.allCases.dropFirst()))
        #expect(limit.number(.burst) == 20 && limit.number(.requestsPerSecond) == nil)
        #expect(limit.tokens == .output && limit.isShadow && !limit.cutsOnExceed)
        #expect(limit.defaultReserve == 4000)
        #expect(limit.charge == ChargeConfig(clientGone: .reserved, upstreamError: .measured))
        #expect(limit.countsTokens && limit.countsMoney)
    }

    @Test func `a stream that has used up its share can be cut`() throws {
        let text = "  a: { by: key, tokens_per_day: 5k, tokens: input, on_exceed: cut }\n"
        #expect(try limits(text)[0].cutsOnExceed)
    }

    @Test(arguments: [
        ("key", true), ("user", true), ("ip", false), ("[key, ip]", false), ("[user, model]", false),
    ])
    func `callers' own limits stand in place of those by key or by user alone`(by: String, gives: Bool) throws
    {
        #expect(try limits("  a: { by: \(by), requests_per_minute: 5 }\n")[0].givesWayToOwn == gives)
    }

    @Test(arguments: [
        "{ by: ip }", "{ requests_per_minute: 5 }", "{ by: me, requests_per_minute: 5 }",
        "{ by: [], requests_per_minute: 5 }", "{ by: [ip, ip], requests_per_minute: 5 }",
        "{ by: ip, requests_per_minute: 0 }", "{ by: ip, requests_per_minute: 1000001 }", "5",
        "{ by: ip, burst: 5 }", "{ by: ip, burst: 5, concurrent: 5 }",
        "{ by: ip, requests_per_minute: 5, tokens: input }", "{ by: ip, usd_per_day: 5, tokens: input }",
        "{ by: ip, tokens_per_day: 5, default_reserve: 6 }",
    ])
    func `anything else is refused`(_ text: String) {
        #expect(read("version: 1\nlimits: { a: \(text) }\n").config == nil)
    }

    @Test func `one mistake is told once`() {
        let text =
            "version: 1\nlimits: { a: { by: ip, tokens_per_day: many, default_reserve: 5, tokens: input } }\n"
        #expect(read(text).diagnostics.count { $0.severity == .error } == 1)
        let burst = "version: 1\nlimits: { a: { by: ip, burst: 5 } }\n"
        #expect(read(burst).diagnostics.count { $0.severity == .error } == 1)
    }

    private func errors(_ limit: String) -> [Diagnostic] {
        read("version: 1\nlimits: { a: { by: ip, \(limit) } }\n").diagnostics.filter { $0.severity == .error }
    }

    @Test(arguments: [
        (
            "requests_per_month",
            "there is `requests_per_second`, `requests_per_minute`, `requests_per_hour` and `requests_per_day`"
        ),
        (
            "rpm",
            "there is `requests_per_second`, `requests_per_minute`, `requests_per_hour` and `requests_per_day`"
        ),
        ("tokens_per_second", "there is `tokens_per_minute`, `tokens_per_hour` and `tokens_per_day`"),
        ("TPM", "there is `tokens_per_minute`, `tokens_per_hour` and `tokens_per_day`"),
        ("usd_per_hour", "there is `usd_per_day` and `usd_per_month`"),
        ("requests_per_minut", "did you mean `requests_per_minute`?"),
    ])
    func `a number that there is not gets one error, and a hint`(key: String, hint: String) {
        let found = errors("\(key): 5")
        #expect(found.map(\.message) == ["unknown key `\(key)` in limits.a"])
        #expect(found.map(\.hint) == [hint])
    }

    @Test func `a limit without a number is told of all there are`() {
        #expect(
            errors("mode: shadow").map { $0.message.hasPrefix("`limits.a` requires at least one of") } == [
                true
            ])
        #expect(errors("colour: 5").count == 2)
    }

    @Test func `burst alone is told what it goes with`() {
        let found = errors("burst: 5")
        #expect(found.map(\.message) == ["`burst` stands without a longer time in limits.a"])
        #expect(found[0].hint?.contains("`requests_per_minute`") == true)
        #expect(errors("burst: 5, requests_per_minut: 5").map(\.keyPath) == ["limits.a.requests_per_minut"])
    }

    @Test func `the schema asks for a number`() {
        let schema = MappingReader.describe(LimitConfig.init).schema.json
        #expect(schema["anyOf"]?.items.count == LimitConfig.Key.allCases.count - 1)
    }
}
