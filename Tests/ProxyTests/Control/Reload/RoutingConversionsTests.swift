import Config
import Testing

@testable import Proxy

private func text(_ bytes: PlanText?) -> String? {
    bytes.map { String(decoding: $0.bytes, as: UTF8.self) }
}

private func config(_ rest: String) throws -> GatewayConfig {
    let head = "version: 1\nlisteners: { one: unix:/tmp/x }\nauth: { a: { mode: none } }\n"
    let outcome = ConfigDocument.parse(Array((head + rest).utf8), file: "x").document?.read { _ in nil }
    return try #require(outcome?.config, "\(renderReport(outcome?.diagnostics ?? []))")
}

private func upstream(_ keys: String) throws -> UpstreamConfig {
    try config("upstreams: { u: { url: http://u, \(keys) } }\n").upstreams[0]
}

@Test func `what is left out of the file is what plans have of themselves`() throws {
    let plain = try upstream("max_connections: 1")
    #expect(BalancePlan(plain.balance) == BalancePlan())
    #expect(HealthPlan(plain.health) == HealthPlan())
    #expect(RetryPlan(plain.retry) == RetryPlan())
}

@Test func `who is asked, who is left out and what is repeated reach the plan`() throws {
    #expect(BalancePlan(.leastLoaded).method == .leastLoaded)
    #expect(BalancePlan(.hash([.user, .model])).method == .hash([.user, .model]))
    let health = HealthPlan(
        try upstream("health: { failures: off, slow_start: 2s }").health)
    #expect(health.failuresMax == 0 && health.slowStart == 2_000_000_000)
    let ejecting = HealthPlan(try upstream("health: { failures: 2, eject: 1s, eject_max: 4s }").health)
    #expect(
        ejecting
            == HealthPlan(
                failuresMax: 2, ejection: 1_000_000_000, ejectionMax: 4_000_000_000, slowStart: 0))
    let retry = try upstream("retry: { attempts: 7, on: [stalled, 503], post: true, body: 2KiB }").retry
    #expect(
        RetryPlan(retry)
            == RetryPlan(
                attemptsMax: 7, causes: .stalled, statuses: [503], repeatsPost: true, bodyMax: 2048))
}

/// `u 4 "x"`: upstream, bytes that are stripped, name with its quotes.
private func shown(_ target: ModelTarget) -> String {
    switch target.name {
    case .asSent: "\(target.upstream) as sent"
    case .fixed(let name): "\(target.upstream) \(text(name) ?? "")"
    case .stripped(let count): "\(target.upstream) without \(count)"
    }
}

@Suite struct `Where models lead` {
    private func plans(_ models: String) throws -> [ModelPlan] {
        let config = try config("upstreams: { u: http://u, v: http://v }\nmodels: { \(models) }\n")
        return config.models.map { ModelPlan($0, upstreams: ["u": 0, "v": 1]) }
    }

    @Test func `is an index and what becomes of the name`() throws {
        let plans = try plans(
            #"a: v, b: { first_of: ['u/x "y"', v] }, 'café/*': { upstream: u, strip_prefix: true }, "*": {}"#)
        #expect(
            plans.map { $0.targets.map(shown) } == [
                ["1 as sent"], [#"0 "x \"y\"""#, "1 as sent"], ["0 without 6"], [],
            ])
    }

    @Test(
        arguments: [
            ("a: u, 'b*': u, c: {}", 0), ("a: v", 1), ("a: u, b: v", nil),
            ("a: u/x", nil),
            ("a: u, b: u/b", nil),
            ("'a*': { upstream: u, strip_prefix: true }", nil), ("a: { first_of: [u, v] }", nil),
            ("a: {}", nil),
        ] as [(String, Int?)])
    func `may be one place for all that is sent as it is`(_ models: String, _ only: Int?) throws {
        #expect(ModelRoutePlan.onlyUpstream(of: try plans(models)) == only)
    }
}

@Test func `what is put into bodies is JSON`() throws {
    let routes = try config(
        """
        upstreams: { u: http://u }
        routes:
          - { path: /a, auth: a, to: u, default_model: 'a"b', default_temperature: 1.0, transform: simple_chat }
          - { path: /b, auth: a, to: u }

        """
    ).routes
    let defaults = BodyDefaults(routes[0])
    #expect(text(defaults.model?.json) == #""a\"b""# && text(defaults.model?.name) == #"a"b"#)
    #expect(text(defaults.temperature) == "1.0")
    #expect(BodyTransform(routes[0].transform) == .simpleChat)
    #expect(BodyDefaults(routes[1]).isEmpty && BodyTransform(routes[1].transform) == .none)
}
