import Testing

@testable import CLI

/// Whom a limit counts together, in place of what a key's own limit stands, and how limits go together.
@Suite(.scenario) struct LimitModes {
    private func bearer(_ key: String) -> [String] { ["Authorization: Bearer \(key)"] }

    /// Statuses of so many requests one after the other.
    private func statuses(_ gate: Gate, _ count: Int, _ path: String = "/", key: String? = nil) throws
        -> [Int]
    {
        try (0..<count).map { _ in
            try gate.exchange("GET", path, fields: key.map(bearer) ?? []).status
        }
    }

    private func passed(_ count: Int, of all: Int) -> [Int] {
        Array(repeating: 200, count: count) + Array(repeating: 429, count: all - count)
    }

    // MARK: - Modes

    @Test func `shadow refuses nobody and tells nobody, beside limits that do`() throws {
        let gate = try Gate(
            """
            limits:
              watched: { by: ip, requests_per_minute: 2, concurrent: 1, mode: shadow }
              held: { by: ip, requests_per_minute: 6 }
            routes:
              - { path: /watched, auth: open, limits: watched, respond: { text: in } }
              - { path: /both, auth: open, limits: [watched, held], respond: { text: in } }
            """)
        for _ in 0..<10 {
            let answer = try gate.exchange("GET", "/watched")
            #expect(answer.status == 200 && answer["ratelimit"] == nil && answer["retry-after"] == nil)
            #expect(answer["x-ratelimit-limit-requests"] == nil)
        }
        #expect(try statuses(gate, 8, "/both") == passed(6, of: 8))
        let refused = try gate.exchange("GET", "/both")
        #expect(refused["ratelimit-policy"] == #""held";q=6;w=60"#)
        #expect(refused.errorMessage?.contains("(held)") == true)
        let limits = try #require(try gate.requireStatus()["limits"]?.arrayValue)
        let figures = try #require(limits.first { $0["key"] == "requests_per_minute" })
        // Ten passed, and six of these; two of them would have if it were in force.
        #expect(figures["name"] == "watched" && figures["mode"] == "shadow")
        #expect(figures["shadowed"] == 14 && figures["refused"] == 0, "\(figures.text)")
    }

    @Test func `burst bounds any one second, whatever the minute would admit`() throws {
        let keys = (0..<10).map { _ in Fresh.text(40, prefix: "sk-") }
        let names = keys.indices.map { "KEY_\($0)" }.joined(separator: ", ")
        let gate = try Gate(
            """
            auth: { keys: { mode: env-key, match: any, variables: [\(names)] } }
            limits: { per-key: { by: key, requests_per_minute: 100, burst: 3 } }
            routes: [{ path: /**, auth: keys, limits: per-key, respond: { text: in } }]
            """, environment: keys.enumerated().map { "KEY_\($0)=\($1)" })
        // Why again and again: on a busy machine a volley may take more than a second.
        let wasQuick = try keys.contains { key in
            let client = try gate.connect()
            let start = Clock.seconds
            try client.send(String(repeating: gate.request(fields: bearer(key)), count: 20))
            let answers = try (0..<20).map { _ in try client.readResponse() }
            guard Clock.seconds - start < 1 else { return false }
            #expect(answers.map(\.status) == passed(3, of: 20))
            let refused = try #require(answers.last)
            #expect(refused["retry-after"] == "1")
            #expect(refused.errorMessage == "Rate limit of 3 requests per second exceeded (per-key)")
            try waitUntil("room again") {
                try gate.exchange(fields: bearer(key)).status == 200
            }
            return true
        }
        #expect(wasQuick)
    }

    // MARK: - Whose

    /// Users by name, each with keys; nil: without a limit of its own.
    private func members(_ users: [(name: String, limits: [Int?])]) throws -> (gate: Gate, keys: [String]) {
        let config = """
            stores: { main: { sqlite: app.db, password_cost: 4 } }
            auth: { members: { mode: user-keys, store: main } }
            limits:
              per-key: { by: key, requests_per_minute: 4 }
              per-user: { by: user, requests_per_minute: 4 }
              hourly: { by: key, requests_per_minute: 100, requests_per_hour: 6 }
              per-ip: { by: ip, requests_per_minute: 9 }
            routes:
              - { path: /key, auth: members, limits: per-key, respond: { text: in } }
              - { path: /user, auth: members, limits: per-user, respond: { text: in } }
              - { path: /hour, auth: members, limits: hourly, respond: { text: in } }
              - { path: /ip, auth: members, limits: [per-key, per-ip], respond: { text: in } }
              - { path: /free, auth: members, respond: { text: in } }
            """
        var keys: [String] = []
        let gate = try Gate.withStore(config) { commands in
            for user in users {
                try commands.addUser(user.name)
                for limit in user.limits { keys.append(try commands.createKey(of: user.name, limit: limit)) }
            }
        }
        return (gate, keys)
    }

