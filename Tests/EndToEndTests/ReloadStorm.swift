import Glibc
import Testing

@testable import CLI

/// Many reloads, and big ones.
@Suite(.scenario) struct ReloadStorm {
    @Test func `a thousand SIGHUPs in a few seconds hurt nobody`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        func config(_ round: Int) -> String {
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /**, auth: open, to: up, response_headers: { set: { X-Round: "\(round)" } } }
            """
        }
        let gate = try Gate(config(0))
        let client = try gate.connect()
        for round in 1...100 {
            try gate.edit(config(round))
            for _ in 0..<10 { gate.process.send(SIGHUP) }
            try client.send(gate.request("POST", "/", body: "x"))
            let response = try client.readResponse()
            #expect(response.status == 200 && response.text == "x")
        }
        let result = try gate.reload()
        #expect(result.code == 0)
        #expect(try gate.exchange()["x-round"] == "100")
        try waitUntil("older generations to be let go") { try gate.requireStatus()["generations_alive"] == 1 }
        #expect(try gate.requireStatus()["last_failure"] == .null)
    }

    @Test func `ten thousand routes are taken over while requests run`() throws {
        func config(_ text: String) -> String {
            "routes:\n"
                + (0..<10_000).map {
                    "  - { path: /r\($0), auth: open, respond: { text: \"\(text) \($0)\" } }\n"
                }.joined()
        }
        let gate = try Gate(config("first"))
        #expect(try gate.exchange("GET", "/r9999").text == "first 9999")
        try gate.edit(config("second"))
        let result = try gate.reload()
        #expect(result.code == 0, "\(result.errors)")
        #expect(try gate.exchange("GET", "/r0").text == "second 0")
        #expect(try gate.exchange("GET", "/r9999").text == "second 9999")
        #expect(try gate.exchange("GET", "/r10000").status == 404)
    }
}
