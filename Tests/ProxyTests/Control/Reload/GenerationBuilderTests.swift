import Config
import Stores
import Testing

@testable import Proxy

/// A builder over a file that lies in a folder of its own.
private func build(_ text: String, in folder: TemporaryFolder = TemporaryFolder()) -> (
    generation: Generation?, report: String
) {
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    guard let loaded = outcome.loaded else { return (nil, renderReport(outcome.diagnostics)) }
    let mailboxes = Mailboxes()
    let auth = AuthRegistry(mailboxes: mailboxes).prepare(loaded, outcome.places, trigger: .start)
    defer { AuthRegistry(mailboxes: mailboxes).discard(auth) }
    var builder = GenerationBuilder(
        loaded: loaded, places: outcome.places, registry: EndpointRegistry(), auth: auth,
        limits: LimitRegistry().plans(of: loaded.config),
        gates: UpstreamGateRegistry().gates(of: loaded.config),
        budgets: RetryBudgetRegistry().budgets(of: loaded.config),
        keys: KeyRegistry().prepare(loaded, auth).mapValues(\.plan), actions: nil)
    let sockets = loaded.config.listeners.indices.map {
        GenerationBuilder.SocketPlan(
            identity: ListenerIdentity(rawValue: 10 + $0), connections: ConnectionCount())
    }
    let built = builder.build(number: 7, sockets: sockets, census: GenerationCensus())
    return (built.generation, renderReport(outcome.diagnostics + built.diagnostics))
}

private let head = """
    version: 1
    listeners:
      one: 127.0.0.1:8000
      two: { bind: "[::1]:8001", allow: [10.0.0.0/8, "fd00::/8"], timeouts: { head: 3s, body: off } }
    auth:
      open: { mode: none, ignore_credentials: true }
      strict: { mode: none }
    upstreams:
      api:
        endpoints: [http://127.0.0.1:9000/v1, http://127.0.0.1:9001]
        timeouts: { connect: 2s, first_byte: 10s, idle: 20s, total: off }
        max_connections: 5
        max_in_flight: 9
        queue: { max: 4, timeout: 3s }
        keep_alive: { idle: 7s, max_idle: 3 }
    routes:

    """

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Test func `a listener keeps its identity, its ranges and its clocks`() throws {
    let built = build(head + "  - { path: /**, auth: open, to: api }\n")
    let generation = try #require(built.generation, "\(built.report)")
    #expect(generation.number == 7)
    #expect(generation.listeners.map(\.name) == ["one", "two"])
    #expect(generation.listeners.map(\.identity.rawValue) == [10, 11])
    let two = generation.listeners[1]
    #expect(two.allow.map(\.prefixLength) == [104, 8])
    #expect(two.timeouts.head == 3_000_000_000)
    #expect(two.timeouts.body == 0)
    #expect(two.timeouts.clientIdle == 60_000_000_000)
    #expect(two.headLimits.maxBytes == 32 << 10)
}

@Test func `an upstream keeps its endpoints, bounds and clocks`() throws {
    let built = build(head + "  - { path: /**, auth: open, to: api, timeouts: { idle: off, total: 1m } }\n")
    let generation = try #require(built.generation, "\(built.report)")
    let upstream = generation.upstreams[0]
    #expect(upstream.endpoints.map { text($0.authority) } == ["127.0.0.1:9000", "127.0.0.1:9001"])
    #expect(upstream.endpoints.map { text($0.basePath) } == ["/v1", ""])
    #expect(upstream.endpoints.map(\.basePathEndsInV1) == [true, false])
    #expect(upstream.endpoints[0].maxConnections == 5)
    #expect(upstream.gate?.figures.bounds == .init(inFlightMax: 9, queuedMax: 4))
    #expect(upstream.queueTimeout == 3_000_000_000)
    #expect(upstream.endpoints[0].maxIdlePerWorker == 3)
    #expect(upstream.endpoints[0].idleTimeout == 7_000_000_000)
    guard case .proxy(upstream: 0, let timeouts) = generation.routes.routes[0].action else {
        Issue.record("the route does not lead to its upstream")
        return
    }
    #expect(
        timeouts
            == UpstreamTimeouts(
                connect: 2_000_000_000, firstByte: 10_000_000_000, idle: 0, total: 60_000_000_000))
}

