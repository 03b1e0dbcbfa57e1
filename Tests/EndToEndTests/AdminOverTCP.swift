import Glibc
import Testing

@testable import CLI

/// `admin:`: the admin endpoint over TCP, for those who have the token.
@Suite(.scenario) struct AdminOverTCP {
    private static let token = "a-token-that-nobody-guesses"

    private func config(_ port: Address, _ upstream: String, more: String = "", token: String = token)
        -> String
    {
        """
        admin: { bind: "\(port.description)", token: "\(token)"\(more) }
        upstreams: { up: \(upstream) }
        access_log: off
        """
    }

    private func ask(
        _ gate: Gate, _ port: Address, _ path: String, token: String? = token
    ) throws -> Response {
        try gate.exchange("GET", path, fields: token.map { ["Authorization: Bearer \($0)"] } ?? [], at: port)
    }

    @Test func `whoever has the token sees all, whoever has none sees that it lives`() throws {
        let upstream = try ScriptedUpstream.answering { _ in ok("x") }
        let port = try Address.free()
        let gate = try Gate(config(port, upstream.url))
        #expect(try ask(gate, port, "/livez", token: nil).status == 200)
        #expect(try ask(gate, port, "/readyz", token: nil).status == 200)
        for path in ["/", "/status", "/healthz", "/metrics", "/nothing"] {
            let refused = try ask(gate, port, path, token: nil)
            #expect(refused.status == 401, "\(path)")
            #expect(refused["www-authenticate"]?.hasPrefix("Bearer") == true)
            #expect(try ask(gate, port, path, token: Self.token + "x").status == 401)
        }
        for path in ["/", "/status", "/healthz?verbose", "/metrics"] {
            #expect(try ask(gate, port, path).status == 200, "\(path)")
        }
        #expect(try ask(gate, port, "/nothing").status == 404)
        let list = try ask(gate, port, "/").text
        #expect(list.contains(#""path":"/readyz""#))
    }

    @Test func `an upgrade takes the port along, and strangers send no bodies`() throws {
        let upstream = try ScriptedUpstream.answering { _ in ok("x") }
        let port = try Address.free()
        let gate = try Gate(config(port, upstream.url))
        let successor = try gate.upgrade()
        let status = try ask(gate, port, "/status").json()
        #expect(status["pid"]?.integerValue == Int(successor.pid))
        let refused = try gate.exchange("GET", "/livez", body: "x", at: port)
        #expect(refused.status == 413)
    }

