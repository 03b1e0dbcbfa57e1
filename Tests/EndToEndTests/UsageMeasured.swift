import Glibc
import Testing

@testable import CLI

/// An API that generates text, as the mock upstream speaks it.
private struct Endpoint: Sendable {
    let name: String
    let path: String
    /// Members of a request beside its model.
    let body: String
    /// Events of a stream before the first that has text.
    let openingCount: Int

    static let all = [
        Endpoint(
            name: "chat", path: "/v1/chat/completions",
            body: #""messages":[{"role":"user","content":"Hello!"}]"#, openingCount: 1),
        Endpoint(name: "text", path: "/v1/completions", body: #""prompt":"Hello!""#, openingCount: 0),
        Endpoint(name: "responses", path: "/v1/responses", body: #""input":"Hello!""#, openingCount: 4),
        Endpoint(
            name: "messages", path: "/v1/messages",
            body: #""messages":[{"role":"user","content":"Hello!"}]"#, openingCount: 3),
    ]

    func request(_ model: String, _ more: String = "") -> String {
        #"{"model":"\#(model)",\#(more)\#(body)}"#
    }
}

/// What `headgate usage` shows is what the upstream sent, however an exchange goes.
@Suite(.scenario) struct UsageMeasured {
    private static let stream = #""stream":true,"#
    private static let asked = #""stream":true,"stream_options":{"include_usage":true},"#

    /// A gate before the mock, by `/v1/…` with a limit in tokens, by `/bare/v1/…` without any.
    private final class Scene {
        let gate: Gate
        private let mock: Address
        private(set) var requestCount = 0

        init() throws {
            mock = try Address.free()
            gate = try Gate.withStore(
                """
                stores: { main: app.db }
                usage: main
                models: { "*": { max_output: 16k } }
                limits: { wide: { by: ip, tokens_per_minute: 1G } }
                upstreams: { up: "http://\(mock.authority)" }
                routes:
                  - { path: /bare/**, auth: open, strip_prefix: /bare, to: up }
                  - { path: /**, auth: open, limits: wide, to: up }
                """, options: ["--mock", mock.authority])
        }

        func post(_ path: String, _ body: String, fields: [String] = []) throws -> Response {
            requestCount += 1
            return try gate.exchange(
                "POST", path, fields: ["x-mock-chunk-delay-ms: 0"] + fields, body: body)
        }

        /// - Returns: the connection on which a request was sent whose answer does not end.
        func begin(_ path: String, _ body: String, fields: [String]) throws -> Connection {
            requestCount += 1
            let client = try gate.connect()
            try client.send(gate.request("POST", path, fields: fields, body: body))
            return client
        }

        /// By model: what the store has, once all of it is written, and what the mock has sent.
        func figures() throws -> (measured: [String: MockJSON], sent: [String: MockJSON]) {
            try gate.waitForUsage(of: requestCount)
            let sent = try gate.exchange("GET", "/mock/sent", at: mock).json()["models"]
            guard case .object(let models)? = sent else {
                throw Trouble("no models in \(String(describing: sent))")
            }
            let pairs = models.map { ($0.name, $0.value) }
            return (try gate.usageByModel(), Dictionary(uniqueKeysWithValues: pairs))
        }
    }

    /// S2-44
    @Test func `what is answered whole is measured as it was sent`() throws {
        let scene = try Scene()
        for endpoint in Endpoint.all {
            for (kind, more) in [
                ("plain", ""), ("short", #""max_tokens":3,"#), ("stream", Self.stream), ("asked", Self.asked),
            ] {
                let body = endpoint.request("\(endpoint.name)-\(kind)", more)
                #expect(try scene.post(endpoint.path, body).status == 200)
                #expect(try scene.post(endpoint.path, body, fields: ["x-mock-chunks: 7"]).status == 200)
            }
        }
        let embeddings = #"{"model":"embeddings","input":["a few words","and some more of them"]}"#
        #expect(try scene.post("/v1/embeddings", embeddings).status == 200)
        let (measured, sent) = try scene.figures()
        #expect(measured.count == Endpoint.all.count * 4 + 1 && Set(measured.keys) == Set(sent.keys))
        for (model, row) in measured {
            #expect(row["requests"] == sent[model]?["answers"], "\(model)")
            #expect(row["input_tokens"] == sent[model]?["input_tokens"], "\(model)")
            #expect(row["output_tokens"] == sent[model]?["output_tokens"], "\(model)")
            #expect(row["failed"] == 0 && row["estimated"] == 0, "\(model)")
        }
    }

    /// Nobody asks for the usage of such a stream: the text is counted.
    @Test func `where nothing is limited a stream is counted as it passes`() throws {
        let scene = try Scene()
        for endpoint in Endpoint.all {
            let body = endpoint.request(endpoint.name, Self.stream)
            #expect(try scene.post("/bare" + endpoint.path, body).status == 200)
        }
        let (measured, sent) = try scene.figures()
        for endpoint in Endpoint.all {
            let row = try #require(measured[endpoint.name])
            #expect(row["output_tokens"] == sent[endpoint.name]?["output_tokens"], "\(endpoint.name)")
            let tellsUnasked = endpoint.name == "responses" || endpoint.name == "messages"
            #expect(row["estimated"] == (tellsUnasked ? 0 : 1), "\(endpoint.name)")
        }
    }

    @Test func `an upstream that dies has sent what is measured`() throws {
        let scene = try Scene()
        let counts = [0, 1, 7]
        for endpoint in Endpoint.all {
            for count in counts {
                let body = endpoint.request("\(endpoint.name)-\(count)", Self.stream)
                let client = try scene.begin(
                    endpoint.path, body,
                    fields: ["x-mock-die: \(count)", "x-mock-chunk-delay-ms: 0", "x-mock-chunks: 9"])
                let answer = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
                #expect(!answer.hasSuffix("\r\n0\r\n\r\n"), "\(endpoint.name) looks whole")
            }
        }
        let (measured, sent) = try scene.figures()
        for endpoint in Endpoint.all {
            for count in counts {
                let model = "\(endpoint.name)-\(count)"
                let row = try #require(measured[model])
                #expect(sent[model]?["output_tokens"]?.integerValue == count)
                #expect(row["output_tokens"]?.integerValue == count, "\(model)")
                #expect(row["failed"] == 1, "\(model)")
            }
        }
    }

    @Test func `a client that goes away has used what was sent until then`() throws {
        let scene = try Scene()
        for endpoint in Endpoint.all {
            // The pause behind the first piece is longer than any test.
            let client = try scene.begin(
                endpoint.path, endpoint.request(endpoint.name, Self.stream),
                fields: ["x-mock-chunk-delay-ms: 3600000"])
            for _ in 0...endpoint.openingCount { _ = try client.readThrough("\n\n") }
            client.close()
        }
        let (measured, sent) = try scene.figures()
        for endpoint in Endpoint.all {
            #expect(sent[endpoint.name]?["output_tokens"] == 1)
            #expect(measured[endpoint.name]?["output_tokens"] == 1, "\(endpoint.name)")
            #expect(measured[endpoint.name]?["failed"] == 0, "\(endpoint.name)")
        }
    }

    @Test(arguments: RecordedStream.all)
    func `wherever a stream is cut, what has passed is measured`(stream: RecordedStream) throws {
        let wire = stream.wire
        let upstream = try ScriptedUpstream { connection in
            guard let request = try connection.readRequest(), let cut = request["x-cut"].flatMap({ Int($0) })
            else { return }
            try connection.wire.send(Array(streamHead.utf8) + wire.bytes[..<cut])
        }
        let gate = try Gate.withStore(
            """
            stores: { main: app.db }
            usage: main
            models: { "*": { max_output: 16k } }
            limits: { wide: { by: ip, tokens_per_minute: 1G } }
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: open, limits: wide, to: up }]
            """)
        for cut in 0...wire.bytes.count {
            let client = try gate.connect()
            let fields = ["x-cut: \(cut)", "Connection: close"]
            try client.send(
                gate.chatRequest(Self.asked, model: "cut-\(cut)", fields: fields, path: stream.path))
            _ = try client.readToEnd()
            client.close()
        }
        try gate.waitForUsage(of: wire.bytes.count + 1)
        let measured = try gate.usageByModel()
        let first = try #require(measured["cut-0"])
        var wrong: [String] = []
        for cut in 0...wire.bytes.count {
            let row = try #require(measured["cut-\(cut)"], "\(cut)")
            let expected = stream.used(after: wire.contentCounts[cut])
            let input = expected.input ?? first["input_tokens"]?.integerValue
            let isRight =
                row["input_tokens"]?.integerValue == input
                && row["output_tokens"]?.integerValue == expected.output
                && row["estimated"] == (expected.isEstimated ? 1 : 0)
            if !isRight { wrong.append("\(cut): \(row.text) for \(expected)") }
        }
        #expect(wrong.isEmpty)
    }
}
