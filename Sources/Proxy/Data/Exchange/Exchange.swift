/// One request and its response, from the complete head to the record.
///
///      ▲ │
///      │ ├─▶ collecting (the body is read whole) ─▶ back
///      │ ├─▶ asking (control decides) ─▶ back
///      │ └─▶ queued (until there is a place at the upstream) ─▶ connecting
///      ▼
///     admitting ─▶ connecting ─▶ waiting ─▶ relaying ─▶ finished
///                   │ ▲  ▲ │        │           │
///                   └─┘  │ │        │           └─ clientLeft after the last event ─▶ draining ─▶ finished
///  connectFailed, again  │ │        └─ lost, timed out or turned away, again ─▶ connecting
///                        │ └─▶ keying (control says which key goes to the upstream)
///                        └──────┘
///
/// Whether once more, and where, is `Repetition`'s to decide. After the first byte of an answer there is no
/// way back to `connecting`: nothing is ever sent twice then.
///
/// Pure: no socket, no clock, no allocation. `ExchangeDriver` reports what happened by calling one method and
/// performs the one `Action` it gets back. Nothing that a client or an upstream sends can make an event
/// impossible; what is impossible is our own mistake and traps.
struct Exchange: Equatable {
    enum State: Equatable {
        /// Route and caller are being decided.
        case admitting
        /// The body is being read whole, because something looks into it before anything is decided.
        case collecting
        /// Control was asked: who the caller is, or what the answer is.
        case asking
        /// As many as may are with the upstream: there is no place yet.
        case queued
        /// No byte has reached an upstream, so trying another address is safe.
        case connecting(attempt: UInt8)
        /// Control was asked for the key that goes to the upstream.
        case keying(attempt: UInt8)
        /// The request is on its way or there; nothing was answered.
        case waiting(attempt: UInt8, request: RequestSide)
        /// The response head has gone to the client.
        case relaying(request: RequestSide)
        /// The client has left after the last event; the upstream is read to its end, to be reused.
        case draining
        case finished
    }

    enum RequestSide: UInt8, Equatable { case sending, sent }

    /// Why an exchange ends without a complete answer.
    enum Ending: UInt8, Equatable { case clientLeft, clientStalled, clientBroken, upstreamLost, cut }

    enum Action: Equatable {
        case wait
        /// Lease a connection: pooled or new, or only new after a replay.
        case connect(freshOnly: Bool)
        case sendRequest
        case relayHead
        /// Nothing has reached the client: answer it ourselves.
        case reply(LocalReply)
        /// The answer is complete. Each side is reused only if it is where the next exchange may begin.
        case finish(reuseUpstream: Bool, reuseClient: Bool)
        /// The answer cannot be completed: end both sides so that it shows.
        case abort(Ending)
        /// Let the client go and read on.
        case drainUpstream
        /// After `drainUpstream`: the upstream's end has come.
        case releaseUpstream(reuse: Bool)
    }

    /// First attempt included: a bound over all upstreams and keys. What an upstream allows is less.
    static let attemptsMax: UInt8 = 64

    private(set) var state: State = .admitting

    var isCollecting: Bool {
        switch state {
        case .collecting: true
        case .admitting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .draining, .finished:
            false
        }
    }

    var isRelaying: Bool {
        switch state {
        case .relaying: true
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .waiting, .draining, .finished:
            false
        }
    }

    var isAsking: Bool {
        switch state {
        case .asking: true
        case .admitting, .collecting, .queued, .connecting, .keying, .waiting, .relaying, .draining,
            .finished:
            false
        }
    }

    var isKeying: Bool {
        switch state {
        case .keying: true
        case .admitting, .collecting, .asking, .queued, .connecting, .waiting, .relaying, .draining,
            .finished:
            false
        }
    }

    var isQueued: Bool {
        switch state {
        case .queued: true
        case .admitting, .collecting, .asking, .connecting, .keying, .waiting, .relaying, .draining,
            .finished:
            false
        }
    }

    /// The one that is being made; 0 where no upstream is asked, or asked any more.
    var attempt: UInt8 {
        switch state {
        case .connecting(let attempt), .keying(let attempt), .waiting(let attempt, _): attempt
        case .admitting, .collecting, .asking, .queued, .relaying, .draining, .finished: 0
        }
    }

    /// The last byte of the request went to the upstream.
    var hasSentRequest: Bool {
        switch state {
        case .waiting(_, request: .sent), .relaying(request: .sent), .draining: true
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .finished:
            false
        }
    }

    /// Route and caller are known: the request may go to an upstream.
    mutating func admitted() -> Action {
        switch state {
        case .admitting:
            state = .connecting(attempt: 1)
            return .connect(freshOnly: false)
        case .collecting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .draining, .finished:
            invalid("admitted")
        }
    }

    /// The body has to be there before anything is decided.
    mutating func bodyWanted() {
        switch state {
        case .admitting: state = .collecting
        case .collecting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .draining, .finished:
            invalid("bodyWanted")
        }
    }

