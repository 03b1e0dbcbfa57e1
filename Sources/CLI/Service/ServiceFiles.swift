import Glibc

/// Files of the system that a service is installed in.
struct ServiceFiles {
    /// Of that system: empty, or without a slash at its end.
    let prefix: String

    struct Identity: Equatable {
        var user: uid_t
        var group: gid_t
    }

    /// Whether a unit runs headgate: others of the name are left alone.
    func isUnitOfHeadgate(_ path: String) -> Bool {
        text(path)?.contains("/headgate run --config ") ?? false
    }

    func isThere(_ path: String) -> Bool { access(prefix + path, F_OK) == 0 }

    func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(prefix + path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// nil: there is no such user.
    func owner(_ user: String) -> Identity? {
        guard !prefix.isEmpty else {
            return getpwnam(user).map { Identity(user: $0.pointee.pw_uid, group: $0.pointee.pw_gid) }
        }
        for line in (text("/etc/passwd") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count > 3, fields[0] == user, let id = uid_t(fields[2]), let group = gid_t(fields[3])
            else {
                continue
            }
            return Identity(user: id, group: group)
        }
        return nil
    }

    func text(_ path: String) -> String? {
        guard let bytes = bytes(prefix + path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Changes

    /// - Parameter owner: nil: root.
    /// - Returns: what has become of it.
    func makeFolder(_ path: String, mode: mode_t, owner: Identity?) throws(ServiceError) -> String {
        guard !isFolder(path) else { return "\(prefix)\(path): is there" }
        let parent = ServicePlan.folder(of: path)
        if !isFolder(parent) { _ = try makeFolder(parent, mode: 0o755, owner: nil) }
        guard mkdir(prefix + path, mode) == 0, chmod(prefix + path, mode) == 0 else { throw failure(path) }
        if let owner, chown(prefix + path, owner.user, owner.group) != 0 { throw failure(path) }
        return "\(prefix)\(path): made"
    }

    /// - Parameters:
    ///   - owner: nil: root. A file that is replaced keeps its own.
    ///   - replaces: else a file that is there stays.
    /// - Returns: what has become of it.
    func write(
        _ path: String, _ text: String, mode: mode_t, owner: Identity?, replaces: Bool
    ) throws(ServiceError) -> String {
        let old = self.text(path)
        guard old == nil || replaces && old != text else { return "\(prefix)\(path): is there" }
        let folder = ServicePlan.folder(of: path)
        if !isFolder(folder) { _ = try makeFolder(folder, mode: 0o755, owner: nil) }
        try replace(path, Array(text.utf8), mode: mode, owner: owner)
        return "\(prefix)\(path): \(old == nil ? "written" : "brought up to date")"
    }

    func copy(_ source: String, to path: String) throws(ServiceError) -> String {
        guard let content = bytes(source) else { throw failure(source) }
        guard bytes(prefix + path) != content else { return "\(prefix)\(path): is there" }
        let folder = ServicePlan.folder(of: path)
        if !isFolder(folder) { _ = try makeFolder(folder, mode: 0o755, owner: nil) }
        try replace(path, content, mode: 0o755, owner: nil)
        return "\(prefix)\(path): copied from \(source)"
    }

    func remove(_ path: String) throws(ServiceError) -> String {
        guard unlink(prefix + path) == 0 || errno == ENOENT else { throw failure(path) }
        return "\(prefix)\(path): removed"
    }

    /// Whole or not at all; owner, group and mode of a file that is there are kept.
    private func replace(
        _ path: String, _ content: [UInt8], mode: mode_t, owner: Identity?
    ) throws(ServiceError) {
        var status = stat()
        let isThere = stat(prefix + path, &status) == 0
        let identity = isThere ? Identity(user: status.st_uid, group: status.st_gid) : owner
        let temporary = "\(prefix)\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        guard put(content, descriptor), identity.map({ fchown(descriptor, $0.user, $0.group) }) ?? 0 == 0,
            fchmod(descriptor, isThere ? status.st_mode & 0o7777 : mode) == 0, fsync(descriptor) == 0,
            rename(temporary, prefix + path) == 0
        else {
            let error = failure(path)
            unlink(temporary)
            throw error
        }
    }

    private func put(_ content: [UInt8], _ descriptor: Int32) -> Bool {
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    private func bytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count > 0 {
                content += chunk[..<count]
            } else if count == 0 {
                return content
            } else if errno != EINTR {
                return nil
            }
        }
    }

    private func failure(_ path: String) -> ServiceError {
        ServiceError("\(prefix)\(path): \(String(cString: strerror(errno)))")
    }
}