    /// Ten a second: 1 % of a core is a millisecond for each. With 30 busy routes; each costs about as much.
    @Test func `scraping ten times a second costs less than a hundredth of a core`() throws {
        let upstream = try ScriptedUpstream.answering { _ in ok("x") }
        let port = try Address.free()
        let routes = (0..<30).map { "  - { path: /r\($0), auth: open, to: up }" }.joined(separator: "\n")
        let gate = try Gate(config(port, upstream.url) + "\nroutes:\n" + routes)
        for number in 0..<30 { #expect(try gate.exchange("GET", "/r\(number)").status == 200) }
        let scrapes = 200
        let before = gate.process.cpuSeconds
        for _ in 0..<scrapes { #expect(try ask(gate, port, "/metrics").status == 200) }
        let each = (gate.process.cpuSeconds - before) / Double(scrapes)
        // Built without optimisation, or with a sanitizer, it says nothing.
        if getenv("HEADGATE_BINARY") != nil, !ChildProcess.isSanitized { #expect(each < 0.001, "\(each) s") }
    }

    @Test func `a reload moves the port, changes the token and opens the metrics`() throws {
        let upstream = try ScriptedUpstream.answering { _ in ok("x") }
        let (first, second) = (try Address.free(), try Address.free())
        let gate = try Gate(config(first, upstream.url))
        try gate.reconfigure(config(first, upstream.url, token: "another-token-of-it"))
        #expect(try ask(gate, first, "/status").status == 401)
        #expect(try ask(gate, first, "/status", token: "another-token-of-it").status == 200)
        try gate.reconfigure(config(second, upstream.url, more: ", metrics: open"))
        #expect(try ask(gate, second, "/metrics", token: nil).status == 200)
        #expect(try ask(gate, second, "/status", token: nil).status == 401)
        #expect(throws: (any Error).self) { try ask(gate, first, "/livez", token: nil) }
        // A port that is taken is like a listener's: the reload fails, and what is served stays.
        let taken = try Listener(first)
        defer { taken.close() }
        try gate.edit(config(first, upstream.url))
        let failed = try gate.reload()
        #expect(failed.code == 1)
        #expect(failed.errors.contains("admin.bind") || failed.errors.contains("address already in use"))
        #expect(try ask(gate, second, "/status").status == 200)
        try gate.reconfigure("upstreams: { up: \(upstream.url) }\naccess_log: off")
        #expect(throws: (any Error).self) { try ask(gate, second, "/livez", token: nil) }
        #expect(try gate.exchange().status == 200)
    }

    @Test func `at a stop readiness goes first`() throws {
        let isEnding = Signal()
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try connection.send(streamHead + chunk("data: 0\n\n"))
                while !isEnding.isOpen(), !connection.wire.hasEnded { pace(0.02) { !isEnding.isOpen() } }
                try connection.send("0\r\n\r\n")
            }
        }
        let port = try Address.free()
        let gate = try Gate(config(port, upstream.url))
        let client = try gate.connect()
        try client.send(gate.request())
        _ = try client.readThrough("data: 0\n\n")
        #expect(try ask(gate, port, "/metrics").text.contains("headgate_streams_running 1\n"))
        gate.process.send(SIGTERM)
        try waitUntil("readiness to turn") { try ask(gate, port, "/readyz", token: nil).status == 503 }
        #expect(try ask(gate, port, "/readyz").text.contains("stopping"))
        #expect(try ask(gate, port, "/livez", token: nil).status == 200)
        isEnding.open()
        _ = try client.readToEnd()
        #expect(try gate.process.waitForExit() == 0)
    }

    @Test func `Prometheus reads what has happened, and a reload takes nothing back`() throws {
        let answer = #"{"usage":{"prompt_tokens":10,"completion_tokens":3}}"#
        let upstream = try ScriptedUpstream.answering { _ in
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)"
        }
        let port = try Address.free()
        func text(_ strip: String) -> String {
            config(port, upstream.url) + """

                limits: { few: { by: ip, requests_per_day: 3, tokens_per_day: 1M, default_reserve: 4k } }
                routes:
                  - { path: /v1/**, auth: open, limits: few, to: up\(strip) }
                  - { path: /gone, auth: open, respond: { status: 410 } }
                """
        }
        let gate = try Gate(text(""))
        let body = #"{"model":"m","messages":[],"max_tokens":9}"#
        for index in 0..<5 {
            let status = try gate.exchange("POST", "/v1/chat/completions", body: body).status
            #expect(status == (index < 3 ? 200 : 429))
        }
        #expect(try gate.exchange("GET", "/gone").status == 410)
        #expect(try gate.exchange("GET", "/elsewhere").status == 404)
        try gate.reconfigure(text(", add_prefix: /x"))
        try waitUntil("the last request to be counted") {
            try ask(gate, port, "/metrics").text.contains("{route=\"(none)\",class=\"4xx\"} 1\n")
        }
        let seen = try Python.run(
            "metrics.py", port.description, Self.token,
            #"headgate_requests_total{class="2xx",route="routes[0]"}=3"#,
            #"headgate_requests_total{class="4xx",route="routes[0]"}=2"#,
            #"headgate_requests_total{class="4xx",route="routes[1]"}=1"#,
            #"headgate_requests_total{class="4xx",route="(none)"}=1"#,
            #"headgate_errors_total{code="unknown_url"}=1"#,
            #"headgate_errors_total{code="rate_limit_exceeded"}=2"#,
            #"headgate_limit_refused_total{limit="few",number="requests_per_day"}=2"#,
            #"headgate_tokens_total{kind="input",upstream="up"}=30"#,
            #"headgate_tokens_total{kind="output",upstream="up"}=9"#,
            "headgate_generation_desired=2", "headgate_generation_active=2", "headgate_ready=1",
            #"headgate_reloads_total{result="reloaded"}=2"#, "headgate_requests_running=0",
            in: gate.folder)
        #expect(seen.code == 0, "\(seen.errors)")
    }
}
