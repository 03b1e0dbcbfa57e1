/// Makes of a whole chat completion what `simple_chat` answers: `{"content": "…", "model": "…"}`.
///
/// Cost: one pass, no allocation but for what the queue needs.
enum SimpleChatAnswer {
    /// Bytes of the upstream's answer.
    static let bodyMax = 16 << 20

    /// Content and model go out as they are written, escapes kept; content that is null or not there, as of
    /// an answer that calls tools, is the empty text.
    ///
    /// - Returns: false, and nothing is written, for what is no chat completion: no JSON, without a first
    ///   choice or its message, without a model, with content other than text, or with an error.
    static func write(
        _ body: UnsafeRawBufferPointer, to output: inout ByteQueue, blocks: BlockPool
    ) -> Bool {
        guard let parts = ChatParts.read(body, holder: "message"), let model = parts.model, parts.error == nil
        else { return false }
        switch parts.content {
        case .missing, .other: return false
        case .null: output.append("{\"content\": \"\"", from: blocks)
        case .text(let content):
            output.append("{\"content\": ", from: blocks)
            output.append(UnsafeRawBufferPointer(rebasing: body[content]), from: blocks)
        }
        output.append(", \"model\": ", from: blocks)
        output.append(UnsafeRawBufferPointer(rebasing: body[model]), from: blocks)
        output.append("}", from: blocks)
        return true
    }
}
