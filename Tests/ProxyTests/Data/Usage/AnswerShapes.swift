import Testing

@testable import Proxy

/// An answer as some API gives it, and what it says.
struct AnswerShape: CustomTestStringConvertible {
    var name: String
    var isEventStream = true
    var text: String
    var usage: AnswerUsage?
    /// Estimated from the text.
    var tokensSeen: UInt64
    var model: String
    /// The event that `UsageChunkFilter` takes out.
    var usageChunk: String?

    var testDescription: String { name }
    var bytes: [UInt8] { Array(text.utf8) }

    static let all = openAI + others + anthropic + plain
    static let streams = all.filter(\.isEventStream)
}

private func usage(_ input: UInt64, _ output: UInt64, cached: UInt64 = 0) -> AnswerUsage {
    AnswerUsage(inputTokens: input, outputTokens: output, cachedInputTokens: cached)
}

/// Each text as the data of one event.
private func events(_ data: String...) -> String { data.map { "data: \($0)\n\n" }.joined() }

private func chat(_ choices: String, _ more: String = "") -> String {
    #"{"id":"chatcmpl-9x","object":"chat.completion.chunk","created":1741569952,"model":"gpt-5-mini","#
        + #""service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[\#(choices)]\#(more)}"#
}

private func delta(_ delta: String, finish: String = "null") -> String {
    #"{"index":0,"delta":{\#(delta)},"logprobs":null,"finish_reason":\#(finish)}"#
}

private let openAIUsage =
    #"{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":"#
    + #"8,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0,"#
    + #""accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#
