import Testing

@testable import CLI

/// One endpoint of three fails while many ask: what can succeed does, nothing that may have been acted on is
/// sent twice, and the endpoint comes back when it is well again.
@Suite(.scenario) struct FailingEndpoints {
    struct Illness: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let conduct: FickleEndpoint.Conduct
        /// What `status` calls it.
        var state = "ejected"
        /// What a POST may come to that has reached the endpoint.
        let statuses: [Int]
    }

    static let illnesses = [
        Illness(testDescription: "it is killed", conduct: .isGone, statuses: [502]),
        Illness(testDescription: "it hangs", conduct: .hangs, statuses: [504]),
        Illness(testDescription: "it resets", conduct: .resets, statuses: [502]),
        Illness(
            testDescription: "it answers garbage", conduct: .says("\u{1}\u{2} what?\r\n\r\n"), statuses: [502]
        ),
        Illness(
            testDescription: "it closes within its head", conduct: .says("HTTP/1.1 200 OK\r\nConte"),
            statuses: [502]),
        Illness(
            testDescription: "it answers 500", conduct: .says(failure("500 Internal Server Error")),
            statuses: [500]),
        Illness(
            testDescription: "it answers 429 with Retry-After",
            conduct: .says(failure("429 Too Many Requests", "Retry-After: 1\r\n")), state: "cooling_down",
            statuses: [429]),
    ]

    private static func failure(_ status: String, _ fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(fields)Content-Length: 2\r\n\r\nno"
    }

    private func gate(_ endpoints: [FickleEndpoint], _ more: String = "") throws -> Gate {
        try Gate(
            """
            process: { workers: 2 }
            upstreams:
              up:
                endpoints: \(endpoints.list)
                timeouts: { first_byte: 300ms }
                health: { failures: 2, eject: 600ms, eject_max: 600ms }
                retry: { on: [connect, reset, stalled, 500, 429]\(more) }
            """)
    }

    /// Asks until the endpoint is left out and all have asked enough, and makes it well again.
    private func run(
        _ gate: Gate, _ endpoints: [FickleEndpoint], _ illness: Illness
    ) throws -> [Load.Outcome] {
        let load = Load(gate, clients: 6)
        try waitUntil("the load to begin") { load.count > 20 }
        try endpoints[1].become(illness.conduct)
        try waitUntil("the endpoint to be left out") {
            try gate.state(of: endpoints[1].url) == illness.state
        }
        let told = try gate.headgate("status", "--json", "--admin", gate.adminPath).output
        #expect(told.contains("\"\(illness.state)\""), "\(told)")
        try waitUntil("the load to go on") { load.count > 240 }
        let outcomes = try load.stop()
        try endpoints[1].become(.well)
        try waitUntil("the endpoint to be asked again") {
            try gate.exchange("GET", "/again").text == endpoints[1].name
        }
        #expect(try gate.state(of: endpoints[1].url) == "available")
        #expect(try gate.endpoint(endpoints[1].url)["reason"] == .null)
        return outcomes
    }

    @Test(arguments: illnesses) func `no GET fails, and no POST comes twice`(illness: Illness) throws {
        let endpoints = try ["a", "b", "c"].map(FickleEndpoint.init)
        let gate = try gate(endpoints)
        let outcomes = try run(gate, endpoints, illness)
        let (gets, posts) = (
            outcomes.filter { $0.method == "GET" }, outcomes.filter { $0.method == "POST" }
        )
        #expect(gets.filter { $0.status != 200 }.isEmpty, "\(gets.filter { $0.status != 200 })")
        let failed = posts.filter { $0.status != 200 }
        #expect(failed.allSatisfy { illness.statuses.contains($0.status) }, "\(failed)")
        #expect(failed.count < posts.count / 2, "\(failed.count) of \(posts.count)")
        let counts = endpoints.counts
        #expect(posts.allSatisfy { counts[$0.target, default: 0] <= 1 })
        #expect(try gate.sum("exchanges_running") == 0)
    }

    @Test(arguments: illnesses) func `with post no request fails at all`(illness: Illness) throws {
        let endpoints = try ["a", "b", "c"].map(FickleEndpoint.init)
        let gate = try gate(endpoints, ", post: true")
        let failed = try run(gate, endpoints, illness).filter { $0.status != 200 }
        #expect(failed.isEmpty, "\(failed)")
        let bodies = Set(endpoints.flatMap(\.requests).filter { $0.method == "POST" }.map(\.text))
        #expect(bodies == ["work"], "whole each time")
    }

    @Test func `one that is slow is no failure`() throws {
        let endpoints = try ["a", "b", "c"].map(FickleEndpoint.init)
        let gate = try gate(endpoints)
        try endpoints[1].become(.isSlow)
        let outcomes = try Load(gate, clients: 6, requestsMax: 40).finish()
        #expect(outcomes.count == 240 && outcomes.allSatisfy { $0.status == 200 })
        #expect(endpoints.counts.values.allSatisfy { $0 == 1 })
        #expect(try gate.endpoint(endpoints[1].url)["failures"] == 0)
        #expect(endpoints[1].requests.count > 60)
    }

    @Test func `where all are gone all are asked, and the first that is back answers`() throws {
        let endpoints = try ["a", "b", "c"].map(FickleEndpoint.init)
        let gate = try gate(endpoints)
        for endpoint in endpoints { try endpoint.become(.isGone) }
        for _ in 0..<4 { #expect(try gate.exchange().errorCode == "upstream_unreachable") }
        let states = try endpoints.map { try gate.state(of: $0.url) }
        #expect(states.contains("ejected"), "\(states)")
        try endpoints[2].become(.well)
        for _ in 0..<6 { #expect(try gate.exchange("POST", "/", body: "x").text == "c") }
    }
}
