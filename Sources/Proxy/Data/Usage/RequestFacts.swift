import JSON

/// What a request body asks for, as limits and accounting need it.
struct RequestFacts: Equatable {
    /// The content of the top-level `model`, by offsets into the body; nil: none, or no string.
    var model: JSONString?
    /// A top-level `model` that is no string, such as null.
    var otherModel: Range<Int>?
    var hasTemperature = false
    /// Behind the first brace.
    var start = 0
    /// The object has no member.
    var isEmpty = false
    /// `"stream": true`.
    var streams = false
    /// What makes the upstream say the usage of a stream; nil if nothing streams, or the client asked for it.
    /// Only chat completions and completions know it: on other paths it must not be applied.
    var usageEdit: UsageEdit?
    /// The largest of `max_tokens`, `max_completion_tokens` and `max_output_tokens`; nil: none is given,
    /// or null or a negative number, which set no limit.
    var outputMax: UInt64?
    /// Answers that are generated: the larger of `n` and `best_of`, at least 1.
    var choices: UInt64 = 1
    /// See `InputEstimate`.
    var inputTokensEstimate: UInt64 = 0
}

/// One change of a body, after which its `stream_options.include_usage` is true.
struct UsageEdit: Equatable {
    /// Bytes of the body before it.
    var offset: Int
    /// Bytes that are left out there.
    var removeCount: Int
    /// What comes in their place.
    var insertion: StaticString

    static func == (left: UsageEdit, right: UsageEdit) -> Bool {
        left.offset == right.offset && left.removeCount == right.removeCount
            && left.insertion.description == right.insertion.description
    }
}
