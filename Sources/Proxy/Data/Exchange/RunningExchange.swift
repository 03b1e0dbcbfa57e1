/// What the driver holds of one exchange. Recycled: a worker allocates as many as it ever had at once.
final class RunningExchange {
    var machine = Exchange()
    /// Pins the generation that the exchange began with.
    var serving: ServingGeneration?
    unowned(unsafe) var client: ClientConnection?
    unowned(unsafe) var upstream: UpstreamConnection?
    /// Into `Generation.listeners` of `serving`.
    var listenerIndex = 0
    /// nil before a route is known.
    var route: RoutePlan?
    /// Who it is for; nil before that is known, and where nobody in particular was let in.
    var caller: Caller?
    /// The entry that let the caller in, or that control was asked for.
    var auth: AuthPlan?
    /// Status of a refusal because of the credential: 401, or `reject_status`.
    var rejectStatus: UInt16 = 401
    /// What it may use and has used; nil where nothing counts it.
    var account: UsageAccount?
    var rateRefusal: RateRefusal?
    /// The question that waits for control's answer, or the number in the upstream's queue; 0 for none.
    var ticket: UInt64 = 0
    var askedAt: UInt64 = 0
    var queuedAt: UInt64 = 0
    /// Where it stands with the gate of its upstream.
    var standing: GateStanding = .outside
    /// When `queue.timeout` is over; `.max` for never.
    var queueDeadline: UInt64 = .max
    var upstreamIndex = 0
    var endpoint = 0
    /// Endpoints of the upstream that have had it.
    var tried = Balancer.Tried()
    /// Attempts of the upstream.
    var attemptsHere: UInt8 = 0
    /// nil: there is one place to go to, and no key for it.
    var course: Course?
    /// With `transform: simple_chat`, from the answer's head on.
    var chat: ChatResponse?
    /// The clocks of the upstream that it goes to, with the route's put over them; all off before one is
    /// known.
    var timeouts = UpstreamTimeouts.off
    var requestBody = BodyReader(.none)
    var responseBody = BodyReader(.none)
    var responseOutput: BodyOutput = .verbatim
    var method: Method = .other
    var clientVersion: HTTPVersion = .http11
    var clientKeepsAlive = false
    var upstreamKeepsAlive = false
    /// `Expect: 100-continue` that was not answered.
    var expectsContinue = false
    /// `max_body` of the route.
    var bodyLimit = UInt64.max
    var isEventStream = false
    /// An interim response (1xx) has come.
    var sawInterim = false
    /// A final response head has gone to the client.
    var isCommitted = false
    /// The route has CORS rules and they let the origin in `notes` read the answer.
    var allowsOrigin = false
    var tail = EventStreamScanner()
    /// The request as received, head first: while no upstream has it, or while it may have to be repeated.
    var held = ByteQueue()
    var heldHeadBytes = 0
    /// Content of a request body that is read whole, transfer coding taken off.
    var body = ByteQueue()
    /// Of `body`, counted in the budget of all; 0 once an upstream's `output` has them.
    var budgetedBytes = 0
    /// The body is looked into before the request goes on; it goes on from `body`.
    var isInspected = false
    /// What it asks for decides; else the body is only kept.
    var readsFacts = false
    /// `body` stays until the answer begins: the request may have to go out again.
    var keepsBody = false
    /// Texts of the request for the record, the answer and the next attempt; see `Notes`.
    var notes = Notes()
    var record = ExchangeRecord()
    /// Monotonic nanoseconds.
    var startedAt: UInt64 = 0
    var connectStartedAt: UInt64 = 0
    var sentAt: UInt64 = 0
    /// End of `total`; `.max` for none.
    var totalDeadline: UInt64 = .max
    /// One of the upstream's clocks has run out.
    var hasTimedOut = false
    /// Bytes of the local reply's code, for the record.
    var replyCode: StaticString = ""
    /// It was broken off, has said so in its stream, and ends as if it were whole: `stream_error_end: done`.
    var endsWhole = false
    /// Of the key that the request went out with last; outlives `course`, and holds no key.
    var keyLabel: PlanText?

    func reset(blocks: BlockPool) {
        chat?.release(blocks: blocks)
        chat = nil
        held.release(to: blocks)
        body.release(to: blocks)
        notes.release(to: blocks)
        machine = Exchange()
        serving = nil
        client = nil
        upstream = nil
        route = nil
        caller = nil
        auth = nil
        rejectStatus = 401
        rateRefusal = nil
        ticket = 0
        standing = .outside
        queueDeadline = .max
        requestBody = BodyReader(.none)
        responseBody = BodyReader(.none)
        isCommitted = false
        sawInterim = false
        isEventStream = false
        expectsContinue = false
        isInspected = false
        readsFacts = false
        keepsBody = false
        tried = Balancer.Tried()
        attemptsHere = 0
        allowsOrigin = false
        bodyLimit = .max
        listenerIndex = 0
        upstreamIndex = 0
        endpoint = 0
        timeouts = .off
        method = .other
        clientVersion = .http11
        clientKeepsAlive = false
        responseOutput = .verbatim
        tail = EventStreamScanner()
        record = ExchangeRecord()
        connectStartedAt = 0
        sentAt = 0
        totalDeadline = .max
        hasTimedOut = false
        replyCode = ""
        endsWhole = false
        keyLabel = nil
    }
}

/// Texts that an exchange keeps beyond its head: one small block, back to back.
struct Notes {
    private var bytes = ByteQueue()
    private var ends = InlineArray<6, UInt16>(repeating: 0)

    /// In the order in which they are noted. `model` is what the request's body names.
    enum Text: Int { case requestID, method, path, host, origin, model }

    /// Each is cut at this; together they stay far below a `UInt16`.
    static let textMax = 1024

    mutating func append(_ text: Text, _ source: UnsafeRawBufferPointer, from pool: BlockPool) {
        let kept = UnsafeRawBufferPointer(start: source.baseAddress, count: min(source.count, Notes.textMax))
        bytes.append(kept, from: pool)
        for index in text.rawValue..<6 { ends[index] = UInt16(bytes.count) }
    }

    /// Valid until the next change.
    subscript(_ text: Text) -> UnsafeRawBufferPointer {
        let start = text.rawValue == 0 ? 0 : Int(ends[text.rawValue - 1])
        let end = Int(ends[text.rawValue])
        guard end > start else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes.bytes)[start..<end])
    }

    mutating func release(to pool: BlockPool) {
        bytes.release(to: pool)
        ends = InlineArray(repeating: 0)
    }
}
