import Testing

@testable import CLI

/// What a proxy in front says about its client is believed from trusted addresses alone.
@Suite(.scenario) struct TrustedProxies {
    private static let forwarded = [
        "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: public.example",
    ]

    private func echo(_ request: Request) -> String {
        ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map { request[$0] ?? "-" }.joined(
            separator: "|")
    }

    /// C9.
    @Test func `an untrusted client cannot say where it comes from`() throws {
        let upstream = try ScriptedUpstream.answering { ok(echo($0)) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }\naccess_log: $FOLDER/access.log")
        let text = try gate.exchange("GET", "/", fields: Self.forwarded + ["Forwarded: for=203.0.113.7"]).text
        #expect(text == "127.0.0.1|http|\(gate.address.authority)")
        #expect(upstream.requests.first?["forwarded"] == nil)
        #expect(try gate.record()["client"] == "127.0.0.1")
    }

    @Test func `a trusted proxy is believed and added to`() throws {
        let upstream = try ScriptedUpstream.answering { ok(echo($0)) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }\ntrusted_proxies: [127.0.0.0/8]")
        #expect(
            try gate.exchange("GET", "/", fields: Self.forwarded).text
                == "203.0.113.7, 127.0.0.1|https|public.example")
        let chain = ["X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.7"]
        #expect(
            try gate.exchange("GET", "/", fields: chain).text.hasPrefix(
                "198.51.100.1, 203.0.113.7, 127.0.0.1|"))
        #expect(try gate.exchange("GET", "/").text == "127.0.0.1|http|\(gate.address.authority)")
    }
}
