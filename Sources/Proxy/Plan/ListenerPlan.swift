import Synchronization

/// What a worker needs to know of one listener in one generation. The socket itself outlives generations and
/// is found by `identity`.
final class ListenerPlan: Sendable {
    /// The key in the file.
    let name: String
    let nameText: PlanText
    /// Same bind address, same identity: the socket is kept across reloads.
    let identity: ListenerIdentity
    /// Empty: everybody.
    let allow: [AddressRange]
    let maxConnections: Int
    /// Outlives the generation, like the socket.
    let connections: ConnectionCount
    let headLimits: HeadLimits
    let timeouts: ListenerTimeouts
    /// `client_half_close: allow`: a FIN of the client ends its request side only.
    let allowsHalfClose: Bool

    init(
        name: String, nameText: PlanText, identity: ListenerIdentity, allow: [AddressRange],
        maxConnections: Int, connections: ConnectionCount, headLimits: HeadLimits,
        timeouts: ListenerTimeouts, allowsHalfClose: Bool
    ) {
        self.name = name
        self.nameText = nameText
        self.identity = identity
        self.allow = allow
        self.maxConnections = maxConnections
        self.connections = connections
        self.headLimits = headLimits
        self.timeouts = timeouts
        self.allowsHalfClose = allowsHalfClose
    }
}

/// A small number that names a bound socket for the life of the process.
struct ListenerIdentity: Hashable, Sendable {
    let rawValue: Int
}

/// Nanoseconds each; 0 means no limit.
struct ListenerTimeouts: Sendable {
    /// From the first byte of a head to its end, in total.
    var head: UInt64
    /// Between two reads of a request body, while we are willing to read.
    var body: UInt64
    /// Without write progress towards a reader that has stalled.
    var clientIdle: UInt64
    /// A kept-alive connection without a request.
    var keepAlive: UInt64
}

/// Open client connections of one listener, over all workers and generations.
final class ConnectionCount: Sendable {
    let count = Atomic<Int>(0)
}
