import Testing

@testable import Proxy

@Suite struct InspectionTests {
    private func limited(_ upstream: TestUpstream, maxBody: UInt64 = .max) throws -> WorkerUnderTest {
        let caller = Caller.test("k", models: ModelList(["gpt-4"]))
        return try WorkerUnderTest(upstream) {
            $0.routes = [.test(auth: [.keys([caller])], maxBody: maxBody)]
        }
    }

    private func post(_ body: String, chunked: Bool = false) -> String {
        let head = "POST /v1/x HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\n"
        guard chunked else { return head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body }
        let middle = body.utf8.count / 2
        let (first, second) = (String(body.prefix(middle)), String(body.dropFirst(middle)))
        return head + "Transfer-Encoding: chunked\r\n\r\n" + String(first.utf8.count, radix: 16)
            + "\r\n\(first)\r\n"
            + String(second.utf8.count, radix: 16) + "\r\n\(second)\r\n0\r\nX-T: 1\r\n\r\n"
    }

    @Test(arguments: [false, true])
    func `a request for an allowed model goes on with its body, and the next one behind it`(chunked: Bool)
        throws
    {
        let upstream = try TestUpstream()
        let worker = try limited(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        let padding = String(repeating: "m", count: 700_000)
        let body = #"{"messages":"\#(padding)","model":"gpt-4"}"#
        try client.send(post(#"{"model":"other"}"#, chunked: chunked))
        #expect(try client.readMessage().code == "model_not_allowed")
        var endpoint: TestConnection?
        for body in [body, #"{"model":"gpt-4"}"#] {
            try client.send(post(body, chunked: chunked))
            let connection = try endpoint ?? upstream.accept()
            endpoint = connection
            let request = try connection.readMessage()
            #expect(request["content-length"] == "\(body.utf8.count)" && request["transfer-encoding"] == nil)
            #expect(request.body == body)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            #expect(try client.readMessage().body == "hi")
        }
        try client.send("GET /v1/models HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\n\r\n")
        #expect(try endpoint?.readMessage().target == "/v1/models")
        try endpoint?.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        #expect(try client.readMessage().body == "hi")
        let records = try worker.records(4)
        #expect(records[1].record.requestBodyBytes == UInt64(body.utf8.count))
        #expect(records[0][.errorCode] == "model_not_allowed" && records[0][.caller] == "web app")
    }

    @Test func `a body that is too large to be searched is refused`() throws {
        let upstream = try TestUpstream()
        let worker = try limited(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\nContent-Length: \(16 << 20 + 1)\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 413 && answer.code == "body_too_large_to_inspect")
        #expect(answer.body.contains("\(16 << 20)"))
    }

    @Test func `an inspected request that finds no upstream is answered, and its body forgotten`() throws {
        let upstream = try TestUpstream()
        upstream.state.publish([])
        let worker = try limited(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        for _ in 0..<2 {
            try client.send(post(#"{"model":"gpt-4"}"#))
            #expect(try client.readMessage().code == "upstream_unresolved")
        }
    }

    // MARK: The edit that makes a stream say what was used

    private static let tokens = LimitPlan.test(.ip, [(.tokens, .minute, 1_000_000)])

    private func answer(_ endpoint: TestConnection, _ client: TestConnection) throws {
        try endpoint.send(MeteredScene.json("{}"))
        #expect(try client.readMessage().body == "{}")
    }

    @Test(arguments: [false, true])
    func `an edited body goes on, and the requests behind it are the next`(reuses: Bool) throws {
        let scene = try MeteredScene([Self.tokens], reuses: reuses)
        defer { scene.end() }
        let client = try scene.worker.connect()
        for _ in 0..<2 {
            let texts = [MeteredScene.streaming, MeteredScene.body, MeteredScene.streaming, "{}"]
            try client.send(texts.map { MeteredScene.request($0) }.joined())
            var endpoint: TestConnection?
            for body in [
                MeteredScene.streamingWithUsage, MeteredScene.body, MeteredScene.streamingWithUsage, "{}",
            ] {
                if endpoint == nil || !reuses { endpoint = try scene.upstream.accept() }
                let connection = try #require(endpoint)
                let request = try connection.readMessage()
                #expect(request.body == body && request["content-length"] == "\(body.utf8.count)")
                try answer(connection, client)
            }
            endpoint?.close()
            // The pool notices.
            #expect(
                eventually { scene.upstream.state.connectionCount.load(ordering: .relaxed) == 0 })
        }
    }

    @Test(
        arguments: [
            (#"{"stream":true}"#, #"{"stream":true,"stream_options":{"include_usage":true}}"#),
            (
                #"{ "stream":true , "stream_options" : {} } "#,
                #"{ "stream":true , "stream_options" : {"include_usage":true} } "#
            ),
            (
                #"{"stream_options":{"x":[1]},"stream":true}"#,
                #"{"stream_options":{"include_usage":true,"x":[1]},"stream":true}"#
            ),
            (
                #"{"stream_options":{"include_usage":false},"stream":true}"#,
                #"{"stream_options":{"include_usage":true},"stream":true}"#
            ),
            (
                #"{"stream_options":null,"stream":true}"#,
                #"{"stream_options":{"include_usage":true},"stream":true}"#
            ),
            (#"{"stream_options":{"include_usage":true},"stream":true}"#, nil), (#"{"stream":false}"#, nil),
            ("{}", nil), (" {\n\t\"a\":\"\\u00e9\"}\r\n", nil),
        ] as [(String, String?)])
    func `all else of a body stays as it is, also where it came in chunks`(body: String, edited: String?)
        throws
    {
        let scene = try MeteredScene([Self.tokens])
        defer { scene.end() }
        let expected = edited ?? body
        for (path, expected) in [
            ("/v1/chat/completions", expected), ("/v1/completions/", expected), ("/v1/responses", body),
            ("/v1/messages", body),
        ] {
            let asked = try scene.ask(MeteredScene.request(body, to: path, fields: "X-Y: Z\r\n"))
            #expect(asked.request.body == expected && asked.request["x-y"] == "Z")
            #expect(asked.request["content-length"] == "\(expected.utf8.count)")
            try answer(asked.endpoint, asked.client)
        }
        let chunks = body.utf8.map { "1;a=b\r\n\(Character(UnicodeScalar($0)))\r\n" }.joined()
        let head = "POST /chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let asked = try scene.ask(head + chunks + "0\r\n\r\n")
        #expect(asked.request.body == expected && asked.request["transfer-encoding"] == nil)
        #expect(asked.request["content-length"] == "\(expected.utf8.count)")
        try answer(asked.endpoint, asked.client)
    }

    @Test func `a client that waits to be told so sends its body`() throws {
        let scene = try MeteredScene([Self.tokens])
        defer { scene.end() }
        let text = MeteredScene.request(MeteredScene.streaming, fields: "Expect: 100-continue\r\n")
        let head = text.dropLast(MeteredScene.streaming.count)
        let client = try scene.send(String(head))
        #expect(try client.readHead().status == 100)
        try client.send(MeteredScene.streaming)
        let endpoint = try scene.upstream.accept()
        let request = try endpoint.readMessage()
        #expect(request.body == MeteredScene.streamingWithUsage && request["expect"] == nil)
        try answer(endpoint, client)
        // One that does not wait is not told.
        let asked = try scene.ask(text)
        #expect(asked.request.body == MeteredScene.streamingWithUsage)
        try answer(asked.endpoint, asked.client)
    }

    @Test(
        arguments: [
            ("[1]", 400, "invalid_json"), ("", 200, nil), (#"{"n":1,"n":2}"#, 400, "duplicate_member"),
            (#"{"max_tokens":0.5}"#, 400, "invalid_value"),
            (#"{"model":"a","model":"b"}"#, 400, "duplicate_model"),
        ] as [(String, Int, String?)])
    func `a body that does not say what it asks for goes nowhere and takes nothing`(
        body: String, status: Int, code: String?
    ) throws {
        let scene = try MeteredScene([Self.tokens])
        defer { scene.end() }
        let client = try scene.send(MeteredScene.request(body) + MeteredScene.request("{}"))
        if status == 200 {
            let endpoint = try scene.upstream.accept()
            #expect(try endpoint.readMessage()["content-length"] == "0")
            try answer(endpoint, client)
        } else {
            let refused = try client.readMessage()
            #expect(refused.status == status && refused.code == code)
            #expect(scene.used() == 0)
        }
        // And the next stands behind it.
        let endpoint = try scene.upstream.accept()
        #expect(try endpoint.readMessage().body == "{}")
        try answer(endpoint, client)
    }

    @Test func `bodies are held up to a bound of one, and one of all`() throws {
        let scene = try MeteredScene([Self.tokens], inspectBodyMax: 200) { $0.bodiesMax = 150 }
        defer { scene.end() }
        let padding = String(repeating: "a", count: 190)
        let long = try scene.send(MeteredScene.request(#"{"stream":true,"a":"\#(padding)"}"#)).readMessage()
        #expect(long.status == 413 && long.code == "body_too_large_to_inspect")
        let body = #"{"stream":true,"a":"\#(padding.prefix(160))"}"#
        for text in [
            MeteredScene.request(body), MeteredScene.request(body, fields: "Expect: 100-continue\r\n"),
        ] {
            let full = try scene.send(text).readMessage()
            #expect(full.status == 503 && full.code == "server_is_overloaded")
        }
        // One that is not edited is not held.
        let asked = try scene.ask(MeteredScene.request(body.replacing("true", with: "false")))
        try answer(asked.endpoint, asked.client)
        #expect(scene.settled() == 40)
    }
}