    /// It is there whole: deciding goes on.
    mutating func bodyCollected() {
        switch state {
        case .collecting: state = .admitting
        case .admitting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .draining, .finished:
            invalid("bodyCollected")
        }
    }

    /// A question went to control.
    mutating func asked() {
        switch state {
        case .admitting: state = .asking
        case .collecting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .draining, .finished:
            invalid("asked")
        }
    }

    /// Control has answered, or does not in time: deciding goes on.
    mutating func answered() {
        switch state {
        case .asking: state = .admitting
        case .admitting, .collecting, .queued, .connecting, .keying, .waiting, .relaying, .draining,
            .finished:
            invalid("answered")
        }
    }

    /// The upstream is full, but one may wait for a place.
    mutating func queued() {
        switch state {
        case .admitting: state = .queued
        case .collecting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .draining, .finished:
            invalid("queued")
        }
    }

    /// There is a place at the upstream.
    mutating func placeFreed() -> Action {
        switch state {
        case .queued:
            state = .connecting(attempt: 1)
            return .connect(freshOnly: false)
        case .admitting, .collecting, .asking, .connecting, .keying, .waiting, .relaying, .draining,
            .finished:
            invalid("placeFreed")
        }
    }

    /// `queue.timeout` is over.
    mutating func queueTimedOut() -> Action {
        switch state {
        case .queued:
            state = .finished
            return .reply(.upstreamQueueTimeout)
        case .admitting, .collecting, .asking, .connecting, .keying, .waiting, .relaying, .draining,
            .finished:
            invalid("queueTimedOut")
        }
    }

    /// Before an upstream is involved: refused, or answered by the route itself.
    mutating func answeredLocally() {
        switch state {
        case .admitting: state = .finished
        case .collecting, .asking, .queued, .connecting, .keying, .waiting, .relaying, .draining, .finished:
            invalid("answeredLocally")
        }
    }

    /// Which key goes to the upstream is not known here.
    mutating func keyWanted() {
        switch state {
        case .connecting(let attempt): state = .keying(attempt: attempt)
        case .admitting, .collecting, .asking, .queued, .keying, .waiting, .relaying, .draining, .finished:
            invalid("keyWanted")
        }
    }

    /// It is known now.
    mutating func keyFound() -> Action {
        switch state {
        case .keying(let attempt):
            state = .connecting(attempt: attempt)
            return .connect(freshOnly: false)
        case .admitting, .collecting, .asking, .queued, .connecting, .waiting, .relaying, .draining,
            .finished:
            invalid("keyFound")
        }
    }

    /// There is none, or nobody says so in time.
    /// - Parameter again: another upstream is tried.
    mutating func keyMissing(again: Bool, reply: LocalReply) -> Action {
        switch state {
        case .keying(let attempt): return tryAgain(again, attempt, freshOnly: false, else: reply)
        case .admitting, .collecting, .asking, .queued, .connecting, .waiting, .relaying, .draining,
            .finished:
            invalid("keyMissing")
        }
    }

    /// There is a connection.
    mutating func connected() -> Action {
        switch state {
        case .connecting(let attempt):
            state = .waiting(attempt: attempt, request: .sending)
            return .sendRequest
        case .admitting, .collecting, .asking, .queued, .keying, .waiting, .relaying, .draining, .finished:
            invalid("connected")
        }
    }

    /// - Parameters:
    ///   - again: there is another endpoint, address or upstream, and it may be tried.
    ///   - reply: what to say else.
    mutating func connectFailed(again: Bool, reply: LocalReply) -> Action {
        switch state {
        case .connecting(let attempt): return tryAgain(again, attempt, freshOnly: false, else: reply)
        case .admitting, .collecting, .asking, .queued, .keying, .waiting, .relaying, .draining, .finished:
            invalid("connectFailed")
        }
    }

    private mutating func tryAgain(
        _ again: Bool, _ attempt: UInt8, freshOnly: Bool, else reply: LocalReply
    ) -> Action {
        guard again, attempt < Exchange.attemptsMax else {
            state = .finished
            return .reply(reply)
        }
        state = .connecting(attempt: attempt + 1)
        return .connect(freshOnly: freshOnly)
    }

    /// The last byte of the request went to the upstream.
    mutating func requestEnded() -> Action {
        switch state {
        case .waiting(let attempt, _): state = .waiting(attempt: attempt, request: .sent)
        case .relaying: state = .relaying(request: .sent)
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .draining, .finished:
            invalid("requestEnded")
        }
        return .wait
    }

    /// A complete, valid, final response head.
    mutating func headArrived() -> Action {
        switch state {
        case .waiting(_, let request):
            state = .relaying(request: request)
            return .relayHead
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .relaying, .draining, .finished:
            invalid("headArrived")
        }
    }

