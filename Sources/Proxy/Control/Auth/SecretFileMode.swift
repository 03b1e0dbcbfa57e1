import Glibc

/// Files that hold secrets are for their owner alone.
enum SecretFileMode {
    /// The permission bits, where more than the owner may read the file. nil: nobody else, or there is no
    /// file.
    static func readableByOthers(_ path: String) -> UInt32? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o044 != 0 else { return nil }
        return status.st_mode & 0o777
    }

    static func warning(_ display: String, _ mode: UInt32) -> String {
        "\(display) can be read by others (mode \(String(mode, radix: 8))): run `chmod 600 \(display)`"
    }
}
