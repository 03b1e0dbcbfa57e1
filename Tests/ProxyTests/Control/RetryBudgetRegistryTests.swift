import Config
import Testing

@testable import Proxy

private func config(_ upstreams: String) throws -> GatewayConfig {
    let text =
        "version: 1\nlisteners: { one: unix:/tmp/x }\nauth: { a: { mode: none } }\n"
        + "upstreams: { \(upstreams) }\nroutes: [{ path: /, auth: a, respond: { text: x } }]"
    let draft = try #require(ConfigDocument.parse(Array(text.utf8), file: "x").document).draft { _ in nil }
    return try #require(draft.config)
}

@Suite struct RetryBudgetRegistryTests {
    private let registry = RetryBudgetRegistry()

    /// As a reload does. The budgets live as long as what is returned.
    private func serve(_ upstreams: String) throws -> [String: RetryBudget] {
        let config = try config(upstreams)
        let budgets = registry.budgets(of: config)
        registry.commit(budgets, of: config)
        return budgets
    }

    @Test func `an upstream keeps its budget, whatever else becomes of it`() throws {
        let first = try serve("a: http://a, b: http://b")
        #expect(first.keys.sorted() == ["a", "b"] && first["a"] !== first["b"])
        let second = try serve("a: { url: http://other, retry: { budget: 50% } }, c: http://c")
        #expect(second["a"] === first["a"] && second["b"] == nil)
        // Gone from the file, and still in use by requests of before.
        let third = try serve("b: http://b, a: http://a")
        #expect(third["b"] === first["b"] && third["a"] === first["a"])
    }

    @Test func `what is not published is not remembered`() throws {
        let served = try serve("a: http://a")
        let next = registry.budgets(of: try config("a: http://a, b: http://b"))
        #expect(next["a"] === served["a"])
        #expect(registry.budgets(of: try config("b: http://b"))["b"] !== next["b"])
    }

    @Test func `a budget goes with the last generation that has it`() throws {
        weak var budget: RetryBudget?
        do { budget = try serve("a: http://a")["a"] }
        #expect(budget == nil)
    }
}
