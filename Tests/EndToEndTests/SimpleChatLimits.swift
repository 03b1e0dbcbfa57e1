import Testing

@testable import CLI

/// `POST /api/chat` with limits (S2-29, S2-30), and what is measured there.
@Suite(.scenario) struct SimpleChatLimits {
    private static let plain = #"{"messages": [{"role": "user", "content": "Hello!"}]}"#
    private static let stream = #"{"messages": [{"role": "user", "content": "Hello!"}], "stream": true}"#

    /// - Parameter limit: keys of the limit, by user.
    private func scene(_ limit: String) throws -> (scene: SimpleChatScene, mock: Address) {
        let mock = try Address.free()
        let scene = try SimpleChatScene(
            "http://\(mock.authority)",
            top: """
                usage: main
                models: { "*": { max_output: 16k } }
                limits: { chat: { by: user, \(limit) } }
                """, route: ", limits: chat", options: ["--mock", mock.authority])
        return (scene, mock)
    }

    @Test func `a user who asks too often waits, and no other user does`() throws {
        let (scene, _) = try scene("requests_per_minute: 2")
        let (one, other) = (try scene.register(), try scene.register())
        let statuses = try (0..<4).map { _ in try scene.chat(Self.plain, one).status }
        #expect(statuses == [200, 200, 429, 429])
        let refused = try scene.chat(Self.stream, one)
        #expect(refused.status == 429 && refused["retry-after"] != nil)
        #expect(refused.text == #"{"detail":"Rate limit exceeded. Please try again later."}"# + "\n")
        #expect(try scene.chat(Self.plain, other).status == 200)
    }

    @Test func `what is used is measured, plain and streamed, and nothing of that is shown`() throws {
        let (scene, mock) = try scene("tokens_per_minute: 1M")
        let token = try scene.register()
        #expect(try scene.chat(Self.plain, token).status == 200)
        let fields = ["x-mock-chunks: 7", "x-mock-chunk-delay-ms: 0"]
        let answer = try scene.chat(Self.stream, token, fields: fields)
        let events = answer.text.split(separator: "\n").map(String.init)
        #expect(events.count == 8 && events.last == "data: [DONE]", "\(answer.text)")
        #expect(events.dropLast().allSatisfy { $0.hasPrefix(#"data: {"content": ""#) }, "\(answer.text)")
        try scene.gate.waitForUsage(of: 2)
        let row = try #require(try scene.gate.usageByModel()[SimpleChatScene.model])
        let sent = try scene.gate.exchange("GET", "/mock/sent", at: mock).json()["models"]
        let model = try #require(sent?[SimpleChatScene.model])
        #expect(row["requests"] == 2 && row["estimated"] == 0 && row["failed"] == 0, "\(row.text)")
        #expect(row["input_tokens"] == model["input_tokens"], "\(row.text)")
        #expect(row["output_tokens"] == model["output_tokens"], "\(row.text)")
    }

    @Test func `a stream that uses up the tokens is cut, and who comes next waits`() throws {
        let (scene, _) = try scene(
            "tokens: output, tokens_per_minute: 300, default_reserve: 10, on_exceed: cut")
        let token = try scene.register()
        let fields = ["x-mock-chunks: 100000", "x-mock-chunk-delay-ms: 1"]
        let client = try scene.begin(Self.stream, token, fields: fields)
        let text = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(text.contains("rate_limit_exceeded") && !text.contains("[DONE]"), "\(text.suffix(300))")
        #expect(!text.hasSuffix("0\r\n\r\n"))
        let pieces = text.split(separator: #"data: {"content": "#).count - 1
        // A read may hold several events, and all of them have gone on.
        #expect((200...400).contains(pieces), "\(pieces)")
        let asked = Self.plain.dropLast() + #", "max_tokens": 200}"#
        let refused = try scene.chat(String(asked), token)
        #expect(refused.status == 429 && refused["retry-after"] != nil, "\(refused.text)")
        #expect(refused.text.hasPrefix(#"{"detail":"Rate limit of 300 output tokens per minute exceeded"#))
    }
}
