import Testing

@testable import CLI

/// A name that nobody knows: its upstream is down, everything else serves.
@Suite(.scenario) struct UnresolvedUpstream {
    @Test func `an upstream whose name does not resolve is a 502, and hinders nothing`() throws {
        let upstream = try ScriptedUpstream.saying("fine")
        let started = Clock.seconds
        let gate = try Gate(
            """
            resolve_timeout: 500ms
            upstreams: { lost: "http://no-such-host.invalid:9", up: \(upstream.url) }
            routes:
              - { path: /lost, auth: open, to: lost }
              - { path: /**, auth: open, to: up }
            """)
        #expect(Clock.seconds - started < 5)
        #expect(try gate.exchange().text == "fine")
        let response = try gate.exchange("POST", "/lost", body: "x")
        #expect(response.status == 502)
        #expect(response.errorCode == "upstream_unresolved")
        let status = try gate.headgate("status", "--admin", gate.adminPath)
        #expect(status.output.contains("does not resolve"))
    }

    @Test func `a start and a reload warn of it at its place, also when the watch was first`() throws {
        let base = "resolve_timeout: 500ms\nroutes: [{ path: /**, auth: open, respond: { text: here } }]\n"
        let gate = try Gate(base + "upstreams: { lost: http://no-such-host.invalid:9 }\n")
        let warning = "upstreams.lost: http://no-such-host.invalid:9 does not resolve ("
        try waitUntil("the warning of the start") { gate.process.errors.contains("warning: \(warning)") }
        let unchanged = try gate.reload()
        #expect(unchanged.code == 0)
        #expect(unchanged.output.contains("headgate.yaml:6:20: warning: \(warning)"), "\(unchanged)")
        #expect(unchanged.output.contains("unchanged, still generation 1"))
        let endpoints = "{ endpoints: [http://127.0.0.1:9, http://never.invalid:9] }"
        try gate.edit(base + "upstreams:\n  two: \(endpoints)\n")
        let changed = try gate.reload()
        #expect(changed.code == 0)
        #expect(
            changed.output.contains(
                "headgate.yaml:7:42: warning: upstreams.two.endpoints[1]: http://never.invalid:9 does not"),
            "\(changed)")
        try gate.edit(base)
        #expect(try gate.reload().output.contains("warning") == false)
    }

    @Test func `a reload waits for names no longer than resolve_timeout`() throws {
        let base = "routes: [{ path: /**, auth: open, respond: { text: here } }]\n"
        let gate = try Gate(base + "resolve_timeout: 300ms")
        try gate.edit(
            base + "resolve_timeout: 300ms\nupstreams:\n"
                + (0..<20).map { "  u\($0): http://host\($0).invalid\n" }.joined())
        let started = Clock.seconds
        let result = try gate.reload()
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        #expect(Clock.seconds - started < 2)
        #expect(try gate.exchange().text == "here")
    }

    @Test func `a name that resolves at once is not waited for`() throws {
        let upstream = try ScriptedUpstream.saying("fine", at: .ip("127.0.0.1", 0))
        let gate = try Gate(
            """
            resolve_timeout: 30s
            upstreams: { up: "http://localhost:\(upstream.address.port)" }
            """)
        #expect(try gate.exchange().text == "fine")
    }
}
