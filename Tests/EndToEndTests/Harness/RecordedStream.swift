import Testing

/// A stream as it came from somewhere, and what has been used when so much of it has passed.
struct RecordedStream: Sendable, CustomTestStringConvertible {
    enum Event: Sendable {
        case other(String)
        /// The text, which is one token, begins at the mark `§`.
        case text(String)
        /// The usage object ends at the mark `§`.
        case usage(String, input: Int?, output: Int)
    }

    let name: String
    let path: String
    let events: [Event]

    var testDescription: String { name }

    /// With the chunked coding, each event in a chunk of its own; and for each count of its bytes, how many
    /// are content.
    var wire: (bytes: [UInt8], contentCounts: [Int]) {
        var (bytes, counts): ([UInt8], [Int]) = ([], [0])
        func add(_ text: String, isContent: Bool) {
            for byte in text.utf8 {
                bytes.append(byte)
                counts.append(counts[counts.count - 1] + (isContent ? 1 : 0))
            }
        }
        for event in events {
            let text = event.parts.before + event.parts.after
            add("\(String(text.utf8.count, radix: 16))\r\n", isContent: false)
            add(text, isContent: true)
            add("\r\n", isContent: false)
        }
        add("0\r\n\r\n", isContent: false)
        return (bytes, counts)
    }

    /// - Returns: no input where nothing has told it.
    func used(after contentCount: Int) -> (input: Int?, output: Int, isEstimated: Bool) {
        var used: (input: Int?, output: Int, isEstimated: Bool) = (nil, 0, true)
        var start = 0
        for event in events {
            let (before, after) = event.parts
            let mark = start + before.utf8.count
            switch event {
            case .text where contentCount > mark:
                used.output += 1
                used.isEstimated = true
            case .usage(_, let input, let output) where contentCount >= mark:
                used = (input ?? used.input, output, false)
            case .other, .text, .usage: break
            }
            start = mark + after.utf8.count
        }
        return used
    }

    static let all = [
        RecordedStream(
            name: "chat", path: "/v1/chat/completions",
            events: [
                .other(
                    #"data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#),
                .text(#"data: {"choices":[{"index":0,"delta":{"content":"§Hello"}}],"usage":null}"#),
                .text(#"data: {"choices":[{"index":0,"delta":{"content":"§ you"}}],"usage":null}"#),
                .other(#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#),
                .usage(
                    #"data: {"id":"c","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}§}"#,
                    input: 11, output: 7),
                .other("data: [DONE]"),
            ]),
        RecordedStream(
            name: "messages", path: "/v1/messages",
            events: [
                .usage(
                    "event: message_start\n"
                        + #"data: {"type":"message_start","message":{"id":"m","content":[],"usage":{"#
                        + #""input_tokens":9,"output_tokens":1}§}}"#, input: 9, output: 1),
                .text(
                    "event: content_block_delta\n"
                        + #"data: {"type":"content_block_delta","index":0,"#
                        + #""delta":{"type":"text_delta","text":"§Hello"}}"#
                ),
                .text(
                    "event: content_block_delta\n"
                        + #"data: {"type":"content_block_delta","index":0,"#
                        + #""delta":{"type":"text_delta","text":"§ you"}}"#
                ),
                .usage(
                    "event: message_delta\n"
                        + #"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"#
                        + #""usage":{"output_tokens":5}§}"#,
                    input: nil, output: 5),
                .other("event: message_stop\n" + #"data: {"type":"message_stop"}"#),
            ]),
        RecordedStream(
            name: "responses", path: "/v1/responses",
            events: [
                .other(#"data: {"type":"response.created","response":{"id":"r","usage":null}}"#),
                .text(#"data: {"type":"response.output_text.delta","delta":"§Hello"}"#),
                .text(#"data: {"type":"response.output_text.delta","delta":"§ you"}"#),
                .usage(
                    #"data: {"type":"response.completed","response":{"id":"r","usage":{"#
                        + #""input_tokens":8,"output_tokens":6,"total_tokens":14}§}}"#, input: 8, output: 6),
            ]),
    ]
}

extension RecordedStream.Event {
    /// Around the mark, the end of the event included.
    fileprivate var parts: (before: String, after: String) {
        let text: String =
            switch self {
            case .other(let text), .text(let text), .usage(let text, _, _): text
            }
        let parts = text.split(separator: "§", maxSplits: 1).map(String.init)
        return (parts[0], (parts.count > 1 ? parts[1] : "") + "\n\n")
    }
}
