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

@Test func `a reload never refills, not even one that changes how much is admitted`() throws {
    let registry = LimitRegistry()
    let before = registry.plans(of: try config("per-ip: { by: ip, requests_per_minute: 20 }"))
    let after = registry.plans(of: try config("per-ip: { by: ip, requests_per_minute: 5 }"))
    let (first, second) = (try #require(before["per-ip"]), try #require(after["per-ip"]))
    #expect(first.measures[0].id == second.measures[0].id)
    #expect(first.measures[0].figures === second.measures[0].figures)
    #expect(second.measures[0].max == 5 && second.measures[0].period == .minute)
}

@Test func `what counts something else has counts of its own`() throws {
    let registry = LimitRegistry()
    let texts = [
        "one: { by: ip, requests_per_minute: 20 }", "one: { by: key, requests_per_minute: 20 }",
        "one: { by: [ip, key], requests_per_minute: 20 }", "one: { by: ip, requests_per_hour: 20 }",
        "two: { by: ip, requests_per_minute: 20 }",
        "one: { by: ip, tokens_per_hour: 20k, default_reserve: 1 }",
        "one: { by: ip, tokens_per_hour: 20k, tokens: output, default_reserve: 1 }",
    ]
    let ids = try texts.flatMap { text in
        registry.plans(of: try config(text)).values.flatMap { $0.measures.map(\.id) }
    }
    #expect(Set(ids).count == texts.count && ids.count == texts.count)
    let again = registry.plans(of: try config(texts[0]))
    #expect(again["one"]?.measures[0].id == ids[0])
}
