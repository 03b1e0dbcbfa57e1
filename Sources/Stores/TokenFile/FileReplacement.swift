import Glibc

/// A file that nobody else changes while this lives, and that is replaced as a whole.
final class FileReplacement {
    /// Where links end.
    private let path: String
    private let folder: String
    private let lock: Int32
    /// nil: there is no such file yet.
    private let status: stat?

    /// Takes the lock, and makes the folder (0700) where it is missing.
    init(_ given: String, lockMilliseconds: Int) throws(TokenFileError) {
        let path = FileReplacement.target(of: given)
        self.path = path
        folder = FileReplacement.folder(of: path)
        try FileReplacement.makeFolder(folder, for: given)
        lock = try FileReplacement.takeLock(path, lockMilliseconds)
        var status = stat()
        if stat(path, &status) == 0 {
            self.status = status
        } else if errno == ENOENT {
            self.status = nil
        } else {
            let code = errno
            close(lock)
            throw FileReplacement.failure(path, code)
        }
    }

    deinit { close(lock) }

    /// nil: there is none.
    func read() throws(TokenFileError) -> [UInt8]? { try TokenFileEditor.content(path) }

    /// When it returns, the new content is on the disk under its name.
    func write(_ bytes: [UInt8]) throws(TokenFileError) {
        let temporary = "\(folder)/.\(path.split(separator: "/").last ?? "")-\(RandomText.hex(8))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileReplacement.failure(path, errno) }
        defer { close(descriptor) }
        do throws(TokenFileError) {
            try fill(descriptor, bytes)
            // Why: an editor takes no lock. What it has saved, or taken away, must not be undone.
            guard isUnchanged else { throw TokenFileError.overtaken(path: path) }
            guard rename(temporary, path) == 0 else { throw FileReplacement.failure(path, errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        try FileReplacement.sync(folder: folder)
    }

    private var isUnchanged: Bool {
        var now = stat()
        guard stat(path, &now) == 0 else { return status == nil }
        guard let status else { return false }
        return now.st_dev == status.st_dev && now.st_ino == status.st_ino && now.st_size == status.st_size
            && now.st_mtim.tv_sec == status.st_mtim.tv_sec && now.st_mtim.tv_nsec == status.st_mtim.tv_nsec
    }

    private func fill(_ descriptor: Int32, _ bytes: [UInt8]) throws(TokenFileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw FileReplacement.failure(path, errno)
            }
        }
        try keepOwner(descriptor)
        guard fsync(descriptor) == 0 else { throw FileReplacement.failure(path, errno) }
    }

    private func keepOwner(_ descriptor: Int32) throws(TokenFileError) {
        guard let status else {
            return FileReplacement.giveToOwner(of: folder, descriptor)
        }
        var now = stat()
        guard fstat(descriptor, &now) == 0 else { throw FileReplacement.failure(path, errno) }
        if now.st_uid != status.st_uid || now.st_gid != status.st_gid {
            guard fchown(descriptor, status.st_uid, status.st_gid) == 0 else {
                throw .notWritten(path: path, "its owner cannot be kept: run this as user \(status.st_uid)")
            }
        }
        // Why last: a change of owner clears bits of the mode.
        guard fchmod(descriptor, status.st_mode & 0o7777) == 0 else {
            throw FileReplacement.failure(path, errno)
        }
    }

    // MARK: Around the file

    /// What a path leads to, whether that is there or not.
    private static func target(of path: String) -> String {
        var path = path
        // As many links as the kernel follows.
        for _ in 0..<40 {
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink(path, &buffer, buffer.count - 1)
            guard count > 0 else { return path }
            let target = String(
                decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            path = target.hasPrefix("/") ? target : folder(of: path) + "/" + target
        }
        return path
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func makeFolder(_ folder: String, for path: String) throws(TokenFileError) {
        guard mkdir(folder, 0o700) != 0 else {
            let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure(path, errno) }
            defer { close(descriptor) }
            giveToOwner(of: self.folder(of: folder), descriptor)
            return try sync(folder: self.folder(of: folder))
        }
        guard errno == EEXIST || access(folder, F_OK) == 0 else { throw failure(path, errno) }
    }

    private static func takeLock(_ path: String, _ limitMilliseconds: Int) throws(TokenFileError) -> Int32 {
        var status = stat()
        let isThere = stat(path, &status) == 0
        let name = path + ".lock"
        var lock = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if lock < 0, errno == ENOENT {
            lock = open(name, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            // Why: whoever may change the file has to be able to lock it.
            if lock >= 0 {
                if isThere {
                    if geteuid() == 0 { fchown(lock, status.st_uid, status.st_gid) }
                    fchmod(lock, 0o600 | status.st_mode & 0o060)
                } else {
                    giveToOwner(of: folder(of: path), lock)
                }
            }
        }
        guard lock >= 0 else { throw failure(path, errno) }
        let pauseMilliseconds = 10
        var code: Int32 = 0
        for _ in 0...limitMilliseconds / pauseMilliseconds {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return lock }
            code = errno
            guard code == EWOULDBLOCK || code == EINTR else { break }
            usleep(UInt32(pauseMilliseconds) * 1000)
        }
        close(lock)
        throw code == EWOULDBLOCK || code == EINTR ? .locked(path: path) : failure(path, code)
    }

    /// Why root alone: it works for others here, who must be able to go on without it.
    private static func giveToOwner(of folder: String, _ descriptor: Int32) {
        var status = stat()
        guard geteuid() == 0, stat(folder, &status) == 0 else { return }
        fchown(descriptor, status.st_uid, status.st_gid)
    }

    private static func sync(folder: String) throws(TokenFileError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, errno) }
        defer { close(descriptor) }
        // Some file systems know no such thing for folders.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(folder, errno) }
    }

    static func failure(_ path: String, _ code: Int32) -> TokenFileError {
        switch code {
        case EROFS: .notWritten(path: path, "the file system is read-only")
        case EBUSY:
            .notWritten(path: path, "it is mounted by itself and cannot be replaced: mount its folder")
        default: .notWritten(path: path, String(cString: strerror(code)))
        }
    }
}
