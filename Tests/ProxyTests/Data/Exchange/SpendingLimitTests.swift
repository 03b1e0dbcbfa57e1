import Testing

@testable import Proxy

// Covers LimitAdmission.swift

/// Limits of what is known only when the answer has come, and what a refusal leaves behind.
@Suite struct SpendingLimitTests {
    private static let m = ModelPlan(
        name: PlanText("m"), maxOutput: 50,
        price: ModelPrice(input: 1_000_000, output: 10_000_000, cachedInput: 1_000_000))

    private func body(_ members: String) -> String {
        #"{"model":"m","messages":[{"role":"user","content":"hi"}]\#(members)}"#
    }

    // MARK: Reserved and settled

    @Test func `tokens are reserved while the upstream is silent, and settled by what it says`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 200), (.inputTokens, .hour, 99)])])
        defer { scene.end() }
        let first = try scene.ask()
        #expect(scene.used() == 106 && scene.used(0, 1) == 6)
        let refused = try scene.send().readMessage()
        #expect(refused.status == 429 && refused.code == "rate_limit_exceeded")
        #expect(refused.body.contains("Rate limit of 200 tokens per minute exceeded"))
        #expect(refused["x-ratelimit-remaining-tokens"] != nil)
        #expect(scene.used() == 106 && scene.used(0, 1) == 6)
        try first.endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3)))
        let answer = try first.client.readMessage()
        #expect(answer["x-ratelimit-limit-tokens"] != nil)
        #expect(scene.settled() == 13 && scene.used(0, 1) == 10)
        try scene.exchange(MeteredScene.usage(20, 30))
        #expect(scene.settled() == 63 && scene.used(0, 1) == 30)
    }

    @Test func `what no waiting helps with is not tried again`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 105)])])
        defer { scene.end() }
        let answer = try scene.send().readMessage()
        #expect(answer.status == 429 && answer["x-should-retry"] == "false")
        #expect(answer["retry-after"] == nil)
        #expect(answer.body.contains("Request too large: it may use 106 tokens, and the limit is 105 tokens"))
        #expect(scene.settled() == 0 && scene.worker.usages().isEmpty)
    }

    @Test(
        arguments: [
            ("", nil, 6 + 50), (#","max_tokens":20"#, nil, 6 + 20), (#","max_tokens":70"#, nil, 6 + 50),
            ("", 7, 6 + 7), (#","n":3"#, nil, 6 + 150), (#","n":3,"max_completion_tokens":5"#, 7, 6 + 15),
        ] as [(String, UInt64?, UInt64)])
    func `as much is reserved as the body, the limit or the model allows`(
        members: String, defaultReserve: UInt64?, reserved: UInt64
    ) throws {
        let limit = LimitPlan.test(.ip, [(.tokens, .day, 1000)], defaultReserve: defaultReserve)
        let scene = try MeteredScene([limit]) { $0.models = [Self.m] }
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(body(members)))
        #expect(scene.used() == reserved)
        try asked.endpoint.send(MeteredScene.json(MeteredScene.usage(1, 2)))
        #expect(try asked.client.readMessage().status == 200)
        #expect(scene.settled() == 3)
    }

    @Test func `money goes by the price of the model`() throws {
        let limit = LimitPlan.test(.ip, [(.money, .month, 600)])
        let scene = try MeteredScene([limit]) { $0.models = [Self.m] }
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(body("")))
        // 6 input tokens and 50 output tokens.
        #expect(scene.used() == 506)
        try asked.endpoint.send(MeteredScene.json(MeteredScene.usage(10, 30)))
        #expect(try asked.client.readMessage().status == 200)
        #expect(scene.settled() == 310)
        #expect(try scene.usage()?.record.nanoUSD == 310)
        let refused = try scene.send(MeteredScene.request(body(""))).readMessage()
        #expect(refused.status == 429 && refused.code == "insufficient_quota")
        // Of another model nobody knows a price.
        try scene.exchange(MeteredScene.usage(9, 9), MeteredScene.request(#"{"model":"other"}"#))
        #expect(scene.settled() == 310)
    }

    // MARK: For whom

    private func subject(_ model: String) -> LimitSubject {
        withExactBytes(model) { LimitSubject(UnsafeRawBufferPointer($0)) }
    }

    @Test func `limits by model are one for each model, alone and of each key`() throws {
        let callers = [Caller.test("a"), .test("b")]
        let limits: [LimitPlan] = [
            .test(.model, perMinute: 3),
            .test([.key, .model], [(.requests, .minute, 2), (.tokens, .hour, 100)]),
        ]
        let scene = try MeteredScene(limits, auth: [.keys(callers)], reuses: false)
        defer { scene.end() }
        for (key, model, status) in [
            ("a", "m", 200), ("a", "m", 200), ("a", "m", 429), ("a", "n", 200), ("b", "m", 200),
            ("b", "m", 429), ("b", "n", 200), ("b", "n", 200), ("a", "n", 429),
        ] {
            let client = try scene.send(
                MeteredScene.request(#"{"model":"\#(model)"}"#, fields: "x-api-key: \(key)\r\n"))
            if status == 200 {
                let endpoint = try scene.upstream.accept()
                _ = try endpoint.readMessage()
                try endpoint.send(MeteredScene.json(MeteredScene.usage(4, 1)))
            }
            #expect(try client.readMessage().status == status, "\(key) \(model)")
        }
        #expect(scene.used(0, by: .everybody.joined(with: subject("m"))) == 3)
        let ofA = LimitSubject.everybody.joined(with: callers[0].rateSubject).joined(with: subject("m"))
        #expect(scene.used(1, 0, by: ofA) == 2 && scene.used(1, 1, by: ofA) == 10)
    }

    @Test func `limits by user are one for all of their keys, and the key's for those without a user`() throws
    {
        let callers = ["a", "b", "c"].map { key in
            Caller(
                digest: .test(key), userID: key == "c" ? 0 : 7, label: PlanText(key))
        }
        let auth = AuthPlan.keys(callers)
        let limits = [LimitPlan.test(.user, perMinute: 2)]
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [auth], limits: limits)] })
        defer { worker.stop() }
        let client = try worker.connect()
        for (key, status) in [
            ("a", 200), ("b", 200), ("a", 429), ("b", 429), ("c", 200), ("c", 200), ("c", 429),
        ] {
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nx-api-key: \(key)\r\n\r\n")
            #expect(try client.readMessage().status == status, "\(key)")
        }
    }

    @Test func `limits by upstream and by route hold for everybody there`() throws {
        let routeSubject = LimitSubject(high: 5, low: 6)
        let limits: [LimitPlan] = [
            .test(.upstream, [(.tokens, .minute, 1000)]), .test(.route, perMinute: 1),
        ]
        let auth = AuthPlan.keys([.test("a"), .test("b")])
        let scene = try MeteredScene(limits) { sketch in
            sketch.routes = [.test(auth: [auth], limits: limits, subject: routeSubject)]
        }
        defer { scene.end() }
        try scene.exchange(MeteredScene.usage(10, 3), MeteredScene.request(fields: "x-api-key: a\r\n"))
        let refused = try scene.send(MeteredScene.request(fields: "x-api-key: b\r\n")).readMessage()
        #expect(refused.status == 429)
        _ = try scene.worker.records(2)
        #expect(scene.used(1, by: .everybody.joined(with: routeSubject)) == 1)
        #expect(scene.used(0, by: .everybody.joined(with: subject("u"))) == 13)
    }

    @Test func `shadow counts and refuses nobody`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 20)], cuts: true, isShadow: true)])
        defer { scene.end() }
        for _ in 0..<2 { try scene.exchange(MeteredScene.usage(10, 30)) }
        #expect(scene.settled() == 80)
        #expect(scene.limits[0].measures[0].shadowed == 2 && scene.limits[0].measures[0].refused == 0)
        let asked = try scene.ask(MeteredScene.request(MeteredScene.streaming.replacing("100", with: "1")))
        let events = String(repeating: MeteredScene.event, count: 30)
        try asked.endpoint.send(MeteredScene.chunkedHead + MeteredScene.chunk(events) + "0\r\n\r\n")
        #expect(try asked.client.readMessage().body == events)
        #expect(scene.settled() == 116)
    }

    @Test func `only so many run at once`() throws {
        let scene = try MeteredScene([.test(.ip, [(.concurrent, .none, 2)])])
        defer { scene.end() }
        let running = try [scene.ask(), scene.ask()]
        let refused = try scene.send().readMessage()
        #expect(refused.status == 429 && refused["retry-after"] == "1")
        try running[0].endpoint.send(MeteredScene.json("{}"))
        #expect(try running[0].client.readMessage().status == 200)
        #expect(eventually { scene.used() == 1 })
        let third = try scene.ask()
        #expect(scene.used() == 2)
        running[1].client.close()
        third.client.reset()
    }

    // MARK: Refused

    @Test func `what one limit refuses, no other counts, in either order`() throws {
        for order in [[0, 1], [1, 0]] {
            let both: [LimitPlan] = [
                .test(.ip, [(.tokens, .minute, 50), (.concurrent, .none, 9)]),
                .test(.ip, [(.requests, .minute, 9), (.tokens, .day, 1000)]),
            ]
            let scene = try MeteredScene(order.map { both[$0] })
            defer { scene.end() }
            #expect(try scene.send().readMessage().status == 429)
            #expect(scene.settled() == 0 && scene.used(0, 1) == 0)
            #expect(scene.used(1) == 0 && scene.used(1, 1) == 0)
            #expect(try scene.usage() == nil)
        }
    }

    @Test func `a request that is refused anyway does not upload its body`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 1000), (.requests, .minute, 1)])])
        defer { scene.end() }
        try scene.exchange(MeteredScene.usage(10, 3))
        for fields in ["", "Expect: 100-continue\r\n"] {
            let head = "POST / HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(10 << 20)\r\n\r\n"
            let answer = try scene.send(head).readMessage()
            #expect(answer.status == 429 && answer["x-ratelimit-remaining-requests"] == "0")
            #expect(answer["connection"] == "close")
        }
        #expect(scene.settled() == 13 && scene.used(0, 1) == 1)
    }

    @Test func `a body that does not come whole takes nothing`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 1000), (.requests, .minute, 9)])])
        defer { scene.end() }
        let client = try scene.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{")
        #expect(eventually { scene.worker.handle.bodies.bytesTaken == 1 })
        client.close()
        #expect(try scene.usage() == nil)
        #expect(scene.settled() == 0 && scene.used(0, 1) == 0)
    }

    @Test func `a client that leaves while its upstream is being connected was never there`() throws {
        let (upstream, fillers) = try TestUpstream.full()
        defer { for filler in fillers { filler.close() } }
        let scene = try MeteredScene(
            [.test(.ip, [(.tokens, .minute, 1000), (.requests, .hour, 9)])], upstream: upstream)
        defer { scene.end() }
        let client = try scene.send()
        #expect(eventually { scene.used() == 106 && scene.used(0, 1) == 1 })
        client.close()
        #expect(try scene.usage() == nil)
        #expect(scene.settled() == 0 && scene.used(0, 1) == 0)
    }

    @Test func `tokens are not counted of requests that have none`() throws {
        let scene = try MeteredScene([
            .test(.ip, [(.tokens, .minute, 5), (.requests, .minute, 9)], defaultReserve: 9)
        ])
        defer { scene.end() }
        let client = try scene.send("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        let endpoint = try scene.upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3)))
        #expect(try client.readMessage().status == 200)
        #expect(scene.settled() == 0 && scene.used(0, 1) == 1)
        #expect(try scene.usage() == nil)
    }

    @Test func `a caller's own limit takes the place of requests alone`() throws {
        let auth = AuthPlan.keys([.test("a", perMinute: 1)])
        let limit = LimitPlan.test(.key, [(.requests, .minute, 9), (.tokens, .minute, 1000)])
        let scene = try MeteredScene([limit], auth: [auth])
        defer { scene.end() }
        let text = MeteredScene.request(fields: "x-api-key: a\r\n")
        try scene.exchange(MeteredScene.usage(10, 3), text)
        #expect(try scene.send(text).readMessage().status == 429)
        let subject = try #require(auth.callers.find(.test("a"))).rateSubject
        _ = try scene.worker.records(2)
        #expect(scene.used(0, 0, by: subject) == 0 && scene.used(0, 1, by: subject) == 13)
    }
}
