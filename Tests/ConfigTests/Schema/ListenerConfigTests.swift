import Testing

@testable import Config

@Suite struct ListenerConfigTests {
    @Test func `a listener is read with its limits and clocks`() throws {
        let listener = try config(
            """
            version: 1
            listeners:
              a:
                bind: "[::1]:0"
                allow: [10.0.0.0/8]
                max_connections: 5
                max_head: 1KiB
                max_fields: 256
                timeouts: { head: off, body: 1s, client_idle: 2s, keep_alive: off }
                client_half_close: allow
            """
        ).listeners[0]
        #expect(
            listener
                == ListenerConfig(
                    name: "a", bind: .ip(host: "::1", port: 0),
                    allow: [CIDR(address: [10, 0, 0, 0], prefixLength: 8)], maxConnections: 5,
                    maxHeadBytes: 1024, maxFields: 256,
                    timeouts: .init(head: nil, body: .seconds(1), clientIdle: .seconds(2), keepAlive: nil),
                    allowsHalfClose: true))
    }

    @Test func `loopback is known`() {
        for bind in [
            BindAddress.unix(path: "/a"), .ip(host: "127.9.9.9", port: 1), .ip(host: "::1", port: 1),
            .ip(host: "localhost", port: 1),
        ] {
            #expect(bind.isLoopback)
        }
        #expect(
            !BindAddress.ip(host: "0.0.0.0", port: 1).isLoopback
                && !BindAddress.ip(host: "::", port: 1).isLoopback)
    }
}
