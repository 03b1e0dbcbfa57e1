import Testing

@testable import CLI

/// IPv6, as a listener and as an upstream.
@Suite(.scenario) struct IPv6Listener {
    @Test func `IPv6 clients and upstreams are served beside IPv4 on the same port`() throws {
        let six = try Address.free(on: "::1")
        let upstream = try ScriptedUpstream.answering(at: .ip("::1", 0)) {
            ok("\($0["host"] ?? "-") \($0["x-forwarded-for"] ?? "-")")
        }
        let gate = try Gate(
            """
            listeners: { six: \(six), four: "127.0.0.1:\(six.port)" }
            upstreams: { up: "\(upstream.url)" }
            access_log: $FOLDER/access.log
            """)
        #expect(try gate.exchange(at: six).text == "[::1]:\(upstream.address.port) ::1")
        #expect(try gate.exchange(at: .ip("127.0.0.1", six.port)).text.hasSuffix(" 127.0.0.1"))
        #expect(try gate.record { $0["listener"] == "six" }["client"] == "::1")
    }
}
