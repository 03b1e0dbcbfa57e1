import Testing

@testable import CLI

/// Streams under limits of tokens: the usage is asked for, and kept from clients who did not ask; a stream
/// that uses up its limit is cut or not, as the limit says.
@Suite(.scenario) struct StreamUsage {
    private static let stream = #""stream":true,"#
    private static let usage = #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#

    /// Answers chat requests with a stream, with the usage at its end for those who ask for it.
    private static func upstream() throws -> ScriptedUpstream {
        try ScriptedUpstream.answering { request in
            let asks = request.text.contains(#""include_usage":true"#)
            let events = [#"{"choices":[{"delta":{"content":"a"}}]}"#, #"{"choices":[{"delta":{}}]}"#]
            let data = events + (asks ? [usage] : []) + ["[DONE]"]
            return streamHead + data.map { chunk("data: \($0)\n\n") }.joined() + "0\r\n\r\n"
        }
    }

    private static func data(_ answer: Response) -> [String] {
        answer.text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    }

    @Test func `the usage is asked for, and shown to those alone who asked for it`() throws {
        let upstream = try Self.upstream()
        let gate = try Gate(
            """
            models: { "*": { max_output: 100 } }
            limits: { tokens: { by: ip, tokens_per_minute: 1M } }
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: open, limits: tokens, to: up }]
            """)
        for (more, shows) in [
            (Self.stream, false), (Self.stream + #""stream_options":{"include_usage":true},"#, true),
            (Self.stream + #""stream_options":{"include_usage":false},"#, false),
            (Self.stream + #""stream_options":{},"#, false),
            (Self.stream + #""stream_options":null,"#, false),
        ] {
            let answer = try gate.chat(more)
            #expect(Self.data(answer).contains(Self.usage) == shows, "\(more)")
            #expect(Self.data(answer).count == (shows ? 4 : 3) && Self.data(answer).last == "[DONE]")
            let body = try #require(upstream.requests.last).json()
            #expect(body["stream_options"]?["include_usage"] == true, "\(more)")
            #expect(body["model"] == "m" && body["stream"] == true && body["messages"] != nil)
        }
        // Neither what is not streamed nor another API is touched.
        _ = try gate.chat()
        #expect(try #require(upstream.requests.last).text == chatBody())
        _ = try gate.chat(Self.stream, path: "/v1/messages")
        #expect(try #require(upstream.requests.last).text == chatBody(Self.stream))
    }

    @Test func `without a limit that counts what is used, requests pass as they are`() throws {
        let upstream = try Self.upstream()
        let gate = try Gate(
            """
            limits: { requests: { by: ip, requests_per_minute: 100 } }
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: open, limits: requests, to: up }]
            """)
        _ = try gate.chat(Self.stream)
        #expect(try #require(upstream.requests.last).text == chatBody(Self.stream))
    }

    // MARK: - A limit that is used up

    private struct Exceeding {
        let gate: Gate
        let mock: Address

        init(_ onExceed: String) throws {
            mock = try Address.free()
            gate = try Gate(
                """
                access_log: $FOLDER/access.log
                models: { "*": { max_output: 16k } }
                limits:
                  tokens:
                    by: ip
                    tokens: output
                    tokens_per_minute: 300
                    default_reserve: 10
                    on_exceed: \(onExceed)
                upstreams: { up: "http://\(mock.authority)" }
                routes: [{ path: /**, auth: open, limits: tokens, to: up }]
                """, options: ["--mock", mock.authority])
        }

        /// The connection on which a stream of so many pieces is asked for.
        func begin(_ chunks: Int) throws -> Connection {
            let client = try gate.connect()
            let fields = ["x-mock-chunks: \(chunks)", "x-mock-chunk-delay-ms: 1"]
            try client.send(gate.chatRequest(#""stream":true,"#, fields: fields))
            return client
        }

        func askForMore() throws -> Response { try gate.chat(#""max_tokens":200,"#) }
    }

    @Test func `cut: the stream ends with an error as soon as the limit is used up, never as if whole`()
        throws
    {
        let scene = try Exceeding("cut")
        let client = try scene.begin(100_000)
        let text = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(!text.contains("[DONE]") && !text.hasSuffix("\r\n0\r\n\r\n"))
        let events = text.split(separator: "\r\n").filter { $0.hasPrefix("data: ") }
        let last = try parseJSON(String(try #require(events.last).dropFirst(6)).replacing("\n", with: ""))
        #expect(last["error"]?["code"] == "rate_limit_exceeded")
        #expect(last["error"]?["type"] == "rate_limit_error")
        #expect(last["error"]?["message"]?.stringValue?.contains("300 output tokens per minute") == true)
        // The first event has no text; what was reserved is a step of 64 ahead of what was sent.
        #expect((200...300).contains(events.count - 2), "\(events.count)")
        let record = try scene.gate.record()
        #expect(record["outcome"] == "cut" && record["status"] == 200)
        try waitUntil("the upstream to be told") {
            try scene.gate.exchange("GET", "/mock/counts", at: scene.mock).json()["answers_cancelled"] == 1
        }
        #expect(try scene.askForMore().status == 429)
    }

    @Test func `finish: the stream goes on to its end, and who comes next waits`() throws {
        let scene = try Exceeding("finish")
        let client = try scene.begin(400)
        let answer = try client.readResponse()
        #expect(Self.data(answer).last == "[DONE]" && Self.data(answer).count == 403)
        let refused = try scene.askForMore()
        #expect(refused.status == 429 && refused["x-ratelimit-remaining-tokens"] == "0")
        #expect(refused.errorMessage == "Rate limit of 300 output tokens per minute exceeded (tokens)")
    }

    @Test func `two streams that grow share what is left, and one of them alone is cut at a time`() throws {
        let scene = try Exceeding("cut")
        let clients = [try scene.begin(100_000), try scene.begin(100_000)]
        let texts = try clients.map { String(decoding: try $0.readToEnd().bytes, as: UTF8.self) }
        let pieces = texts.reduce(0) {
            $0 + $1.split(separator: "\r\n").count { $0.contains("\"content\":\" ") }
        }
        for text in texts { #expect(text.contains("rate_limit_exceeded") && !text.contains("[DONE]")) }
        #expect(pieces <= 300, "\(pieces)")
    }
}
