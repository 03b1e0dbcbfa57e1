/// What one exchange leaves behind: the fixed part of a record in the ring. The texts follow it there.
struct ExchangeRecord {
    /// Whose fault the ending was.
    enum Fault: UInt8 { case none, client, upstream, gateway }
    enum Outcome: UInt8 {
        /// Answered whole.
        case complete
        /// The client went away first.
        case clientGone
        /// The upstream died after its head: the client got a visibly broken response.
        case truncated
        /// A reader stalled past `client_idle`.
        case clientStalled
        /// Ended by `drain_timeout` or `total`.
        case cut
    }

    /// Nanoseconds since 1970, when the head was complete.
    var startedAt: UInt64 = 0
    // Nanoseconds each; 0 where the phase was not reached.
    /// First byte of the head to its last.
    var headTime: UInt64 = 0
    /// Control decided: on a credential, an action or a key.
    var askTime: UInt64 = 0
    /// Waited for a place at the upstream.
    var queueTime: UInt64 = 0
    /// Lease of an upstream connection; 0 for a pooled one.
    var connectTime: UInt64 = 0
    /// Request passed on to response head.
    var firstByteTime: UInt64 = 0
    /// Head complete to the end of the exchange.
    var totalTime: UInt64 = 0
    var requestBodyBytes: UInt64 = 0
    /// Bytes of the answer's body as sent, framing included.
    var responseBodyBytes: UInt64 = 0
    /// Tokens that were used, where they are counted.
    var inputTokens: UInt64 = 0
    var outputTokens: UInt64 = 0
    var generation: UInt64 = 0
    /// 0: nothing was answered.
    var status: UInt16 = 0
    /// How many there were; `attempt` has those that are told of.
    var attempts: UInt8 = 0
    /// The upstream connection came out of the pool.
    var reusedUpstream = false
    /// Not by a generation with `access_log: off`: those are for `explain` and spans alone.
    var isLogged = true
    /// Tokens were counted.
    var isMetered = false
    var fault: Fault = .none
    var outcome: Outcome = .complete
    var version: HTTPVersion = .http11
    var peer = PeerAddress(high: 0, low: 0, port: 0, isUnix: true)
    var limit = RecordedLimit()
    var attempt = RecordedAttempts()
    var trace = RecordedTrace()
}

/// The texts of a record, in the order in which they stand in the ring.
enum RecordText: Int, CaseIterable {
    /// `code` of a local reply's error object; empty otherwise.
    case errorCode
    case requestID
    case method
    /// Without the query, which may hold secrets. Cut at 1,024 bytes.
    case path
    case host
    case listener
    case route
    /// `EndpointState.display`; empty for local replies.
    case endpoint
    /// Entry of `auth:` that let the caller in; empty for none.
    case auth
    /// `Caller.label`; empty where nobody in particular was let in.
    case caller
    /// What the request names, or else the answer; empty where neither was looked into.
    case model
    /// The key below `upstreams` of the last attempt; empty where none was made.
    case upstream
    /// Where the key to the upstream came from and what it ends in (`UpstreamCredential.label`).
    case key
    /// The key below `limits`, or the entry of `auth` whose caller's own limit it is.
    case limit
    /// The key of the number, such as `tokens_per_day`.
    case limitNumber
    /// Of the attempts before the last one, as far as they are told of: name of the upstream and
    /// `EndpointState.display`, a NUL behind each.
    case earlierPlaces
}
