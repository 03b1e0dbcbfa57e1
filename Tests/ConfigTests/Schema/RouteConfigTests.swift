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

    @Test func `what is put into bodies is kept as it is written`() throws {
        let route = try config(
            Self.head
                + "- { path: /a, auth: o, to: u, default_model: gpt-5 mini, default_temperature: 1.0, transform: simple_chat }\n"
        ).routes[0]
        #expect(route.defaultModel == "gpt-5 mini" && route.defaultTemperature == "1.0")
        #expect(route.transform == .simpleChat)
        let plain = try config(Self.head + "- { path: /a, auth: o, to: u }\n").routes[0]
        #expect(plain.defaultModel == nil && plain.defaultTemperature == nil && plain.transform == .none)
    }

    @Test(arguments: ["0", "2", "0.7", "2.000000000", "1"])
    func `a temperature is a number from 0 to 2`(_ text: String) throws {
        let route = "- { path: /a, auth: o, to: u, default_temperature: \(text) }\n"
        #expect(try config(Self.head + route).routes[0].defaultTemperature == text)
    }

    @Test(arguments: [
        "default_temperature: 2.1", "default_temperature: -1", "default_temperature: '1.0'",
        "default_temperature: .5", "default_temperature: 01", "default_temperature: 1e0",
        "default_temperature: hot",
        "default_temperature: 2.0000000001", "default_model: ''", "default_model: 4", "default_model: [a]",
        "transform: chat",
    ])
    func `what no body can have is refused`(_ text: String) {
        #expect(firstError(Self.head + "- { path: /a, auth: o, to: u, \(text) }\n") != nil)
    }

    @Test func `models say where to`() throws {
        let text = Self.head + "- { path: /a, auth: o, to: models }\nmodels: { a: u }\n"
        #expect(try config(text).routes[0].action == .models)
    }

    @Test(arguments: ["get", "'G ET'", "''", "[GET, GET]", "[]"])
    func `methods are tokens in capitals, each once`(_ text: String) {
        #expect(read(Self.head + "- { path: /a, auth: o, to: u, methods: \(text) }\n").config == nil)
    }
}
