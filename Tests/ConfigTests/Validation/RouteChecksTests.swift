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

    @Test func `one field has one key`() {
        func errors(_ key: String, _ field: String, to: String = "u") -> [String] {
            let text = """
                version: 1
                listeners: { l: 127.0.0.1:1 }
                auth: { o: { mode: none } }
                models: { m: u }
                upstreams: { u: { url: http://127.0.0.1:2, \(key) } }
                routes: [{ path: /a, auth: o, to: \(to), request_headers: { set: { \(field): "${K}" } } }]

                """
            return read(text, environment: ["K": "canary"]).diagnostics.filter { $0.severity == .error }.map(
                \.keyPath)
        }
        let set = "routes[0].request_headers.set."
        for to in ["u", "models"] {
            #expect(errors("key: '${K}'", "authorization", to: to) == [set + "authorization"])
            #expect(errors("key: '${K}', key_field: x-api-key", "X-API-Key", to: to) == [set + "X-API-Key"])
            #expect(errors("key: '${K}', key_field: api-key", "X-API-Key", to: to) == [])
        }
        #expect(errors("max_connections: 1", "Authorization") == [])
    }

    @Test func `a route's clocks are seen together with its upstream's`() {
        let text = RouteConfigTests.head + "- { path: /a, auth: o, to: u, timeouts: { total: 10s } }\n"
        #expect(read(text).diagnostics.map(\.keyPath) == ["routes[0].timeouts.total"])
    }
}
