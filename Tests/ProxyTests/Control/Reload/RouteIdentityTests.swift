import Config
import Testing

@testable import Proxy

private func routes(_ routes: [String]) throws -> [RouteConfig] {
    let text =
        "version: 1\nlisteners: { one: unix:/tmp/x, two: unix:/tmp/y }\nauth: { a: { mode: none } }\nroutes:\n"
        + routes.map { "  - { auth: a, respond: { text: x }, \($0) }\n" }.joined()
    let draft = try #require(ConfigDocument.parse(Array(text.utf8), file: "x").document).draft { _ in nil }
    return try #require(draft.config).routes
}

@Test func `a route is who it is by its conditions, wherever it stands and whatever it does`() throws {
    let first = try routes([
        "path: /a, methods: [GET, PUT], listener: [one, two], headers: { x: 1, y: true }, host: h"
    ])
    let second = try routes([
        "path: /b",
        "path: /a, methods: [PUT, GET], listener: [two, one], headers: { y: true, x: 1 }, host: h, max_body: 1KB",
    ])
    #expect(first[0].identity == second[1].identity)
    #expect(first[0].identity != second[0].identity)
}

@Test func `other conditions are another route`() throws {
    let all = try routes([
        "path: /a", "path: /a*", "path: /a/**", "path: /a, host: b", "path: /a, host: '*.b'",
        "path: /a, methods: GET", "path: /a, listener: one", "path: /a, headers: { GET: true }",
        "path: /a, headers: { x: 1 }", "path: /a, headers: { x: true }", "path: /a, methods: [GET, PUT]",
    ])
    #expect(Set(all.map(\.identity)).count == all.count)
}
