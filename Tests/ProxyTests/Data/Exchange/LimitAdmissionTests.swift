import Testing

@testable import Proxy

private func get(_ fields: String = "") -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

@Suite struct LimitAdmissionTests {
    @Test func `over the limit a client is told how long to wait, in the shape of the route`() throws {
        let worker = try WorkerUnderTest(
            .responding {
                $0.routes = [.ok(auth: [.open()], limits: [.test(.ip, perMinute: 2)], errors: .webscout)]
            })
        defer { worker.stop() }
        for _ in 0..<2 {
            let client = try worker.connect()
            try client.send(get())
            #expect(try client.readMessage().status == 200)
        }
        let client = try worker.connect()
        try client.send(get())
        let answer = try client.readMessage()
        #expect(answer.status == 429 && answer.code == "rate_limit_exceeded")
        #expect(answer.body.contains("Rate limit of 2 requests per minute exceeded"))
        let seconds = try #require(answer["retry-after"].flatMap { Int($0) })
        let milliseconds = try #require(answer["retry-after-ms"].flatMap { Int($0) })
        #expect((59...60).contains(seconds) && seconds == (milliseconds + 999) / 1000)
        #expect(try worker.records(3)[2][.errorCode] == "rate_limit_exceeded")
    }

    @Test func `who may not come in does not use up the limit, and what one limit refuses no other counts`()
        throws
    {
        let wide = LimitPlan.test(.ip, perMinute: 3)
        let caller = Caller.test("k")
        let worker = try WorkerUnderTest(
            .responding {
                $0.routes = [
                    .ok(
                        auth: [.keys([caller])],
                        limits: [wide, .test(.key, perMinute: 1)])
                ]
            })
        defer { worker.stop() }
        let client = try worker.connect()
        for (key, status) in [
            ("x", 401), ("x", 401), ("x", 401), ("k", 200), ("k", 429), ("k", 429), ("k", 429),
        ] {
            try client.send(get("x-api-key: \(key)\r\n"))
            #expect(try client.readMessage().status == status)
        }
        #expect(caller.takeUses().count == 1)
        let address = LimitSubject(high: 0, low: 0xFFFF_7F00_0001)
        #expect(worker.used(wide.measures[0], by: address) == 1)
    }

    @Test func `a caller's own limit is its own, and outlives a reload`() throws {
        let auth = AuthPlan.keys([.test("a", perMinute: 2), .test("b", perMinute: 1), .test("c")])
        let sketch = GenerationSketch.responding { $0.routes = [.ok(auth: [auth])] }
        let worker = try WorkerUnderTest(sketch)
        defer { worker.stop() }
        let client = try worker.connect()
        for (key, status) in [
            ("a", 200), ("b", 200), ("a", 200), ("a", 429), ("b", 429), ("c", 200), ("c", 200),
        ] {
            try client.send(get("x-api-key: \(key)\r\n"))
            #expect(try client.readMessage().status == status)
        }
        try worker.adopt(sketch)
        try client.send(get("x-api-key: a\r\n"))
        #expect(try client.readMessage().status == 429)
    }

    @Test func `all credentials of one subject share its limits`() throws {
        let subject = LimitSubject(high: 1, low: 2)
        let callers = ["a", "b", "c"].map {
            Caller(
                digest: .test($0), label: PlanText("u"), requestsPerMinute: $0 == "c" ? 3 : 0,
                rateSubject: subject)
        }
        let auth = AuthPlan.keys(callers)
        let worker = try WorkerUnderTest(
            .responding { $0.routes = [.ok(auth: [auth], limits: [.test(.key, perMinute: 2)])] })
        defer { worker.stop() }
        let client = try worker.connect()
        for (key, status) in [
            ("a", 200), ("b", 200), ("a", 429), ("b", 429), ("c", 200), ("c", 200), ("c", 200), ("c", 429),
        ] {
            try client.send(get("x-api-key: \(key)\r\n"))
            #expect(try client.readMessage().status == status, "\(key)")
        }
    }

    @Test func `a caller's own limit takes the place of limits by key, and of no others`() throws {
        let auth = AuthPlan.keys([.test("a", perMinute: 4), .test("b", perMinute: 1), .test("c")])
        let limits: [LimitPlan] = [.test(.key, perMinute: 2), .test(.ip, perMinute: 9)]
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [auth], limits: limits)] })
        defer { worker.stop() }
        let client = try worker.connect()
        for (key, status) in [
            ("a", 200), ("a", 200), ("a", 200), ("a", 200), ("a", 429), ("b", 200), ("b", 429),
            ("c", 200), ("c", 200), ("c", 429), ("c", 429),
        ] {
            try client.send(get("x-api-key: \(key)\r\n"))
            #expect(try client.readMessage().status == status, "\(key)")
        }
        let address = LimitSubject(high: 0, low: 0xFFFF_7F00_0001)
        #expect(worker.used(limits[1].measures[0], by: address) == 7)
    }

    @Test func `addresses of one IPv6 network are one subject, IPv4 addresses one each`() {
        func subject(_ high: UInt64, _ low: UInt64) -> LimitSubject {
            LimitSubject(PeerAddress(high: high, low: low, port: 1, isUnix: false))
        }
        #expect(subject(0x2001_0DB8_0000_0001, 1) == subject(0x2001_0DB8_0000_0001, 2))
        #expect(subject(0x2001_0DB8_0000_0001, 1) != subject(0x2001_0DB8_0000_0002, 1))
        #expect(subject(0, 0xFFFF_0102_0304) != subject(0, 0xFFFF_0102_0305))
    }
}
