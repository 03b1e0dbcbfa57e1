import Glibc

/// The keys of an AI API's answer that say what it used, or hold its text.
///
/// A key that is written with escapes is none of them. Why: no API writes these names so, and every client
/// library would have to be asked how it reads them.
enum AnswerKey: UInt8 {
    case none
    // What wraps a usage object, and where the text is.
    case usage, response, message, xGroq, model, choices, delta, output
    // Text, if it is a string.
    case content, text, reasoning, reasoningContent, thinking, arguments, partialJSON, refusal
    /// Repeats `reasoning` in parts.
    case reasoningDetails
    // Of a usage object.
    case promptTokens, inputTokens, completionTokens, outputTokens, totalTokens
    case cacheRead, cacheCreation, cacheHit
    case details
    case cachedTokens

    var isText: Bool {
        AnswerKey.content.rawValue <= rawValue && rawValue <= AnswerKey.refusal.rawValue
    }

    var isCount: Bool {
        AnswerKey.promptTokens.rawValue <= rawValue && rawValue <= AnswerKey.cacheHit.rawValue
    }

    /// Below which a `usage` counts as one at the top does.
    var wrapsUsage: Bool {
        AnswerKey.response.rawValue <= rawValue && rawValue <= AnswerKey.xGroq.rawValue
    }

    @inline(__always)
    init(_ base: UnsafeRawPointer, count: Int) {
        self = AnswerKey.find(Name(base: base, count: count))
    }

    private struct Name {
        let base: UnsafeRawPointer
        let count: Int

        /// Of the same length, as the caller has seen to.
        @inline(__always)
        func callAsFunction(_ name: StaticString) -> Bool {
            memcmp(base, name.utf8Start, name.utf8CodeUnitCount) == 0
        }
    }

    @inline(__always)
    private static func find(_ name: Name) -> AnswerKey {
        switch name.count {
        case 4: return name("text") ? .text : .none
        case 5: return name("usage") ? .usage : name("delta") ? .delta : name("model") ? .model : .none
        case 6: return name("output") ? .output : name("x_groq") ? .xGroq : .none
        case 7:
            if name("choices") { return .choices }
            if name("content") { return .content }
            return name("message") ? .message : name("refusal") ? .refusal : .none
        case 8: return name("response") ? .response : name("thinking") ? .thinking : .none
        case 9: return name("reasoning") ? .reasoning : name("arguments") ? .arguments : .none
        default: return findLong(name)
        }
    }

    @inline(__always)
    private static func findLong(_ name: Name) -> AnswerKey {
        switch name.count {
        case 12:
            if name("total_tokens") { return .totalTokens }
            return name("input_tokens") ? .inputTokens : name("partial_json") ? .partialJSON : .none
        case 13:
            if name("prompt_tokens") { return .promptTokens }
            return name("output_tokens") ? .outputTokens : name("cached_tokens") ? .cachedTokens : .none
        case 17:
            if name("completion_tokens") { return .completionTokens }
            if name("reasoning_content") { return .reasoningContent }
            return name("reasoning_details") ? .reasoningDetails : .none
        case 20: return name("input_tokens_details") ? .details : .none
        case 21: return name("prompt_tokens_details") ? .details : .none
        case 23:
            if name("cache_read_input_tokens") { return .cacheRead }
            return name("prompt_cache_hit_tokens") ? .cacheHit : .none
        case 27: return name("cache_creation_input_tokens") ? .cacheCreation : .none
        default: return .none
        }
    }
}
