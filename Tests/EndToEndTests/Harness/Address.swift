import Glibc
import Synchronization

/// Where to connect to, or to listen at: on loopback, or a socket file.
enum Address: CustomStringConvertible, Sendable, Equatable {
    case ip(String, UInt16)
    case unix(String)

    /// As the configuration writes it.
    var description: String {
        switch self {
        case .ip(let host, let port): host.contains(":") ? "\"[\(host)]:\(port)\"" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// `host:port`, as in a URL.
    var authority: String {
        switch self {
        case .ip(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix: "localhost"
        }
    }

    var port: UInt16 {
        switch self {
        case .ip(_, let port): port
        case .unix: 0
        }
    }

    private static let counter = Atomic<UInt32>(0)

    /// One that nobody listens at. Each test gets hosts of its own within 127.0.0.0/8, so that a port found
    /// free is still free when it is bound a moment later, whatever runs beside this test.
    static func free() throws -> Address {
        try free(on: host())
    }

    static func free(on host: String) throws -> Address {
        // Why it does not listen: a process that is being started at this moment holds a copy of each
        // descriptor until its exec, and a socket that only was bound is in nobody's way.
        let socket = try Listener(.ip(host, 0), listens: false)
        defer { socket.close() }
        return socket.address
    }

    /// Any port of a host of the test's own, for a socket that is bound at once.
    static func any() -> Address { .ip(host(), 0) }

    private static func host() -> String {
        let number =
            UInt32(truncatingIfNeeded: getpid()) &* 131 &+ counter.add(1, ordering: .relaxed).newValue
        return "127.\(1 + number >> 16 & 0x7F).\(number >> 8 & 0xFF).\(1 + number % 254)"
    }

    /// Calls `connect(2)` or `bind(2)`.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result) throws
        -> Result
    {
        switch self {
        case .ip(let host, let port) where host.contains(":"):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else {
                throw Trouble("not an address: \(host)")
            }
            return try Self.call(&address, body)
        case .ip(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
                throw Trouble("not an address: \(host)")
            }
            return try Self.call(&address, body)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
                throw Trouble("too long: \(path)")
            }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            return try Self.call(&address, body)
        }
    }

    var family: Int32 {
        switch self {
        case .ip(let host, _): host.contains(":") ? AF_INET6 : AF_INET
        case .unix: AF_UNIX
        }
    }

    private static func call<Kind, Result>(
        _ address: inout Kind, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        try withUnsafePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<Kind>.size))
            }
        }
    }
}

/// A bound, listening socket.
final class Listener: Sendable {
    let descriptor: Int32
    let address: Address

    init(_ wanted: Address, backlog: Int32 = 512, listens: Bool = true) throws {
        descriptor = socket(wanted.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble(errno: errno, in: "socket") }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        let socket = descriptor
        let result = try wanted.withSocketAddress { bind(socket, $0, $1) }
        guard result == 0, !listens || listen(descriptor, backlog) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw Trouble(errno: code, in: "bind \(wanted)")
        }
        guard case .ip(let host, 0) = wanted else {
            address = wanted
            return
        }
        var bound = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        withUnsafeMutablePointer(to: &bound) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(socket, $0, &length) }
        }
        // The port stands at the same place for both families.
        address = .ip(host, UInt16(bigEndian: bound.sin6_port))
    }

    func close() { Glibc.close(descriptor) }
}
