import CLinux
import Config
import Glibc
import Stores

/// Listening sockets that were there before this process: from systemd's descriptor store, a socket unit
/// (sd_listen_fds(3)), or the headgate before this one. Matched by their addresses, never by order or name.
final class InheritedSockets {
    struct Item: Equatable {
        let descriptor: Int32
        /// `$LISTEN_FDNAMES`; empty where they have none.
        let name: String
        let address: BindAddress?
    }

    /// The first descriptor of sd_listen_fds(3).
    static let firstDescriptor: Int32 = 3

    private(set) var items: [Item]

    init(_ items: [Item] = []) { self.items = items }

    /// What `$LISTEN_FDS` says, if it is meant for this process. The variables are unset, so that no child
    /// takes them as meant for it.
    static func ofProcess() -> InheritedSockets {
        let environment = Environment.ofProcess()
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) } }
        guard let count = environment["LISTEN_FDS"].flatMap(Int32.init), count > 0,
            environment["LISTEN_PID"].flatMap(Int32.init) == getpid()
        else { return InheritedSockets() }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(
            separator: ":", omittingEmptySubsequences: false)
        return InheritedSockets(
            (0..<min(count, 1024)).map { index in
                let name = Int(index) < names.count ? String(names[Int(index)]) : ""
                return Item(descriptor: firstDescriptor + index, name: name)
            })
    }

    /// - Returns: the socket that listens there, which is the caller's from now on.
    func take(_ address: BindAddress) -> Item? {
        guard let index = items.firstIndex(where: { $0.address.map(address.isSame) ?? false }) else {
            return nil
        }
        return items.remove(at: index)
    }

    func giveBack(_ item: Item) { items.append(item) }

    /// Closes what nobody has taken.
    /// - Returns: what it was.
    func closeRest() -> [Item] {
        defer { items = [] }
        for item in items { close(item.descriptor) }
        return items
    }
}

extension InheritedSockets.Item {
    /// Makes the descriptor fit to be watched: close-on-exec and non-blocking.
    init(descriptor: Int32, name: String) {
        self.init(descriptor: descriptor, name: name, address: BindAddress(listening: descriptor))
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }
}

extension BindAddress {
    /// Where a stream socket listens; nil: it does not.
    init?(listening descriptor: Int32) {
        var isListening: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0, isListening == 1
        else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        switch Int32(storage.ss_family) {
        case AF_INET, AF_INET6:
            let address = withUnsafeBytes(of: &storage) { $0.load(as: sockaddr_in6.self) }
            let peer = PeerAddress(accepted: address, isUnix: false)
            self = .ip(host: peer.hostText, port: peer.port)
        case AF_UNIX:
            let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
            let path = withUnsafeBytes(of: &storage) { bytes in
                String(decoding: bytes[offset..<max(offset, Int(length))].prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !path.isEmpty else { return nil }
            self = .unix(path: path)
        case _: return nil
        }
    }

    /// The same place, however it is written.
    func isSame(_ other: BindAddress) -> Bool {
        switch (self, other) {
        case (.unix(let path), .unix(let otherPath)): path == otherPath
        case (.ip(let host, let port), .ip(let otherHost, let otherPort)):
            port == otherPort && port != 0 && BindAddress.bytes(host) == BindAddress.bytes(otherHost)
        case (.unix, .ip), (.ip, .unix): false
        }
    }

    private static func bytes(_ host: String) -> [UInt8]? {
        let numeric = host == "localhost" ? "127.0.0.1" : host
        guard var address = SocketAddress(numericHost: numeric, port: 0)?.storage else { return nil }
        return withUnsafeBytes(of: &address) { Array($0) }
    }
}
