import Testing

@testable import Proxy

/// A worker with limits in front of an upstream whose part the test plays. Each request gets a connection of
/// its own there, unless told otherwise.
final class MeteredScene {
    /// Of a client without a credential.
    static let address = LimitSubject(high: 0, low: 0xFFFF_7F00_0001)
    /// 6 tokens by the estimate, 106 with those that it may come to.
    static let body = #"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":100}"#
    static let streaming =
        #"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":100,"stream":true}"#
    /// The same, with what the gateway puts into it.
    static let streamingWithUsage =
        String(streaming.dropLast()) + #","stream_options":{"include_usage":true}}"#
    /// One token.
    static let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
    /// 13 tokens.
    static let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":3}}\n\n"
    static let done = "data: [DONE]\n\n"
    static let streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    static let chunkedHead = streamHead + "Transfer-Encoding: chunked\r\n\r\n"

    let upstream: TestUpstream
    let worker: WorkerUnderTest
    let limits: [LimitPlan]
    /// What is there of every exchange that runs, and of none when it has ended.
    private let running = LimitPlan.test(.ip, [(.concurrent, .none, 100)])

    init(
        _ limits: [LimitPlan], upstream: TestUpstream? = nil, auth: [AuthPlan] = [],
        timeouts: UpstreamTimeouts = .patient,
        recordsUsage: Bool = true, reuses: Bool = false, inspectBodyMax: Int = RoutePlan.inspectBodyMax,
        requestHeaders: HeaderEdits = .none, rateLimitFields: RateLimitFieldStyles = [.openai, .ietf],
        _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws {
        let upstream = try upstream ?? TestUpstream()
        self.upstream = upstream
        self.limits = limits
        var sketch = GenerationSketch(upstream)
        sketch.endpoints = [upstream.endpoint(maxIdle: reuses ? 8 : 0)]
        sketch.recordsUsage = recordsUsage
        sketch.routes = [
            .test(
                auth: auth, limits: limits + [running], action: .proxy(upstream: 0, timeouts: timeouts),
                requestHeaders: requestHeaders, rateLimitFields: rateLimitFields,
                inspectBodyMax: inspectBodyMax, recordsUsage: recordsUsage)
        ]
        change(&sketch)
        worker = try WorkerUnderTest(sketch)
    }

    /// Nothing runs any more, and nothing is held.
    func end() {
        #expect(eventually { worker.used(running.measures[0], by: MeteredScene.address) == 0 })
        #expect(eventually { worker.handle.bodies.bytesTaken == 0 })
        worker.stop()
    }

    // MARK: Asking

    static func request(
        _ body: String = body, to path: String = "/v1/chat/completions", version: String = "1.1",
        fields: String = ""
    ) -> String {
        "POST \(path) HTTP/\(version)\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    func send(_ request: String = request(), receiveBuffer: Int32? = nil) throws -> TestConnection {
        let client = try worker.connect(receiveBuffer: receiveBuffer)
        try client.send(request)
        return client
    }

    struct Asked {
        let client: TestConnection
        let endpoint: TestConnection
        let request: TestMessage
    }

    /// The upstream has the request, and is silent.
    func ask(_ text: String = request(), receiveBuffer: Int32? = nil) throws -> Asked {
        let client = try send(text, receiveBuffer: receiveBuffer)
        let endpoint = try upstream.accept()
        return Asked(client: client, endpoint: endpoint, request: try endpoint.readMessage())
    }

    /// The upstream's JSON, with the client's answer to it.
    @discardableResult
    func exchange(_ answer: String, _ text: String = request()) throws -> TestMessage {
        let asked = try ask(text)
        try asked.endpoint.send(MeteredScene.json(answer))
        return try asked.client.readMessage()
    }

    static func json(_ body: String, status: String = "200 OK", fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(fields)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func usage(_ input: Int, _ output: Int) -> String {
        #"{"choices":[{"message":{"content":"Hi"}}],"model":"m-1","#
            + #""usage":{"prompt_tokens":\#(input),"completion_tokens":\#(output)}}"#
    }

    static func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    // MARK: What has come of it

    /// Settled and reserved of a measure of one limit.
    func used(_ limit: Int = 0, _ measure: Int = 0, by subject: LimitSubject = address) -> UInt64 {
        worker.used(limits[limit].measures[measure], by: subject)
    }

    /// What is settled, once the exchange has ended: nothing of it is reserved then.
    func settled(_ limit: Int = 0, _ measure: Int = 0) -> UInt64 {
        #expect(eventually { worker.used(running.measures[0], by: MeteredScene.address) == 0 })
        return used(limit, measure)
    }

    /// Waits for the end of one exchange. - Returns: what it says it has used, if it does.
    func usage() throws -> SeenUsage? {
        _ = try worker.record()
        let seen = worker.usages()
        #expect(seen.count <= 1)
        return seen.first
    }
}