@Test func `a route becomes bytes`() throws {
    let route = """
          - path: /caf%c3%a9/%7E/**
            listener: two
            host: "*.Example.com"
            methods: [GET, PURGE]
            headers: { X-Tier: gold, x-beta: true }
            auth: [strict, open]
            strip_prefix: /caf%c3%a9
            add_prefix: /b
            request_headers: { set: { X-A: one, Authorization: {env: HEADGATE_TEST_KEY} }, remove: [X-B] }
            max_body: off
            to: api
        """
    let folder = TemporaryFolder()
    folder.write(".env", "HEADGATE_TEST_KEY='Bearer k'\n")
    let built = build("env_file: .env\n" + head + route + "\n", in: folder)
    let generation = try #require(built.generation, "\(built.report)")
    let plan = generation.routes.routes[0]
    #expect(plan.match.listeners == [1])
    #expect(plan.match.host == .suffix(Array(".example.com".utf8)))
    #expect(plan.match.path == .subtree(Array("/caf%C3%A9/~".utf8)))
    #expect(plan.match.methods.bits == 1 << Method.get.rawValue | 1 << Method.head.rawValue)
    #expect(plan.match.methods.others == [Array("PURGE".utf8)])
    #expect(plan.match.headers.map { text($0.name) } == ["x-tier", "x-beta"])
    #expect(plan.match.headers.map { $0.value.map(text) } == ["gold", nil])
    #expect(text(plan.stripPrefix) == "/caf%C3%A9")
    #expect(text(plan.addPrefix) == "/b")
    #expect(plan.requestHeaders.assignments.map { text($0.name) } == ["x-a", "authorization"])
    let lines = plan.requestHeaders.assignments.map { text($0.line) }
    #expect(lines == ["X-A: one\r\n", "Authorization: Bearer k\r\n"])
    #expect(plan.requestHeaders.removals.map(text) == ["x-b"])
    #expect(plan.maxBodyBytes == .max)
    #expect(plan.label == "routes[0]")
}

private func find(_ name: String, in models: ModelTable) -> ModelPlan? {
    withExactBytes(name) { models.find(UnsafeRawBufferPointer($0)) }
}

@Test func `limits and models reach the routes`() throws {
    let routes = """
          - { path: /a, auth: open, to: api, limits: [tokens, per-ip], rate_limit_headers: [ietf, webscout], inspect_body: 1MiB }
          - { path: /b, auth: open, to: api, limits: per-ip }
          - { path: /c, auth: open, to: api, rate_limit_headers: none }
        limits:
          per-ip: { by: ip, requests_per_minute: 5 }
          idle: { by: ip, concurrent: 5 }
          tokens: { by: model, tokens_per_minute: 50k }
        models:
          gpt-a: { max_output: 4k, price: { input: 1, output: 2, cached_input: 0.5 } }
          "*": { max_output: 1k }

        """
    let built = build(head + routes)
    let generation = try #require(built.generation, "\(built.report)")
    let plans = generation.routes.routes
    #expect(
        generation.limits.map { String(decoding: $0.name.bytes, as: UTF8.self) } == [
            "per-ip", "idle", "tokens",
        ])
    #expect(
        plans[0].limits.map(ObjectIdentifier.init)
            == [2, 0].map { ObjectIdentifier(generation.limits[$0]) })
    #expect(plans[1].limits.count == 1 && plans[1].limits[0] === generation.limits[0])
    #expect(plans.map(\.rateLimitFields) == [[.ietf, .iso], [.openai, .ietf], []])
    #expect(plans.map(\.inspectBodyMax) == [1 << 20, 16 << 20, 16 << 20])
    #expect(plans.map(\.inspectsBody) == [true, false, false])
    #expect(plans.map(\.countsUsage) == [true, false, false])
    #expect(Set(plans.map(\.subject)).count == 3)
    #expect(generation.upstreams[0].subject == LimitSubject(name: "api"))
    #expect(!generation.recordsUsage)
    let price = ModelPrice(input: 1_000_000_000, output: 2_000_000_000, cachedInput: 500_000_000)
    #expect(find("gpt-a", in: generation.models)?.price == price)
    #expect(find("gpt-a", in: generation.models)?.maxOutput == 4000)
    #expect(find("other", in: generation.models)?.maxOutput == 1000)
}

