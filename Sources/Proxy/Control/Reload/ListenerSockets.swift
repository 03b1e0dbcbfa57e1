import CLinux
import Config
import Glibc

/// The listening sockets, kept by bind address for as long as one generation after another names them.
///
///     prepare ──▶ commit ──(every worker has adopted)──▶ closeRemoved
///        └─────▶ rollBack
///
/// One socket per listener, shared by all workers; without SO_REUSEPORT, so that a second process on the same
/// port is told, and so that closing a socket resets nothing that another worker would have accepted.
final class ListenerSockets {
    struct Bound {
        let identity: ListenerIdentity
        let address: BindAddress
        let descriptor: Int32
        /// Was there before this process, under this name.
        var inheritedAs: String?
        let connections = ConnectionCount()
        /// The socket file as it was made, so that only our own is removed.
        let file: FileIdentity?
        /// `http://127.0.0.1:8000`, with the port that was really bound.
        let url: String
    }

    struct FileIdentity: Equatable {
        let path: String
        let device: UInt64
        let inode: UInt64
    }

    /// The sockets of a configuration that is not served yet.
    struct Prepared {
        /// In the order of the configuration's listeners.
        let sockets: [Bound]
        fileprivate let byAddress: [BindAddress: Bound]
        fileprivate let added: [Bound]
    }

    struct Failure: Error, Equatable {
        /// Key of the listener in the file.
        let listener: String
        let message: String
    }

    static let backlog: Int32 = 4096

    /// What listens already; taken instead of binding anew.
    let inherited: InheritedSockets
    /// Whether somebody else goes on to hold a socket when this process lets go of it: then who waits on it
    /// is theirs, and it is neither emptied nor shut.
    var isLeftToOthers: (BindAddress) -> Bool = { _ in false }
    private var bound: [BindAddress: Bound] = [:]
    private var removed: [Bound] = []
    private var lastIdentity = 0

    init(inherited: InheritedSockets = InheritedSockets()) { self.inherited = inherited }

    /// The sockets being served.
    var current: [Bound] { Array(bound.values) }

    /// Binds what is new aside. What stays is kept as it is.
    /// - Throws: the first listener that cannot be bound. Then everything bound by this call is closed again.
    func prepare(_ listeners: [ListenerConfig]) throws(Failure) -> Prepared {
        try prepare(at: listeners.map { ($0.name, $0.bind) })
    }

    func prepare(at listeners: [(name: String, bind: BindAddress)]) throws(Failure) -> Prepared {
        var byAddress: [BindAddress: Bound] = [:]
        var added: [Bound] = []
        var sockets: [Bound] = []
        for listener in listeners {
            do throws(BindError) {
                let socket: Bound
                if let kept = bound[listener.bind] {
                    socket = kept
                } else {
                    socket = try bind(listener.bind)
                    added.append(socket)
                }
                byAddress[listener.bind] = socket
                sockets.append(socket)
            } catch {
                added.forEach(giveBack)
                throw Failure(listener: listener.name, message: "\(listener.bind.text): \(error)")
            }
        }
        return Prepared(sockets: sockets, byAddress: byAddress, added: added)
    }

    func rollBack(_ prepared: Prepared) { prepared.added.forEach(giveBack) }

    private func giveBack(_ socket: Bound) {
        guard let name = socket.inheritedAs else { return ListenerSockets.discard(socket) }
        inherited.giveBack(.init(descriptor: socket.descriptor, name: name, address: socket.address))
    }

    /// From now on these are served. The sockets that are not named any more stay open until `closeRemoved`.
    func commit(_ prepared: Prepared) {
        for (address, socket) in bound where prepared.byAddress[address] == nil { removed.append(socket) }
        bound = prepared.byAddress
    }

    /// After every worker has adopted: hands over what still waits in the removed sockets, then closes them.
    /// A client that had connected before the reload is served, not reset.
    func closeRemoved(hand: (Mail) -> Void) {
        for socket in removed {
            ListenerSockets.acceptWaiting(socket, hand: hand)
            ListenerSockets.discard(socket)
        }
        removed = []
    }

    /// For a stop: hands over what waits everywhere.
    func acceptAllWaiting(hand: (Mail) -> Void) {
        for socket in own { ListenerSockets.acceptWaiting(socket, hand: hand) }
    }

    /// For a stop: new connections are refused from here on, although workers may still watch the
    /// descriptors.
    func refuseNew() {
        for socket in own {
            ListenerSockets.unlinkFile(socket)
            shutdown(socket.descriptor, Int32(SHUT_RDWR))
        }
    }

    func closeAll() {
        removed.forEach(ListenerSockets.discard)
        for socket in bound.values {
            if isLeftToOthers(socket.address) {
                close(socket.descriptor)
            } else {
                ListenerSockets.discard(socket)
            }
        }
        removed = []
        bound = [:]
    }

    /// What nobody else holds.
    private var own: [Bound] { bound.values.filter { !isLeftToOthers($0.address) } }

    // MARK: - One socket

    private func bind(_ address: BindAddress) throws(BindError) -> Bound {
        lastIdentity += 1
        let identity = ListenerIdentity(rawValue: lastIdentity)
        if let item = inherited.take(address) {
            if let socket = adopt(item, at: address, identity) { return socket }
            close(item.descriptor)
        }
        switch address {
        case .ip(let host, let port):
            let descriptor = try ListenerSockets.bindIP(
                host: host == "localhost" ? "127.0.0.1" : host, port: port)
            let url = "http://\(BindAddress.ip(host: host, port: ListenerSockets.port(of: descriptor)).text)"
            return Bound(
                identity: identity, address: address, descriptor: descriptor, file: nil, url: url)
        case .unix(let path):
            let (descriptor, file) = try UnixSocket.listen(at: path, backlog: ListenerSockets.backlog)
            return Bound(
                identity: identity, address: address, descriptor: descriptor, file: file, url: "unix:\(path)")
        }
    }

