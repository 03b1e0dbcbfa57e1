import CLinux
import Glibc

/// One epoll instance. Descriptors are registered once, edge-triggered, for everything; listening sockets
/// level-triggered and exclusive, so that one connection wakes one worker.
struct Poller {
    /// Events of one turn. Why so few: each may take 50 µs, such as a connection that closes, and what comes
    /// after the turn waits for all of them.
    static let batchMax = 32
    private let descriptor: Int32
    let events: UnsafeMutablePointer<epoll_event>

    init() throws(SystemError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "epoll_create1", errno: errno) }
        events = .allocate(capacity: Poller.batchMax)
        events.initialize(repeating: epoll_event(), count: Poller.batchMax)
    }

    func destroy() {
        close(descriptor)
        events.deallocate()
    }

    /// The C call is `epoll_wait(2)`. An interrupted wait reports no events.
    /// - Parameter timeoutMilliseconds: negative waits without end.
    func wait(timeoutMilliseconds: Int32) -> Int {
        let count = epoll_wait(descriptor, events, Int32(Poller.batchMax), timeoutMilliseconds)
        if count >= 0 { return Int(count) }
        precondition(errno == EINTR, "epoll_wait failed on a valid descriptor: errno \(errno)")
        return 0
    }

    /// - Returns: false when the kernel refuses (no memory, or the limit on watches).
    func add(_ channel: Channel) -> Bool {
        control(
            EPOLL_CTL_ADD, channel,
            EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue)
    }

    func addListening(_ channel: Channel) -> Bool {
        control(EPOLL_CTL_ADD, channel, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue)
    }

    func addLevelTriggered(_ channel: Channel) -> Bool {
        control(EPOLL_CTL_ADD, channel, EPOLLIN.rawValue)
    }

    /// Closing a descriptor removes it too; this is for those that stay open.
    func remove(_ channel: Channel) { _ = control(EPOLL_CTL_DEL, channel, 0) }

    private func control(_ operation: Int32, _ channel: Channel, _ interest: UInt32) -> Bool {
        var event = epoll_event()
        event.events = interest
        event.data.ptr = Unmanaged.passUnretained(channel).toOpaque()
        return epoll_ctl(descriptor, operation, channel.descriptor, &event) == 0
    }
}

/// What epoll reported about one descriptor.
struct Readiness {
    let bits: UInt32
    /// Data, the end of data, or an error to be read.
    var isReadable: Bool {
        bits & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
    }
    var isWritable: Bool { bits & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    /// The other side has sent its FIN, or the connection is broken.
    var hasEnded: Bool { bits & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    /// Broken in both directions: RST, or both FINs.
    var isBroken: Bool { bits & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
}
