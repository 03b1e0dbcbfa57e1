import CLinux
import Glibc

/// What a nonblocking read or write came to. `errno` is kept where it matters.
enum IOResult: Equatable {
    /// `more`: the call filled what it was given, so there may be more at once.
    case moved(Int, more: Bool)
    case wouldBlock
    /// The other side has closed its half cleanly.
    case ended
    case failed(Int32)
}

/// Nonblocking calls on a connected stream socket. Nothing here decides anything.
enum Socket {
    /// The C call is `recv(2)`. A short read means the socket is drained: with edge-triggered epoll a new
    /// edge comes with new bytes, so the read that would find nothing is saved.
    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            let count = recv(descriptor, buffer.baseAddress!, buffer.count, 0)
            if count > 0 { return .moved(count, more: count == buffer.count) }
            if count == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(errno)
            }
        }
    }

    /// The C call is `send(2)`.
    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> IOResult {
        while true {
            let count = send(descriptor, bytes.baseAddress!, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .moved(count, more: count < bytes.count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(errno)
            }
        }
    }

    /// Both pieces in one call and, where they fit, one segment. The C call is `sendmsg(2)`.
    static func write(
        _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> IOResult {
        var pieces = (
            iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
            iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
        )
        while true {
            let count = withUnsafeMutablePointer(to: &pieces) { pieces in
                pieces.withMemoryRebound(to: iovec.self, capacity: 2) { pieces in
                    var message = msghdr()
                    message.msg_iov = pieces
                    message.msg_iovlen = 2
                    return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
                }
            }
            if count >= 0 { return .moved(count, more: count < first.count + second.count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(errno)
            }
        }
    }

    /// What the connect came to; 0 for success. The C call is `getsockopt(2)` with SO_ERROR.
    static func pendingError(_ descriptor: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length) == 0 ? value : errno
    }

    /// True if the idle connection has neither bytes nor an end waiting. The C call is `recv(2)` with
    /// MSG_PEEK.
    static func isQuiet(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) < 0 && errno == EAGAIN
    }

    static func setNoDelay(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The next close sends RST instead of FIN, so that a cut answer cannot look complete.
    static func resetOnClose(_ descriptor: Int32) {
        var off = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
    }

    /// Starts a nonblocking connect. - Returns: the descriptor, or the errno.
    static func connect(to address: SocketAddress) -> Result<Int32, SystemError> {
        let descriptor = socket(
            address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .failure(SystemError(call: "socket", errno: errno)) }
        setNoDelay(descriptor)
        let result = address.withPointer { Glibc.connect(descriptor, $0, $1) }
        if result == 0 || errno == EINPROGRESS { return .success(descriptor) }
        let failure = SystemError(call: "connect", errno: errno)
        close(descriptor)
        return .failure(failure)
    }
}

extension PeerAddress {
    /// From what `accept4(2)` filled in.
    init(_ storage: borrowing sockaddr_in6) {
        switch Int32(storage.sin6_family) {
        case AF_INET6:
            let (high, low) = withUnsafeBytes(of: storage.sin6_addr) {
                (
                    UInt64(bigEndian: $0.load(as: UInt64.self)),
                    UInt64(bigEndian: $0.load(fromByteOffset: 8, as: UInt64.self))
                )
            }
            self.init(high: high, low: low, port: UInt16(bigEndian: storage.sin6_port), isUnix: false)
        case AF_INET:
            // A sockaddr_in has its address where a sockaddr_in6 has the flow information.
            let address = UInt32(bigEndian: storage.sin6_flowinfo)
            self.init(
                high: 0, low: 0xFFFF_0000_0000 | UInt64(address), port: UInt16(bigEndian: storage.sin6_port),
                isUnix: false)
        default:
            // ::1, so that a Unix socket counts as loopback.
            self.init(high: 0, low: 1, port: 0, isUnix: true)
        }
    }
}
