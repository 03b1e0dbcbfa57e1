import Testing

@testable import Proxy

// Covers RecordedAttempt.swift

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

@Suite struct `What a record tells of the decisions` {
    @Test func `each attempt before the last has its place, and why it was not the last`() throws {
        let scene = try ModelScene([.test("m", [(0, .asSent), (1, .asSent)])])
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"m"}"#))
        let first = try scene.first.accept()
        _ = try first.readMessage()
        try first.send(ModelScene.answer("503 No"))
        let second = try scene.second.accept()
        _ = try second.readMessage()
        try second.send(ModelScene.answer())
        #expect(try scene.client.readMessage().status == 200)
        let seen = try scene.worker.record()
        #expect(seen.record.attempts == 2 && seen.record.attemptsUntold == 0)
        let earlier = seen.record.earlierAttempts(seen[.earlierPlaces].utf8)
        #expect(earlier.map(\.upstream) == ["u"] && earlier.map(\.endpoint) == [scene.first.state.display])
        #expect(earlier[0].attempt.cause == .status && earlier[0].attempt.status == 503)
        let last = seen.record.lastAttempt
        #expect(last.cause == .none && last.startedAfter >= earlier[0].attempt.took)
        #expect(
            seen[.upstream] == "v" && seen[.endpoint] == scene.second.state.display && seen[.model] == "m")
    }

    @Test func `of many attempts the first three and the last are told of`() throws {
        let scene = try ModelScene([.test("m", (0..<6).map { ($0 % 2, .asSent) })])
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"m"}"#))
        let statuses = [500, 502, 503, 504, 500, 529]
        for (index, status) in statuses.enumerated() {
            // What is turned away is not read to its end: each attempt has a connection of its own.
            let endpoint = try (index.isMultiple(of: 2) ? scene.first : scene.second).accept()
            _ = try endpoint.readMessage()
            try endpoint.send(ModelScene.answer("\(status) No"))
        }
        #expect(try scene.client.readMessage().status == 529)
        let seen = try scene.worker.record()
        #expect(seen.record.attempts == 6 && seen.record.attemptsUntold == 2)
        let earlier = seen.record.earlierAttempts(seen[.earlierPlaces].utf8)
        #expect(earlier.map(\.attempt.status) == [500, 502, 503])
        #expect(earlier.map(\.upstream) == ["u", "v", "u"])
    }

    @Test func `a key that is not taken is told of by its status, and the one that is by its label`() throws {
        let keys = ["k1", "k2"].map {
            UpstreamCredential(
                line: Array("x-api-key: \($0)\r\n".utf8), source: PlanText("environment"),
                masked: PlanText("****\($0)"))
        }
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.key = KeyPlan(
                source: .fixed(KeySet(keys, choice: .first)), field: Array("x-api-key".utf8))
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        for (status, body) in [("401 No", "no"), ("200 OK", "ok")] {
            let endpoint = try upstream.accept()
            _ = try endpoint.readMessage()
            try endpoint.send(ModelScene.answer(status, body, fields: "Connection: close\r\n"))
        }
        #expect(try client.readMessage().body == "ok")
        let seen = try worker.record()
        let earlier = seen.record.earlierAttempts(seen[.earlierPlaces].utf8)
        #expect(earlier.map(\.attempt.cause) == [.keyRefused] && earlier[0].attempt.status == 401)
        #expect(seen[.key] == "environment ****k2")
    }

    @Test func `where no connection comes about nothing goes on, and the key stays unnamed`() throws {
        let upstream = try TestUpstream()
        upstream.state.publish([])
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        #expect(try client.readMessage().status == 502)
        let seen = try worker.record()
        #expect(seen.record.attempts == 1 && seen[.upstream] == "u" && seen[.key] == "")
        #expect(seen[.errorCode] == "upstream_unresolved" && seen[.earlierPlaces] == "")
    }

    @Test func `the limit that refuses is named, and else the one that is nearest`() throws {
        let wide = LimitPlan.test(.ip, perMinute: 10)
        let narrow = LimitPlan.test(.ip, [(.requests, .hour, 2)])
        let worker = try WorkerUnderTest(
            .responding { $0.routes = [.ok(auth: [.open()], limits: [wide, narrow])] })
        defer { worker.stop() }
        let client = try worker.connect()
        for status in [200, 200, 429] {
            try client.send(get)
            #expect(try client.readMessage().status == status)
        }
        let seen = try worker.records(3)
        #expect(seen.map(\.record.limit.verdict) == [.passed, .passed, .refused])
        #expect(seen.map(\.record.limit.used) == [1, 2, 2] && seen.allSatisfy { $0.record.limit.max == 2 })
        #expect(seen.allSatisfy { $0[.limit] == "l" && $0[.limitNumber] == "requests_per_hour" })
        #expect(seen[2].record.limit.wait > 0 && seen[0].record.limit.wait == 0)
        #expect(seen[2].record.limit.unit == .requests)
    }

    @Test func `a limit in shadow that is passed over is told of as such`() throws {
        let shadow = LimitPlan.test(.ip, [(.requests, .minute, 1)], isShadow: true)
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [.open()], limits: [shadow])] })
        defer { worker.stop() }
        let client = try worker.connect()
        for _ in 0..<2 {
            try client.send(get)
            #expect(try client.readMessage().status == 200)
        }
        #expect(try worker.records(2).map(\.record.limit.verdict) == [.passed, .shadowed])
    }

    @Test func `what waited in the queue says for how long, also when its client leaves`() throws {
        let upstream = try TestUpstream()
        let gate = UpstreamGate(1, queue: 2)
        let worker = try WorkerUnderTest(upstream) { $0.gate = gate }
        defer { worker.stop() }
        let (first, second, third) = (try worker.connect(), try worker.connect(), try worker.connect())
        try first.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try second.send(get)
        #expect(eventually { gate.figures.queued == 1 })
        try third.send(get)
        #expect(eventually { gate.figures.queued == 2 })
        third.close()
        #expect(eventually { gate.figures.queued == 1 })
        try endpoint.send("HTTP/1.1 204 No Content\r\n\r\n")
        _ = try first.readMessage()
        _ = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 204 No Content\r\n\r\n")
        _ = try second.readMessage()
        let seen = try worker.records(3)
        #expect(seen.map(\.outcome) == [.clientGone, .complete, .complete])
        #expect(seen[0].record.queueTime > 0 && seen[0].record.attempts == 0 && seen[0][.upstream] == "")
        #expect(seen[1].record.queueTime == 0 && seen[2].record.queueTime > 0)
    }
}
