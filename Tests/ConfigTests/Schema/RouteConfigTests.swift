import Testing

@testable import Config

@Suite struct RouteConfigTests {
    static let head = """
        version: 1
        listeners: { l: 127.0.0.1:1 }
        auth: { o: { mode: none } }
        upstreams: { u: http://127.0.0.1:2 }
        routes:

        """

    @Test func `a route is read with all its keys`() throws {
        let route = try config(
            Self.head + """
                - path: /a/**
                  listener: l
                  host: "*.Example.com"
                  methods: GET
                  headers: { X-A: b }
                  auth: o
                  strip_prefix: /a
                  add_prefix: /b/
                  request_headers: { set: { X-C: d }, remove: [X-E] }
                  response_headers: { remove: [Server] }
                  timeouts: { connect: 1s, first_byte: off }
                  max_body: off
                  cors: "*"
                  rate_limit_headers: [openai, delta]
                  inspect_body: 1MiB
                  to: u
                """
        ).routes[0]
        #expect(route.listeners == ["l"] && route.methods == ["GET"] && route.auth == ["o"])
        #expect(route.host == .suffix(".example.com") && route.path == .subtree("/a"))
        #expect(route.headers == [.init(name: "x-a", value: "b")])
        #expect(route.stripPrefix == "/a" && route.addPrefix == "/b")
        #expect(
            route.requestHeaders == .init(set: [.init(name: "X-C", value: .literal("d"))], remove: ["X-E"]))
        #expect(route.responseHeaders == .init(set: [], remove: ["Server"]))
        #expect(route.timeouts == .init(connect: .seconds(1), firstByte: .some(nil), idle: nil, total: nil))
        #expect(route.maxBodyBytes == nil && route.cors?.origins == nil && route.cors != nil)
        #expect(route.rateLimitFields == [.openai, .delta] && route.inspectBodyMax == 1 << 20)
        #expect(route.action == .upstream("u"))
    }

    @Test func `a short route matches everything`() throws {
        let route = try config(Self.head + "- { path: /a, auth: o, respond: {} }\n").routes[0]
        #expect(
            route.listeners.isEmpty && route.methods.isEmpty && route.headers.isEmpty && route.host == .any)
        #expect(route.rateLimitFields == [.openai, .ietf] && route.inspectBodyMax == 16 << 20)
        #expect(route.maxBodyBytes == 32 << 20 && route.cors == nil && route.index == 0)
        #expect(route.action == .respond(.init(status: 200, body: .none)))
    }

    @Test(arguments: ["get", "'G ET'", "''", "[GET, GET]", "[]"])
    func `methods are tokens in capitals, each once`(_ text: String) {
        #expect(read(Self.head + "- { path: /a, auth: o, to: u, methods: \(text) }\n").config == nil)
    }
}
