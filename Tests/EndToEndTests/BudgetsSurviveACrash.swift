import Glibc
import Testing

@testable import CLI

/// What was used stays used, however the gateway ends.
@Suite(.scenario) struct BudgetsSurviveACrash {
    @Test(arguments: [SIGKILL, SIGTERM])
    func `a budget goes on where it was, and what was used is written down`(signal: Int32) throws {
        let upstream = try ScriptedUpstream.saying("in")
        let folder = try Folder()
        let made = try run([Gate.program, "db", "init", "--no-admin", "--db", folder("app.db")], in: folder)
        #expect(made.code == 0, "\(made.errors)")
        let config = """
            stores: { main: app.db }
            usage: main
            limits: { daily: { by: ip, requests_per_day: 3 } }
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: open, limits: daily, to: up }]
            """
        let first = try Gate(config, folder: folder)
        func ask(_ gate: Gate) throws -> Int {
            try gate.exchange(
                "POST", "/v1/chat/completions", fields: ["Content-Type: application/json"],
                body: #"{"model":"m","messages":[]}"#
            ).status
        }
        for _ in 0..<2 { #expect(try ask(first) == 200) }
        func written() throws -> Int? {
            let result = try run(
                [Gate.program, "usage", "--by", "upstream", "--json", "-c", folder(Gate.configName)],
                in: folder)
            let row = try parseJSON(result.output)["rows"]?.arrayValue?.first
            return row?["upstream"] == "up" ? row?["requests"]?.integerValue : nil
        }
        if signal == SIGKILL {
            try waitUntil("what was used to be written", within: 10) { try written() == 2 }
            first.process.send(signal)
            _ = try first.process.waitForExit()
            Scenario.forget(first.process)
        } else {
            first.process.send(signal)
            #expect(try first.process.waitForExit() == 0)
            #expect(try written() == 2)
        }
        let second = try Gate(config, folder: folder)
        #expect(try ask(second) == 200)
        #expect(try ask(second) == 429)
    }
}