private let openAIChunk = events(chat("", #","usage":\#(openAIUsage)"#))

private let openAI = [
    AnswerShape(
        name: "OpenAI chat",
        text: events(
            chat(delta(#""role":"assistant","content":"","refusal":null"#)),
            chat(delta(#""content":"Hello""#)),
            chat(delta(#""content":" w\u00f6rld \"[DONE]\"\n, a longer one""#)),
            chat(delta("", finish: #""stop""#)),
            "[DONE]"),
        usage: nil, tokensSeen: 1 + 8, model: "gpt-5-mini"),
    AnswerShape(
        name: "OpenAI chat with usage",
        text: events(
            chat(delta(#""role":"assistant","content":"","refusal":null"#), #","usage":null"#),
            chat(delta(#""content":"Hello""#), #","usage":null,"obfuscation":"x8Zt""#),
            chat(delta("", finish: #""stop""#), #","usage":null"#)) + openAIChunk + events("[DONE]"),
        usage: usage(19, 10, cached: 8), tokensSeen: 1, model: "gpt-5-mini", usageChunk: openAIChunk),
    AnswerShape(
        name: "OpenAI tool calls",
        text: events(
            chat(
                delta(
                    #""role":"assistant","content":null,"tool_calls":[{"index":0,"#
                        + #""id":"call_1","type":"function","#
                        + #""function":{"name":"usage","arguments":""}}]"#)),
            chat(
                delta(
                    #""tool_calls":[{"index":0,"function":{"#
                        + #""arguments":"{\"usage\":{\"prompt_tokens\":1}}"}}]"#
                )),
            "[DONE]"),
        usage: nil, tokensSeen: 8, model: "gpt-5-mini"),
    AnswerShape(
        name: "OpenAI completions",
        text: events(
            #"{"id":"cmpl-1","object":"text_completion","created":1,"choices":[{"text":" Hi","index":0,"#
                + #""logprobs":{"tokens":[" Hi"],"token_logprobs":[-0.25]},"finish_reason":null}],"#
                + #""model":"davinci"}"#,
            #"{"id":"cmpl-1","object":"text_completion","created":1,"choices":[],"model":"davinci","#
                + #""usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#, "[DONE]"),
        usage: usage(2, 1), tokensSeen: 1, model: "davinci",
        usageChunk: events(
            #"{"id":"cmpl-1","object":"text_completion","created":1,"choices":[],"model":"davinci","#
                + #""usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#)),
    AnswerShape(
        name: "OpenAI Responses",
        text: """
            event: response.created
            data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress","model":"gpt-5","output":[],
            data: "tools":[{"type":"function","name":"f","parameters":{"usage":{"input_tokens":1}}}],"usage":null}}

            event: response.output_text.delta
            data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"In a shining"}

            event: response.output_text.delta
            data: {"type":"response.output_text.delta","item_id":"msg_1","delta":" city, far from the sea"}

            event: response.output_text.done
            data: {"type":"response.output_text.done","item_id":"msg_1","text":"In a shining city, far from the sea"}

            event: response.content_part.done
            data: {"type":"response.content_part.done","part":{"type":"output_text","text":"In a shining city"}}

            event: response.completed
            data: {"type":"response.completed","response":{"id":"resp_1","model":"gpt-5","output":[{"type":"message","content":[{"text":"In"}]}],
            data: "usage":{"input_tokens":37,"input_tokens_details":{"cached_tokens":12},"output_tokens":11,
            data: "output_tokens_details":{"reasoning_tokens":3},"total_tokens":48},"metadata":{}}}


            """, usage: usage(37, 11, cached: 12), tokensSeen: 1 + 6, model: "gpt-5"),
]

private let routerChunk = events(
    #"{"id":"gen-1","provider":"X","model":"a/b","object":"chat.completion.chunk","choices":[{"index":0,"#
        + #""delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":{"prompt_tokens":10,"#
        + #""completion_tokens":4,"total_tokens":14,"cost":0.00014,"is_byok":false,"prompt_tokens_details":"#
        + #"{"cached_tokens":2},"cost_details":{"upstream_inference_cost":null},"#
        + #""completion_tokens_details":{"reasoning_tokens":0}}}"#)
private let geminiChunk = events(
    #"{"choices":[],"created":1,"model":"gemini-2.5-flash","object":"chat.completion.chunk","#
        + #""usage":{"completion_tokens":12,"prompt_tokens":9,"total_tokens":140}}"#)
private let vllmLast = events(
    #"{"id":"c","choices":[],"model":"m","usage":{"prompt_tokens":5,"total_tokens":7,"completion_tokens":2}}"#
)

private let others = [
    AnswerShape(
        name: "vLLM with continuous usage",
        text: events(
            #"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"#
                + #""delta":{"content":"a"}}],"#
                + #""usage":{"prompt_tokens":5,"total_tokens":6,"completion_tokens":1}}"#,
            #"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":"#
                + #"{"reasoning_content":"b"}}],"usage":{"prompt_tokens":5,"total_tokens":7,"#
                + #""completion_tokens":2}}"#
        )
            + vllmLast + events("[DONE]"),
        usage: usage(5, 2), tokensSeen: 2, model: "m", usageChunk: vllmLast),
    AnswerShape(
        name: "llama.cpp",
        text: events(
            #"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hi"}}],"#
                + #""created":1,"id":"x","model":"l"}"#,
            #"{"choices":[],"created":1,"id":"x","model":"l","usage":{"completion_tokens":7,"#
                + #""prompt_tokens":21,"#
                + #""total_tokens":28},"timings":{"prompt_n":21,"prompt_ms":10.5,"predicted_n":7}}"#, "[DONE]"
        ),
        usage: usage(21, 7), tokensSeen: 1, model: "l",
        usageChunk: events(
            #"{"choices":[],"created":1,"id":"x","model":"l","usage":{"completion_tokens":7,"#
                + #""prompt_tokens":21,"#
                + #""total_tokens":28},"timings":{"prompt_n":21,"prompt_ms":10.5,"predicted_n":7}}"#)),
    AnswerShape(
        name: "OpenRouter",
        text: ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
            + events(
                #"{"id":"gen-1","provider":"X","model":"a/b","choices":[{"index":0,"delta":{"#
                    + #""role":"assistant","#
                    + #""content":"","reasoning":"Hm, let me think","reasoning_details":[{"#
                    + #""type":"reasoning.text","#
                    + #""text":"Hm, let me think"}]}}]}"#) + routerChunk + events("[DONE]"),
        usage: usage(10, 4, cached: 2), tokensSeen: 1, model: "a/b"),
    AnswerShape(
        name: "Groq",
        text: events(
            #"{"id":"c","model":"llama","choices":[{"index":0,"delta":{"content":"Hi"}}],"#
                + #""x_groq":{"id":"req_1"}}"#,
            #"{"id":"c","model":"llama","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":"#
                + #"{"id":"req_1","usage":{"queue_time":0.037,"prompt_tokens":15,"prompt_time":0.00038,"#
                + #""completion_tokens":3,"completion_time":0.5,"total_tokens":18,"total_time":0.50038}}}"#,
            "[DONE]"),
        usage: usage(15, 3), tokensSeen: 1, model: "llama"),
    AnswerShape(
        name: "Mistral",
        text: events(
            #"{"id":"m","model":"mistral-small","choices":[{"index":0,"delta":{"content":"Bonjour"}}]}"#,
            #"{"id":"m","model":"mistral-small","choices":[{"index":0,"delta":{"content":""},"#
                + #""finish_reason":"#
                + #""stop"}],"usage":{"prompt_tokens":4,"total_tokens":6,"completion_tokens":2}}"#, "[DONE]"),
        usage: usage(4, 2), tokensSeen: 1, model: "mistral-small"),
    AnswerShape(
        name: "DeepSeek",
        text: ": keep-alive\n\n"
            + events(
                #"{"id":"d","model":"deepseek-chat","choices":[{"index":0,"delta":{"#
                    + #""content":null,"reasoning_content":"#
                    + #""\u4f60\u597d"}}],"usage":null}"#,
                #"{"id":"d","model":"deepseek-chat","choices":[{"index":0,"delta":{"#
                    + #""content":""},"finish_reason":"#
                    + #""length"}],"usage":{"prompt_tokens":70,"completion_tokens":9,"total_tokens":79,"#
                    + #""prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":6}}"#, "[DONE]"),
        usage: usage(70, 9, cached: 64), tokensSeen: 1, model: "deepseek-chat"),
    AnswerShape(
        name: "Gemini's OpenAI mode",
        text: events(
            #"{"choices":[{"delta":{"content":"Answer 世界","role":"assistant"},"index":0}],"#
                + #""model":"gemini-2.5-flash"}"#
        )
            + geminiChunk + events("[DONE]"),
        usage: usage(9, 131), tokensSeen: 1, model: "gemini-2.5-flash", usageChunk: geminiChunk),
]

private let anthropic = [
    AnswerShape(
        name: "Anthropic",
        text: """
            event: message_start
            data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4","content":[],
            data: "stop_reason":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":100,"cache_read_input_tokens":40,
            data: "cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}}}

            event: content_block_start
            data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

            event: ping
            data: {"type": "ping"}

            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me see"}}

            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello!"}}

            event: content_block_delta
            data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"location\\": \\"San Fra"}}

            event: message_delta
            data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}

            event: message_stop
            data: {"type":"message_stop"}


            """, usage: usage(165, 15, cached: 40), tokensSeen: 1 + 1 + 6, model: "claude-sonnet-4"),
    AnswerShape(
        name: "Anthropic plain", isEventStream: false,
        text:
            #"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4","#
            + #""content":[{"type":"text","#
            + #""text":"Hi there!"},{"type":"tool_use","id":"t","name":"f","input":{"usage":{"#
            + #""input_tokens":9}}}],"#
            + #""stop_reason":"end_turn","usage":{"input_tokens":10,"cache_creation_input_tokens":0,"#
            + #""cache_read_input_tokens":5,"output_tokens":6}}"#,
        usage: usage(15, 6, cached: 5), tokensSeen: 3, model: "claude-sonnet-4"),
]

private let plain = [
    AnswerShape(
        name: "OpenAI chat plain", isEventStream: false,
        text: """
            {
              "id": "chatcmpl-1",
              "object": "chat.completion",
              "model": "gpt-5-mini",
              "choices": [
                { "index": 0, "message": { "role": "assistant", "content": "Hello! How can I help?", "refusal": null, "annotations": [] } }
              ],
              "usage": \(openAIUsage)
            }

            """, usage: usage(19, 10, cached: 8), tokensSeen: 6, model: "gpt-5-mini"),
    AnswerShape(
        name: "embeddings", isEventStream: false,
        text:
            #"{"object":"list","data":[{"object":"embedding","#
            + #""embedding":[0.0023064255,-0.009327292,-2.8e-05],"index":"#
            + #"0}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}"#,
        usage: usage(8, 0), tokensSeen: 0, model: "text-embedding-3-small"),
    AnswerShape(
        name: "embeddings with a total alone", isEventStream: false,
        text: #"{"data":[{"embedding":"AAAAvw=="}],"model":"voyage-3","usage":{"total_tokens":10}}"#,
        usage: usage(10, 0), tokensSeen: 0, model: "voyage-3"),
    AnswerShape(
        name: "OpenAI Responses plain", isEventStream: false,
        text:
            #"{"id":"resp_1","status":"completed","#
            + #""instructions":"say \"usage\":{\"input_tokens\":1}","model":"gpt-5","#
            + #""output":[{"type":"message","content":[{"type":"output_text","#
            + #""text":"Once upon"}]}],"tools":[{"#
            + #""parameters":{"properties":{"usage":{"input_tokens":3,"output_tokens":4}}}}],"#
            + #""usage":{"input_tokens":36,"#
            + #""input_tokens_details":{"cached_tokens":0},"output_tokens":87,"output_tokens_details":"#
            + #"{"reasoning_tokens":0},"total_tokens":123},"user":null,"metadata":{"usage":"x"}}"#,
        usage: usage(36, 87), tokensSeen: 3, model: "gpt-5"),
    AnswerShape(
        name: "error", isEventStream: false,
        text:
            #"{"error":{"message":"Rate limit reached","type":"requests","param":null,"#
            + #""code":"rate_limit_exceeded"}}"#,
        usage: nil, tokensSeen: 0, model: ""),
]
