import Testing

@testable import CLI

/// A pooled connection that the upstream has closed: a request is repeated on a fresh one only where that is
/// safe.
@Suite(.scenario) struct UpstreamStaleConnection {
    @Test func `a connection is reused`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try Gate("process: { workers: 1 }\nupstreams: { up: \(upstream.url) }")
        for _ in 0..<10 { #expect(try gate.exchange("POST", "/", body: "x").text == "x") }
        #expect(upstream.connectionCount == 1)
    }

    @Test func `a connection closed while idle is noticed`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(ok("\(connection.index)"))
            // Why before the close: a process that another scenario starts may hold the socket for a moment
            // longer.
            connection.wire.finishSending()
        }
        let gate = try Gate("process: { workers: 1 }\nupstreams: { up: \(upstream.url) }")
        for index in 0..<5 {
            #expect(try gate.exchange("POST", "/", body: "x").text == "\(index)")
            try waitUntil("the upstream to have closed") { upstream.openCount == 0 }
        }
    }

    @Test func `a GET is repeated when the connection dies under it`() throws {
        // Closes each connection at the second request on it, unanswered: the race of an idle timeout.
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(ok("\(connection.index)"))
            _ = try connection.readRequest()
        }
        let gate = try Gate(
            "process: { workers: 1 }\nupstreams: { up: \(upstream.url) }\naccess_log: $FOLDER/access.log")
        #expect(try gate.exchange().text == "0")
        let second = try gate.exchange("GET", "/again")
        #expect(second.status == 200)
        #expect(second.text == "1")
        let record = try gate.record { $0["path"] == "/again" }
        #expect(record["attempts"] == 2)
        #expect(upstream.requests.map(\.target) == ["/", "/again", "/again"])
    }

    @Test func `a POST that may have been acted on is not repeated`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(ok("first"))
            _ = try connection.readRequest()
        }
        let gate = try Gate("process: { workers: 1 }\nupstreams: { up: \(upstream.url) }")
        #expect(try gate.exchange("POST", "/", body: "x").text == "first")
        let second = try gate.exchange("POST", "/again", body: "x")
        #expect(second.status == 502)
        #expect(second.errorCode == "upstream_closed")
        #expect(upstream.requests.map(\.target) == ["/", "/again"])
    }

    @Test func `surplus bytes end a connection's reuse`() throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil { try connection.send(ok("fine") + ok("poison")) }
        }
        let gate = try Gate("process: { workers: 1 }\nupstreams: { up: \(upstream.url) }")
        for _ in 0..<5 { #expect(try gate.exchange().text == "fine") }
        #expect(upstream.connectionCount == 5)
    }

    @Test func `an early answer during an upload reaches the client, and the connection is not reused`()
        throws
    {
        let upstream = try ScriptedUpstream { connection in
            while let head = try connection.readRequestHead() {
                guard head.target == "/upload" else {
                    try connection.send(ok("other"))
                    continue
                }
                try connection.send(
                    "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
                return
            }
        }
        let gate = try Gate("process: { workers: 1 }\nupstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(
            gate.request("POST", "/upload", fields: ["Content-Length: 3000000"])
                + String(repeating: "b", count: 100_000))
        let response = try client.readResponse()
        #expect(response.status == 413)
        #expect(response.text == "big")
        #expect(try gate.exchange("GET", "/other").text == "other")
    }
}
