import Glibc

/// Files that nobody but their owner reads.
public enum PrivateFile {
    /// Makes a file with a secret and a line end, mode 0600.
    /// - Returns: false: one is there already, and stays as it is.
    public static func create(_ path: String, holding secret: Secret) throws(StoreError) -> Bool {
        try prepareFolder(of: path)
        guard try create(path) else { return false }
        do throws(StoreError) {
            try write(secret.reveal() + [UInt8(ascii: "\n")], to: path)
            try synchronize(path)
            try synchronize(folder(of: path))
        } catch {
            unlink(path)
            throw error
        }
        return true
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(StoreError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(systemError: errno, path: path) ?? .failed(path) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw StoreError(systemError: errno, path: path) ?? .failed(path)
            }
        }
    }

    /// Makes an empty file, mode 0600 whatever the umask. Root makes it for the owner of the folder, so that
    /// a daemon that does not run as root can use what root made for it.
    ///
    /// - Returns: false: one is there already, and stays as it is.
    static func create(_ path: String) throws(StoreError) -> Bool {
        // Why O_EXCL: opening and closing a database that this process uses would drop its locks (fcntl(2)).
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { return false }
            if errno == ENOENT { throw .failed("\(path): the folder is not there") }
            throw StoreError(systemError: errno, path: path) ?? .failed(path)
        }
        defer { close(descriptor) }
        var folder = stat()
        let isForOther = geteuid() == 0 && stat(self.folder(of: path), &folder) == 0 && folder.st_uid != 0
        guard fchmod(descriptor, 0o600) == 0,
            !isForOther || fchown(descriptor, folder.st_uid, folder.st_gid) == 0
        else {
            let error = StoreError(systemError: errno, path: path) ?? .failed(path)
            unlink(path)
            throw error
        }
        return true
    }

    /// Makes the folder of a file where it is missing, mode 0700; one, and none above it: a path that is
    /// wrong altogether must not be made true. Root makes it for the owner of the folder above.
    public static func prepareFolder(of path: String) throws(StoreError) {
        let folder = folder(of: path)
        guard mkdir(folder, 0o700) == 0 else {
            // What else is wrong shows when the file is made.
            return
        }
        var above = stat()
        guard geteuid() == 0, stat(self.folder(of: folder), &above) == 0, above.st_uid != 0 else { return }
        guard chown(folder, above.st_uid, above.st_gid) == 0 else {
            let error = StoreError(systemError: errno, path: folder) ?? .failed(folder)
            rmdir(folder)
            throw error
        }
    }

    /// Makes an empty file that is there already one for its owner alone, before anything goes into it.
    /// - Throws: also where a link leads to nothing.
    static func closeEmpty(_ path: String) throws(StoreError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { throw .failed("\(path) is a link to a file that is not there") }
            throw StoreError(systemError: errno, path: path) ?? .failed(path)
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 else { return }
        guard chmod(path, 0o600) == 0 else {
            throw StoreError(systemError: errno, path: path) ?? .failed(path)
        }
    }

    /// What stands in a file, or the names in a folder, is on the disk afterwards.
    static func synchronize(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(systemError: errno, path: path) ?? .failed(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw StoreError(systemError: errno, path: path) ?? .failed(path)
        }
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Permission bits; nil: no file.
    static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }
}
