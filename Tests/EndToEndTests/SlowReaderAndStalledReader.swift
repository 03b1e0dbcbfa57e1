import Testing

@testable import CLI

/// A reader that is slow is waited for; one that has stopped is ended, and it is its own fault.
@Suite(.scenario) struct SlowReaderAndStalledReader {
    private static let byteCount = 32 << 20

    /// Sends a big body as fast as it is taken, and counts what was.
    private func bigUpstream(_ taken: Counter) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            connection.wire.patience = 60
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.byteCount)\r\n\r\n")
            let piece = [UInt8](repeating: 0x62, count: 64 << 10)
            for _ in 0..<Self.byteCount / piece.count {
                try connection.wire.send(piece)
                taken.add(piece.count)
            }
            _ = try connection.wire.waitForEnd()
        }
    }

    @Test func `a stalled reader is ended by client_idle`() throws {
        let taken = Counter()
        let upstream = try bigUpstream(taken)
        let gate = try Gate(
            """
            listeners: { main: { bind: $LISTEN, timeouts: { client_idle: 500ms } } }
            upstreams: { up: { url: "\(upstream.url)", timeouts: { idle: 200ms } } }
            access_log: $FOLDER/access.log
            """)
        let before = gate.process.residentKiB
        let client = try gate.connect(receiveBuffer: 16 << 10)
        try client.send(gate.request())
        try waitUntil("the upstream to be let go") { upstream.openCount == 0 }
        let record = try gate.record()
        #expect(record["outcome"] == "client_stalled")
        #expect(record["fault"] == "client")
        #expect(
            taken.value < Self.byteCount / 2,
            "back-pressure does not reach the upstream: \(taken.value) bytes")
        #expect(ChildProcess.isSanitized || gate.process.residentKiB - before < 8 << 10)
        #expect(try client.readToEnd().end == .reset)
    }

    @Test func `a slow reader gets everything, and the upstream is not blamed`() throws {
        let taken = Counter()
        let upstream = try bigUpstream(taken)
        let gate = try Gate(
            """
            listeners: { main: { bind: $LISTEN, timeouts: { client_idle: 2s } } }
            upstreams: { up: { url: "\(upstream.url)", timeouts: { idle: 200ms, first_byte: 5s } } }
            """)
        let client = try gate.connect(receiveBuffer: 16 << 10)
        try client.send(gate.request())
        #expect(try client.readResponseHead().status == 200)
        // For much longer than the upstream's `idle` and in all longer than `client_idle`, a little at a
        // time.
        var left = Self.byteCount
        let until = Clock.seconds + 2.5
        while Clock.seconds < until {
            let count = min(8 << 10, left)
            try client.skip(count)
            left -= count
            pace(0.05) { !client.hasEnded }
        }
        try client.skip(left)
    }

    @Test func `a slow stream is no stalled reader`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(streamHead)
            for index in 0..<8 {
                try connection.sendChunk("data: \(index)\n\n")
                pace(0.15) { !connection.wire.hasEnded }
            }
            try connection.send("0\r\n\r\n")
        }
        let gate = try Gate(
            """
            listeners:
              main:
                bind: $LISTEN
                timeouts: { client_idle: 200ms, body: 200ms, head: 200ms, keep_alive: 200ms }
            upstreams: { up: \(upstream.url) }
            """)
        #expect(try gate.exchange().text == (0..<8).map { "data: \($0)\n\n" }.joined())
    }
}
