/// `POST /v1/chat/completions` and `POST /v1/completions`, plain and streamed.
enum MockCompletion {
    struct Options {
        /// Makes the answer's id unique.
        var number: Int
        var createdSeconds: Int
        /// `x-mock-chunks`; the words of the text by default.
        var chunkCount: Int?
        var chunkDelayMilliseconds: Int
    }

    /// What the two endpoints share: which objects carry the text.
    private struct Shape {
        var idPrefix: String
        var object: String
        var chunkObject: String
        /// The choice of a whole answer.
        var choice: (String) -> MockJSON
        /// The choice of one chunk: a piece of text, or nil and the reason why it ended.
        var chunkChoice: (String?) -> MockJSON
    }

    /// Longest part of the user's message that the text quotes, in characters.
    private static let quoteCharactersMax = 400

    static func chat(_ body: MockJSON, _ request: MockRequest, _ options: Options) throws(MockRefusal)
        -> MockAnswer
    {
        guard let messages = body["messages"]?.arrayValue, !messages.isEmpty else {
            throw MockRefusal(message: "`messages` must be a non-empty array.", param: "messages")
        }
        for message in messages {
            guard message["role"]?.stringValue != nil else {
                throw MockRefusal(message: "Each message needs a `role`.", param: "messages")
            }
        }
        let user = messages.last { $0["role"]?.stringValue == "user" }
        let prompt = messages.map(text).joined(separator: "\n")
        let shape = Shape(
            idPrefix: "chatcmpl-mock-", object: "chat.completion", chunkObject: "chat.completion.chunk",
            choice: { text in
                [
                    "index": 0, "message": ["role": "assistant", "content": .string(text), "refusal": nil],
                    "logprobs": nil, "finish_reason": "stop",
                ]
            },
            chunkChoice: { text in
                [
                    "index": 0, "delta": text.map { ["content": .string($0)] } ?? [:], "logprobs": nil,
                    "finish_reason": text == nil ? "stop" : nil,
                ]
            })
        let opening: MockJSON = [
            "index": 0, "delta": ["role": "assistant", "content": "", "refusal": nil], "logprobs": nil,
            "finish_reason": nil,
        ]
        return try answer(
            body, reply: reply(to: user.map(text) ?? ""), prompt: prompt, shape: shape, opening: [opening],
            options: options)
    }

    static func text(_ body: MockJSON, _ request: MockRequest, _ options: Options) throws(MockRefusal)
        -> MockAnswer
    {
        guard let prompt = body["prompt"]?.stringValue ?? body["prompt"]?.arrayValue?.first?.stringValue
        else {
            throw MockRefusal(message: "`prompt` must be a text.", param: "prompt")
        }
        let choice: (String?) -> MockJSON = { text in
            [
                "index": 0, "text": .string(text ?? ""), "logprobs": nil,
                "finish_reason": text == nil ? "stop" : nil,
            ]
        }
        let shape = Shape(
            idPrefix: "cmpl-mock-", object: "text_completion", chunkObject: "text_completion",
            choice: { ["index": 0, "text": .string($0), "logprobs": nil, "finish_reason": "stop"] },
            chunkChoice: choice)
        return try answer(
            body, reply: reply(to: prompt), prompt: prompt, shape: shape, opening: [], options: options)
    }

    private static func answer(
        _ body: MockJSON, reply: String, prompt: String, shape: Shape, opening: [MockJSON], options: Options
    ) throws(MockRefusal) -> MockAnswer {
        if let stream = body["stream"], stream != .null, stream.boolValue == nil {
            throw MockRefusal(message: "`stream` must be true or false.", param: "stream")
        }
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
        let pieces = words(of: reply)
        guard body["stream"]?.boolValue == true else {
            let usage = usage(prompt: prompt, completionTokens: pieces.count)
            return .json(completion(shape.object, choices: [shape.choice(reply)], usage: usage))
        }
        let count = options.chunkCount ?? pieces.count
        let includesUsage = body["stream_options"]?["include_usage"]?.boolValue == true
        // Every chunk but the last then says `"usage": null`, as OpenAI's do.
        let none: MockJSON? = includesUsage ? .null : nil
        func chunk(_ choice: MockJSON) -> MockJSON {
            completion(shape.chunkObject, choices: [choice], usage: none)
        }
        var closing = [chunk(shape.chunkChoice(nil))]
        if includesUsage {
            let usage = Self.usage(prompt: prompt, completionTokens: count)
            closing.append(completion(shape.chunkObject, choices: [], usage: usage))
        }
        return MockAnswer(
            body: .events(
                MockEvents(
                    pieceCount: count, pieces: pieces, delayMilliseconds: options.chunkDelayMilliseconds,
                    opening: opening.map(chunk), closing: closing, event: { chunk(shape.chunkChoice($0)) })))
    }

    // MARK: - Text and its size

    private static func reply(to message: String) -> String {
        let quoted = message.prefix(quoteCharactersMax)
        let said = quoted.isEmpty ? "You said nothing yet." : "You said: \u{201C}\(quoted)\u{201D}"
        return said + " I am headgate's mock upstream: I know nothing, and need no account for it."
    }

    /// The text of a message: its content, or the text parts of it.
    private static func text(of message: MockJSON) -> String {
        if let text = message["content"]?.stringValue { return text }
        return (message["content"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(
            separator: " ")
    }

    /// The words with the space before each; joined they are the text again.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = ""
        for character in text {
            if character == " ", !word.isEmpty {
                words.append(word)
                word = ""
            }
            word.append(character)
        }
        words.append(word)
        return words
    }

    /// About a token for four bytes, which is what English costs.
    static func tokens(in text: String) -> Int { (text.utf8.count + 3) / 4 }

    /// - Parameter completionTokens: the pieces that were sent, so that plain and streamed cost the same.
    private static func usage(prompt: String, completionTokens: Int) -> MockJSON {
        let promptTokens = tokens(in: prompt)
        return [
            "prompt_tokens": .integer(promptTokens), "completion_tokens": .integer(completionTokens),
            "total_tokens": .integer(promptTokens + completionTokens),
        ]
    }
}
