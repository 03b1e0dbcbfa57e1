import Glibc
import Testing

@testable import CLI

/// Limits by day and month with `usage`: what is used stays used, over a crash, a restart and every edit.
@Suite(.scenario) struct BudgetSurvivesKill {
    /// An output token costs a cent.
    private static let config = """
        stores: { main: app.db }
        usage: main
        models: { "*": { max_output: 1k, price: { input: 0, output: 10000 } } }
        limits:
          tokens: { by: ip, tokens: output, tokens_per_day: 1000, charge: { client_gone: nothing } }
          money: { by: ip, usd_per_month: 10, charge: { client_gone: nothing } }
        upstreams: { up: "http://$MOCK" }
        routes:
          - { path: /tokens/**, auth: open, limits: tokens, strip_prefix: /tokens, to: up }
          - { path: /money/**, auth: open, limits: money, strip_prefix: /money, to: up }
        """

    private enum Budget: String, CaseIterable {
        case tokens, money

        var code: String { self == .tokens ? "rate_limit_exceeded" : "insufficient_quota" }
    }

    private final class Scene {
        let folder: Folder
        private(set) var gate: Gate
        private(set) var mock: Address

        init(_ config: String = BudgetSurvivesKill.config) throws {
            folder = try Folder()
            mock = try Address.free()
            gate = try Self.start(config, folder, mock)
        }

        private static func start(_ config: String, _ folder: Folder, _ mock: Address) throws -> Gate {
            try Gate.withStore(
                config.replacing("$MOCK", with: mock.authority), folder: folder,
                options: ["--mock", mock.authority])
        }

        /// Ends it by the signal, and starts another with the same files.
        func restart(after signal: Int32, _ config: String = BudgetSurvivesKill.config) throws {
            gate.process.send(signal)
            let code = try gate.process.waitForExit()
            #expect(code == (signal == SIGKILL ? 128 + SIGKILL : 0), "\(gate.process.errors)")
            mock = try Address.free()
            gate = try Self.start(config, folder, mock)
        }

        func reconfigure(_ config: String) throws {
            try gate.reconfigure(config.replacing("$MOCK", with: mock.authority))
        }

        /// Uses so many tokens, or cents.
        func use(_ amount: Int, of budget: Budget, beside running: Int = 0) throws {
            let answer = try ask(amount, of: budget)
            try waitForSettlement(besides: running)
            guard answer.status == 200 else { throw Trouble("\(budget): \(answer.status) \(answer.text)") }
        }

        func ask(_ amount: Int, of budget: Budget) throws -> Response {
            try gate.chat(
                "\"max_tokens\":\(amount),", fields: ["x-mock-chunks: \(amount)"], path: path(budget))
        }

        /// So much is left: one more is refused, and this much is not. Takes nothing.
        func expectLeft(_ amount: Int, of budget: Budget, _ note: String) throws {
            let running = try gate.sum("exchanges_running")
            let refused = try ask(amount + 1, of: budget)
            #expect(refused.status == 429 && refused.errorCode == budget.code, "\(note): \(refused.text)")
            guard amount > 0 else { return }
            // An answer of an error is charged nothing.
            let admitted = try gate.chat(
                "\"max_tokens\":\(amount),", fields: ["x-mock-status: 400"], path: path(budget))
            #expect(admitted.status == 400, "\(note): \(admitted.text)")
            try waitForSettlement(besides: running)
            guard budget == .tokens else { return }
            #expect(admitted["x-ratelimit-remaining-tokens"] == "0", "\(note)")
        }

        /// An exchange is settled behind its answer, and the next one may come to another worker before.
        func waitForSettlement(besides running: Int = 0) throws {
            try waitUntil("exchanges to be settled") { try gate.sum("exchanges_running") <= running }
        }

        /// A stream that has that much reserved, and stands still behind its first piece of text.
        func beginStream(_ amount: Int, of budget: Budget) throws -> Connection {
            let client = try gate.connect()
            let fields = ["x-mock-chunks: \(amount)", "x-mock-chunk-delay-ms: 3600000"]
            let more = "\"stream\":true,\"max_tokens\":\(amount),"
            try client.send(gate.chatRequest(more, fields: fields, path: path(budget)))
            for _ in 0..<2 { _ = try client.readThrough("\n\n") }
            return client
        }

