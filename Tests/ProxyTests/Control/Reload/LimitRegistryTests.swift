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
    let first = try config("per-ip: { by: ip, requests_per_minute: 20 }")
    let before = registry.limits(of: first)
    registry.commit(before, of: first)
    let second = try config("per-ip: { by: ip, requests_per_minute: 5 }")
    let after = registry.limits(of: second)
    #expect(after["per-ip"]?.windows === before["per-ip"]?.windows)
    #expect(after["per-ip"]?.requestsMax == 5)
    #expect(after["per-ip"]?.windowNanoseconds == 60_000_000_000)
}

@Test func `limits that are not published leave nothing behind, and others count others`() throws {
    let registry = LimitRegistry()
    let first = try config("per-ip: { by: ip, requests_per_minute: 20 }")
    let thrownAway = registry.limits(of: first)
    let served = registry.limits(of: first)
    #expect(served["per-ip"]?.windows !== thrownAway["per-ip"]?.windows)
    registry.commit(served, of: first)
    let other = registry.limits(of: try config("per-ip: { by: key, requests_per_minute: 20 }"))
    #expect(other["per-ip"]?.windows !== served["per-ip"]?.windows)
}
