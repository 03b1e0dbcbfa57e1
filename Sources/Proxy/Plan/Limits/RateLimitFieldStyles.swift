/// Which families of response fields tell a client how it stands with the limits: `rate_limit_headers` of a
/// route.
struct RateLimitFieldStyles: OptionSet, Sendable {
    let rawValue: UInt8

    /// `x-ratelimit-limit-requests`, `-remaining-requests`, `-reset-requests`, and the same of `-tokens`;
    /// resets as durations, `6m0s`.
    static let openai = RateLimitFieldStyles(rawValue: 1)
    /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    static let ietf = RateLimitFieldStyles(rawValue: 2)
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, the reset in ISO 8601, UTC.
    static let iso = RateLimitFieldStyles(rawValue: 4)
    /// The same three, the reset in seconds since 1970. Gives way to `iso`.
    static let epoch = RateLimitFieldStyles(rawValue: 8)
    /// The same three, the reset in seconds from now. Gives way to `iso` and `epoch`.
    static let delta = RateLimitFieldStyles(rawValue: 16)

    static let timed: RateLimitFieldStyles = [.iso, .epoch, .delta]
}
