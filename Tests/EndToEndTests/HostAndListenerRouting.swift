import Testing

/// The same path at several hosts and listeners.
@Suite(.scenario) struct HostAndListenerRouting {
    @Test func `hosts are told apart, with wildcards, without regard to case and port`() throws {
        let gate = try Gate(
            """
            routes:
              - { path: /, host: api.example.com, auth: open, respond: { text: api } }
              - { path: /, host: "*.example.com", auth: open, respond: { text: wildcard } }
              - { path: /, auth: open, respond: { text: any } }
            """)
        let table = [
            ("api.example.com", "api"), ("API.Example.COM:8443", "api"), ("www.example.com", "wildcard"),
            ("a.b.example.com", "wildcard"), ("example.com", "any"), ("evilexample.com", "any"),
            ("api.example.com.evil", "any"), ("127.0.0.1", "any"),
        ]
        for (host, text) in table {
            let answer = try gate.exchange("GET", "/", fields: ["Host: \(host)"]).text
            #expect(answer == text, "\(host)")
        }
    }

    @Test func `a route belongs to the listeners that it names`() throws {
        let (second, third) = (try Address.free(), try Address.free())
        let gate = try Gate(
            """
            listeners: { one: $LISTEN, two: "\(second)", three: { bind: "\(third)" } }
            routes:
              - { path: /, listener: one, auth: open, respond: { text: "1" } }
              - { path: /, listener: [two, three], auth: open, respond: { text: "2 and 3" } }
              - { path: /only-three, listener: three, auth: open, respond: { text: "3" } }
            """)
        #expect(try gate.exchange().text == "1")
        #expect(try gate.exchange(at: second).text == "2 and 3")
        #expect(try gate.exchange(at: third).text == "2 and 3")
        #expect(try gate.exchange("GET", "/only-three", at: third).text == "3")
        #expect(try gate.exchange("GET", "/only-three", at: second).status == 404)
    }
}
