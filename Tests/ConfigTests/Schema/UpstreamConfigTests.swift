import Testing

@testable import Config

@Suite struct UpstreamConfigTests {
    @Test func `an upstream is read with its policy`() throws {
        let upstream = try config(
            """
            version: 1
            upstreams:
              a:
                endpoints: [https://a, http://b]
                timeouts: { connect: 1s, first_byte: off, idle: off, total: 5s }
                max_connections: 7
                max_in_flight: 9
                queue: { max: 4, timeout: 3s }
                keep_alive: { idle: 1s, max_idle: 0 }
                tls: { ca: ca.pem, server_name: X.example }
                preserve_host: true
            """
        ).upstreams[0]
        #expect(upstream.endpoints.map(\.url.host) == ["a", "b"])
        #expect(
            upstream.timeouts == .init(connect: .seconds(1), firstByte: nil, idle: nil, total: .seconds(5)))
        #expect(upstream.maxInFlight == 9 && upstream.queue == .init(max: 4, timeout: .seconds(3)))
        #expect(upstream.maxConnections == 7 && upstream.preservesHost)
        #expect(upstream.keepAlive == .init(idle: .seconds(1), maxIdle: 0))
        #expect(upstream.tls == .init(ca: "ca.pem", serverName: "x.example", insecureSkipVerify: false))
    }

    @Test func `the short form has every default`() throws {
        let upstream = try config("version: 1\nupstreams: { a: http://b/v1 }\n").upstreams[0]
        #expect(
            upstream.timeouts
                == .init(connect: .seconds(5), firstByte: .seconds(300), idle: .seconds(300), total: nil))
        #expect(upstream.maxInFlight == nil && upstream.queue == .init(max: 0, timeout: .seconds(10)))
        #expect(upstream.maxConnections == 1024 && !upstream.preservesHost)
        #expect(upstream.keepAlive == .init(idle: .seconds(60), maxIdle: 64))
        #expect(upstream.tls == .init(ca: nil, serverName: nil, insecureSkipVerify: false))
    }

    static func upstream(_ text: String, environment: [String: String] = [:]) throws -> UpstreamConfig {
        let stores = "version: 1\nstores: { main: { sqlite: m.db, at_rest: plain } }\n"
        return try config(
            stores + "upstreams: { a: { url: http://b/v1, \(text) } }\n", environment: environment
        ).upstreams[0]
    }

    /// Of the one upstream; nil: there is none.
    static func errors(_ text: String, url: String = "url: http://b") -> [String] {
        read("version: 1\nupstreams: { a: { \(url), \(text) } }\n").diagnostics.filter {
            $0.severity == .error
        }.map(\.keyPath)
    }

    @Test func `endpoints are URLs, or have a weight`() throws {
        let text = "endpoints: [http://a, { url: http://b/v1, weight: 3 }, { url: http://c }]"
        let upstream = try config("version: 1\nupstreams: { a: { \(text) } }\n").upstreams[0]
        #expect(upstream.endpoints.map(\.weight) == [1, 3, 1])
        #expect(upstream.endpoints.map(\.url.host) == ["a", "b", "c"])
        for bad in ["{ url: http://b, weight: 0 }", "{ url: http://b, weight: 1001 }", "{ weight: 1 }", "b"] {
            #expect(
                Self.errors("endpoints: [http://a, \(bad)]", url: "max_connections: 1").count == 1, "\(bad)")
        }
    }

    @Test(arguments: [
        ("round-robin", BalanceConfig.roundRobin), ("least-loaded", .leastLoaded), ("hash", .hash([.key])),
        ("{ hash: ip }", .hash([.ip])), ("{ hash: [model, user] }", .hash([.user, .model])),
    ])
    func `who is asked is a word, or what is hashed`(_ text: String, _ balance: BalanceConfig) throws {
        #expect(try Self.upstream("balance: \(text)").balance == balance)
    }

    @Test(arguments: ["random", "[hash]", "{}", "{ hash: [] }", "{ hash: route }", "{ hash: [ip, ip] }"])
    func `another balance is refused`(_ text: String) {
        #expect(Self.errors("balance: \(text)").count == 1)
    }

    @Test func `health has its defaults, and each of them can be another`() throws {
        let plain = try Self.upstream("max_connections: 1").health
        #expect(
            plain
                == HealthConfig(
                    failures: 5, eject: .seconds(10), ejectMax: .seconds(300), slowStart: nil, check: nil))
        let health = try Self.upstream(
            "health: { failures: 2, eject: 1s, eject_max: 2s, slow_start: 3s, check: { path: /h, status: [200, 204] } }"
        ).health
        let check = HealthCheckConfig(
            path: "/h", every: .seconds(10), timeout: .seconds(2), statuses: [200, 204])
        #expect(
            health
                == HealthConfig(
                    failures: 2, eject: .seconds(1), ejectMax: .seconds(2), slowStart: .seconds(3),
                    check: check))
        #expect(try Self.upstream("health: { failures: off, check: /h }").health.failures == nil)
        #expect(try Self.upstream("health: { check: /h }").health.check?.statuses == [200])
    }

    @Test(arguments: [
        ("failures: 0", "failures"), ("eject: 10m", "eject"), ("eject: 2s, eject_max: 1s", "eject_max"),
        ("failures: off, eject: 2s", "eject"), ("check: { every: 1s }", "check"),
        ("check: models", "check.path"),
        ("check: { path: /a, status: 100 }", "check.status"),
        ("check: { path: /a, status: [] }", "check.status"),
    ])
    func `health that cannot be is refused`(_ text: String, _ key: String) {
        #expect(Self.errors("health: { \(text) }") == ["upstreams.a.health.\(key)"])
    }

    @Test func `retry has its defaults, and each of them can be another`() throws {
        let plain = RetryConfig(
            attempts: 3, causes: [.connect, .reset], statuses: [], post: false, budgetPercent: 20,
            bodyMax: 1 << 20)
        #expect(try Self.upstream("max_connections: 1").retry == plain)
        let retry = try Self.upstream(
            "retry: { attempts: 10, on: [529, stalled, 503], post: true, budget: 0%, body: 0B }"
        ).retry
        #expect(
            retry
                == RetryConfig(
                    attempts: 10, causes: [.stalled], statuses: [529, 503], post: true, budgetPercent: 0,
                    bodyMax: 0))
        #expect(try Self.upstream("retry: { on: 429 }").retry.statuses == [429])
    }

    @Test(arguments: [
        ("attempts: 0", "attempts"), ("attempts: 11", "attempts"), ("on: []", "on"), ("on: [399]", "on[0]"),
        ("on: [reset, 600]", "on[1]"), ("on: [reset, reset]", "on[1]"), ("on: timeout", "on"),
        ("budget: 20", "budget"), ("budget: 101%", "budget"), ("budget: 0.2", "budget"),
        ("body: 65MiB", "body"), ("attempts: 1, post: true", "post"), ("attempts: 1, on: reset", "on"),
    ])
    func `retries that cannot be are refused`(_ text: String, _ key: String) {
        #expect(Self.errors("retry: { \(text) }") == ["upstreams.a.retry.\(key)"])
    }

    @Test func `a share in another spelling gets a hint`() {
        let text = "version: 1\nupstreams: { a: { url: http://b, retry: { budget: 20 } } }\n"
        #expect(firstError(text)?.hint == "write `20%`")
    }

    @Test func `not verifying is warned about`() {
        let result = read(
            "version: 1\nupstreams: { a: { url: https://b, tls: { insecure_skip_verify: true } } }\n")
        #expect(result.config?.upstreams[0].tls.insecureSkipVerify == true)
        #expect(
            result.diagnostics.contains {
                $0.severity == .warning && $0.keyPath.hasSuffix("insecure_skip_verify")
            })
    }
}
