/// One connection to an endpoint: of one exchange, or idle in the pool.
final class UpstreamConnection: Channel {
    enum Phase: UInt8 { case connecting, handshaking, idle, active, closed }

    let pool: EndpointPool
    var phase: Phase = .connecting
    var hasEnded = false
    var isBroken = false
    /// Counted in `EndpointState.leasedCount`.
    var isLeased = false
    /// Came out of the pool for its present exchange.
    var isReused = false
    /// Where it leads.
    var address = AddressPlace()
    /// Place in `Worker.upstreams`.
    var slot = 0
    var tls: TLSSession?
    /// Strong: after the client has left, this is all that holds an exchange which drains.
    var exchange: RunningExchange?
    /// An incomplete response head or trailer section.
    var input = ByteQueue()
    /// Unsent bytes of a request.
    var output = ByteQueue()
    /// Of `output`, counted in the budget of bodies until the last of them has left.
    var budgetedBytes = 0
    var idleSince: UInt64 = 0

    init(descriptor: Int32, pool: EndpointPool) {
        self.pool = pool
        super.init(kind: .upstream, descriptor: descriptor)
    }
}
