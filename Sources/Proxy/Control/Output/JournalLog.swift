import CLinux
import Glibc

/// systemd's journal, spoken to in its own protocol: one datagram for each record
/// (systemd.io/JOURNAL_NATIVE_PROTOCOL). Used by the writer thread alone.
final class JournalLog {
    static let path = "/run/systemd/journal/socket"
    /// A journal that is behind gets this long, once for each batch, before records are given up.
    static let patienceMilliseconds: Int32 = 20

    private let path: String
    private var descriptor: Int32 = -1
    private var hasWaited = false
    private let complaints = LogGate()
    /// Why the last record that was lost was.
    private(set) var problem: String?

    init(path: String = JournalLog.path) { self.path = path }

    deinit { disconnect() }

    /// A batch begins.
    func begin() { hasWaited = false }

    /// - Returns: false if the record was lost.
    func send(_ datagram: [UInt8]) -> Bool {
        // Why twice: a journal that was started anew is another one at the same path.
        for _ in 0..<2 {
            guard descriptor >= 0 || connect() else { return complain(errno) }
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            let count = datagram.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, flags)
            }
            if count >= 0 { return true }
            switch errno {
            case EAGAIN, ENOBUFS:
                guard !hasWaited, waitForRoom() else { return complain(EAGAIN) }
            case ECONNREFUSED, ENOTCONN, ENOENT, EPIPE: disconnect()
            case EINTR: continue
            case _: return complain(errno)
            }
        }
        return complain(EAGAIN)
    }

    private func connect() -> Bool {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let opened = socket(AF_UNIX, kind, 0)
        guard opened >= 0 else { return false }
        guard headgate_connect_unix(opened, path) == 0 else {
            let code = errno
            close(opened)
            errno = code
            return false
        }
        descriptor = opened
        return true
    }

    private func disconnect() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    private func waitForRoom() -> Bool {
        hasWaited = true
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wanted, 1, JournalLog.patienceMilliseconds) > 0
    }

    /// - Returns: false.
    private func complain(_ code: Int32) -> Bool {
        let reason = code == EAGAIN ? "it does not keep up" : String(cString: strerror(code))
        problem = "journal: \(reason)"
        if let heldBack = complaints.admit(now: headgate_monotonic_ns()) {
            let more = heldBack == 0 ? "" : " (\(heldBack) more times since)"
            Log.error("access log \(path): \(reason); records are lost\(more)")
        }
        return false
    }
}
