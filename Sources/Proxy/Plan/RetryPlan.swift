/// When a request that an upstream has not answered may go out once more: to another endpoint of the same
/// upstream, or to the next that `first_of` of its model names.
///
/// Never once a byte of an answer has gone to the client. What may have been acted on (RFC 9110 §9.2.2) is
/// repeated only where the file says so: the SDKs try again themselves, and know better what that costs.
struct RetryPlan: Sendable, Equatable {
    /// Of one request at this upstream, the first included.
    var attemptsMax: UInt8 = 3
    var causes: RetryCauses = [.connect, .reset]
    /// Statuses of answers that are not passed on while another attempt is left.
    var statuses: [UInt16] = []
    /// `post: true`: also what is not idempotent, once it has reached the upstream.
    var repeatsPost = false
    /// Bytes of a body that is kept to be sent again; of a larger one nothing is repeated.
    var bodyMax = 1 << 20

    static let attemptsMaxMax: UInt8 = 10

    /// Answers that say that nothing was done, or that nobody will do it: with those `first_of` goes on.
    static let failoverStatuses: [UInt16] = [429, 500, 502, 503, 504, 529]
}

struct RetryCauses: OptionSet, Sendable {
    let rawValue: UInt8
    /// No connection came about: nothing was sent.
    static let connect = RetryCauses(rawValue: 1)
    /// The upstream closed or reset before it had answered, or answered what is no HTTP.
    static let reset = RetryCauses(rawValue: 2)
    /// `first_byte` ran out.
    static let stalled = RetryCauses(rawValue: 4)
}
