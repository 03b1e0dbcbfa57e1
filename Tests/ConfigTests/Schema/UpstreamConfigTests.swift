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
