// Covers SimpleChatAnswer.swift, SimpleChatError.swift
import Testing

@testable import Proxy

/// nil: refused.
private func answer(_ body: String) -> String? {
    let blocks = BlockPool()
    var output = ByteQueue()
    defer { output.release(to: blocks) }
    let isAnswer = withExactBytes(body) {
        SimpleChatAnswer.write(UnsafeRawBufferPointer($0), to: &output, blocks: blocks)
    }
    #expect(isAnswer || output.isEmpty)
    return isAnswer ? String(decoding: output.bytes, as: UTF8.self) : nil
}

private func message(_ body: String) -> String? {
    withExactBytes(body) { bytes in
        SimpleChatError.message(of: UnsafeRawBufferPointer(bytes)).map { String(decoding: $0, as: UTF8.self) }
    }
}

@Suite(.tags(.fast)) struct SimpleChatAnswerTests {
    @Test func `of an answer content and model are left`() {
        let body = """
            {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-5-mini-2025",
             "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi \\u00e9\\n\\"x\\" é",
             "refusal": null}, "finish_reason": "stop"}, {"index": 1, "message": {"content": "other"}}],
             "usage": {"prompt_tokens": 1}, "error": null}

            """
        #expect(answer(body) == #"{"content": "Hi \u00e9\n\"x\" é", "model": "gpt-5-mini-2025"}"#)
    }

    @Test(arguments: [#"{"content":null}"#, #"{"tool_calls":[{"content":"a"}]}"#, "{}", #"{"content":""}"#])
    func `content that is not there is empty`(message: String) {
        let body = #"{"choices":[{"message":\#(message)}],"model":"m"}"#
        #expect(answer(body) == #"{"content": "", "model": "m"}"#)
    }

    @Test(arguments: [
        "", "null", "[]", "Hello", "{}", #"{"model":"m"}"#, #"{"choices":[],"model":"m"}"#,
        #"{"choices":[{}],"model":"m"}"#, #"{"choices":[{"message":null}],"model":"m"}"#,
        #"{"choices":[{"message":[]}],"model":"m"}"#, #"{"choices":[{"delta":{"content":"a"}}],"model":"m"}"#,
        #"{"choices":[{"message":{"content":"a"}}]}"#,
        #"{"choices":[{"message":{"content":"a"}}],"model":null}"#,
        #"{"choices":[{"message":{"content":1}}],"model":"m"}"#,
        #"{"choices":[{"message":{"content":[{"text":"a"}]}}],"model":"m"}"#,
        #"{"choices":[{"message":{"content":"a"}}],"model":"m","error":{"message":"x"}}"#,
        #"{"choices":[{"message":{"content":"a"}}],"model":"m""#,
        #"{"choices":[{"message":{"content":"a"}}],"model":"m"} x"#,
        #"{"error":{"message":"x"}}"#,
    ])
    func `what is no chat completion is refused`(body: String) {
        #expect(answer(body) == nil)
    }

    @Test func `of an error the message is left`() {
        #expect(
            message(#"{"error":{"message":"No \u00e9 \"x\"","type":"t","key":"s"}}"#) == #""No \u00e9 \"x\"""#
        )
        #expect(message(#" {"a":[{"message":"b"}],"error":{"x":{"message":"b"},"message":"c"}} "#) == #""c""#)
    }

    @Test(arguments: [
        "", "Bad Gateway", "<html>", "[]", "{}", #"{"error":null}"#, #"{"error":"text"}"#,
        #"{"message":"a"}"#, #"{"detail":"a"}"#, #"{"error":{}}"#, #"{"error":{"message":null}}"#,
        #"{"error":{"message":""}}"#, #"{"error":{"message":["a"]}}"#,
        #"{"error":{"message":{"message":"a"}}}"#,
        #"{"error":[{"message":"a"}]}"#, #"{"error":{"error":{"message":"a"}}}"#,
        #"{"error":{"message":"a"}"#,
        #"{"error":{"message":"a"}} x"#, #"{"error":{"message":"a"},"error":1}"#,
    ])
    func `where there is no message, none is`(body: String) {
        #expect(message(body) == nil)
    }
}
