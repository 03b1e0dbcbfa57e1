import Testing

@testable import CLI

/// Who may connect to a listener.
@Suite(.scenario) struct AllowList {
    /// S0-55
    @Test func `addresses outside are refused, inside served`() throws {
        let (outside, both) = (try Address.free(), try Address.free())
        let gate = try Gate(
            """
            listeners:
              main: { bind: $LISTEN, allow: [127.0.0.0/8] }
              outside: { bind: "\(outside)", allow: [10.0.0.0/8, "2001:db8::/32"] }
              both: { bind: "\(both)", allow: [10.0.0.0/8, 127.0.0.1] }
            routes: [{ path: /**, auth: open, respond: { text: here } }]
            access_log: $FOLDER/access.log
            """)
        #expect(try gate.exchange().text == "here")
        #expect(try gate.exchange(at: both).text == "here")
        let refused = try gate.exchange(at: outside)
        #expect(refused.status == 403)
        #expect(refused.errorCode == "ip_not_allowed")
        // What the client says about itself does not count.
        #expect(try gate.exchange(fields: ["X-Forwarded-For: 10.1.1.1"], at: outside).status == 403)
        let record = try gate.record { $0["status"] == 403 }
        #expect(record["client"] == "127.0.0.1")
        #expect(record["code"] == "ip_not_allowed")
    }

    @Test func `an open connection is asked again after a reload`() throws {
        let config = "routes: [{ path: /**, auth: open, respond: { text: here } }]\n"
        let gate = try Gate(config + "listeners: { main: { bind: $LISTEN } }")
        let client = try gate.connect()
        try client.send(gate.request())
        #expect(try client.readResponse().status == 200)
        try gate.reconfigure(config + "listeners: { main: { bind: $LISTEN, allow: [10.0.0.0/8] } }")
        try client.send(gate.request())
        #expect(try client.readResponse().status == 403)
    }
}
