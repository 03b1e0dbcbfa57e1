import CLinux
import Config
import Glibc
import Synchronization

/// What the daemon says about itself, on stderr: `<time> <level> <message>`, one line per line of the
/// message.
///
/// Any control thread may call it. Workers never do: they leave records.
enum Log {
    enum Level: String {
        case info, warning, error

        var rank: Int {
            switch self {
            case .info: 0
            case .warning: 1
            case .error: 2
            }
        }

        /// Of syslog(3), as sd-daemon(3) puts it in front of a line.
        var priority: String {
            switch self {
            case .info: "<6>"
            case .warning: "<4>"
            case .error: "<3>"
            }
        }
    }

    /// stderr is the journal's: it has the time itself, and reads the priority in front of each line.
    static let isJournal = JournalStream.isStandardError()

    /// Lines of a lower rank are left out.
    private static let rankMin = Atomic(0)

    static func setLevel(_ level: LogLevelConfig) {
        let rank =
            switch level {
            case .debug, .info: 0
            case .warning: 1
            case .error: 2
            case .critical: 3
            }
        rankMin.store(rank, ordering: .relaxed)
    }

    static func info(_ message: String) { write(.info, message) }
    static func warning(_ message: String) { write(.warning, message) }
    static func error(_ message: String) { write(.error, message) }

    /// What ends the process: written whatever `log_level` says.
    static func fatal(_ message: String) { loud(.error, message) }

    static func write(_ level: Level, _ message: String) {
        guard level.rank >= rankMin.load(ordering: .relaxed) else { return }
        loud(level, message)
    }

    /// Written whatever `log_level` says.
    static func loud(_ level: Level, _ message: String) {
        let front =
            isJournal ? level.priority : "\(Timestamp.text(headgate_realtime_ns())) \(level.rawValue) "
        writeToStandardError(lines(of: message, after: front))
    }

    /// Text that is an error as a whole, for people: without a time at a terminal.
    static func writeReport(_ text: String) {
        let isWhole = text.hasSuffix("\n") ? String(text.dropLast()) : text
        writeToStandardError(isJournal ? lines(of: isWhole, after: Level.error.priority) : text)
    }

    private static func lines(of message: String, after front: String) -> String {
        message.split(separator: "\n", omittingEmptySubsequences: false).map { "\(front)\($0)\n" }.joined()
    }

    /// Plain text for people at a terminal: what `run` says before it serves.
    static func writeToStandardError(_ text: String) { writeAll(text, to: STDERR_FILENO) }
    static func writeToStandardOutput(_ text: String) { writeAll(text, to: STDOUT_FILENO) }

    /// Why bounded: a reader of our stderr that has stopped reading must not stop control. What does not go
    /// out within a tenth of a second is lost.
    private static func writeAll(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var offset = 0
        var waits = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                offset += count
            } else if count < 0, errno == EAGAIN, waits < 10 {
                waits += 1
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, 10)
            } else if count < 0, errno == EINTR {
                continue
            } else {
                return
            }
        }
    }
}

/// Lets a line through at most once in a while, and counts what it held back, so that a fault that repeats
/// with each request cannot fill a disk.
final class LogGate: Sendable {
    private struct State {
        var nextAt: UInt64 = 0
        var heldBack = 0
    }

    private let interval: UInt64
    private let state = Mutex(State())

    /// - Parameter seconds: between two lines.
    init(seconds: UInt64 = 10) { interval = seconds * 1_000_000_000 }

    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: how many lines were held back since the last one, or nil where this one is to be held back
    ///   too.
    func admit(now: UInt64) -> Int? {
        state.withLock { state in
            guard now >= state.nextAt else {
                state.heldBack += 1
                return nil
            }
            defer { state.heldBack = 0 }
            state.nextAt = now + interval
            return state.heldBack
        }
    }
}
