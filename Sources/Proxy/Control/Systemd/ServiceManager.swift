import CLinux
import Glibc
import Stores

/// Whoever started this process and wants to know how it does: systemd, by the datagrams of sd_notify(3) to
/// `$NOTIFY_SOCKET`. Where there is nobody, everything here does nothing.
///
/// Blocks for at most a second where the service manager does not read.
final class ServiceManager {
    /// nil: nobody wants to know.
    private let path: String?
    private var descriptor: Int32 = -1
    private let complaints = LogGate()

    init(environment: [String: String] = Environment.ofProcess()) {
        let named = environment["NOTIFY_SOCKET"] ?? ""
        path = named.hasPrefix("/") || named.hasPrefix("@") ? named : nil
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    var isThere: Bool { path != nil }

    /// - Parameters:
    ///   - lines: `READY=1` and the like, as sd_notify(3) has them; line breaks in values become spaces.
    ///   - descriptors: what goes along, for `FDSTORE=1` and `BARRIER=1`.
    /// - Returns: whether it went out.
    @discardableResult
    func tell(_ lines: [String], descriptors: [Int32] = []) -> Bool {
        guard let path else { return false }
        guard open() else { return false }
        let text = lines.map { $0.replacing(each: "\n", by: " ") }.joined(separator: "\n")
        let bytes = Array(text.utf8)
        let sent = headgate_send_message(
            descriptor, path, bytes, bytes.count, descriptors, descriptors.count)
        guard sent == bytes.count else {
            if complaints.admit(now: headgate_monotonic_ns()) != nil {
                Log.warning(
                    "the service manager cannot be told (\(path)): \(String(cString: strerror(errno)))")
            }
            return false
        }
        return true
    }

    /// Waits until everything told before was taken in: `BARRIER=1`. Before an exit, else descriptors that
    /// were sent may be lost.
    func waitUntilTaken(milliseconds: Int32 = 5000) {
        guard isThere else { return }
        var ends: [Int32] = [-1, -1]
        guard headgate_pipe(&ends) == 0 else { return }
        let isSent = tell(["BARRIER=1"], descriptors: [ends[1]])
        close(ends[1])
        if isSent {
            var wanted = pollfd(fd: ends[0], events: 0, revents: 0)
            while poll(&wanted, 1, milliseconds) < 0, errno == EINTR {}
        }
        close(ends[0])
    }

    private func open() -> Bool {
        guard descriptor < 0 else { return true }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return true
    }
}

extension String {
    fileprivate func replacing(each character: Character, by other: Character) -> String {
        contains(character) ? String(map { $0 == character ? other : $0 }) : self
    }
}
