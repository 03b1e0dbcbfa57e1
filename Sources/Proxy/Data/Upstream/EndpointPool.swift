import COpenSSL

/// This worker's connections to one endpoint. Outlives generations: an unchanged endpoint keeps its pool.
final class EndpointPool {
    let state: EndpointState
    /// Most recently used last: it is taken first, so that the others may expire.
    private(set) var idle: [UpstreamConnection] = []
    /// No generation of this worker names the endpoint any more: connections are not kept.
    var isRetired = false
    /// Of the newest generation: idle connections kept, and for how many nanoseconds.
    var keptMax = 0
    var idleTimeout: UInt64 = 0
    private var addresses: [SocketAddress] = []
    private var addressVersion: UInt64 = 0
    private var nextAddress = 0
    /// For TLS resumption; owned.
    private var session: OpaquePointer?

    init(state: EndpointState) { self.state = state }

    deinit { if let session { SSL_SESSION_free(session) } }

    func popIdle() -> UpstreamConnection? { idle.popLast() }

    func pushIdle(_ connection: UpstreamConnection) { idle.append(connection) }

    func removeIdle(_ connection: UpstreamConnection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    /// How many addresses the name has at present.
    func addressCount() -> Int {
        refreshAddresses()
        return addresses.count
    }

    /// The addresses in turn; nil while the name is unresolved.
    func takeAddress() -> SocketAddress? {
        refreshAddresses()
        guard !addresses.isEmpty else { return nil }
        defer { nextAddress = (nextAddress + 1) % addresses.count }
        return addresses[nextAddress]
    }

    /// The same address again is the best guess: it just worked.
    func addressWorked() {
        if addresses.count > 1 { nextAddress = (nextAddress + addresses.count - 1) % addresses.count }
    }

    private func refreshAddresses() {
        let version = state.addressVersion.load(ordering: .acquiring)
        guard version != addressVersion else { return }
        addressVersion = version
        addresses = state.currentAddresses()
        nextAddress = 0
    }

    var resumableSession: OpaquePointer? { session }

    func remember(_ new: OpaquePointer) {
        if let session { SSL_SESSION_free(session) }
        session = new
    }
}
