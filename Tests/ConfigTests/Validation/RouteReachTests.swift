import Testing

@testable import Config

@Suite struct RouteReachTests {
    /// Whether the second of two routes is reached.
    static func isReached(_ first: String, _ second: String) -> Bool {
        let head = RouteConfigTests.head.replacing("l: 127.0.0.1:1", with: "l: 127.0.0.1:1, m: 127.0.0.1:2")
        let result = read(head + "- { auth: o, to: u, \(first) }\n- { auth: o, to: u, \(second) }\n")
        return !result.diagnostics.contains { $0.severity == .error && $0.keyPath == "routes[1].path" }
    }

    @Test(arguments: [
        ("path: /a", "path: /a"), ("path: /**", "path: /a"), ("path: /**", "path: /**"),
        ("path: '/*'", "path: /**"), ("path: /**", "path: '/*'"),
        ("path: /a/**", "path: /a"), ("path: /a/**", "path: /a/b/**"), ("path: /a/**", "path: '/a/b*'"),
        ("path: /a/**", "path: '/a/*'"),
        ("path: '/a*'", "path: /a/**"), ("path: '/a*'", "path: /abc"), ("path: '/a*'", "path: '/ab*'"),
        ("path: /%61", "path: /a"),
        ("path: /a", "path: /a, host: x.y"), ("path: /a, host: '*.y'", "path: /a, host: x.y"),
        ("path: /a, host: '*.y'", "path: /a, host: '*.x.y'"),
        ("path: /a, methods: [GET, POST]", "path: /a, methods: POST"),
        ("path: /a, methods: GET", "path: /a, methods: [HEAD, GET]"),
        ("path: /a", "path: /a, headers: { x: y }"),
        ("path: /a, headers: { x: true }", "path: /a, headers: { x: y }"),
        ("path: /a, headers: { x: y }", "path: /a, headers: { a: b, x: y }"),
        ("path: /a, listener: l", "path: /a, listener: l"),
        ("path: /a, listener: [l, m]", "path: /a"), ("path: /a", "path: /a, listener: m"),
    ])
    func `a route behind one that takes all of its requests is refused`(_ first: String, _ second: String) {
        #expect(!Self.isReached(first, second))
    }

    @Test(arguments: [
        ("path: /a", "path: /b"), ("path: /a", "path: /a/**"), ("path: /a/**", "path: '/a*'"),
        ("path: /a/b/**", "path: /a/**"),
        ("path: '/a/*'", "path: /a/**"), ("path: /a/", "path: /a"), ("path: /a/**", "path: /ab"),
        ("path: /a, host: x.y", "path: /a"),
        ("path: /a, host: '*.y'", "path: /a, host: y"), ("path: /a, host: x.y", "path: /a, host: '*.y'"),
        ("path: /a, methods: GET", "path: /a"),
        ("path: /a, methods: HEAD", "path: /a, methods: GET"),
        ("path: /a, methods: GET", "path: /a, methods: [GET, POST]"),
        ("path: /a, headers: { x: y }", "path: /a"),
        ("path: /a, headers: { x: y }", "path: /a, headers: { x: true }"),
        ("path: /a, headers: { x: y }", "path: /a, headers: { x: z }"), ("path: /a, listener: l", "path: /a"),
        ("path: /a, listener: l", "path: /a, listener: m"),
    ])
    func `a route that takes a request of its own stays`(_ first: String, _ second: String) {
        #expect(Self.isReached(first, second))
    }

    @Test func `the message names the first route that covers`() {
        let text =
            RouteConfigTests.head
            + "- { path: /a/**, auth: o, to: u }\n- { path: /**, auth: o, to: u }\n- { path: /a/b, auth: o, to: u }\n"
        #expect(
            read(text).diagnostics.map(\.message) == [
                "routes[2] is never reached: routes[0] on line 6 matches everything it does"
            ])
    }
}
