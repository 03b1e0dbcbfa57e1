import Glibc
import Testing

@testable import CLI

/// Traces: a receiver of another maker's gets one span for each exchange and each attempt.
@Suite(.scenario) struct Telemetry {
    private static let callers = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func config(_ up: ScriptedUpstream, _ dead: Address, _ telemetry: String) -> String {
        """
        access_log: off
        models: { fast: { first_of: [one, two/small] } }
        upstreams: { one: "http://\(dead.authority)", two: \(up.url) }
        routes: [{ path: /v1/**, auth: open, to: models }]
        telemetry: \(telemetry)
        """
    }

    /// All spans that the receiver has got, by what it has written down.
    private func spans(_ gate: Gate) throws -> [MockJSON] {
        try gate.records("spans").flatMap { body in
            body["resourceSpans"]?.arrayValue?.first?["scopeSpans"]?.arrayValue?.first?["spans"]?.arrayValue
                ?? []
        }
    }

    private func attribute(_ span: MockJSON, _ key: String) -> MockJSON? {
        span["attributes"]?.arrayValue?.first { $0["key"]?.stringValue == key }?["value"]
    }

    @Test func `a caller's trace goes through, with a span for the exchange and one for each attempt`() throws
    {
        let two = try ScriptedUpstream.saying("hello")
        let (dead, receiver) = (try Address.free(), try Address.free())
        let folder = try Folder()
        let collector = try ChildProcess(
            Python.command("otlp_receiver.py", receiver.authority, folder("spans")), in: folder)
        try waitUntil("the receiver") { (try? Connection(to: receiver)) != nil }
        let telemetry =
            "{ otlp: http://\(receiver.authority), headers: { x-api-key: { env: OTLP_KEY } }, service: edge }"
        let gate = try Gate(
            config(two, dead, telemetry), folder: folder, environment: ["OTLP_KEY=otlp-secret"])
        let answer = try gate.exchange(
            "POST", "/v1/chat/completions",
            fields: ["X-Request-Id: traced", "traceparent: \(Self.callers)", "tracestate: a=1"],
            body: chatBody(model: "fast"))
        #expect(answer.status == 200)
        let found = try waitFor("the spans", within: 20) { () -> [MockJSON]? in
            let found = try spans(gate)
            return found.count >= 3 ? found : nil
        }
        #expect(found.count == 3)
        #expect(found.allSatisfy { $0["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736" })
        let server = try #require(found.first { $0["kind"] == 2 })
        #expect(server["parentSpanId"] == "00f067aa0ba902b7" && server["name"] == "POST routes[0]")
        #expect(attribute(server, "headgate.request_id")?["stringValue"] == "traced")
        let attempts = found.filter { $0["kind"] == 3 }
        #expect(attempts.allSatisfy { $0["parentSpanId"] == server["spanId"] })
        #expect(attempts.map { $0["name"]?.stringValue } == ["POST one", "POST two"])
        #expect(attempts.first?["status"]?["code"] == 2 && attempts.last?["status"] == nil)
        let sent = try #require(two.requests.last?["traceparent"])
        #expect(sent == "00-4bf92f3577b34da6a3ce929d0e0e4736-\(attempts[1]["spanId"]?.stringValue ?? "")-01")
        #expect(two.requests.last?["tracestate"] == "a=1")
        // The receiver has them a moment before its answer is back.
        try waitUntil("them to count as sent") { try gate.requireStatus()["telemetry"]?["exported"] == 3 }
        #expect(try gate.requireStatus()["telemetry"]?["dropped"] == 0)
        try gate.reconfigure(config(two, dead, "off"))
        _ = try gate.exchange(
            "POST", "/v1/chat/completions", fields: ["traceparent: nonsense"], body: chatBody(model: "fast"))
        #expect(two.requests.last?["traceparent"] == "nonsense")
        #expect(try gate.requireStatus()["telemetry"] == .null)
        collector.send(SIGTERM)
    }

    @Test func `a receiver that is not there costs no request anything, and status says so`() throws {
        let two = try ScriptedUpstream.saying("hello")
        let (dead, receiver) = (try Address.free(), try Address.free())
        let gate = try Gate(config(two, dead, "http://\(receiver.authority)"))
        for _ in 0..<50 {
            #expect(try gate.exchange("POST", "/v1/x", body: chatBody(model: "fast")).text == "hello")
        }
        try waitUntil("the spans to be there") {
            let status = try gate.requireStatus()["telemetry"]
            return status?["waiting"] != .null && status?["exported"] == 0
        }
        gate.process.send(SIGTERM)
        #expect(try gate.process.waitForExit() == 0)
        #expect(gate.process.errors.contains("telemetry: "), "what is lost is told")
    }
}
