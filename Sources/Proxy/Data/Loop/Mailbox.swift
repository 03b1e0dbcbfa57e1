import CLinux
import Glibc
import Synchronization

/// What control, or another worker, tells a worker. Taken between two events, never in the middle of one.
enum Mail: Sendable {
    /// Serve this generation from now on. `sockets` are the listening sockets of its listeners, owned by
    /// control; those that are not named any more are let go of before the generation counts as adopted.
    case adopt(Generation, sockets: [ListenerSocket])
    /// A connection that was waiting on a listening socket about to be closed, or that comes from the process
    /// before this one, with what that had read of its next request.
    case take(descriptor: Int32, listener: ListenerIdentity, peer: PeerAddress, received: [UInt8] = [])
    /// Every worker has adopted, and nothing more is handed over from sockets of the generation before.
    case reloadEnded
    /// Accept nothing more, finish what runs, and end what still runs at `deadline` (monotonic nanoseconds).
    case drain(deadline: UInt64)
    /// Accept nothing more, finish what runs, and give every connection between two requests to control.
    case leave
    /// Control has decided what an exchange asked.
    case answered(Ticket, Answer)
    /// Another worker, or control, has freed a place at an upstream: it is this exchange's from now on.
    case placeFreed(Ticket)
    /// The watchdog asks whether the loop still turns: the number goes to `WorkerHandle.beat`.
    case beat(UInt64)
    /// Control asks what runs: the answer, with this number, goes to `WorkerHandle.census`.
    case census(UInt64)
    /// Callers were revoked or disabled: exchanges of theirs end where `on_revoke: cut` says so.
    case cutRevoked
}

struct ListenerSocket: Sendable {
    let identity: ListenerIdentity
    let descriptor: Int32
}

/// Control, or another worker → worker. Any thread posts; the worker wakes by the eventfd.
final class Mailbox: Sendable {
    let descriptor: Int32
    private let waiting = Locked<[Mail]>([])

    init() throws(SystemError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", errno: errno) }
    }

    deinit { close(descriptor) }

    func post(_ mail: Mail) {
        waiting.withLock { $0.append(mail) }
        eventfd_write(descriptor, 1)
    }

    func takeAll() -> [Mail] {
        var value: eventfd_t = 0
        eventfd_read(descriptor, &value)
        return waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// Rung by workers when control should look: a generation was adopted, a worker has drained.
final class Bell: Sendable {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", errno: errno) }
    }

    deinit { close(descriptor) }

    func ring() { eventfd_write(descriptor, 1) }

    func silence() {
        var value: eventfd_t = 0
        eventfd_read(descriptor, &value)
    }
}

/// A system call that failed.
struct SystemError: Error, Equatable, CustomStringConvertible {
    let call: String
    let errno: Int32
    var description: String { "\(call): \(String(cString: strerror(errno)))" }
}