    /// nil: a socket whose file is gone, so that nobody can reach it.
    private func adopt(
        _ item: InheritedSockets.Item, at address: BindAddress, _ identity: ListenerIdentity
    ) -> Bound? {
        switch address {
        case .ip:
            return Bound(
                identity: identity, address: address, descriptor: item.descriptor, inheritedAs: item.name,
                file: nil, url: "http://\(address.text)")
        case .unix(let path):
            guard let file = UnixSocket.identity(of: path) else { return nil }
            return Bound(
                identity: identity, address: address, descriptor: item.descriptor, inheritedAs: item.name,
                file: file,
                url: "unix:\(path)")
        }
    }

    static func bindIP(host: String, port: UInt16) throws(BindError) -> Int32 {
        guard let address = SocketAddress(numericHost: host, port: port) else {
            throw BindError(message: "not a numeric address")
        }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { throw BindError(errno) }
        set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        if address.family == AF_INET6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        let result = address.withPointer { Glibc.bind(descriptor, $0, $1) }
        guard result == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw BindError(code == EACCES && isTaken(address) ? EADDRINUSE : code)
        }
        return descriptor
    }

    /// Whether somebody answers there. A low port is "permission denied" to who has no privileges, also where
    /// it would be "in use" to root, which is what people have to know.
    private static func isTaken(_ address: SocketAddress) -> Bool {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // It is an address of this machine, where an answer takes no time.
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return address.withPointer { connect(descriptor, $0, $1) } == 0
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The port that the kernel chose, where 0 was asked for.
    private static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        // Why: the port stands at the same place in both families.
        return UInt16(bigEndian: address.sin6_port)
    }

    private static func acceptWaiting(_ socket: Bound, hand: (Mail) -> Void) {
        while true {
            var address = sockaddr_in6()
            var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            let descriptor = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    headgate_accept(socket.descriptor, $0, &length)
                }
            }
            if descriptor >= 0 {
                let peer = PeerAddress(accepted: address, isUnix: socket.file != nil)
                hand(.take(descriptor: descriptor, listener: socket.identity, peer: peer))
            } else if errno != EINTR, errno != ECONNABORTED {
                return
            }
        }
    }

    private static func discard(_ socket: Bound) {
        unlinkFile(socket)
        close(socket.descriptor)
    }

    private static func unlinkFile(_ socket: Bound) {
        if let file = socket.file { UnixSocket.unlinkIfOurs(file) }
    }
}

struct BindError: Error, CustomStringConvertible {
    let description: String
    let isAddressInUse: Bool

    init(message: String) {
        description = message
        isAddressInUse = false
    }

    init(_ code: Int32) {
        isAddressInUse = code == EADDRINUSE
        switch code {
        case EADDRINUSE: description = "address already in use"
        case EADDRNOTAVAIL: description = "this machine does not have that address"
        case EACCES:
            description =
                "permission denied (ports below 1024 need CAP_NET_BIND_SERVICE; with the systemd unit, a restart "
                + "binds them)"
        default: description = String(cString: strerror(code))
        }
    }
}

extension BindAddress {
    /// As it stands in the file.
    var text: String {
        switch self {
        case .ip(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension SocketAddress {
    /// nil: `numericHost` is not an IPv4 or IPv6 address in digits.
    init?(numericHost host: String, port: UInt16) {
        var four = sockaddr_in()
        if inet_pton(AF_INET, host, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            self = withUnsafePointer(to: four) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    SocketAddress($0, length: socklen_t(MemoryLayout<sockaddr_in>.size))!
                }
            }
            return
        }
        var six = sockaddr_in6()
        guard inet_pton(AF_INET6, host, &six.sin6_addr) == 1 else { return nil }
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = port.bigEndian
        self = withUnsafePointer(to: six) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                SocketAddress($0, length: socklen_t(MemoryLayout<sockaddr_in6>.size))!
            }
        }
    }

    /// `127.0.0.1:8000`, `[::1]:8000`.
    var text: String {
        let peer = PeerAddress(accepted: storage, isUnix: false)
        let host = peer.hostText
        return host.contains(":") ? "[\(host)]:\(peer.port)" : "\(host):\(peer.port)"
    }
}

extension PeerAddress {
    /// - Parameter address: as `accept(2)` filled it in: `AF_INET` or `AF_INET6`.
    init(accepted address: sockaddr_in6, isUnix: Bool) {
        var bytes = [UInt8](repeating: 0, count: 16)
        var address = address
        if !isUnix, Int32(address.sin6_family) == AF_INET {
            // `sockaddr_in` has the four bytes of the address behind family and port.
            let four = withUnsafeBytes(of: &address) { Array($0[4..<8]) }
            bytes.replaceSubrange(10..<16, with: [0xFF, 0xFF] + four)
        } else if !isUnix {
            bytes = withUnsafeBytes(of: &address.sin6_addr) { Array($0) }
        }
        self.init(
            high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) },
            port: isUnix ? 0 : UInt16(bigEndian: address.sin6_port), isUnix: isUnix)
    }

    /// `127.0.0.1`, `2001:db8::1`, `unix`.
    var hostText: String {
        if isUnix { return "unix" }
        if high == 0, low >> 32 == 0xFFFF {
            return (0..<4).map { String(low >> (24 - UInt64($0) * 8) & 0xFF) }.joined(separator: ".")
        }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) {
            for index in 0..<8 {
                $0[index] = UInt8(truncatingIfNeeded: high >> (56 - UInt64(index) * 8))
                $0[index + 8] = UInt8(truncatingIfNeeded: low >> (56 - UInt64(index) * 8))
            }
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
