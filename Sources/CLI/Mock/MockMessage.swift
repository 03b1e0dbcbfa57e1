/// `POST /v1/messages` as Anthropic shapes it, plain and streamed.
enum MockMessage {
    static func answer(_ body: MockJSON, _ options: MockOptions) throws(MockRefusal) -> MockAnswer {
        let messages = try MockText.messages(body["messages"], param: "messages")
        let prompt =
            MockText.text(of: body["system"])
            + messages.map { MockText.text(of: $0["content"]) }.joined(separator: "\n")
        let text = try MockText(to: MockText.lastOfUser(messages), prompt: prompt, body, options)
        let reason: MockJSON = text.isCut ? "max_tokens" : "end_turn"
        var spent = MockUsage(body, inputTokens: text.promptTokens)
        func message(_ content: [MockJSON], reason: MockJSON, outputTokens: Int) -> MockJSON {
            [
                "id": .string("msg_mock\(options.number)"), "type": "message", "role": "assistant",
                "model": body["model"] ?? nil, "content": .array(content), "stop_reason": reason,
                "stop_sequence": nil,
                "usage": [
                    "input_tokens": .integer(text.promptTokens), "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0, "output_tokens": .integer(outputTokens),
                ],
            ]
        }
        guard try MockText.isStream(body) else {
            let content: MockJSON = ["type": "text", "text": .string(text.whole)]
            var answer = MockAnswer.json(message([content], reason: reason, outputTokens: text.tokens))
            spent.outputTokens = text.tokens
            answer.usage = spent
            return answer
        }
        let begun = message([], reason: nil, outputTokens: 0)
        let events = MockEvents(
            text: text, delayMilliseconds: options.chunkDelayMilliseconds,
            opening: [
                event("message_start", ["message": begun]),
                event("content_block_start", ["index": 0, "content_block": ["type": "text", "text": ""]]),
                event("ping", [:]),
            ],
            closing: {
                [
                    event("content_block_stop", ["index": 0]),
                    event(
                        "message_delta",
                        [
                            "delta": ["stop_reason": reason, "stop_sequence": nil],
                            "usage": ["output_tokens": .integer(text.tokens)],
                        ]),
                    event("message_stop", [:]),
                ]
            },
            event: { _, piece in
                event(
                    "content_block_delta",
                    ["index": 0, "delta": ["type": "text_delta", "text": .string(piece)]])
            })
        return MockAnswer(body: .events(events), usage: spent)
    }

    private static func event(_ type: String, _ members: MockJSON) -> MockEvent {
        guard case .object(let rest) = members else { preconditionFailure("an event's data is an object") }
        return MockEvent(name: type, data: .object([.init(name: "type", value: .string(type))] + rest))
    }
}
