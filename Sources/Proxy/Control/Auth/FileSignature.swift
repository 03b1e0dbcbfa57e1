import Glibc

/// What `stat(2)` tells one content of a file from another by. nil where there is no file.
struct FileSignature: Equatable, Sendable {
    /// The file itself, whatever it holds.
    struct Identity: Equatable, Sendable {
        let device: UInt
        let inode: UInt
    }

    let identity: Identity
    let size: Int
    let modifiedSeconds: Int
    let modifiedNanoseconds: Int

    /// Nothing stands there. False as well where that cannot be seen.
    static func isMissing(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 && errno == ENOENT
    }

    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        identity = Identity(device: status.st_dev, inode: status.st_ino)
        size = status.st_size
        modifiedSeconds = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
    }
}
