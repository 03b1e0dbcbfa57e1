import Config

/// Keeps the listening sockets in the service manager's descriptor store, so that they outlive a restart:
/// `FDSTORE=1` of sd_notify(3), `FileDescriptorStoreMax=` of systemd.service(5).
final class SocketStore {
    private let manager: ServiceManager
    /// Names that were given to the store.
    private var stored: Set<String> = []
    /// A descriptor has come back out of the store under a name of ours, or systemd says that there is one
    /// (`$FDSTORE`, since 254): what we put there is really kept.
    private(set) var isKept: Bool
    /// From a socket unit, which keeps them by itself.
    private var others: [(address: BindAddress, name: String)] = []

    private static let prefix = "headgate-"

    init(_ manager: ServiceManager, inherited: [InheritedSockets.Item], environment: [String: String]) {
        self.manager = manager
        stored = Set(inherited.map(\.name).filter { $0.hasPrefix(SocketStore.prefix) })
        isKept = !stored.isEmpty || (environment["FDSTORE"].flatMap(Int.init) ?? 0) > 0
        for item in inherited where !item.name.hasPrefix(SocketStore.prefix) && !item.name.isEmpty {
            if let address = item.address { others.append((address, item.name)) }
        }
    }

    /// Brings the store in line with what listens.
    func keep(_ listening: [(address: BindAddress, descriptor: Int32)]) {
        guard manager.isThere else { return }
        var wanted: Set<String> = []
        for (address, descriptor) in listening where !isOther(address) {
            let name = SocketStore.name(of: address)
            wanted.insert(name)
            guard !stored.contains(name) else { continue }
            // Why not polled: a listening socket has no end that would take it out of the store.
            if manager.tell(["FDSTORE=1", "FDNAME=\(name)", "FDPOLL=0"], descriptors: [descriptor]) {
                stored.insert(name)
            }
        }
        for name in stored.subtracting(wanted) {
            if manager.tell(["FDSTOREREMOVE=1", "FDNAME=\(name)"]) { stored.remove(name) }
        }
    }

    /// Whether somebody goes on to hold this socket when the process ends.
    func outlives(_ address: BindAddress) -> Bool {
        !knownAs(address).isEmpty
    }

    /// The name under which somebody else holds this socket, too; empty: nobody surely does.
    func knownAs(_ address: BindAddress) -> String {
        if let other = others.first(where: { $0.address.isSame(address) }) { return other.name }
        let name = SocketStore.name(of: address)
        return isKept && stored.contains(name) ? name : ""
    }

    private func isOther(_ address: BindAddress) -> Bool {
        others.contains { $0.address.isSame(address) }
    }

    /// For `FDNAME=`: printable ASCII without colons, at most 255 bytes.
    static func name(of address: BindAddress) -> String {
        let text = address.text.map { $0.isASCII && $0 != ":" && $0 > " " ? $0 : "_" }
        return prefix + String(text.suffix(255 - prefix.count))
    }
}
