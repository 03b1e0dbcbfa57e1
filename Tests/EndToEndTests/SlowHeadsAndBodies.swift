import Testing

@testable import CLI

/// A client that does not finish what it began to say is told so and let go: 408.
@Suite(.scenario) struct SlowHeadsAndBodies {
    private func gate(_ upstream: ScriptedUpstream) throws -> Gate {
        try Gate(
            """
            listeners: { main: { bind: $LISTEN, timeouts: { head: 600ms, body: 400ms, keep_alive: 500ms } } }
            upstreams: { up: \(upstream.url) }
            access_log: $FOLDER/access.log
            """)
    }

    @Test func `a head that never ends is a 408`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try gate(upstream)
        let client = try gate.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nX-")
        let response = try client.readResponse()
        #expect(response.status == 408)
        #expect(response.errorCode == "request_timeout")
        #expect(response["connection"] == "close")
        #expect(try gate.record()["fault"] == "client")
        #expect(upstream.requests.isEmpty)
    }

    @Test func `the limit of a head is for all of it, not for each byte`() throws {
        let gate = try gate(ScriptedUpstream.saying("x"))
        let client = try gate.connect()
        let started = Clock.seconds
        try client.send("GET / HTTP/1.1\r\nX-A: ")
        // Never silent for longer than a tenth of a second.
        try waitUntil("an answer", within: 10) {
            if client.isReadable { return true }
            _ = try? client.sendWithoutWaiting([0x61])
            return holds(for: 0.05) { !client.isReadable } && client.isReadable
        }
        #expect(try client.readResponse().status == 408)
        #expect(Clock.seconds - started < 5)
    }

    @Test func `a body that stops arriving is a 408, and the upstream is let go`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.readRequestHead()
            _ = try connection.wire.waitForEnd()
        }
        let gate = try gate(upstream)
        for head in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
            let client = try gate.connect()
            try client.send(gate.request("POST", "/", fields: [head]) + "3\r\n")
            let response = try client.readResponse()
            #expect(response.status == 408, "\(head)")
            #expect(response["connection"] == "close")
            try waitUntil("the upstream to be let go") { upstream.openCount == 0 }
        }
    }

    @Test func `a body that arrives slowly but steadily is taken`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.text) }
        let gate = try gate(upstream)
        let client = try gate.connect()
        try client.send(gate.request("POST", "/", fields: ["Content-Length: 10"]))
        for byte in "0123456789" {
            pace(0.1) { !client.hasEnded }
            try client.send(String(byte))
        }
        #expect(try client.readResponse().text == "0123456789")
    }

    @Test func `an idle connection is closed without a word`() throws {
        let gate = try gate(ScriptedUpstream.saying("x"))
        let client = try gate.connect()
        try client.send(gate.request())
        #expect(try client.readResponse().status == 200)
        #expect(try client.readToEnd().bytes.isEmpty)
        let silent = try gate.connect()
        #expect(try silent.readToEnd().bytes.isEmpty)
    }

    @Test func `a body over the limit is a 413 that arrives although the client goes on sending`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: open, max_body: 64KiB, to: up }]
            """)
        for framing in ["Content-Length: 3000000", "Transfer-Encoding: chunked"] {
            let client = try gate.connect()
            try client.send(gate.request("POST", "/", fields: [framing]))
            // The client ends its body only after it has sent all of it.
            let body = String(repeating: "b", count: 3_000_000)
            try? client.send(framing.hasPrefix("T") ? chunk(body) + "0\r\n\r\n" : body)
            let response = try client.readResponse()
            #expect(response.status == 413, "\(framing)")
            #expect(response.errorCode == "request_too_large")
            #expect(response.errorMessage?.contains("65536") == true, "the message names the bound")
        }
    }
}
