import CLinux
import COpenSSL
import Glibc

/// One blocking connection of control's own: every wait ends at a deadline (monotonic nanoseconds).
final class FetchConnection {
    typealias Failure = HTTPFetch.Failure

    private let descriptor: Int32
    private var tls: TLSSession?

    /// Tries the addresses in turn, each with its share of the time that is left.
    /// - Parameter context: for https; nil: plain.
    init(to addresses: [SocketAddress], context: TLSClientContext?, deadline: UInt64) throws(Failure) {
        var connected: Int32?
        var problem = "the name has no address"
        for (index, address) in addresses.enumerated() where connected == nil {
            let now = headgate_monotonic_ns()
            let share = (deadline > now ? deadline - now : 0) / UInt64(addresses.count - index)
            switch FetchConnection.connect(to: address, deadline: now + share) {
            case .success(let descriptor): connected = descriptor
            case .failure(let failure): problem = failure.description
            }
        }
        guard let connected else { throw Failure(description: problem) }
        descriptor = connected
        guard let context else { return }
        guard let session = TLSSession(context, descriptor: descriptor, resuming: nil) else {
            throw Failure(description: "TLS cannot be set up")
        }
        tls = session
        try shakeHands(session, deadline: deadline)
    }

    deinit {
        tls?.sendCloseNotify()
        tls = nil
        close(descriptor)
    }

    func write(_ bytes: [UInt8], deadline: UInt64) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = rest.withUnsafeBytes { tls?.write($0) ?? Socket.write(descriptor, $0) }
            switch result {
            case .moved(let count, _): rest = rest.dropFirst(count)
            case .wouldBlock:
                try FetchConnection.wait(
                    descriptor, Int16(POLLOUT), deadline, "the request did not go out in time")
            case .ended: throw Failure(description: "the connection was closed")
            case .failed(let code): throw FetchConnection.failure("write", code)
            }
        }
    }

    /// - Returns: nil at a clean end.
    func read(deadline: UInt64) throws(Failure) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            // Why also before a read: whoever sends one octet at a time never lets it wait.
            guard headgate_monotonic_ns() < deadline else {
                throw Failure(description: "the answer did not come in time")
            }
            let result = buffer.withUnsafeMutableBytes {
                tls?.read(into: $0) ?? Socket.read(descriptor, into: $0)
            }
            switch result {
            case .moved(let count, _): return Array(buffer[..<count])
            case .ended: return nil
            case .wouldBlock:
                try FetchConnection.wait(
                    descriptor, Int16(POLLIN), deadline, "the answer did not come in time")
            case .failed(let code): throw FetchConnection.failure("read", code)
            }
        }
    }

    private func shakeHands(_ session: TLSSession, deadline: UInt64) throws(Failure) {
        while true {
            switch session.handshake() {
            case .done: return
            case .wouldBlock:
                try FetchConnection.wait(
                    descriptor, Int16(POLLIN), deadline, "the TLS handshake took too long")
            case .untrusted(let verdict):
                let reason = String(cString: X509_verify_cert_error_string(verdict))
                throw Failure(description: "its certificate is not trusted: \(reason)")
            case .failed: throw Failure(description: "the TLS handshake failed")
            }
        }
    }

    private static func connect(to address: SocketAddress, deadline: UInt64) -> Result<Int32, Failure> {
        switch Socket.connect(to: address) {
        case .failure(let error): return .failure(Failure(description: error.description))
        case .success(let descriptor):
            do throws(Failure) {
                try wait(descriptor, Int16(POLLOUT), deadline, "the connection did not stand in time")
                let code = Socket.pendingError(descriptor)
                guard code == 0 else { throw failure("connect", code) }
                return .success(descriptor)
            } catch {
                close(descriptor)
                return .failure(error)
            }
        }
    }

    private static func failure(_ call: String, _ code: Int32) -> Failure {
        Failure(description: SystemError(call: call, errno: code).description)
    }

    /// The C call is `poll(2)`.
    private static func wait(
        _ descriptor: Int32, _ events: Int16, _ deadline: UInt64, _ problem: String
    ) throws(Failure) {
        while true {
            let now = headgate_monotonic_ns()
            guard now < deadline else { throw Failure(description: problem) }
            var wanted = pollfd(fd: descriptor, events: events, revents: 0)
            let milliseconds = Int32(clamping: (deadline - now) / 1_000_000 + 1)
            let count = poll(&wanted, 1, milliseconds)
            if count > 0 { return }
            if count < 0, errno != EINTR { throw failure("poll", errno) }
        }
    }
}
