import Testing

@testable import Proxy

@Suite struct BodyBudgetTests {
    private let bodySize = 15 << 20

    @Test func `what is over is not taken, and what was given back can be`() {
        let budget = BodyBudget(bytesMax: 10)
        #expect(budget.take(7) && !budget.take(4) && budget.take(3) && !budget.take(1))
        budget.giveBack(7)
        #expect(budget.bytesTaken == 3 && budget.take(7))
        #expect(BodyBudget().take(256 << 20) && !BodyBudget().take(256 << 20 + 1))
    }

    private func worker(_ upstream: TestUpstream, bodiesMax: Int) throws -> WorkerUnderTest {
        let caller = Caller.test("k", models: ModelList(["gpt-4"]))
        return try WorkerUnderTest(upstream) {
            $0.routes = [.test(auth: [.keys([caller])])]
            $0.bodiesMax = bodiesMax
        }
    }

    private func post(_ client: TestConnection) throws {
        let start = #"{"model":"gpt-4","a":""#
        let body = start + String(repeating: "m", count: bodySize - start.utf8.count - 2) + "\"}"
        try client.send(
            "POST /v1/x HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\nContent-Length: \(bodySize)\r\n\r\n" + body)
    }

    @Test func `a body counts until its upstream has taken it`() throws {
        let upstream = try TestUpstream()
        let worker = try worker(upstream, bodiesMax: 20 << 20)
        defer { worker.stop() }
        let bodies = worker.handle.bodies
        let client = try worker.connect()
        try post(client)
        let endpoint = try upstream.accept()
        // Nobody reads there: what the sockets do not hold is still here.
        let isHeld = eventually { bodies.bytesTaken == bodySize }
        #expect(isHeld, "\(bodies.bytesTaken)")
        let second = try worker.connect()
        try post(second)
        let refused = try second.readMessage()
        #expect(refused.status == 503 && refused.code == "server_is_overloaded")
        #expect(refused["retry-after"] == "1" && refused.body.contains("(body_memory)"))
        #expect(bodies.bytesTaken == bodySize)
        #expect(try endpoint.readMessage().body.utf8.count == bodySize)
        #expect(eventually { bodies.bytesTaken == 0 })
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        #expect(try client.readMessage().body == "hi")
    }

    @Test func `a body whose client or upstream goes counts no more`() throws {
        let upstream = try TestUpstream()
        let worker = try worker(upstream, bodiesMax: 20 << 20)
        defer { worker.stop() }
        let bodies = worker.handle.bodies
        for clientGoes in [true, false] {
            let client = try worker.connect()
            try post(client)
            let endpoint = try upstream.accept()
            #expect(eventually { bodies.bytesTaken == bodySize })
            if clientGoes { client.reset() } else { endpoint.reset() }
            #expect(eventually { bodies.bytesTaken == 0 }, "\(clientGoes)")
        }
    }
}
