import CLinux
import Glibc

/// Unix stream sockets by path, with the trouble that comes with their files.
enum UnixSocket {
    /// Binds and listens at `path`, non-blocking. A socket file that nobody listens on any more (its process
    /// was killed) is replaced; one that somebody does is an address in use; any other kind of file is left
    /// alone.
    /// - Parameter mode: permissions of the socket file; nil: what the umask leaves.
    static func listen(
        at path: String, backlog: Int32, mode: mode_t? = nil
    ) throws(BindError) -> (Int32, ListenerSockets.FileIdentity) {
        try removeStale(path)
        let descriptor = try open()
        // Why a chmod before the listen: until then nobody can connect. A umask would be the whole process's.
        guard headgate_bind_unix(descriptor, path) == 0, mode.map({ chmod(path, $0) }) ?? 0 == 0,
            Glibc.listen(descriptor, backlog) == 0
        else {
            let failure = errno
            close(descriptor)
            throw failure == EACCES ? BindError(message: "permission denied") : BindError(failure)
        }
        guard let file = identity(of: path) else {
            let failure = errno
            close(descriptor)
            throw BindError(failure)
        }
        return (descriptor, file)
    }

    /// nil: there is no socket file; `errno` says why.
    static func identity(of path: String) -> ListenerSockets.FileIdentity? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return .init(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// - Returns: a connected, blocking socket.
    /// - Throws: the `errno` of `connect(2)`.
    static func connect(to path: String) throws(SystemError) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket", errno: errno) }
        guard headgate_connect_unix(descriptor, path) == 0 else {
            let code = errno
            close(descriptor)
            throw SystemError(call: "connect", errno: code)
        }
        return descriptor
    }

    /// Removes the socket file, unless another process has put its own in its place.
    static func unlinkIfOurs(_ file: ListenerSockets.FileIdentity) {
        var status = stat()
        guard lstat(file.path, &status) == 0, UInt64(status.st_dev) == file.device,
            UInt64(status.st_ino) == file.inode
        else { return }
        unlink(file.path)
    }

    /// Whether somebody listens at `path`.
    static func isLive(_ path: String) -> Bool {
        let result = probe(path)
        // A full backlog is somebody, too.
        return result == 0 || result == EAGAIN
    }

    private static func removeStale(_ path: String) throws(BindError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw BindError(message: "a file that is not a socket is in the way")
        }
        switch probe(path) {
        case ECONNREFUSED: unlink(path)
        default: throw BindError(EADDRINUSE)
        }
    }

    /// - Returns: 0 where somebody accepts, else the `errno` of `connect(2)`. Does not wait: a full backlog
    ///   is EAGAIN.
    private static func probe(_ path: String) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        return headgate_connect_unix(descriptor, path) == 0 ? 0 : errno
    }

    private static func open() throws(BindError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw BindError(errno) }
        return descriptor
    }
}
