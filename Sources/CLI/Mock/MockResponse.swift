/// `POST /v1/responses`, plain and streamed: one message of one text. Nothing is kept.
enum MockResponse {
    static func answer(_ body: MockJSON, _ options: MockOptions) throws(MockRefusal) -> MockAnswer {
        var (message, prompt) = (body["input"]?.stringValue ?? "", MockText.text(of: body["instructions"]))
        if body["input"]?.stringValue == nil {
            let items = try MockText.messages(body["input"], param: "input")
            message = MockText.lastOfUser(items)
            prompt += items.map { MockText.text(of: $0["content"]) }.joined(separator: "\n")
        } else {
            prompt += message
        }
        let text = try MockText(to: message, prompt: prompt, body, options)
        let shape = Shape(body: body, options: options, text: text)
        var spent = MockUsage(body, inputTokens: text.promptTokens)
        guard try MockText.isStream(body) else {
            var answer = MockAnswer.json(shape.response(shape.ending, output: [shape.item(text.whole)]))
            spent.outputTokens = text.tokens
            answer.usage = spent
            return answer
        }
        let events = MockEvents(
            text: text, delayMilliseconds: options.chunkDelayMilliseconds, opening: shape.opening,
            closing: { shape.closing },
            event: { number, piece in
                shape.event(
                    "response.output_text.delta", shape.opening.count + number,
                    [("delta", .string(piece)), ("logprobs", [])] + shape.place)
            })
        return MockAnswer(body: .events(events), usage: spent)
    }

    /// The objects of one response.
    private struct Shape {
        let body: MockJSON
        let options: MockOptions
        let text: MockText

        private var itemID: MockJSON { .string("msg_mock\(options.number)") }

        /// How it ends.
        var ending: String { text.isCut ? "incomplete" : "completed" }

        /// The part that an event is about.
        var place: [(String, MockJSON)] {
            [("item_id", itemID), ("output_index", 0), ("content_index", 0)]
        }

        private func part(_ text: String) -> MockJSON {
            ["type": "output_text", "annotations": [], "logprobs": [], "text": .string(text)]
        }

        /// - Parameter text: nil while there is none.
        func item(_ text: String?) -> MockJSON {
            [
                "id": itemID, "type": "message", "role": "assistant",
                "status": .string(text == nil ? "in_progress" : ending),
                "content": .array(text.map { [part($0)] } ?? []),
            ]
        }

        func response(_ status: String, output: [MockJSON]) -> MockJSON {
            let isOver = status != "in_progress"
            let usage: MockJSON = [
                "input_tokens": .integer(text.promptTokens), "input_tokens_details": ["cached_tokens": 0],
                "output_tokens": .integer(text.tokens), "output_tokens_details": ["reasoning_tokens": 0],
                "total_tokens": .integer(text.promptTokens + text.tokens),
            ]
            return [
                "id": .string("resp_mock\(options.number)"), "object": "response",
                "created_at": .integer(options.createdSeconds), "status": .string(status), "error": nil,
                "incomplete_details": isOver && text.isCut ? ["reason": "max_output_tokens"] : nil,
                "instructions": body["instructions"] ?? nil, "model": body["model"] ?? nil,
                "output": .array(output), "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
                "usage": isOver ? usage : nil,
            ]
        }

        func event(_ type: String, _ number: Int, _ members: [(String, MockJSON)]) -> MockEvent {
            let first = [("type", MockJSON.string(type)), ("sequence_number", .integer(number))]
            let all = (first + members).map { MockJSON.MockMember(name: $0.0, value: $0.1) }
            return MockEvent(name: type, data: .object(all))
        }

        var opening: [MockEvent] {
            let begun = response("in_progress", output: [])
            return [
                event("response.created", 0, [("response", begun)]),
                event("response.in_progress", 1, [("response", begun)]),
                event("response.output_item.added", 2, [("output_index", 0), ("item", item(nil))]),
                event("response.content_part.added", 3, place + [("part", part(""))]),
            ]
        }

        var closing: [MockEvent] {
            let (whole, number) = (text.whole, opening.count + text.tokens)
            let item = item(whole)
            return [
                event(
                    "response.output_text.done", number,
                    place + [("text", .string(whole)), ("logprobs", [])]),
                event("response.content_part.done", number + 1, place + [("part", part(whole))]),
                event("response.output_item.done", number + 2, [("output_index", 0), ("item", item)]),
                event("response.\(ending)", number + 3, [("response", response(ending, output: [item]))]),
            ]
        }
    }
}
