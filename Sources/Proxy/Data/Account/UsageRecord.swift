/// What one exchange has used: the fixed part of a record in the ring. The texts follow it there.
struct UsageRecord: BitwiseCopyable, Sendable {
    /// Nanoseconds since 1970: says which day it counts for.
    var time: UInt64 = 0
    /// Rows of the caller's store; 0: none.
    var keyID: Int64 = 0
    var userID: Int64 = 0
    var inputTokens: UInt64 = 0
    var outputTokens: UInt64 = 0
    /// Those of `inputTokens` that the upstream had in its cache.
    var cachedInputTokens: UInt64 = 0
    /// Billionths of a US dollar.
    var nanoUSD: UInt64 = 0
    /// The upstream did not say what was used.
    var isEstimated = false
    /// Answered by an error, or not to the end.
    var failed = false
}

/// The texts of a usage record, in the order in which they stand in the ring.
enum UsageText: Int, CaseIterable {
    /// Entry of `auth:` that let the caller in; empty for none.
    case auth
    /// `Caller.label`; empty where nobody in particular was let in.
    case caller
    /// Empty where none is known.
    case model
    /// The key below `upstreams`.
    case upstream
}