        private func path(_ budget: Budget) -> String { "/\(budget.rawValue)/v1/chat/completions" }
    }

    @Test func `after kill -9 what was used is used, and what running streams had reserved as well`() throws {
        let scene = try Scene()
        for budget in Budget.allCases { try scene.use(30, of: budget) }
        let streams = try Budget.allCases.flatMap { budget in
            try (0..<2).map { _ in try scene.beginStream(100, of: budget) }
        }
        // What is written with these was there before them.
        for budget in Budget.allCases { try scene.use(10, of: budget, beside: streams.count) }
        try scene.gate.waitForUsage(of: 4)
        try scene.restart(after: SIGKILL)
        for stream in streams { #expect(try stream.waitForEnd() != nil) }
        for budget in Budget.allCases { try scene.expectLeft(1000 - 240, of: budget, "killed") }
        // A second time nothing is added.
        try scene.restart(after: SIGKILL)
        for budget in Budget.allCases { try scene.expectLeft(1000 - 240, of: budget, "killed again") }
    }

    /// S2-41, S2-43: what a user may use is known over a restart.
    @Test func `an orderly restart keeps the figures as they are`() throws {
        let scene = try Scene()
        for (round, used) in [30, 60, 90].enumerated() {
            for budget in Budget.allCases { try scene.use(30, of: budget) }
            try scene.restart(after: SIGTERM)
            for budget in Budget.allCases { try scene.expectLeft(1000 - used, of: budget, "round \(round)") }
        }
        let row = try #require(try scene.gate.usageByModel()["m"])
        #expect(row["output_tokens"] == 180)
    }

    @Test func `an edit of the number keeps what was used: more is room, less is none`() throws {
        let scene = try Scene()
        for budget in Budget.allCases { try scene.use(40, of: budget) }
        for max in [2000, 900, 45, 40, 20, 1000] {
            try scene.reconfigure(
                Self.config.replacing("tokens_per_day: 1000", with: "tokens_per_day: \(max)")
                    .replacing("usd_per_month: 10", with: "usd_per_month: \(Double(max) / 100)")
                    .replacing("max_output: 1k", with: "max_output: \(min(max, 1000))"))
            for budget in Budget.allCases {
                // Beyond what one answer may come to, others have to take a part.
                let streams = try max > 1000 ? [scene.beginStream(1000, of: budget)] : []
                let left = max - 40 - streams.count * 1000
                try scene.expectLeft(Swift.max(0, left), of: budget, "of \(max)")
                // By `charge` this takes nothing.
                for stream in streams { stream.close() }
                try scene.waitForSettlement()
            }
        }
    }

    @Test func `neither another name of the store nor usage off and on refills`() throws {
        let scene = try Scene()
        let renamed = Self.config.replacing("{ main: app.db }", with: "{ other: app.db }")
            .replacing("usage: main", with: "usage: other")
        let off = Self.config.replacing("usage: main\n", with: "")
        let made = try run(
            [Gate.program, "db", "init", "--no-admin", "--db", scene.folder("new.db")], in: scene.folder)
        #expect(made.code == 0, "\(made.errors)")
        let elsewhere = Self.config.replacing("app.db", with: "new.db")
        var used = 0
        for (name, config) in [
            ("as it was", Self.config), ("renamed", renamed), ("off", off), ("on", Self.config),
            ("in another file", elsewhere),
        ] {
            try scene.reconfigure(config)
            for budget in Budget.allCases { try scene.use(20, of: budget) }
            used += 20
            for budget in Budget.allCases { try scene.expectLeft(1000 - used, of: budget, name) }
        }
        // The other file has it all.
        try scene.restart(after: SIGTERM, elsewhere)
        for budget in Budget.allCases { try scene.expectLeft(1000 - used, of: budget, "restarted") }
    }
}
