import Testing

@testable import CLI

/// A client that goes away takes its upstream exchange with it, in every phase, within a second.
@Suite(.scenario) struct ClientLeavesCancelsUpstream {
    enum Phase: String, CaseIterable, Sendable { case upload, waiting, stream, silentStream }
    enum Way: String, CaseIterable, Sendable { case close, reset, halfClose }

    @Test(arguments: Phase.allCases, Way.allCases)
    func `a client that leaves is noticed upstream`(phase: Phase, way: Way) throws {
        let arrived = Signal()
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.readRequestHead()
            switch phase {
            case .upload, .waiting: break
            case .stream, .silentStream: try connection.send(streamHead + chunk("data: 1\n\n"))
            }
            arrived.open()
            while phase == .stream, !connection.wire.hasEnded {
                try connection.sendChunk("data: x\n\n")
                pace(0.02) { !connection.wire.hasEnded }
            }
            _ = try connection.wire.waitForEnd()
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }\naccess_log: $FOLDER/access.log")
        let client = try gate.connect()
        try client.send(
            phase == .upload
                ? gate.request("POST", "/", fields: ["Content-Length: 100"]) + "part" : gate.request())
        try arrived.wait()
        if phase == .stream || phase == .silentStream { _ = try client.readThrough("data: 1\n\n") }
        let left = Clock.seconds
        switch way {
        case .close: client.close()
        case .reset: client.reset()
        case .halfClose: client.finishSending()
        }
        try waitUntil("the upstream's connection to end", within: 10) { upstream.openCount == 0 }
        #expect(Clock.seconds - left < 2)
        let record = try gate.record()
        #expect(record["outcome"] == "client_gone")
        #expect(record["fault"] == "client")
    }

    @Test func `a half-close is no leaving where the listener says so`() throws {
        let goOn = Signal()
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try goOn.wait()
            try connection.send(ok("late"))
        }
        let gate = try Gate(
            """
            listeners: { main: { bind: $LISTEN, client_half_close: allow } }
            upstreams: { up: \(upstream.url) }
            """)
        let client = try gate.connect()
        try client.send(gate.request())
        client.finishSending()
        try waitUntil("the request to arrive") { upstream.requests.count == 1 }
        goOn.open()
        #expect(try client.readResponse().text == "late")
    }

    @Test func `closing after the last event is a normal end, and the upstream's connection is reused`()
        throws
    {
        let finish = Signal()
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                guard request.target == "/stream" else {
                    try connection.send(ok("\(connection.index)"))
                    continue
                }
                try connection.send(streamHead + chunk("data: 1\n\n") + chunk("data: [DONE]\n\n"))
                try finish.wait()
                try connection.send("0\r\n\r\n")
            }
        }
        let gate = try Gate(
            "process: { workers: 1 }\nupstreams: { up: \(upstream.url) }\naccess_log: $FOLDER/access.log")
        let client = try gate.connect()
        try client.send(gate.request("GET", "/stream"))
        _ = try client.readThrough("[DONE]\n\n")
        client.close()
        try waitUntil("the client's leaving to be noticed") { try gate.openConnections() == 0 }
        finish.open()
        let record = try gate.record()
        #expect(record["outcome"] == "complete")
        #expect(record["fault"] == "none")
        #expect(try gate.exchange("GET", "/next").text == "0", "on the connection of the stream")
    }
}
