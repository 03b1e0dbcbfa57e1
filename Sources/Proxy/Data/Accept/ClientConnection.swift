/// One HTTP/1 client: keep-alive, pipelining, and the exchange that runs on it at present.
///
/// This is the HTTP/1 form of a *client stream*: an exchange uses only what stands under "Client stream" in
/// `Worker+Client.swift`, so that a stream of another HTTP version can take its place.
///
/// Cost: about 300 bytes while idle; memory for bytes only while a head is incomplete or output waits.
final class ClientConnection: Channel {
    enum Phase: UInt8 {
        /// Between requests.
        case idle
        /// Part of a head is in `input`.
        case head
        /// `exchange` runs.
        case exchange
        /// The last bytes of an answer wait for the client; `afterFlush` says what then.
        case flushing
        /// Reading the rest of a refused request, so that the connection can go on.
        case discarding
        /// Answered and half-closed: reading and forgetting, so that no RST overtakes the answer.
        case lingering
        case closed
    }

    enum AfterFlush: UInt8 {
        case nextRequest
        case close
        case linger
        case discardBody
    }

    let peer: PeerAddress
    let listener: ListenerIdentity
    var phase: Phase = .idle
    var afterFlush: AfterFlush = .nextRequest
    /// The client's FIN, or worse, was reported.
    var hasEnded = false
    /// Broken in both directions.
    var isBroken = false
    /// This listener is not in the current generation: close when the exchange ends.
    var isRetired: Bool { pinned != nil }
    /// The last generation that had the listener: what this client may still ask is answered by it.
    var pinned: ServingGeneration?
    /// At least one exchange has begun.
    var wasServed = false
    /// Place in `Worker.clients`.
    var slot = 0
    /// The generation for which `listenerIndex` holds and the address was allowed.
    var checkedGeneration: UInt64 = 0
    /// Into `Generation.listeners`.
    var listenerIndex = 0
    /// The listener in that generation: the index means another one, or none, in the next.
    var plan: ListenerPlan?
    /// The peer is in the listener's allow list, or there is none.
    var isAllowed = true
    /// Where this connection is counted against `max_connections`.
    var countedBy: ConnectionCount?
    var exchange: RunningExchange?
    /// An incomplete head, pipelined requests, an incomplete trailer section.
    var input = ByteQueue()
    var headEnd = HeadEndScanner()
    /// When the first byte of the head came, monotonic.
    var headStartedAt: UInt64 = 0
    /// Place in `Worker.outbox`; -1 for none.
    var outboxEntry: Int32 = -1
    /// Unsent bytes of an answer.
    var output = ByteQueue()
    /// Last progress of a write that could not be finished, monotonic.
    var stalledSince: UInt64 = 0
    /// What the kernel held unsent when the stall was last looked at; -1 before.
    var unsentSeen: Int32 = -1
    /// What is left of a refused request's body, and how much of it will be read.
    var discardedBody = BodyReader(.none)
    var discardAllowance = 0
    /// When lingering ends at the latest, monotonic.
    var lingerUntil: UInt64 = 0

    init(descriptor: Int32, peer: PeerAddress, listener: ListenerIdentity) {
        self.peer = peer
        self.listener = listener
        super.init(kind: .client, descriptor: descriptor)
    }
}

/// A listening socket in this worker's epoll.
final class ListenerChannel: Channel {
    let identity: ListenerIdentity
    /// Out of descriptors: not watched until the deadline.
    var isPaused = false

    init(_ socket: ListenerSocket) {
        identity = socket.identity
        super.init(kind: .listener, descriptor: socket.descriptor)
    }
}
