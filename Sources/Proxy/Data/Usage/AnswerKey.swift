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
        guard count >= 4 else {
            self = .none
            return
        }
        self = AnswerKey.find(Name(base: base, count: count))
    }

    private struct Name {
        let base: UnsafeRawPointer
        let count: Int

        /// As one load gives it.
        @inline(__always)
        var start: UInt32 { base.loadUnaligned(as: UInt32.self) }

        @inline(__always)
        func callAsFunction(_ name: StaticString) -> Bool {
            count == name.utf8CodeUnitCount && memcmp(base, name.utf8Start, name.utf8CodeUnitCount) == 0
        }
    }

    /// Why by the first four octets: a few comparisons of a register tell all that are none of them, which
    /// most are.
    @inline(__always)
    private static func find(_ name: Name) -> AnswerKey {
        switch name.start {
        case start("usag"): return name("usage") ? .usage : .none
        case start("mode"): return name("model") ? .model : .none
        case start("choi"): return name("choices") ? .choices : .none
        case start("delt"): return name("delta") ? .delta : .none
        case start("cont"): return name("content") ? .content : .none
        case start("mess"): return name("message") ? .message : .none
        case start("outp"): return name("output") ? .output : name("output_tokens") ? .outputTokens : .none
        case start("resp"): return name("response") ? .response : .none
        case start("x_gr"): return name("x_groq") ? .xGroq : .none
        case start("text"): return name("text") ? .text : .none
        case start("refu"): return name("refusal") ? .refusal : .none
        case start("thin"): return name("thinking") ? .thinking : .none
        case start("argu"): return name("arguments") ? .arguments : .none
        case start("part"): return name("partial_json") ? .partialJSON : .none
        case start("reas"): return reasoning(name)
        case start("prom"), start("comp"), start("inpu"), start("tota"), start("cach"): return count(name)
        default: return .none
        }
    }

    /// As `Name.start` is.
    @inline(__always)
    private static func start(_ text: StaticString) -> UInt32 {
        UnsafeRawPointer(text.utf8Start).loadUnaligned(as: UInt32.self)
    }

    @inline(__always)
    private static func reasoning(_ name: Name) -> AnswerKey {
        if name("reasoning_content") { return .reasoningContent }
        return name("reasoning") ? .reasoning : name("reasoning_details") ? .reasoningDetails : .none
    }

    @inline(__always)
    private static func count(_ name: Name) -> AnswerKey {
        switch name.count {
        case 12: return name("total_tokens") ? .totalTokens : name("input_tokens") ? .inputTokens : .none
        case 13: return name("prompt_tokens") ? .promptTokens : name("cached_tokens") ? .cachedTokens : .none
        case 17: return name("completion_tokens") ? .completionTokens : .none
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
