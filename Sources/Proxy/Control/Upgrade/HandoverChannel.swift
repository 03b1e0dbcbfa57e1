import CLinux
import Glibc
import Synchronization

/// One end of what two processes talk through: a pair of sockets that keep messages whole
/// (`SOCK_SEQPACKET`). Any thread sends; one at a time receives.
final class HandoverChannel: Sendable {
    struct Received {
        let message: HandoverMessage
        let descriptors: [Int32]
    }

    enum Failure: Error, Equatable {
        /// The other process has ended, or closed its end.
        case ended
        case timedOut
        case unreadable(String)

        var text: String {
            switch self {
            case .ended: "the other process ended"
            case .timedOut: "the other process does not answer"
            case .unreadable(let text): text
            }
        }
    }

    /// How long a message may wait for the other side to make room.
    private static let sendSeconds = 5

    let descriptor: Int32
    private let sending = Locked<Bool>(false)

    init(descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var limit = timeval(tv_sec: HandoverChannel.sendSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var size = Int32(4 * HandoverMessage.sizeMax)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// - Returns: the end for this process, and the descriptor for the other.
    static func pair() throws(SystemError) -> (own: HandoverChannel, other: Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw SystemError(call: "socketpair", errno: errno)
        }
        return (HandoverChannel(descriptor: ends[0]), ends[1])
    }

    /// - Returns: false: the other process is gone, or does not take it.
    @discardableResult
    func send(_ message: HandoverMessage, descriptors: [Int32] = []) -> Bool {
        let bytes = message.bytes
        guard bytes.count <= HandoverMessage.sizeMax else { return false }
        return sending.withLock { _ in
            while true {
                let sent = headgate_send_message(
                    descriptor, nil, bytes, bytes.count, descriptors, descriptors.count)
                if sent == bytes.count { return true }
                guard sent < 0, errno == EINTR else { return false }
            }
        }
    }

    /// Waits for the next message.
    /// - Parameter milliseconds: -1: for ever.
    func receive(within milliseconds: Int32 = -1) throws(Failure) -> Received {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var ready: Int32
        repeat { ready = poll(&wanted, 1, milliseconds) } while ready < 0 && errno == EINTR
        guard ready > 0 else { throw .timedOut }
        var bytes = [UInt8](repeating: 0, count: HandoverMessage.sizeMax + 1)
        var descriptors = [Int32](repeating: -1, count: HEADGATE_DESCRIPTORS_MAX)
        var count = 0
        var size: Int
        repeat {
            size = headgate_receive_message(descriptor, &bytes, bytes.count, &descriptors, &count)
        } while size < 0 && errno == EINTR
        guard size > 0 else { throw .ended }
        do throws(HandoverError) {
            return Received(
                message: try HandoverMessage(Array(bytes[..<size])), descriptors: Array(descriptors[..<count])
            )
        } catch {
            for descriptor in descriptors[..<count] { close(descriptor) }
            throw .unreadable(error.message)
        }
    }

    /// Receives on a thread of its own until the other end is gone, then calls `ended`.
    func listen(
        _ name: String, _ take: @escaping @Sendable (Received) -> Void,
        ended: @escaping @Sendable (Failure) -> Void
    ) throws(SystemError) {
        try ControlThread.start(name) { [self] in
            while true {
                do throws(Failure) {
                    take(try receive())
                } catch {
                    ended(error)
                    return
                }
            }
        }
    }

    /// Wakes whoever receives: there will be nothing more.
    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
