import COpenSSL

/// Which of a pool's addresses a connection went to.
struct AddressPlace {
    fileprivate var index: UInt32 = 0
    /// `EndpointState.addressVersion` at that time; 0: to none.
    fileprivate var version: UInt64 = 0
}

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
    /// Monotonic nanoseconds, one for each address: left out until then.
    private var failedUntil: [UInt64] = []
    /// Nanoseconds.
    static let failedAddressTime: UInt64 = 10_000_000_000
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

    /// The addresses in turn, without those to which a connection failed a moment ago, unless no other is
    /// left.
    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: nil while the name is unresolved.
    func takeAddress(now: UInt64) -> (address: SocketAddress, place: AddressPlace)? {
        refreshAddresses()
        guard !addresses.isEmpty else { return nil }
        var index = nextAddress
        for _ in addresses.indices {
            guard failedUntil[index] > now else { break }
            index = following(index)
        }
        nextAddress = following(index)
        return (addresses[index], AddressPlace(index: UInt32(index), version: addressVersion))
    }

    /// No connection came about there. Means nothing where the name has other addresses by now.
    func addressFailed(_ place: AddressPlace, now: UInt64) {
        guard place.version == addressVersion, place.index < addresses.count else { return }
        failedUntil[Int(place.index)] = now.addingSaturating(EndpointPool.failedAddressTime)
    }

    private func following(_ index: Int) -> Int { index + 1 == addresses.count ? 0 : index + 1 }

    /// What is known of an address holds as long as the name has it.
    private func refreshAddresses() {
        let version = state.addressVersion.load(ordering: .acquiring)
        guard version != addressVersion else { return }
        addressVersion = version
        let known = zip(addresses, failedUntil).filter { $0.1 > 0 }
        addresses = state.currentAddresses()
        failedUntil = addresses.map { address in known.first { $0.0 == address }?.1 ?? 0 }
        nextAddress = 0
    }

    var resumableSession: OpaquePointer? { session }

    func remember(_ new: OpaquePointer) {
        if let session { SSL_SESSION_free(session) }
        session = new
    }
}