    @Test func `all keys of a user count as one by user, each for itself by key`() throws {
        let (gate, keys) = try members([("ann", [nil, nil]), ("bob", [nil])])
        #expect(try statuses(gate, 3, "/user", key: keys[0]) == [200, 200, 200])
        #expect(try statuses(gate, 3, "/user", key: keys[1]) == passed(1, of: 3))
        #expect(try statuses(gate, 1, "/user", key: keys[0]) == [429])
        #expect(try statuses(gate, 5, "/user", key: keys[2]) == passed(4, of: 5))
        for key in keys { #expect(try statuses(gate, 5, "/key", key: key) == passed(4, of: 5)) }
    }

    @Test func `a key's own limit stands in place of requests per minute, and of nothing else`() throws {
        let (gate, keys) = try members([("ann", [2, 8, nil, 20, 20])])
        #expect(try statuses(gate, 4, "/key", key: keys[0]) == passed(2, of: 4))
        let refused = try gate.exchange("GET", "/user", fields: bearer(keys[0]))
        #expect(refused.status == 429, "it is one on all routes")
        #expect(refused.errorMessage?.hasPrefix("Rate limit of 2 requests per minute exceeded") == true)
        #expect(refused["x-ratelimit-limit-requests"] == "2")
        #expect(try statuses(gate, 10, "/key", key: keys[1]) == passed(8, of: 10))
        #expect(try statuses(gate, 6, "/key", key: keys[2]) == passed(4, of: 6))
        #expect(try statuses(gate, 8, "/hour", key: keys[3]) == passed(6, of: 8), "the hour holds")
        #expect(try statuses(gate, 12, "/ip", key: keys[4]) == passed(9, of: 12), "so does the address")
        #expect(try statuses(gate, 12, "/free", key: keys[4]) == passed(11, of: 12), "nine were used")
    }

    @Test func `by key and model each pair has its own count`() throws {
        let (keys, upstream) = (
            ["sk-first-0123456789", "sk-second-012345678"], try ScriptedUpstream.saying("in")
        )
        let gate = try Gate(
            """
            auth: { keys: { mode: env-key, match: any, variables: [FIRST, SECOND] } }
            limits: { pairs: { by: [key, model], requests_per_minute: 3 } }
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: keys, limits: pairs, to: up }]
            """, environment: ["FIRST=\(keys[0])", "SECOND=\(keys[1])"])
        for key in keys {
            for model in ["large", "small"] {
                let statuses = try (0..<5).map { _ in
                    try gate.chat(model: model, fields: bearer(key)).status
                }
                #expect(statuses == passed(3, of: 5), "\(key) \(model)")
            }
        }
        #expect(upstream.requests.count == 12)
    }

    // MARK: - Several

    @Test func `all limits of a route must pass, and who is refused by one counts in none`() throws {
        let keys = (0..<3).map { _ in Fresh.text(40, prefix: "sk-") }
        let gate = try Gate(
            """
            auth: { keys: { mode: env-key, match: any, variables: [KEY_0, KEY_1, KEY_2] } }
            limits:
              everybody: { by: ip, requests_per_minute: 5 }
              per-key: { by: key, requests_per_minute: 2 }
            routes: [{ path: /**, auth: keys, limits: [everybody, per-key], respond: { text: in } }]
            """, environment: keys.enumerated().map { "KEY_\($0)=\($1)" })
        #expect(try statuses(gate, 9, key: keys[0]) == passed(2, of: 9))
        let refused = try gate.exchange(fields: bearer(keys[0]))
        #expect(refused.errorMessage == "Rate limit of 2 requests per minute exceeded (per-key)")
        #expect(refused["ratelimit"]?.contains(#""everybody";r=3"#) == true, "\(refused.fields)")
        #expect(try statuses(gate, 9, key: keys[1]) == passed(2, of: 9))
        #expect(try statuses(gate, 9, key: keys[2]) == passed(1, of: 9))
        let last = try gate.exchange(fields: bearer(keys[2]))
        #expect(last.errorMessage == "Rate limit of 5 requests per minute exceeded (everybody)")
        #expect(last["ratelimit"]?.contains(#""per-key";r=1"#) == true, "\(last.fields)")
    }
}
