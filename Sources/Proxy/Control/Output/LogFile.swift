import CLinux
import Glibc

/// Where the access log goes. Written by the writer thread alone.
final class LogFile {
    /// Absolute; nil for stdout.
    private let path: String?
    private var descriptor: Int32 = -1
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    /// Monotonic; when the path is looked at again.
    private var nextCheckAt: UInt64 = 0
    private let complaints = LogGate()
    /// Why the last write that failed did.
    private(set) var problem: String?

    private static let openFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY
    private static let mode: mode_t = 0o640
    private static let checkInterval: UInt64 = 1_000_000_000
    /// A reader of our stdout that does not read gets this long before a batch is given up.
    private static let stalledMilliseconds: Int32 = 1000

    /// - Parameters:
    ///   - path: nil: stdout.
    ///   - folder: that a relative path starts from.
    init(path: String?, in folder: String) {
        self.path = path.map { Path.absolute($0, in: folder) }
        if path == nil { descriptor = STDOUT_FILENO }
    }

    deinit { closeFile() }

    /// Opens the file as a write would, and lets go of it.
    /// - Returns: the `errno` of a file that cannot be opened.
    static func errorOfOpening(_ path: String) -> Int32? {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO {
            // Why not opened: without a reader that would wait for one, and closing it ends a reader's input.
            return access(path, W_OK) == 0 ? nil : errno
        }
        let descriptor = Glibc.open(path, openFlags | O_NONBLOCK, mode)
        guard descriptor >= 0 else { return errno }
        close(descriptor)
        return nil
    }

    /// Writes all of it.
    /// - Returns: false if some of it was lost.
    func write(_ bytes: [UInt8]) -> Bool {
        reopenIfRotated()
        guard descriptor >= 0 || open() else { return false }
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                offset += count
            } else if errno == EINTR {
                continue
            } else if errno == EAGAIN {
                guard waitForRoom() else {
                    complain("its reader does not read")
                    return false
                }
            } else {
                complain(String(cString: strerror(errno)))
                return false
            }
        }
        return true
    }

    /// Lets go of the file; the next write opens what is at the path then.
    func reopen() { closeFile() }

    /// Whoever rotates logs renames the file away: then its path leads to another file, or to none.
    private func reopenIfRotated() {
        guard let path, descriptor >= 0 else { return }
        let now = headgate_monotonic_ns()
        guard now >= nextCheckAt else { return }
        nextCheckAt = now + LogFile.checkInterval
        var status = stat()
        let isSame =
            stat(path, &status) == 0 && UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
        if !isSame { closeFile() }
    }

    private func open() -> Bool {
        guard let path else { return true }
        let opened = Glibc.open(path, LogFile.openFlags, LogFile.mode)
        var status = stat()
        guard opened >= 0, fstat(opened, &status) == 0 else {
            complain(String(cString: strerror(errno)))
            return false
        }
        descriptor = opened
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        return true
    }

    private func closeFile() {
        guard path != nil, descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    private func waitForRoom() -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wanted, 1, LogFile.stalledMilliseconds) > 0
    }

    private func complain(_ reason: String) {
        problem = "\(path ?? "stdout"): \(reason)"
        guard let heldBack = complaints.admit(now: headgate_monotonic_ns()) else { return }
        let more = heldBack == 0 ? "" : " (\(heldBack) more times since)"
        Log.error("access log \(path ?? "stdout"): \(reason); records are lost\(more)")
    }
}
