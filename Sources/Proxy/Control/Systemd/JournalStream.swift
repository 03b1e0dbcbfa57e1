import Glibc
import Stores

/// `$JOURNAL_STREAM` of systemd.exec(5): which file the journal reads from this process.
public enum JournalStream {
    /// Whether that is stderr: then lines begin with a priority, as sd-daemon(3) has it.
    public static func isStandardError() -> Bool {
        isJournal(STDERR_FILENO, Environment.ofProcess()["JOURNAL_STREAM"])
    }

    /// - Parameter stream: `DEVICE:INODE`, in decimal.
    static func isJournal(_ descriptor: Int32, _ stream: String?) -> Bool {
        var status = stat()
        guard let stream, fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(UInt64(status.st_dev)):\(UInt64(status.st_ino))"
    }
}
