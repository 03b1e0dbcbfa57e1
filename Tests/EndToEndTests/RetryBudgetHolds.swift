import Testing

@testable import CLI

/// Repetitions stay within their share, whatever fails; and nothing goes out once more when an answer has
/// begun.
@Suite(.scenario) struct RetryBudgetHolds {
    private static let unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"
    private static let requestCount = 500

    private func gate(_ endpoints: [ScriptedUpstream], _ retry: String) throws -> Gate {
        try Gate(
            """
            process: { workers: 2 }
            upstreams:
              up:
                endpoints: [\(endpoints.map { "\"\($0.url)\"" }.joined(separator: ", "))]
                health: { failures: off }
                retry: { \(retry) }
            """)
    }

    /// Counted at the origin.
    @Test(arguments: [(20, 1), (20, 2), (0, 2), (100, 1)])
    func `an upstream that always fails gets its share of repetitions`(percent: Int, endpoints: Int) throws {
        let upstreams = try (0..<endpoints).map { _ in
            try ScriptedUpstream.answering { _ in Self.unavailable }
        }
        let gate = try gate(upstreams, "attempts: 3, on: 503, budget: \(percent)%")
        let start = Clock.seconds
        // Every fourth is a POST, which is not repeated.
        let outcomes = try Load(gate, clients: 10, requestsMax: Self.requestCount / 10).finish()
        let seconds = Clock.seconds - start
        #expect(outcomes.count == Self.requestCount)
        #expect(outcomes.allSatisfy { $0.status == 503 && $0.text == "no" }, "passed on as it is")
        let more = upstreams.reduce(0) { $0 + $1.requests.count } - Self.requestCount
        let share = Self.requestCount * percent / 100
        let free = Int(10 * (seconds + 1)) + 1
        #expect(more <= share + free, "\(more) repetitions in \(seconds) s")
        #expect(more >= min(share, Self.requestCount * 3 / 4) * 9 / 10, "\(more) repetitions: too few")
        let told = try gate.upstream()
        #expect(told["repetitions"]?.integerValue == more)
        #expect(percent == 100 || (told["repetitions_refused"]?.integerValue ?? 0) > 0)
        var counts: [String: Int] = [:]
        for request in upstreams.flatMap(\.requests) { counts[request.target, default: 0] += 1 }
        #expect(counts.values.max() ?? 0 <= 3, "attempts")
        for outcome in outcomes where outcome.method == "POST" { #expect(counts[outcome.target] == 1) }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        streamHead, streamHead + chunk("data: 1\n\n"), streamHead + "zz\r\n",
        "HTTP/1.1 501 Not Implemented\r\nContent-Length: 9\r\n\r\nhalf",
    ]) func `nothing is sent again when an answer has begun`(answer: String) throws {
        let upstreams = try (0..<2).map { _ in
            try ScriptedUpstream { connection in
                guard try connection.readRequest() != nil else { return }
                try connection.send(answer)
                connection.wire.finishSending()
                _ = try connection.wire.waitForEnd()
            }
        }
        let gate = try gate(
            upstreams, "attempts: 5, on: [connect, reset, stalled, 503], post: true, budget: 100%")
        for index in 0..<20 {
            let client = try gate.connect()
            try client.send(
                gate.request(index % 2 == 0 ? "GET" : "POST", "/\(index)", body: index % 2 == 0 ? nil : "x"))
            let head = try client.readResponseHead()
            #expect(head.status == (answer.contains(" 501 ") ? 501 : 200))
            let (rest, _) = try client.readToEnd()
            #expect(!String(decoding: rest, as: UTF8.self).contains("\r\n0\r\n\r\n"), "looks whole")
            client.close()
        }
        let targets = upstreams.flatMap(\.requests).map(\.target)
        #expect(targets.count == 20 && Set(targets).count == 20)
        #expect(try gate.upstream()["repetitions"] == 0)
    }

    @Test func `a client that has gone is not worked for any more`() throws {
        let hasLeft = Signal()
        let upstream = try ScriptedUpstream { connection in
            guard let request = try connection.readRequest() else { return }
            guard request.target == "/left" else { return try connection.send(ok("in")) }
            try hasLeft.wait()
            connection.wire.reset()
        }
        let gate = try gate([upstream], "attempts: 5")
        let client = try gate.connect()
        try client.send(gate.request("GET", "/left"))
        try waitUntil("the request to arrive") { !upstream.requests.isEmpty }
        client.close()
        try waitUntil("the exchange to end") { try gate.sum("exchanges_running") == 0 }
        hasLeft.open()
        #expect(try gate.exchange("GET", "/other").text == "in")
        #expect(upstream.requests.map(\.target) == ["/left", "/other"])
    }
}
