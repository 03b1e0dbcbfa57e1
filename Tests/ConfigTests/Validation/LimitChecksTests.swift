import Testing

@testable import Config

/// Problems of one limit, listed by a route that an upstream answers.
private func problems(_ limit: String, models: String = "", usage: String = "main") -> [String] {
    let text = """
        version: 1
        listeners: { l: 127.0.0.1:1 }
        stores: { main: m.db, other: o.db }
        usage: \(usage)
        auth: { k: { mode: user-keys, store: main }, o: { mode: user-keys, store: other } }
        upstreams: { u: http://127.0.0.1:2 }
        models: { \(models) }
        limits: { a: { by: ip, \(limit) } }
        routes: [{ path: /a, auth: [k, o], limits: a, to: u }]
        """
    return read(text).diagnostics.map { "\($0.severity) \($0.keyPath)" }
}

private let priced = "max_output: 1k, price: { input: 1, output: 8 }"

@Suite struct LimitChecksTests {
    @Test(arguments: [
        "tokens_per_minute: 5k", "tokens_per_day: 5k, tokens: output", "tokens_per_hour: 5k, tokens: total",
    ])
    func `what an answer may come to must be bounded`(_ limit: String) {
        let key = limit.prefix { $0 != ":" }
        let wanted = ["error limits.a.\(key)"]
        #expect(problems(limit) == wanted)
        #expect(problems(limit, models: "m: { max_output: 1k }") == wanted, "another model may be asked for")
        #expect(problems(limit, models: "m: {}, '*': { max_output: 1k }") == wanted)
        #expect(problems(limit, models: "m: { max_output: 1k }, '*': { max_output: 1k }") == [])
        #expect(problems(limit + ", default_reserve: 1k") == [])
    }

    @Test func `input tokens are there before they are asked for`() {
        #expect(problems("tokens_per_minute: 5k, tokens: input") == [])
    }

    @Test func `money needs prices, and a bound`() {
        #expect(problems("usd_per_day: 5") == ["error limits.a.usd_per_day", "error limits.a.usd_per_day"])
        #expect(problems("usd_per_day: 5, default_reserve: 1k") == ["error limits.a.usd_per_day"])
        #expect(
            problems("usd_per_day: 5, default_reserve: 1k", models: "m: { \(priced) }") == [
                "error limits.a.usd_per_day"
            ])
        #expect(
            problems("usd_per_day: 5", models: "m: { max_output: 1k }, '*': { \(priced) }")
                == ["error limits.a.usd_per_day"])
        #expect(problems("usd_per_day: 5", models: "m: { \(priced) }, '*': { \(priced) }") == [])
    }

    @Test func `a reserve that never fits is warned about`() {
        let models = "m: { max_output: 10k, price: { input: 1, output: 8 } }, '*': { \(priced) }"
        #expect(problems("tokens_per_minute: 9999", models: models) == ["warning limits.a.tokens_per_minute"])
        #expect(problems("tokens_per_minute: 10k", models: models) == [])
        #expect(problems("tokens_per_minute: 9999, default_reserve: 9k", models: models) == [])
        // Ten thousand tokens at eight dollars a million.
        #expect(problems("usd_per_day: 0.079999999", models: models) == ["warning limits.a.usd_per_day"])
        #expect(problems("usd_per_day: 0.08", models: models) == [])
        #expect(problems("usd_per_day: 0.07, default_reserve: 1k", models: models) == [])
    }

    @Test func `a reserve that fits for no model is an error`() {
        let error = ["error limits.a.tokens_per_minute"]
        #expect(problems("tokens_per_minute: 999", models: "'*': { \(priced) }") == error)
        #expect(problems("tokens_per_minute: 999, default_reserve: 1k") == error)
        #expect(
            problems("tokens_per_minute: 999, default_reserve: 1k", models: "m: { max_output: 1k }") == error)
        #expect(
            problems("usd_per_day: 0.0079", models: "'*': { \(priced) }") == ["error limits.a.usd_per_day"])
        #expect(
            problems("tokens_per_minute: 999, default_reserve: 1k, mode: shadow") == [
                "warning limits.a.tokens_per_minute"
            ])
    }

    @Test func `the smaller of default_reserve and max_output is what is reserved`() {
        let limit = "tokens_per_minute: 1k, default_reserve: 2k"
        let warning = ["warning limits.a.tokens_per_minute"]
        #expect(problems(limit, models: "'*': { max_output: 1k }") == [])
        #expect(problems(limit, models: "m: { max_output: 1k }") == warning, "for models not named")
        #expect(problems(limit, models: "m: { max_output: 3k }, '*': { max_output: 1k }") == warning)
        #expect(problems("tokens_per_minute: 1k, tokens: input, default_reserve: 2k") == [])
    }

    @Test func `a mistake in one model hides nothing of the others`() {
        let broken = "b: { max_output: 0 }"
        let found = ["error models.b.max_output", "error limits.a.usd_per_day"]
        #expect(problems("usd_per_day: 5, default_reserve: 1", models: "\(broken), m: {}") == found)
        #expect(problems("usd_per_day: 5", models: "\(broken), '*': { \(priced) }") == [found[0]])
        #expect(problems("usd_per_day: 5", models: "'*': { max_output: 0 }") == ["error models.*.max_output"])
        let small = "tokens_per_day: 1, default_reserve: 2"
        #expect(
            problems(small, models: "\(broken), '*': { \(priced) }") == [
                found[0], "warning limits.a.tokens_per_day",
            ])
    }

    @Test func `a shorter time that admits more is warned about`() {
        #expect(
            problems("requests_per_second: 6, requests_per_minute: 5") == [
                "warning limits.a.requests_per_second"
            ])
        #expect(problems("requests_per_second: 5, requests_per_minute: 5") == [])
        #expect(problems("requests_per_minute: 5, burst: 6") == ["warning limits.a.burst"])
        #expect(
            problems("tokens_per_minute: 6k, tokens_per_day: 5k, tokens: input") == [
                "warning limits.a.tokens_per_minute"
            ])
    }

    @Test(arguments: ["requests_per_day: 5", "tokens_per_day: 5, tokens: input"])
    func `what goes by the calendar is kept somewhere, or warned about`(_ limit: String) {
        let key = limit.prefix { $0 != ":" }
        #expect(problems(limit) == [])
        #expect(problems(limit, usage: "off") == ["warning limits.a.\(key)"])
        #expect(problems("requests_per_hour: 5", usage: "off") == [])
    }
}
