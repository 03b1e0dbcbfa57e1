import Testing

@testable import Config

@Suite struct RouteChecksTests {
    @Test(arguments: [
        ("/api/**", "/api", true), ("/api/**", "/ap", false), ("/api/**", "/api/v1", true),
        ("/api/**", "/apis", false), ("/**", "/x", true),
        ("/api", "/api", true), ("/api/x", "/api", true), ("/api", "/api/x", false), ("/apix", "/api", false),
        ("/api*", "/api", true),
        ("/api*", "/apix/y", true), ("/ap*", "/api", true), ("/api*", "/ap", false),
        ("/api/x*", "/api", true), ("/b*", "/api", false),
    ])
    func `a prefix that never stands in front is refused`(_ path: String, _ prefix: String, _ works: Bool)
        throws
    {
        let text = RouteConfigTests.head + "- { path: \(path), auth: o, to: u, strip_prefix: \(prefix) }\n"
        #expect((read(text).config != nil) == works)
    }

    @Test func `a secret in plain text is warned about, a reference is not`() {
        func warnings(_ value: String, name: String = "Authorization") -> Int {
            let text =
                RouteConfigTests.head
                + "- { path: /a, auth: o, to: u, request_headers: { set: { \(name): \(value) } } }\n"
            return read(text, environment: ["KEY": "canary"]).diagnostics.count { $0.severity == .warning }
        }
        for name in ["Authorization", "X-API-Key", "api-key"] { #expect(warnings("abc", name: name) == 1) }
        #expect(warnings("'Bearer ${KEY}'") == 0)
        #expect(warnings("{ env: KEY }") == 0)
        #expect(warnings("abc", name: "X-Other") == 0)
        #expect(warnings("'a$$b'") == 1)
    }

    @Test func `what a fixed answer ignores is warned about`() {
        let text =
            RouteConfigTests.head
            + "- { path: /a, auth: o, respond: {}, add_prefix: /b, max_body: 1KiB }\n- { path: /b, auth: o, to: u }\n"
        #expect(read(text).diagnostics.map(\.keyPath) == ["routes[0].add_prefix"])
    }

    @Test func `a route's clocks are seen together with its upstream's`() {
        let text = RouteConfigTests.head + "- { path: /a, auth: o, to: u, timeouts: { total: 10s } }\n"
        #expect(read(text).diagnostics.map(\.keyPath) == ["routes[0].timeouts.total"])
    }
}
