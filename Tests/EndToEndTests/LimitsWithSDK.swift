import Testing

@testable import CLI

/// The `openai` package for Python at its limits: what it is told, and what it does about it.
@Suite(.scenario) struct LimitsWithSDK {
    private static let config = """
        upstreams: { up: "http://$MOCK/v1" }
        models:
          small: { max_output: 1, price: { input: 1000, output: 1000 } }
          "*": { max_output: 16k, price: { input: 1000, output: 1000 } }
        limits:
          quick: { by: ip, requests_per_second: 1 }
          tokens: { by: ip, tokens_per_minute: 400, default_reserve: 50 }
          cut: { by: ip, tokens_per_minute: 400, default_reserve: 50, on_exceed: cut }
          budget: { by: ip, usd_per_day: 1 }
        routes:
          - { path: /quick/v1/**, auth: open, limits: quick, to: up, strip_prefix: /quick }
          - { path: /tokens/v1/**, auth: open, limits: tokens, to: up, strip_prefix: /tokens }
          - { path: /cut/v1/**, auth: open, limits: cut, to: up, strip_prefix: /cut }
          - { path: /budget/v1/**, auth: open, limits: budget, to: up, strip_prefix: /budget }
        access_log: $FOLDER/access.log
        """

    @Test(arguments: [("told", "quick"), ("waits", "quick"), ("tokens_used_up", "tokens"), ("cut", "cut")])
    func `the package is told of its limits and keeps to them`(scenario: String, route: String) throws {
        try run(scenario, route, try start())
    }

    @Test(arguments: [("too_large", "tokens"), ("budget", "budget")])
    func `what no waiting helps is not asked again`(scenario: String, route: String) throws {
        let gate = try start()
        try run(scenario, route, gate)
        let record = try gate.record()
        #expect(record["status"] == 429)
        // A request of our own behind it, so that there is something to wait for.
        _ = try gate.exchange("GET", "/nowhere")
        let records = try waitFor("the last record") { () -> [MockJSON]? in
            let records = try gate.records()
            return records.last?["status"] == 404 ? records : nil
        }
        #expect(records.count == 2)
    }

    private func start() throws -> Gate {
        let mock = try Address.free()
        return try Gate(
            Self.config.replacing("$MOCK", with: mock.authority), options: ["--mock", mock.authority])
    }

    private func run(_ scenario: String, _ route: String, _ gate: Gate) throws {
        let result = try Python.run(
            "limits.py", scenario, "http://\(gate.address.authority)/\(route)/v1", in: gate.folder)
        #expect(result.code == 0, "\(scenario): \(result.output)\(result.errors)")
    }
}