    /// - Parameters:
    ///   - upstreamReusable: framing and `Connection` allow another request on it.
    ///   - clientReusable: likewise.
    mutating func responseEnded(upstreamReusable: Bool, clientReusable: Bool) -> Action {
        switch state {
        case .relaying(let request):
            state = .finished
            let whole = request == .sent
            return .finish(reuseUpstream: upstreamReusable && whole, reuseClient: clientReusable && whole)
        case .draining:
            state = .finished
            return .releaseUpstream(reuse: upstreamReusable)
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .waiting, .finished:
            invalid("responseEnded")
        }
    }

    /// The upstream has answered, but not so that its answer is passed on.
    /// - Parameters:
    ///   - again: another attempt is made; false: `reply` takes its place.
    mutating func turnedAway(again: Bool, reply: LocalReply) -> Action {
        switch state {
        case .waiting(let attempt, _): return tryAgain(again, attempt, freshOnly: false, else: reply)
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .relaying, .draining, .finished:
            invalid("turnedAway")
        }
    }

    /// The answer was read whole, and goes out in another form.
    mutating func gathered() {
        switch state {
        case .waiting: state = .finished
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .relaying, .draining, .finished:
            invalid("gathered")
        }
    }

    /// The upstream closed, reset, or sent what is not HTTP.
    /// - Parameters:
    ///   - again: the request may go out once more. Never looked at once an answer has begun.
    ///   - freshOnly: on a new connection: this one was a pooled one, which had ended meanwhile.
    ///   - reply: what to say if the client has not been answered.
    mutating func upstreamLost(again: Bool, freshOnly: Bool, reply: LocalReply) -> Action {
        switch state {
        case .waiting(let attempt, _): return tryAgain(again, attempt, freshOnly: freshOnly, else: reply)
        case .relaying:
            state = .finished
            return .abort(.upstreamLost)
        case .draining:
            state = .finished
            return .releaseUpstream(reuse: false)
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .finished:
            invalid("upstreamLost")
        }
    }

    /// The client's FIN or RST.
    /// - Parameter sawLastEvent: the answer's last event (`data: [DONE]`) has been sent to it.
    mutating func clientLeft(sawLastEvent: Bool) -> Action {
        switch state {
        case .relaying(request: .sent) where sawLastEvent:
            state = .draining
            return .drainUpstream
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .waiting, .relaying:
            state = .finished
            return .abort(.clientLeft)
        case .draining: return .wait
        case .finished: invalid("clientLeft")
        }
    }

    /// The request body broke a rule or a bound, or its sender stopped sending.
    mutating func requestRefused(_ reply: LocalReply) -> Action {
        switch state {
        case .collecting, .connecting, .keying, .waiting:
            state = .finished
            return .reply(reply)
        case .relaying:
            state = .finished
            return .abort(.clientBroken)
        case .admitting, .asking, .queued, .draining, .finished:
            invalid("requestRefused")
        }
    }

    /// `client_idle`: the client does not read.
    mutating func clientStalled() -> Action {
        switch state {
        case .collecting, .asking, .queued, .relaying, .waiting, .connecting, .keying:
            state = .finished
            return .abort(.clientStalled)
        case .admitting, .draining, .finished:
            invalid("clientStalled")
        }
    }

    /// `first_byte`, `idle` or `total` of the upstream. `total` runs while the exchange is queued, too.
    /// - Parameter again: `first_byte` it was, and another attempt is made.
    mutating func upstreamTimedOut(again: Bool) -> Action {
        switch state {
        case .waiting(let attempt, _):
            return tryAgain(again, attempt, freshOnly: false, else: .upstreamTimeout)
        case .queued, .connecting, .keying:
            state = .finished
            return .reply(.upstreamTimeout)
        case .relaying:
            state = .finished
            return .abort(.upstreamLost)
        case .draining:
            state = .finished
            return .releaseUpstream(reuse: false)
        case .admitting, .collecting, .asking, .finished:
            invalid("upstreamTimedOut")
        }
    }

    /// `on_revoke: cut`: whoever this is for may not be here any more.
    mutating func callerRevoked() -> Action {
        switch state {
        case .collecting, .asking, .queued, .connecting, .keying, .waiting:
            state = .finished
            return .reply(.credentialInactive)
        case .relaying:
            state = .finished
            return .abort(.cut)
        case .draining: return .wait
        case .admitting, .finished: invalid("callerRevoked")
        }
    }

    /// `drain_timeout` is over.
    mutating func cut() -> Action {
        switch state {
        case .admitting, .collecting, .asking, .queued, .connecting, .keying, .waiting:
            state = .finished
            return .reply(.draining)
        case .relaying:
            state = .finished
            return .abort(.cut)
        case .draining:
            state = .finished
            return .releaseUpstream(reuse: false)
        case .finished: invalid("cut")
        }
    }

    private func invalid(_ event: StaticString) -> Never {
        fatalError("exchange: \(event) in \(state)")
    }
}
