import Testing

@testable import CLI

/// Active checks; and what reloads leave as it is: ejections, and requests that are under way or repeated.
@Suite(.scenario) struct HealthChecks {
    @Test func `a check takes an endpoint out, and back in`() throws {
        let isIll = Guarded(false)
        let a = try ScriptedUpstream.saying("a")
        let b = try ScriptedUpstream.answering { request in
            guard request.target == "/base/health" else { return ok("b") }
            return isIll.withLock { $0 } ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" : ok("")
        }
        let gate = try Gate(
            """
            process: { workers: 1 }
            upstreams:
              up:
                endpoints: ["\(a.url)/base", "\(b.url)/base"]
                health: { check: { path: /health, every: 100ms, timeout: 1s } }
            """)
        func answerers() throws -> Set<String> {
            Set(try (0..<6).map { _ in try gate.exchange("GET", "/ask").text })
        }
        #expect(try answerers() == ["a", "b"])
        isIll.withLock { $0 = true }
        try waitUntil("b to be left out") { try gate.state(of: b.url) == "failing_check" }
        #expect(try answerers() == ["a"])
        let reason = try gate.endpoint(b.url)["reason"]?.stringValue
        #expect(reason?.contains("404") == true, "\(reason ?? "-")")
        isIll.withLock { $0 = false }
        try waitUntil("b to be asked again") { try gate.state(of: b.url) == "available" }
        #expect(try answerers() == ["a", "b"])
        let checks = b.requests.filter { $0.target == "/base/health" }
        #expect(checks.allSatisfy { $0.method == "GET" && $0.body.isEmpty })
    }

    @Test func `one that cannot be reached is found before anybody asks`() throws {
        let endpoints = try ["a", "b"].map(FickleEndpoint.init)
        try endpoints[0].become(.isGone)
        let gate = try Gate(
            """
            upstreams:
              up: { endpoints: \(endpoints.list), health: { check: { path: /, every: 100ms } } }
            """)
        try waitUntil("a to be left out") { try gate.state(of: endpoints[0].url) == "failing_check" }
        #expect(try gate.exchange("POST", "/", body: "x").text == "b")
        #expect(try gate.endpoint(endpoints[0].url)["exchanges"] == 0)
        try endpoints[0].become(.well)
        try waitUntil("a to be asked") { try gate.exchange().text == "a" }
    }

    @Test func `a reload keeps an ejection`() throws {
        let endpoints = try ["a", "b"].map(FickleEndpoint.init)
        func config(weight: Int, failures: Int) -> String {
            """
            process: { workers: 1 }
            upstreams:
              up:
                endpoints: ["\(endpoints[0].url)", { url: "\(endpoints[1].url)", weight: \(weight) }]
                health: { failures: \(failures), eject: 60s }
                retry: { on: [connect, reset, 500] }
            """
        }
        let gate = try Gate(config(weight: 1, failures: 1))
        try endpoints[1].become(.says("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"))
        for _ in 0..<4 { #expect(try gate.exchange().text == "a") }
        try endpoints[1].become(.well)
        let before = try gate.endpoint(endpoints[1].url)
        #expect(before["state"] == "ejected" && before["ejections"] == 1)
        let asked = endpoints[1].requests.count
        for (weight, failures) in [(2, 1), (5, 3), (1, 1)] {
            try gate.reconfigure(config(weight: weight, failures: failures))
            for _ in 0..<10 { #expect(try gate.exchange().text == "a") }
            #expect(try gate.state(of: endpoints[1].url) == "ejected")
        }
        #expect(endpoints[1].requests.count == asked)
    }

    @Test func `a request that is being repeated outlives the reload that takes its upstream away`() throws {
        let (isReloaded, hasCome) = (Signal(), Counter())
        let bad = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            hasCome.add()
            try isReloaded.wait()
            connection.wire.reset()
        }
        let good = try ScriptedUpstream.saying("good")
        func config(_ endpoints: String) -> String {
            "process: { workers: 1 }\nupstreams: { up: { endpoints: [\(endpoints)], retry: { post: true } } }"
        }
        let gate = try Gate(config("\"\(bad.url)\", \"\(good.url)\""))
        let clients = try (0..<8).map { index in
            let client = try gate.connect()
            try client.send(gate.request("POST", "/\(index)", body: "body \(index)"))
            return client
        }
        try waitUntil("half of them to be held") { hasCome.value == 4 }
        let other = try ScriptedUpstream.saying("other")
        try gate.reconfigure(config("\"\(other.url)\""))
        #expect(try gate.exchange().text == "other")
        isReloaded.open()
        for client in clients { #expect(try client.readResponse().text == "good") }
        #expect(Set(good.requests.map(\.text)) == Set((0..<8).map { "body \($0)" }))
        try waitUntil("the older generation to be let go") {
            try gate.requireStatus()["generations_alive"] == 1
        }
    }

    @Test func `reloads that change weights and endpoints break no stream and no request`() throws {
        let isEnding = Signal()
        let endpoints = try ["a", "b", "c"].map { try ScriptedUpstream.streaming($0, until: isEnding) }
        let nobody = "http://\(try Address.free().authority)"
        func config(_ round: Int) -> String {
            let urls = endpoints.indices.filter { round % 4 == 0 || $0 != round % 3 }.map { index in
                "{ url: \"\(endpoints[index].url)\", weight: \(1 + (round + index) % 5) }"
            }
            let balance = ["round-robin", "least-loaded", "hash"][round % 3]
            return """
                process: { workers: 2 }
                upstreams:
                  up:
                    endpoints: [\(urls.joined(separator: ", ")), "\(nobody)"]
                    balance: \(balance)
                    health: { failures: \(1 + round % 3), eject: 50ms, eject_max: 100ms }
                    retry: { attempts: \(2 + round % 3), budget: 100% }
                routes:
                  - { path: /round, auth: open, respond: { text: "\(round)" } }
                  - { path: /**, auth: open, to: up }
                """
        }
        let gate = try Gate(config(0))
        let streams = try (0..<20).map { try Stream(gate, number: $0) }
        for stream in streams { try stream.waitForEvents(2) }
        let steady = SteadyRequests(gate, at: gate.address)
        for round in 1...15 {
            try gate.reconfigure(config(round))
            #expect(try gate.exchange("GET", "/round").text == "\(round)")
        }
        let failures = steady.stop()
        #expect(failures.errors == [])
        #expect(failures.count > 30)
        isEnding.open()
        for stream in streams { #expect(try stream.finish() == nil) }
        #expect(try gate.endpoint(nobody)["failures"]?.integerValue ?? 0 > 0, "something was repeated")
        try waitUntil("older generations to be let go") { try gate.requireStatus()["generations_alive"] == 1 }
    }
}
