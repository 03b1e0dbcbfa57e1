import Testing

@testable import CLI

/// A thousand clients with one key, all at once, over two workers: exactly as many pass as the limit admits.
@Suite(.scenario) struct LimitUnderRace {
    private static let clientCount = 1000
    private static let keys = (0..<20).map { _ in Fresh.text(40, prefix: "sk-") }

    private static func config(_ rest: String) -> String {
        let names = keys.indices.map { "KEY_\($0)" }.joined(separator: ", ")
        return """
            process: { workers: 2 }
            auth: { keys: { mode: env-key, match: any, variables: [\(names)] } }

            """ + rest
    }

    private func gate(_ config: String, options: [String] = []) throws -> Gate {
        let variables = Self.keys.enumerated().map { "KEY_\($0)=\($1)" }
        return try Gate(Self.config(config), options: options, environment: variables)
    }

    private func bearer(_ key: String) -> [String] { ["Authorization: Bearer \(key)"] }

    private func expect(_ answers: [Crowd.Answer], admitted: Int, _ note: Comment) {
        let passed = answers.count { $0.status == 200 }
        let refused = answers.count { $0.status == 429 && $0.hasRetryAfter }
        #expect(passed == admitted, note)
        #expect(refused == Self.clientCount - admitted, note)
    }

    /// C45.
    @Test func `of a thousand requests at once a hundred pass, each of twenty times`() throws {
        let gate = try gate(
            """
            limits: { per-key: { by: key, requests_per_minute: 100 } }
            routes: [{ path: /**, auth: keys, limits: per-key, respond: { text: in } }]
            """)
        let crowd = try Crowd(gate, count: Self.clientCount)
        for (run, key) in Self.keys.enumerated() {
            let answers = try crowd.ask(gate.request(fields: bearer(key)))
            expect(answers, admitted: 100, "run \(run)")
        }
    }

    /// Each reserves ten tokens, and uses them.
    @Test func `of a thousand tokens each request takes ten, so a hundred pass`() throws {
        let mock = try Address.free()
        let gate = try gate(
            """
            limits: { tokens: { by: key, tokens: output, tokens_per_minute: 1000, default_reserve: 10 } }
            upstreams: { up: "http://\(mock.authority)" }
            routes: [{ path: /**, auth: keys, limits: tokens, to: up }]
            """, options: ["--mock", mock.authority])
        let crowd = try Crowd(gate, count: Self.clientCount)
        for (run, key) in Self.keys.prefix(10).enumerated() {
            let request = gate.chatRequest(#""max_tokens":10,"#, model: "m\(run)", fields: bearer(key))
            expect(try crowd.ask(request), admitted: 100, "run \(run)")
        }
        let sent = try gate.exchange("GET", "/mock/sent", at: mock).json()["models"]
        for run in 0..<10 { #expect(sent?["m\(run)"]?["output_tokens"] == 1000, "run \(run)") }
    }

    @Test func `never more than eight run at once, and every place is free again afterwards`() throws {
        let (running, most, isGoing) = (Guarded(0), Guarded(0), Signal())
        let upstream = try ScriptedUpstream { connection in
            connection.wire.patience = 120
            while let request = try connection.readRequest() {
                let now = running.withLock { running in
                    running += 1
                    return running
                }
                most.withLock { $0 = max($0, now) }
                if request.target == "/held" { try isGoing.wait(within: 60) }
                running.withLock { $0 -= 1 }
                try connection.send(ok("in"))
            }
        }
        let gate = try gate(
            """
            limits: { few: { by: key, concurrent: 8 } }
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: keys, limits: few, to: up }]
            """)
        let fields = bearer(Self.keys[0])
        let crowd = try Crowd(gate, count: Self.clientCount)
        try crowd.send(gate.request("GET", "/held", fields: fields))
        try waitUntil("all but eight to be refused", within: 60) {
            crowd.answeredCount == Self.clientCount - 8
        }
        try waitUntil("eight to be with the upstream") { running.withLock { $0 } == 8 }
        isGoing.open()
        expect(try crowd.read(), admitted: 8, "while eight stay")
        for run in 0..<5 {
            let answers = try crowd.ask(gate.request("GET", "/quick", fields: fields))
            #expect(answers.count { $0.status == 200 } >= 8, "run \(run)")
            #expect(answers.allSatisfy { $0.status == 200 || $0.status == 429 && $0.hasRetryAfter })
        }
        #expect(most.withLock { $0 } == 8)
        // What an exchange held is released behind its answer.
        let clients = try (0..<8).map { _ in try gate.connect() }
        try waitUntil("no exchange to run") { try gate.sum("exchanges_running") == 0 }
        for client in clients { try client.send(gate.request("GET", "/quick", fields: fields)) }
        for client in clients { #expect(try client.readResponse().status == 200) }
    }
}
