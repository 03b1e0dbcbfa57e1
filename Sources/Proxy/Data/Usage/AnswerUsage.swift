/// What an answer says it used, in tokens.
struct AnswerUsage: Equatable {
    /// All of the prompt, that from a cache included.
    var inputTokens: UInt64 = 0
    /// All that was generated, thinking included.
    var outputTokens: UInt64 = 0
    /// The part of `inputTokens` that came from a cache.
    var cachedInputTokens: UInt64 = 0
}

/// The members of one usage object, or of several that follow each other: a later one replaces what it gives
/// and leaves the rest, as Anthropic's `message_delta` does with `message_start`.
///
/// Two families. OpenAI's `prompt_tokens` (in the Responses API `input_tokens`) contain what was cached.
/// Anthropic's `input_tokens` do not: `cache_read_input_tokens` and `cache_creation_input_tokens` come on
/// top.
struct UsageMembers {
    /// The largest count that is believed: beyond it readers of JSON differ.
    static let countMax: UInt64 = 1 << 53

    private var input: UInt64 = 0
    private var output: UInt64 = 0
    private var cached: UInt64 = 0
    private var cacheCreation: UInt64 = 0
    private var given: Given = []

    private struct Given: OptionSet {
        var rawValue: UInt8
        static let input = Given(rawValue: 1)
        static let output = Given(rawValue: 2)
        static let cached = Given(rawValue: 4)
        static let cacheCreation = Given(rawValue: 8)
        /// `input` is `prompt_tokens`, which contain what was cached whatever else is said.
        static let isPrompt = Given(rawValue: 16)
        /// `output` is `completion_tokens`, which are believed where some gateway says both.
        static let isCompletion = Given(rawValue: 64)
        /// `cached` is `cache_read_input_tokens`.
        static let isCacheRead = Given(rawValue: 32)
    }

    var isEmpty: Bool { given.isEmpty }

    /// - Parameter key: one of those with `isCount`, or `cachedTokens`. `totalTokens` goes to `settle`.
    mutating func set(_ key: AnswerKey, to count: UInt64) {
        switch key {
        case .promptTokens:
            input = count
            given.formUnion([.input, .isPrompt])
        case .inputTokens where !given.contains(.isPrompt):
            input = count
            given.insert(.input)
        case .completionTokens:
            output = count
            given.formUnion([.output, .isCompletion])
        case .outputTokens where !given.contains(.isCompletion):
            output = count
            given.insert(.output)
        case .cacheCreation:
            cacheCreation = count
            given.insert(.cacheCreation)
        case .cacheRead:
            cached = count
            given.formUnion([.cached, .isCacheRead])
        case .cachedTokens, .cacheHit:
            cached = count
            given.insert(.cached)
            given.remove(.isCacheRead)
        default: return
        }
    }

    /// Takes the total into account, once the object is over. What it has more than prompt and completion was
    /// generated as well: Gemini's OpenAI mode leaves thinking out of `completion_tokens`. Embeddings may
    /// have a total alone.
    mutating func settle(total: UInt64) {
        if !given.contains(.input) {
            guard total >= output else { return }
            input = total - output
            given.insert(.input)
        } else if given.isDisjoint(with: [.isCacheRead, .cacheCreation]), total > input,
            total - input > output
        {
            output = total - input
            given.insert(.output)
        }
    }

    mutating func merge(_ later: UsageMembers) {
        if later.given.contains(.input) {
            input = later.input
            take(.isPrompt, later)
        }
        if later.given.contains(.output) { output = later.output }
        if later.given.contains(.cacheCreation) { cacheCreation = later.cacheCreation }
        if later.given.contains(.cached) {
            cached = later.cached
            take(.isCacheRead, later)
        }
        given.formUnion(later.given)
    }

    private mutating func take(_ flag: Given, _ later: UsageMembers) {
        given.remove(flag)
        given.formUnion(later.given.intersection(flag))
    }

    var usage: AnswerUsage {
        var all = input
        if !given.contains(.isPrompt) {
            all += cacheCreation
            if given.contains(.isCacheRead) { all += cached }
        }
        return AnswerUsage(inputTokens: all, outputTokens: output, cachedInputTokens: min(cached, all))
    }

    // MARK: Numbers

    /// A count as JSON has it, also one such as `12.0`; nil for anything else: negative, beyond `countMax`,
    /// with a fraction or an exponent, no number at all.
    static func count(_ base: UnsafeRawPointer, count: Int) -> UInt64? {
        var value: UInt64 = 0
        var offset = 0
        while offset < count, let digit = decimalDigitValue(ByteScan.octet(base, offset)) {
            guard offset < 17 else { return nil }
            value = value &* 10 &+ UInt64(digit)
            offset &+= 1
        }
        guard offset > 0, value <= countMax else { return nil }
        guard offset == 1 || ByteScan.octet(base, 0) != UInt8(ascii: "0") else { return nil }
        guard offset < count else { return value }
        guard ByteScan.octet(base, offset) == UInt8(ascii: "."), offset + 1 < count else { return nil }
        for index in offset + 1..<count where ByteScan.octet(base, index) != UInt8(ascii: "0") { return nil }
        return value
    }
}
