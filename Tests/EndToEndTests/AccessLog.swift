import Glibc
import Testing

@testable import CLI

/// One record for each exchange, and no secret in it, nor anywhere else.
@Suite(.scenario) struct AccessLog {
    /// S2-44
    @Test func `each exchange leaves one record with what there is to know`() throws {
        let upstream = try ScriptedUpstream.answering { ok("answer to \($0.target)") }
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /up, auth: open, to: up }
              - { path: /here, auth: open, respond: { text: here } }
            access_log: $FOLDER/access.log
            """)
        let client = try gate.connect()
        try client.send(
            gate.request(
                "POST", "/up?q=1", fields: ["X-Request-Id: first", "Host: api.example"], body: "12345"))
        _ = try client.readResponse()
        try client.send(gate.request("GET", "/here", fields: ["X-Request-Id: second"]))
        _ = try client.readResponse()
        try client.send(gate.request("GET", "/nowhere", fields: ["X-Request-Id: third"]))
        _ = try client.readResponse()
        let records = try waitFor("three records") { () -> [MockJSON]? in
            let records = try gate.records()
            return records.count >= 3 ? records : nil
        }
        #expect(records.count == 3)
        let first = records[0]
        let expected: [(String, MockJSON)] = [
            ("request_id", "first"), ("client", "127.0.0.1"), ("listener", "main"), ("method", "POST"),
            ("path", "/up"),
            ("host", "api.example"), ("status", 200), ("code", .null), ("fault", "none"),
            ("outcome", "complete"),
            ("generation", 1), ("upstream", .string(upstream.url)), ("attempts", 1), ("reused", false),
            ("bytes_in", 5),
            ("bytes_out", 17),
        ]
        for (key, value) in expected { #expect(first[key] == value, "\(key)") }
        #expect(first["ts"]?.stringValue?.hasSuffix("Z") == true)
        for phase in ["head", "connect", "first_byte", "total"] {
            guard case .number(let milliseconds)? = first["ms"]?[phase] else {
                Issue.record("no ms.\(phase)")
                continue
            }
            #expect(milliseconds >= 0 && milliseconds < 10_000)
        }
        #expect(records[1]["request_id"] == "second" && records[1]["upstream"] == .null)
        #expect(
            records[2]["status"] == 404 && records[2]["code"] == "unknown_url"
                && records[2]["fault"] == "client")
    }

    @Test func `what could not be read as a request has its record, too`() throws {
        let gate = try Gate(
            "routes: [{ path: /x, auth: open, respond: { text: x } }]\naccess_log: $FOLDER/access.log")
        let client = try gate.connect()
        try client.send("nonsense\r\n\r\n")
        #expect(try client.readResponse().status == 400)
        let record = try gate.record()
        #expect(record["status"] == 400)
        #expect(record["fault"] == "client")
        #expect(record["code"]?.stringValue?.isEmpty == false)
    }

    @Test func `a file that is rotated away is opened again`() throws {
        let gate = try Gate(
            "routes: [{ path: /**, auth: open, respond: { text: x } }]\naccess_log: $FOLDER/access.log")
        _ = try gate.exchange("GET", "/1")
        _ = try gate.record { $0["path"] == "/1" }
        try gate.folder.move("access.log", to: "access.log.1")
        gate.process.send(SIGUSR1)
        try waitUntil("records in the new file") {
            _ = try gate.exchange("GET", "/2")
            return try gate.folder.exists("access.log") && gate.records().contains { $0["path"] == "/2" }
        }
        #expect(try gate.records("access.log.1").first?["path"] == "/1")
        // Without a signal, too.
        try gate.folder.move("access.log", to: "access.log.2")
        try waitUntil("records in the next file") {
            _ = try gate.exchange("GET", "/3")
            return try gate.folder.exists("access.log") && gate.records().contains { $0["path"] == "/3" }
        }
    }

    @Test func `records go to stdout by default, as text where wanted, or nowhere`() throws {
        let config = "routes: [{ path: /**, auth: open, respond: { text: x } }]\n"
        let gate = try Gate(config)
        _ = try gate.exchange("GET", "/default")
        try waitUntil("the record") { gate.process.output.contains("\"path\":\"/default\"") }
        try gate.reconfigure(config + "access_log: { to: stdout, format: text }")
        _ = try gate.exchange("GET", "/te\"xt")
        try waitUntil("the record") { gate.process.output.contains("\"GET /te\\x22xt\" 200 ") }
        try gate.reconfigure(config + "access_log: off")
        _ = try gate.exchange("GET", "/off")
        try gate.reconfigure(config + "access_log: stdout")
        _ = try gate.exchange("GET", "/on")
        try waitUntil("the record") { gate.process.output.contains("\"path\":\"/on\"") }
        #expect(!gate.process.output.contains("/off"))
    }

    @Test func `no record is lost under load or at a stop`() throws {
        let gate = try Gate(
            "routes: [{ path: /**, auth: open, respond: { text: x } }]\naccess_log: $FOLDER/access.log")
        let client = try gate.connect()
        let count = 3000
        for start in stride(from: 0, to: count, by: 100) {
            try client.send((start..<start + 100).map { gate.request("GET", "/\($0)") }.joined())
            for _ in 0..<100 { _ = try client.readResponse() }
        }
        gate.process.send(SIGTERM)
        #expect(try gate.process.waitForExit() == 0)
        #expect(try gate.records().map { $0["path"]?.stringValue } == (0..<count).map { "/\($0)" })
    }

    @Test func `secrets of clients and upstreams show up nowhere`() throws {
        let canary = "cAnArY\(getpid())x\(UInt64.random(in: 0 ... .max))"
        let upstream = try ScriptedUpstream.saying("x")
        let nobody = try Address.free()
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url), nobody: "http://\(nobody.authority)" }
            auth: { open: { mode: none, ignore_credentials: true }, strict: { mode: none } }
            routes:
              - { path: /nobody, auth: open, to: nobody }
              - { path: /strict, auth: strict, to: up }
              - { path: /**, auth: open, to: up, request_headers: { set: { Authorization: { env: CANARY } } } }
            access_log: $FOLDER/access.log
            """, environment: ["CANARY=Bearer \(canary)"])
        let fields = [
            "Authorization: Bearer \(canary)", "X-Api-Key: \(canary)", "Api-Key: \(canary)",
            "Cookie: session=\(canary)",
            "Proxy-Authorization: Basic \(canary)",
        ]
        for target in ["/?key=\(canary)", "/nobody?key=\(canary)", "/strict?key=\(canary)"] {
            for field in fields {
                let response = try gate.exchange(
                    "POST", target, fields: [field], body: "{\"key\":\"\(canary)\"}")
                #expect(!response.text.contains(canary), "\(target) \(field)")
            }
        }
        let malformed = try gate.connect()
        try malformed.send("GET / HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer \(canary)\r\n\r\n")
        #expect(try !malformed.readResponse().text.contains(canary))
        #expect(
            upstream.requests.contains { $0["authorization"] == "Bearer \(canary)" },
            "it goes where it belongs")
        var said: [(String, String)] = []
        for arguments in [["status"], ["status", "--json"], ["reload"], ["reload", "--json"]] {
            let result = try run([Gate.program] + arguments + ["--admin", gate.adminPath], in: gate.folder)
            said.append((arguments.joined(separator: " "), result.output + result.errors))
        }
        // A broken file that holds the secret itself, and is told about.
        try gate.edit(
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /**, auth: open, to: up, request_headers: { set: { Authorization: "Bearer \(canary)" } }, wrong: 1 }
            """)
        let reload = try gate.reload()
        #expect(reload.code == 1)
        for json in [[], ["--json"]] {
            let check = try run(
                [Gate.program, "check", gate.folder(Gate.configName)] + json, in: gate.folder)
            said.append(("check \(json)", check.output + check.errors))
        }
        gate.process.send(SIGTERM)
        #expect(try gate.process.waitForExit() == 0)
        said += [
            ("reload", reload.output + reload.errors), ("stdout", gate.process.output),
            ("stderr", gate.process.errors),
        ]
        said.append(("access log", gate.folder.read("access.log")))
        #expect(gate.folder.read("access.log").split(separator: "\n").count >= 16)
        for (place, text) in said where text.contains(canary) {
            Issue.record("a secret in \(place): \(text.suffix(600))")
        }
    }
}
