// Covers HealthCheck.swift
import CLinux
import Config
import Synchronization
import Testing

@testable import Proxy

private func upstreamConfig(_ text: String) throws -> UpstreamConfig {
    let text =
        "version: 1\nlisteners: { one: unix:/tmp/x }\nauth: { a: { mode: none } }\n"
        + "upstreams: { u: \(text) }\nroutes: [{ path: /, auth: a, respond: { text: x } }]"
    let draft = try #require(ConfigDocument.parse(Array(text.utf8), file: "x").document).draft { _ in nil }
    return try #require(draft.config?.upstreams.first)
}

private func endpoint(_ id: Int, path: String = "") -> EndpointPlan {
    EndpointPlan(
        state: EndpointState(id: id, display: "http://e\(id):80", tls: nil),
        authority: Array("e\(id)".utf8), basePath: Array(path.utf8), basePathEndsInV1: path.hasSuffix("/v1"),
        maxConnections: 1, maxIdlePerWorker: 1, idleTimeout: 1)
}

private func upstream(_ endpoints: [EndpointPlan], key: KeyPlan? = nil) -> UpstreamPlan {
    UpstreamPlan(
        name: "u", endpoints: endpoints, timeouts: .off, preservesHost: false, gate: nil, queueTimeout: 0,
        health: HealthPlan(failuresMax: 2), key: key)
}

@Suite struct HealthCheckTests {
    private func check(_ text: String, _ endpoint: EndpointPlan, key: KeyPlan? = nil) throws -> HealthCheck {
        let config = try upstreamConfig("{ url: http://x, health: { check: \(text) } }")
        return HealthCheck(
            try #require(config.health.check), endpoint, of: upstream([endpoint], key: key))
    }

    @Test(arguments: [
        ("", "/health", "http://e1/health"), ("/api", "/health", "http://e1/api/health"),
        ("/v1", "/models", "http://e1/v1/models"), ("/v1", "/v1/models", "http://e1/v1/models"),
        ("/api", "/v1/models", "http://e1/api/v1/models"),
    ])
    func `the path stands behind that of the endpoint, and v1 once`(base: String, path: String, url: String)
        throws
    {
        let request = try check(path, endpoint(1, path: base)).request
        #expect(request.url == url && request.method == "GET" && request.stopsAtBody)
        #expect(request.endpoint?.addresses == [] && request.headerLines.isEmpty)
    }

    @Test func `it takes its time, its statuses and the upstream's first key from the file`() throws {
        let keys = ["one", "two"].map {
            UpstreamCredential(line: Array("x-api-key: \($0)\r\n".utf8), source: .empty, masked: .empty)
        }
        let fixed = KeyPlan(source: .fixed(KeySet(keys, choice: .weighted)), field: [])
        let text = "{ path: /, every: 7s, timeout: 300ms, status: [204, 404] }"
        let check = try check(text, endpoint(1), key: fixed)
        #expect(check.every == 7 * second && check.request.totalTimeoutMilliseconds == 300)
        #expect(check.request.headerLines == Array("x-api-key: one\r\n".utf8))
        #expect(check.problem(.success(HTTPFetch.Response(status: 404, body: []))) == nil)
        #expect(check.problem(.success(HTTPFetch.Response(status: 200, body: []))) == "status 200")
        #expect(check.problem(.failure(HTTPFetch.Failure(description: "no"))) == "no")
        let chain = KeyPlan(source: .chain(KeyIndex(), answerer: Answerer(), byModel: false), field: [])
        #expect(try self.check(text, endpoint(1), key: chain).request.headerLines.isEmpty)
    }
}

/// A checker whose questions are answered by the test.
private final class Scene: Sendable {
    let checker: HealthChecker
    let endpoints = [endpoint(1), endpoint(2)]
    let plan: UpstreamPlan
    private let statuses: Locked<[String: UInt16]>
    private let asked: Locked<[String: Int]>
    private let told: Locked<[String]>

    init() throws {
        plan = upstream(endpoints)
        let statuses = Locked<[String: UInt16]>([:])
        let asked = Locked<[String: Int]>([:])
        let told = Locked<[String]>([])
        (self.statuses, self.asked, self.told) = (statuses, asked, told)
        checker = try HealthChecker(
            fetch: { request in
                asked.withLock { $0[request.url, default: 0] += 1 }
                return .success(
                    HTTPFetch.Response(status: statuses.withLock { $0[request.url] ?? 200 }, body: []))
            }, tell: { level, text in told.withLock { $0.append("\(level): \(text)") } })
        try checker.start()
    }

    deinit { checker.stop() }

    func adopt(_ health: String) throws {
        checker.adopt([plan], [try upstreamConfig("{ url: http://x, health: { \(health) } }")])
    }

    func answer(_ url: String, _ status: UInt16) { statuses.withLock { $0[url] = status } }
    func count(_ url: String) -> Int { asked.withLock { $0[url] ?? 0 } }
    var lines: [String] { told.withLock { $0 } }

    func isAvailable(_ index: Int) -> Bool {
        endpoints[index].state.health.isAvailable(now: headgate_monotonic_ns())
    }
}

@Suite struct HealthCheckerTests {
    @Test func `an endpoint whose check fails is left out until it is good again`() throws {
        let scene = try Scene()
        scene.answer("http://e2/h", 503)
        try scene.adopt("check: { path: /h, every: 10ms }")
        #expect(eventually { !scene.isAvailable(1) && scene.lines.count == 1 })
        #expect(scene.isAvailable(0) && scene.checker.problem(of: 2) == "status 503")
        #expect(
            scene.lines == [
                "warning: upstream u: endpoint http://e2:80 fails its check: status 503; requests go to the others"
            ])
        scene.answer("http://e2/h", 200)
        #expect(eventually { scene.isAvailable(1) && scene.lines.count == 2 })
        #expect(scene.lines[1] == "info: upstream u: endpoint http://e2:80 is back")
        #expect(scene.checker.problem(of: 2) == nil && scene.count("http://e1/h") > 0)
    }

    @Test func `one that is asked no more is believed to be well`() throws {
        let scene = try Scene()
        for index in 1...2 { scene.answer("http://e\(index)/h", 500) }
        try scene.adopt("check: { path: /h, every: 10ms }")
        #expect(eventually { !scene.isAvailable(0) && !scene.isAvailable(1) && scene.lines.count == 2 })
        #expect(scene.lines[1].hasSuffix("no other is left, so it is asked all the same"))
        try scene.adopt("failures: 3")
        #expect(scene.isAvailable(0) && scene.isAvailable(1) && scene.checker.problem(of: 1) == nil)
        // Another path begins anew.
        try scene.adopt("check: { path: /other, every: 10ms }")
        #expect(eventually { scene.count("http://e1/other") > 1 })
        #expect(scene.isAvailable(0))
    }

    @Test func `ejections by requests are told as well`() throws {
        let scene = try Scene()
        try scene.adopt("failures: 2")
        let health = scene.endpoints[0].state.health
        for _ in 0..<2 { health.failed(now: headgate_monotonic_ns(), scene.plan.health) }
        #expect(eventually { scene.lines.count == 1 })
        let first =
            "warning: upstream u: endpoint http://e1:80 is left out for 10 s after 2 failures in a row"
        #expect(scene.lines == [first + "; requests go to the others"])
        health.succeeded(now: headgate_monotonic_ns())
        #expect(eventually { scene.lines.count == 2 })
        #expect(scene.lines.last == "info: upstream u: endpoint http://e1:80 is asked again")
    }
}