@Test func `usage is looked for wherever an upstream answers, once it is written down`() throws {
    let folder = TemporaryFolder()
    let routes = """
          - { path: /a, auth: open, to: api }
          - { path: /b, auth: open, respond: { text: x } }
        stores: { main: m.db }
        usage: main

        """
    let generation = try #require(build(head + routes, in: folder).generation)
    #expect(generation.recordsUsage)
    #expect(generation.routes.routes.map(\.countsUsage) == [true, false])
    #expect(generation.routes.routes.map(\.inspectsBody) == [false, false])
}

@Test func `a fixed answer and its cross-origin rules are ready to send`() throws {
    let built = build(
        head + """
              - path: /health
                auth: open
                respond: { status: 201, json: { a: 1 } }
                cors: { origins: [https://a.example], credentials: true, headers: [X-A, X-B], max_age: 10m }
              - { path: /text, auth: open, respond: { text: "hi" } }
              - { path: /api, auth: open, to: api }

            """)
    let routes = try #require(built.generation, "\(built.report)").routes.routes
    guard case .respond(let json) = routes[0].action, case .respond(let plain) = routes[1].action else {
        Issue.record("not answered by the gateway")
        return
    }
    #expect(json.status == 201)
    #expect(text(json.contentType) == "application/json")
    #expect(text(plain.contentType) == "text/plain; charset=utf-8")
    #expect(text(plain.body) == "hi")
    let cors = try #require(routes[0].cors)
    #expect(cors.origins?.map(text) == ["https://a.example"])
    #expect(cors.allowsCredentials)
    #expect(text(cors.headers) == "X-A, X-B")
    #expect(text(cors.maxAge) == "600")
}

@Test func `a secret that could end its line is refused without being shown`() {
    let folder = TemporaryFolder()
    folder.write("key", "canary\r\nX-Evil: 1\n")
    let route = "  - { path: /**, auth: open, to: api, request_headers: { set: { X-Key: {file: key} } } }\n"
    let built = build(head + route, in: folder)
    #expect(built.generation == nil)
    #expect(built.report.contains("routes[0].request_headers.set.X-Key"))
    #expect(built.report.contains("line break"))
    #expect(!built.report.contains("canary"))
}

@Test func `an authority file that is none is refused at its key`() {
    let folder = TemporaryFolder()
    folder.write("ca.pem", "nothing\n")
    let text = """
        version: 1
        listeners: { one: 127.0.0.1:8000 }
        auth: { open: { mode: none } }
        upstreams: { api: { url: https://127.0.0.1:9000, tls: { ca: ca.pem } } }
        routes: [ { path: /**, auth: open, to: api } ]
        """
    let built = build(text, in: folder)
    #expect(built.generation == nil)
    #expect(built.report.contains("upstreams.api.tls.ca: ca.pem: holds no certificate"))
    #expect(built.report.contains(":4:"))
}

@Test func `durations become nanoseconds, and none of them "no limit"`() {
    #expect(nanoseconds(nil) == 0)
    #expect(nanoseconds(.zero) == 0)
    #expect(nanoseconds(.milliseconds(1500)) == 1_500_000_000)
    #expect(nanoseconds(Duration(secondsComponent: 0, attosecondsComponent: 1)) == 1)
    #expect(nanoseconds(.seconds(Int64.max)) == .max)
}

@Test(arguments: [("a b\tc", true), ("", true), ("ü", true), ("a\r", false), ("a\n", false), ("\0", false)])
func `a field value has no controls`(value: String, isValid: Bool) {
    #expect(isFieldValue(Array(value.utf8)) == isValid)
}
