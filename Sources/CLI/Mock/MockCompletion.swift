/// `POST /v1/chat/completions` and `POST /v1/completions`, plain and streamed.
enum MockCompletion {
    /// What the two endpoints share: which objects carry the text.
    private struct Shape {
        var idPrefix: String
        var object: String
        var chunkObject: String
        /// The choice of a whole answer, from its text and the reason why it ended.
        var choice: (String, MockJSON) -> MockJSON
        /// The choice of one chunk: a piece of text, or nil and the reason why it ended.
        var chunkChoice: (String?, MockJSON) -> MockJSON
        /// The choice of the first chunk, where there is one without text.
        var opening: [MockJSON]
    }

    static func chat(_ body: MockJSON, _ options: MockOptions) throws(MockRefusal) -> MockAnswer {
        let messages = try MockText.messages(body["messages"], param: "messages")
        let prompt = messages.map { MockText.text(of: $0["content"]) }.joined(separator: "\n")
        let shape = Shape(
            idPrefix: "chatcmpl-mock-", object: "chat.completion", chunkObject: "chat.completion.chunk",
            choice: { text, reason in
                [
                    "index": 0, "message": ["role": "assistant", "content": .string(text), "refusal": nil],
                    "logprobs": nil, "finish_reason": reason,
                ]
            },
            chunkChoice: { text, reason in
                [
                    "index": 0, "delta": text.map { ["content": .string($0)] } ?? [:], "logprobs": nil,
                    "finish_reason": reason,
                ]
            },
            opening: [
                [
                    "index": 0, "delta": ["role": "assistant", "content": "", "refusal": nil],
                    "logprobs": nil, "finish_reason": nil,
                ]
            ])
        let text = try MockText(to: MockText.lastOfUser(messages), prompt: prompt, body, options)
        return try answer(body, text, shape: shape, options: options)
    }

    static func text(_ body: MockJSON, _ options: MockOptions) throws(MockRefusal) -> MockAnswer {
        guard let prompt = body["prompt"]?.stringValue ?? body["prompt"]?.arrayValue?.first?.stringValue
        else {
            throw MockRefusal(message: "`prompt` must be a text.", param: "prompt")
        }
        let choice: (String?, MockJSON) -> MockJSON = { text, reason in
            ["index": 0, "text": .string(text ?? ""), "logprobs": nil, "finish_reason": reason]
        }
        let shape = Shape(
            idPrefix: "cmpl-mock-", object: "text_completion", chunkObject: "text_completion",
            choice: choice, chunkChoice: choice, opening: [])
        let text = try MockText(to: prompt, prompt: prompt, body, options)
        return try answer(body, text, shape: shape, options: options)
    }

    private static func answer(
        _ body: MockJSON, _ text: MockText, shape: Shape, options: MockOptions
    ) throws(MockRefusal) -> MockAnswer {
        let model = body["model"] ?? nil
        func completion(_ object: String, choices: [MockJSON], usage: MockJSON?) -> MockJSON {
            var members: [MockJSON.MockMember] = [
                .init(name: "id", value: .string(shape.idPrefix + "\(options.number)")),
                .init(name: "object", value: .string(object)),
                .init(name: "created", value: .integer(options.createdSeconds)),
                .init(name: "model", value: model),
                .init(name: "choices", value: .array(choices)),
            ]
            if let usage { members.append(.init(name: "usage", value: usage)) }
            return .object(members)
        }
        let reason: MockJSON = text.isCut ? "length" : "stop"
        var spent = MockUsage(body, inputTokens: text.promptTokens)
        guard try MockText.isStream(body) else {
            let choice = shape.choice(text.whole, reason)
            var answer = MockAnswer.json(completion(shape.object, choices: [choice], usage: usage(text)))
            spent.outputTokens = text.tokens
            answer.usage = spent
            return answer
        }
        let includesUsage = body["stream_options"]?["include_usage"]?.boolValue == true
        // Every chunk but the last then says `"usage": null`, as OpenAI's do.
        let none: MockJSON? = includesUsage ? .null : nil
        func chunk(_ choice: MockJSON) -> MockEvent {
            MockEvent(data: completion(shape.chunkObject, choices: [choice], usage: none))
        }
        var closing = [chunk(shape.chunkChoice(nil, reason))]
        if includesUsage {
            closing.append(
                MockEvent(data: completion(shape.chunkObject, choices: [], usage: usage(text))))
        }
        let events = MockEvents(
            text: text, delayMilliseconds: options.chunkDelayMilliseconds,
            opening: shape.opening.map(chunk), closing: { [closing] in closing }, endsWithDone: true,
            event: { _, piece in chunk(shape.chunkChoice(piece, nil)) })
        return MockAnswer(body: .events(events), usage: spent)
    }

    private static func usage(_ text: MockText) -> MockJSON {
        [
            "prompt_tokens": .integer(text.promptTokens), "completion_tokens": .integer(text.tokens),
            "total_tokens": .integer(text.promptTokens + text.tokens),
        ]
    }
}
