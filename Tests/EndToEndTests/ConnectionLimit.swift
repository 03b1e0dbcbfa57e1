import Testing

@testable import CLI

/// Bounds on connections: beyond them there is an answer, and afterwards there is room again.
@Suite(.scenario) struct ConnectionLimit {
    @Test func `connections beyond max_connections are told so`() throws {
        let gate = try Gate(
            """
            listeners: { main: { bind: $LISTEN, max_connections: 5 } }
            routes: [{ path: /**, auth: open, respond: { text: here } }]
            """)
        let clients = try (0..<5).map { _ in try gate.connect() }
        for client in clients {
            try client.send(gate.request())
            #expect(try client.readResponse().text == "here")
        }
        let response = try gate.exchange()
        #expect(response.status == 503)
        #expect(response.errorCode == "server_is_overloaded")
        #expect(response["retry-after"] != nil)
        #expect(response.errorMessage?.contains("max_connections") == true)
        clients[0].close()
        try waitUntil("room for another") { try gate.exchange().status == 200 }
        try clients[1].send(gate.request())
        #expect(try clients[1].readResponse().text == "here")
    }

    @Test func `an upstream's max_connections is never exceeded`() throws {
        let goOn = Signal()
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try goOn.wait()
                try connection.send(ok("done"))
            }
        }
        let gate = try Gate("upstreams: { up: { url: \"\(upstream.url)\", max_connections: 3 } }")
        let clients = try (0..<3).map { _ in try gate.connect() }
        for client in clients { try client.send(gate.request("POST", "/", body: "x")) }
        try waitUntil("three requests at the upstream") { upstream.requests.count == 3 }
        let response = try gate.exchange("POST", "/", body: "x")
        #expect(response.status == 503)
        #expect(response.errorCode == "upstream_saturated")
        #expect(response.errorMessage?.contains("max_connections") == true)
        goOn.open()
        for client in clients { #expect(try client.readResponse().text == "done") }
        #expect(upstream.connectionCount == 3)
        #expect(try gate.exchange("POST", "/", body: "x").text == "done")
    }
}
