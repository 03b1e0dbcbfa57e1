import Testing

@testable import Proxy

// Covers Course.swift, TurnedAway.swift

/// Two upstreams and the models that lead to them.
struct ModelScene {
    let first: TestUpstream
    let second: TestUpstream
    let worker: WorkerUnderTest
    let client: TestConnection

    init(
        _ models: [ModelPlan], only: Int? = nil, firstByte: UInt64? = nil,
        _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws {
        let (first, second) = (try TestUpstream(), try TestUpstream())
        self.first = first
        self.second = second
        worker = try WorkerUnderTest(first) {
            $0.routes = [.test(action: .models(2, only: only, firstByte: firstByte))]
            $0.otherUpstreams = [.test("v", [second.endpoint(path: "/v1")])]
            $0.modelRoutes = models
            change(&$0)
        }
        client = try worker.connect()
    }

    static func post(_ body: String, fields: String = "") -> String {
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func answer(_ status: String = "200 OK", _ body: String = "ok", fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

private func fixed(_ name: String) -> ModelTarget.Name { .fixed(PlanText("\"\(name)\"")) }

@Suite struct `Requests that go by their model` {
    @Test func `each model has its upstream, and its name there`() throws {
        let scene = try ModelScene([
            .test("gpt-*", [(0, .asSent)]), .test("local/*", [(1, .stripped(6))]),
            .test("fast", [(1, fixed("llama"))]),
        ])
        defer { scene.worker.stop() }
        var kept: [Int: TestConnection] = [:]
        for (body, index, wanted) in [
            (#"{"model":"gpt-5","n":1}"#, 0, #"{"model":"gpt-5","n":1}"#),
            (#"{"model":"local\/mistral"}"#, 1, #"{"model":"mistral"}"#),
            (#"{"n":1,"model":"fast"}"#, 1, #"{"n":1,"model":"llama"}"#),
        ] {
            try scene.client.send(ModelScene.post(body))
            let endpoint = try kept[index] ?? (index == 0 ? scene.first : scene.second).accept()
            kept[index] = endpoint
            let request = try endpoint.readMessage()
            #expect(request.body == wanted && request["content-length"] == "\(wanted.utf8.count)")
            #expect(request.target == "/v1/chat/completions")
            try endpoint.send(ModelScene.answer())
            #expect(try scene.client.readMessage().body == "ok")
        }
    }

    @Test func `a model that nobody knows is 404, and a request without one 400`() throws {
        let scene = try ModelScene([.test("gpt-*", [(0, .asSent)]), .test("x", [(1, .asSent)])])
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"claude"}"#))
        let unknown = try scene.client.readMessage()
        #expect(unknown.status == 404 && unknown.code == "model_not_found")
        #expect(unknown.body.contains(#""param":"model""#))
        for request in [
            ModelScene.post("{}"), ModelScene.post(#"{"model":null}"#), ModelScene.post(#"{"model":7}"#),
            "GET /v1/files HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            try scene.client.send(request)
            let answer = try scene.client.readMessage()
            #expect(answer.status == 400 && answer.code == "missing_required_parameter")
        }
        try scene.client.send(ModelScene.post(#"{"model":"gpt-5","model":"x"}"#))
        #expect(try scene.client.readMessage().code == "duplicate_model")
    }

    @Test func `what names none goes where the star leads`() throws {
        let scene = try ModelScene([.test("*", [(0, .asSent)]), .test("x", [(1, .asSent)])])
        defer { scene.worker.stop() }
        try scene.client.send("GET /v1/files HTTP/1.1\r\nHost: a\r\n\r\n")
        let endpoint = try scene.first.accept()
        #expect(try endpoint.readMessage().target == "/v1/files")
    }

    @Test func `a default model stands in, and says where to`() throws {
        let model = (json: PlanText(#""local/m""#), name: PlanText("local/m"))
        let defaults = BodyDefaults(model: model, temperature: PlanText("0.7"))
        let scene = try ModelScene([.test("gpt-*", [(0, .asSent)]), .test("local/*", [(1, .stripped(6))])]) {
            $0.routes = [.test(action: .models(2), defaults: defaults)]
        }
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"n":1}"#))
        let endpoint = try scene.second.accept()
        #expect(try endpoint.readMessage().body == #"{"model":"m","temperature":0.7,"n":1}"#)
    }

    @Test func `with one place to go a body too large to be looked into streams there`() throws {
        let scene = try ModelScene([.test("gpt-5", [(0, .asSent)])], only: 0) {
            $0.routes = [.test(action: .models(2, only: 0), inspectBodyMax: 1024)]
        }
        defer { scene.worker.stop() }
        let body = #"{"messages":""# + String(repeating: "m", count: 5000) + #"","model":"gpt-5"}"#
        let request = ModelScene.post(body)
        try scene.client.send(String(request.prefix(3000)))
        let endpoint = try scene.first.accept()
        // The upstream has the first bytes before the last have come.
        _ = try endpoint.readText(through: "mmm")
        try scene.client.send(String(request.dropFirst(3000)))
        _ = try endpoint.readText(through: #""model":"gpt-5"}"#)
    }

    @Test func `with several it gets the 413 that names the bound`() throws {
        let scene = try ModelScene([.test("a", [(0, .asSent)]), .test("b", [(1, .asSent)])]) {
            $0.routes = [.test(action: .models(2), inspectBodyMax: 1024)]
        }
        defer { scene.worker.stop() }
        try scene.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
        let answer = try scene.client.readMessage()
        #expect(answer.status == 413 && answer.code == "body_too_large_to_inspect")
        #expect(answer.body.contains("1024") && answer.body.contains("inspect_body"))
    }
}

@Suite struct `Requests that go on elsewhere` {
    private static let both: ModelPlan = .test("fast", [(0, fixed("big")), (1, fixed("small"))])

    @Test func `first_of goes on when no connection comes about`() throws {
        let scene = try ModelScene([Self.both])
        defer { scene.worker.stop() }
        scene.first.state.publish([])
        try scene.client.send(ModelScene.post(#"{"model":"fast"}"#))
        let endpoint = try scene.second.accept()
        #expect(try endpoint.readMessage().body == #"{"model":"small"}"#)
        try endpoint.send(ModelScene.answer())
        #expect(try scene.client.readMessage().body == "ok")
        #expect(try scene.worker.record().record.attempts == 2)
    }

    @Test(arguments: [429, 500, 502, 503, 504, 529])
    func `first_of goes on when the answer says that nothing comes of it`(status: Int) throws {
        let scene = try ModelScene([Self.both])
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"fast","n":1}"#))
        let first = try scene.first.accept()
        #expect(try first.readMessage().body == #"{"model":"big","n":1}"#)
        try first.send(ModelScene.answer("\(status) No", "secret of the first"))
        let second = try scene.second.accept()
        #expect(try second.readMessage().body == #"{"model":"small","n":1}"#)
        try second.send(ModelScene.answer())
        let answer = try scene.client.readMessage()
        #expect(answer.status == 200 && answer.body == "ok")
    }

    @Test func `the last answer is passed on as it is`() throws {
        let scene = try ModelScene([Self.both])
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"fast"}"#))
        let first = try scene.first.accept()
        _ = try first.readMessage()
        try first.send(ModelScene.answer("503 No", "first"))
        let second = try scene.second.accept()
        _ = try second.readMessage()
        try second.send(ModelScene.answer("503 No", "second", fields: "Retry-After: 7\r\n"))
        let answer = try scene.client.readMessage()
        #expect(answer.status == 503 && answer.body == "second" && answer["retry-after"] == "7")
    }

    @Test func `what may have been acted on does not go on by itself`() throws {
        let scene = try ModelScene([Self.both])
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"fast"}"#))
        let first = try scene.first.accept()
        _ = try first.readMessage()
        first.reset()
        #expect(try scene.client.readMessage().code == "upstream_closed")
        #expect(scene.second.listener.accept(milliseconds: 20) == nil)
    }

    @Test func `with post it does, and when nothing comes in time as well`() throws {
        let retry = RetryPlan(attemptsMax: 1, causes: [.reset, .stalled], repeatsPost: true)
        let scene = try ModelScene([Self.both], firstByte: 50 * millisecond) { $0.retry = retry }
        defer { scene.worker.stop() }
        for isReset in [true, false] {
            try scene.client.send(ModelScene.post(#"{"model":"fast"}"#))
            let first = try scene.first.accept()
            _ = try first.readMessage()
            if isReset { first.reset() }
            let second = try scene.second.accept()
            #expect(try second.readMessage().body == #"{"model":"small"}"#)
            try second.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            #expect(try scene.client.readMessage().body == "ok")
        }
    }

    @Test func `nothing is repeated once an answer has begun`() throws {
        let retry = RetryPlan(causes: [.reset], repeatsPost: true)
        let scene = try ModelScene([Self.both]) { $0.retry = retry }
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"model":"fast"}"#))
        let first = try scene.first.accept()
        _ = try first.readMessage()
        try first.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        _ = try scene.client.readText(through: "half")
        first.reset()
        #expect(try scene.client.readToEnd().end == .reset)
        #expect(scene.second.listener.accept(milliseconds: 20) == nil)
    }

    @Test func `an upstream that is left out is skipped while another is there`() throws {
        let scene = try ModelScene([Self.both])
        defer { scene.worker.stop() }
        scene.first.state.health.coolDown(until: monotonicNow() + 60 * second)
        try scene.client.send(ModelScene.post(#"{"model":"fast"}"#))
        #expect(try scene.second.accept().readMessage().body == #"{"model":"small"}"#)
    }

    @Test func `a full upstream is passed over for a free one`() throws {
        let gate = UpstreamGate(.init(inFlightMax: 1, queuedMax: 0))
        let scene = try ModelScene([Self.both, .test("one", [(1, .asSent)])]) {
            let plan = $0.otherUpstreams[0]
            $0.otherUpstreams = [.test("v", plan.endpoints, gate: gate)]
        }
        defer { scene.worker.stop() }
        let other = try scene.worker.connect()
        try other.send(ModelScene.post(#"{"model":"one"}"#))
        let held = try scene.second.accept()
        _ = try held.readMessage()
        // Its only other place is taken: the first one's answer is what there is.
        try scene.client.send(ModelScene.post(#"{"model":"fast"}"#))
        let first = try scene.first.accept()
        _ = try first.readMessage()
        try first.send(ModelScene.answer("503 No", "first"))
        #expect(try scene.client.readMessage().body == "first")
        #expect(gate.figures.inFlight == 1)
        held.close()
        #expect(try other.readMessage().status == 502)
    }
}

@Suite struct `Bodies that are not kept` {
    private let big = String(repeating: "m", count: 200)

    /// One byte more than is kept.
    private func scene(
        _ models: [ModelPlan], key: KeyPlan? = nil, _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws -> ModelScene {
        try ModelScene(models) {
            $0.retry = RetryPlan(bodyMax: 20)
            $0.key = key
            change(&$0)
        }
    }

    @Test func `without a connection they go to the next under its name`() throws {
        let scene = try scene([.test("m", [(0, .asSent), (1, fixed("n"))])])
        defer { scene.worker.stop() }
        scene.first.state.publish([])
        try scene.client.send(ModelScene.post(#"{"a":"\#(big)","model":"m"}"#))
        let endpoint = try scene.second.accept()
        #expect(try endpoint.readMessage().body == #"{"a":"\#(big)","model":"n"}"#)
    }

    @Test(arguments: [401, 403, 429, 503])
    func `what has been sent of them is not sent again`(status: Int) throws {
        let key = KeyPlan(
            source: .fixed(KeySet([testCredential("a"), testCredential("b")], choice: .first)),
            field: Array("authorization".utf8))
        let scene = try scene([.test("m", [(0, fixed("o")), (1, fixed("n"))])], key: key)
        defer { scene.worker.stop() }
        try scene.client.send(ModelScene.post(#"{"a":"\#(big)","model":"m"}"#))
        let first = try scene.first.accept()
        #expect(try first.readMessage().body == #"{"a":"\#(big)","model":"o"}"#)
        try first.send(ModelScene.answer("\(status) No", "no"))
        let isKey = status < 404
        #expect(try scene.client.readMessage().status == (isKey ? 502 : status))
        #expect(scene.second.listener.accept(milliseconds: 20) == nil)
    }

    @Test func `an upstream with fewer endpoints is asked for its key, and its client leaves`() throws {
        let other = try TestUpstream()
        let key = KeyPlan(
            source: .chain(KeyIndex(), answerer: Answerer(), byModel: false),
            field: Array("authorization".utf8))
        let scene = try scene([.test("m", [(0, .asSent), (1, .asSent)])]) {
            $0.endpoints += [other.endpoint()]
            $0.otherUpstreams = [.test("v", $0.otherUpstreams[0].endpoints, key: key)]
        }
        defer { scene.worker.stop() }
        scene.first.state.publish([])
        other.state.publish([])
        for _ in 0..<2 {
            let client = try scene.worker.connect()
            try client.send(ModelScene.post(#"{"model":"m"}"#))
            _ = try scene.worker.question()
            client.reset()
            #expect(try scene.worker.record().outcome == .clientGone)
        }
    }
}

@Suite struct `Requests that are repeated` {
    private func get(_ path: String = "/") -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

    @Test func `another endpoint has what the first did not take`() throws {
        let (gone, there) = (try TestUpstream(), try TestUpstream())
        gone.state.publish([])
        let worker = try WorkerUnderTest(there) { $0.endpoints = [gone.endpoint(), there.endpoint()] }
        defer { worker.stop() }
        let client = try worker.connect()
        var endpoint: TestConnection?
        for _ in 0..<4 {
            try client.send(ModelScene.post("{}"))
            let connection = try endpoint ?? there.accept()
            endpoint = connection
            #expect(try connection.readMessage().body == "{}")
            try connection.send(ModelScene.answer())
            #expect(try client.readMessage().body == "ok")
        }
    }

    @Test func `a listed status is repeated as often as the file says`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.retry = RetryPlan(statuses: [503]) }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        for attempt in 1...3 {
            let endpoint = try upstream.accept()
            #expect(try endpoint.readMessage().target == "/")
            try endpoint.send(ModelScene.answer("503 No", "attempt \(attempt)"))
        }
        #expect(try client.readMessage().body == "attempt 3")
        #expect(try worker.record().record.attempts == 3)
    }

    @Test func `no more is repeated than the budget has`() throws {
        let upstream = try TestUpstream()
        let budget = RetryBudget(percent: 0)
        while budget.take(now: monotonicNow()) {}
        let worker = try WorkerUnderTest(upstream) {
            $0.retry = RetryPlan(statuses: [503])
            $0.retryBudget = budget
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        while budget.take(now: monotonicNow()) {}
        try endpoint.send(ModelScene.answer("503 No", "first"))
        #expect(try client.readMessage().body == "first")
    }

    @Test func `a body larger than what is kept goes out once`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.retry = RetryPlan(statuses: [503], repeatsPost: true, bodyMax: 10)
        }
        defer { worker.stop() }
        let client = try worker.connect()
        for (body, attempts) in [("0123456789", 3), ("0123456789a", 1)] {
            try client.send(ModelScene.post(body))
            for _ in 0..<attempts {
                let endpoint = try upstream.accept()
                #expect(try endpoint.readMessage().body == body)
                try endpoint.send(
                    ModelScene.answer("503 No", "no", fields: "Connection: close\r\n"))
            }
            #expect(try client.readMessage().status == 503)
        }
    }

    @Test func `an endpoint that fails again and again is left out, and comes back`() throws {
        let (bad, good) = (try TestUpstream(), try TestUpstream())
        let worker = try WorkerUnderTest(good) {
            $0.endpoints = [bad.endpoint(maxIdle: 0), good.endpoint(maxIdle: 0)]
            $0.health = HealthPlan(failuresMax: 2, ejection: 100 * millisecond)
        }
        defer { worker.stop() }
        let client = try worker.connect()
        var answeredByBad = 0
        func ask() throws {
            try client.send(get())
            var endpoint: TestConnection?
            guard
                eventually({
                    endpoint = bad.listener.accept(milliseconds: 0)
                    if endpoint != nil {
                        answeredByBad += 1
                    } else {
                        endpoint = good.listener.accept(milliseconds: 0)
                    }
                    return endpoint != nil
                })
            else { throw Unexpected("nobody was asked") }
            _ = try endpoint?.readMessage()
            let isBad =
                answeredByBad > 0 && endpoint != nil && bad.state.leasedCount.load(ordering: .relaxed) > 0
            try endpoint?.send(isBad ? ModelScene.answer("500 No", "bad") : ModelScene.answer())
            _ = try client.readMessage()
        }
        while answeredByBad < 2 { try ask() }
        #expect(!bad.state.health.isAvailable(now: monotonicNow()))
        let isBack = eventually {
            do { try ask() } catch { return false }
            return answeredByBad > 2
        }
        #expect(isBack)
    }

    @Test(arguments: [
        ("Retry-After: 30\r\n", true), ("Retry-After: 0\r\n", false), ("retry-after-ms: 30000\r\n", true),
        ("Retry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n", true), ("Retry-After: soon\r\n", false),
        ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", false), ("", false),
    ])
    func `an endpoint that asks for a pause gets it`(fields: String, pauses: Bool) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(ModelScene.answer("503 No", "no", fields: fields))
        #expect(try client.readMessage().status == 503)
        #expect(upstream.state.health.isAvailable(now: monotonicNow() + 5 * second) != pauses)
        // It is the only one, so it is asked all the same.
        try client.send(get())
        _ = try endpoint.readMessage()
    }
}
