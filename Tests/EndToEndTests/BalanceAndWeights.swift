import Testing

@testable import CLI

/// Who of several endpoints is asked.
@Suite(.scenario) struct BalanceAndWeights {
    private func gate(workers: Int, _ upstream: String) throws -> Gate {
        try Gate(
            """
            process: { workers: \(workers) }
            trusted_proxies: [127.0.0.0/8]
            upstreams: { up: { \(upstream) } }
            """)
    }

    /// The name of who answers a caller. - Parameter number: 1 to 254.
    private func answerer(_ gate: Gate, of number: Int) throws -> String {
        try gate.exchange("GET", "/", fields: ["X-Forwarded-For: 203.0.113.\(number)"]).text
    }

    @Test func `in turn, with one worker, weights are exact`() throws {
        let (a, b) = (try ScriptedUpstream.saying("a"), try ScriptedUpstream.saying("b"))
        let gate = try gate(
            workers: 1, "endpoints: [\"\(a.url)\", { url: \"\(b.url)\", weight: 3 }]")
        for round in 1...10 {
            for _ in 0..<4 { _ = try gate.exchange() }
            #expect(a.requests.count == round && b.requests.count == 3 * round, "spread within each round")
        }
        let told = try gate.upstream()["endpoints"]?.arrayValue?.map { $0["weight"]?.integerValue }
        #expect(told == [1, 3])
    }

    @Test func `with several workers weights are as good as exact`() throws {
        let (a, b) = (try ScriptedUpstream.saying("a"), try ScriptedUpstream.saying("b"))
        let gate = try gate(
            workers: 2, "endpoints: [\"\(a.url)\", { url: \"\(b.url)\", weight: 3 }]")
        let outcomes = try Load(gate, clients: 8, requestsMax: 50).finish()
        #expect(outcomes.count == 400 && outcomes.allSatisfy { $0.status == 200 })
        // Each worker is off by less than one round.
        #expect((96...104).contains(a.requests.count), "\(a.requests.count)")
        #expect(a.requests.count + b.requests.count == 400)
    }

    @Test func `with least-loaded new requests go to the one that is free`() throws {
        let hasEnded = [Signal(), Signal()]
        let endpoints = try hasEnded.enumerated().map { index, hasEnded in
            try ScriptedUpstream { connection in
                while let request = try connection.readRequest() {
                    guard request.target == "/held" else {
                        try connection.send(ok("\(index)"))
                        continue
                    }
                    try connection.send(streamHead + chunk(streamEvent("\(index)", 0)))
                    try hasEnded.wait()
                    try connection.send("0\r\n\r\n")
                }
            }
        }
        let gate = try gate(
            workers: 2,
            "balance: least-loaded, endpoints: [\"\(endpoints[0].url)\", \"\(endpoints[1].url)\"]")
        let streams = try (0..<8).map { _ in
            let client = try gate.connect()
            try client.send(gate.request("GET", "/held"))
            #expect(try client.readThrough("\n\n") != nil)
            return client
        }
        #expect(endpoints.map(\.requests.count) == [4, 4], "held ones are spread")
        hasEnded[1].open()
        try waitUntil("one to have nothing to do") {
            try gate.endpoint(endpoints[1].url)["outstanding"] == 0
        }
        for _ in 0..<50 { #expect(try gate.exchange().text == "1") }
        #expect(try gate.endpoint(endpoints[0].url)["outstanding"] == 4)
        hasEnded[0].open()
        try waitUntil("nobody to have anything to do") {
            try gate.endpoint(endpoints[0].url)["outstanding"] == 0
        }
        let others = try (0..<60).map { _ in try gate.exchange().text }
        #expect(Set(others) == ["0", "1"])
        for stream in streams { stream.close() }
    }

    @Test func `with hash a caller keeps an endpoint, and only those of one that goes move`() throws {
        let endpoints = try ["a", "b", "c"].map(FickleEndpoint.init)
        func config(_ endpoints: [FickleEndpoint]) -> String {
            "process: { workers: 2 }\ntrusted_proxies: [127.0.0.0/8]\n"
                + "upstreams: { up: { balance: hash, endpoints: \(endpoints.list), "
                + "health: { failures: 1, eject: 1s } } }"
        }
        let gate = try Gate(config(endpoints))
        let callers = 1...60
        let before = try callers.map { try answerer(gate, of: $0) }
        #expect(Set(before) == ["a", "b", "c"])
        #expect(try callers.map { try answerer(gate, of: $0) } == before)
        try endpoints[1].become(.isGone)
        let without = try callers.map { try answerer(gate, of: $0) }
        for (old, new) in zip(before, without) { #expect(old == "b" ? new != "b" : new == old) }
        #expect(Set(zip(before, without).filter { $0.0 == "b" }.map(\.1)) == ["a", "c"], "spread")
        try endpoints[1].become(.well)
        try waitUntil("it to be back") { try gate.state(of: endpoints[1].url) == "available" }
        #expect(try callers.map { try answerer(gate, of: $0) } == before)
        // The same when the file says so, in whatever order.
        try gate.reconfigure(config([endpoints[2], endpoints[0]]))
        #expect(try callers.map { try answerer(gate, of: $0) } == without)
        try gate.reconfigure(config([endpoints[2], endpoints[1], endpoints[0]]))
        #expect(try callers.map { try answerer(gate, of: $0) } == before)
    }

    @Test func `with hash by model a model keeps its endpoint`() throws {
        let (a, b) = (try ScriptedUpstream.saying("a"), try ScriptedUpstream.saying("b"))
        let gate = try gate(
            workers: 2, "balance: { hash: model }, endpoints: [\"\(a.url)\", \"\(b.url)\"]")
        let models = (0..<20).map { "model-\($0)" }
        let before = try models.map { try gate.chat(model: $0).text }
        #expect(Set(before) == ["a", "b"])
        for _ in 0..<2 {
            #expect(try models.map { try gate.chat("\"user\":\"u\",", model: $0).text } == before)
        }
    }
}
