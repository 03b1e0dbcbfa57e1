import Testing

@testable import Proxy

// Covers RecordedTrace.swift

private let callers = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

@Suite struct TracingTests {
    private func get(_ fields: String = "") -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    /// What the upstream sees, and what the exchange leaves.
    private func exchange(
        _ request: String, _ plan: TelemetryPlan? = TelemetryPlan(percent: 100),
        _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws -> (seen: TestMessage, trace: RecordedTrace) {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.telemetry = plan
            change(&$0)
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(request)
        let endpoint = try upstream.accept()
        let seen = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 204 No Content\r\n\r\n")
        _ = try client.readMessage()
        return (seen, try worker.record().record.trace)
    }

    private func parse(_ text: String?) -> TraceParent? {
        text.flatMap { text in withExactBytes(text) { TraceParent(parsing: UnsafeRawBufferPointer($0)) } }
    }

    @Test func `without telemetry everything passes as it came`() throws {
        let fields = "traceparent: nonsense\r\ntracestate: a=1\r\n"
        let (seen, trace) = try exchange(get(fields), nil)
        #expect(seen["traceparent"] == "nonsense" && seen["tracestate"] == "a=1" && !trace.isOn)
    }

    @Test(arguments: [("01", true), ("00", false), ("03", true)])
    func `a caller's trace goes on, with our span as its parent, sampled as the caller says`(
        flags: String, isSampled: Bool
    ) throws {
        let given = callers.dropLast(2) + flags
        let fields = "traceparent: \(given)\r\ntracestate: a=1\r\n"
        for percent in [0, 100] {
            let (seen, trace) = try exchange(get(fields), TelemetryPlan(percent: percent))
            let sent = try #require(parse(seen["traceparent"]))
            #expect(seen.values("traceparent").count == 1 && seen["tracestate"] == "a=1")
            #expect(sent.traceHigh == 0x4bf9_2f35_77b3_4da6 && sent.traceLow == 0xa3ce_929d_0e0e_4736)
            #expect(trace.parentID == 0x00f0_67aa_0ba9_02b7 && trace.isSampled == isSampled)
            #expect(sent.parentID == trace.span(ofAttempt: 1) && sent.flags == (isSampled ? 1 : 0))
        }
    }

    @Test func `where the caller has none, or no valid one, a trace begins`() throws {
        for fields in [
            "", "traceparent: nonsense\r\ntracestate: a=1\r\n",
            "traceparent: \(callers)\r\ntraceparent: \(callers)\r\n",
        ] {
            let (seen, trace) = try exchange(get(fields))
            let sent = try #require(parse(seen["traceparent"]))
            #expect(trace.parentID == 0 && trace.isSampled && sent.flags == 1 && seen["tracestate"] == nil)
            #expect(sent.traceHigh == trace.high && sent.traceLow == trace.low)
            #expect(sent.traceLow != 0xa3ce_929d_0e0e_4736)
        }
        #expect(try !exchange(get(), TelemetryPlan(percent: 0)).trace.isSampled)
    }

    @Test func `a route may set the field by itself`() throws {
        let line = Array("traceparent: ours\r\n".utf8)
        let edits = HeaderEdits(
            assignments: [.init(name: Array("traceparent".utf8), line: line)], removals: [])
        let (seen, _) = try exchange(get("traceparent: \(callers)\r\n")) {
            $0.routes = [.test(requestHeaders: edits)]
        }
        #expect(seen.values("traceparent") == ["ours"])
    }

    @Test func `each attempt has a span of its own`() throws {
        let scene = try ModelScene([.test("m", [(0, .asSent), (1, .asSent)])]) {
            $0.telemetry = TelemetryPlan(percent: 100)
        }
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"m"}"#))
        let first = try scene.first.accept()
        let one = try #require(parse(try first.readMessage()["traceparent"]))
        try first.send(ModelScene.answer("503 No"))
        let second = try scene.second.accept()
        let two = try #require(parse(try second.readMessage()["traceparent"]))
        try second.send(ModelScene.answer())
        _ = try scene.client.readMessage()
        let trace = try scene.worker.record().record.trace
        #expect(one.traceLow == two.traceLow && one.parentID != two.parentID)
        #expect([1, 2].map { trace.span(ofAttempt: $0) } == [one.parentID, two.parentID])
        #expect(![one.parentID, two.parentID].contains(trace.spanID))
    }

    @Test func `spans of attempts are never zero and never alike`() {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<1000 {
            let trace = RecordedTrace(high: 1, low: 1, spanID: random.next())
            let spans = (1...64).map { trace.span(ofAttempt: UInt8($0)) }
            #expect(Set(spans).count == 64 && !spans.contains(0))
        }
    }
}
