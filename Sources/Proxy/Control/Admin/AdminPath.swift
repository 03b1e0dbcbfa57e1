import Glibc
import Stores

/// Where the daemon's admin socket is, for the daemon and for whoever looks for it. Never found by reading
/// the config file, which may be broken just when it matters.
///
///     --admin PATH
///     $HEADGATE_ADMIN
///     process.admin                                   the daemon only
///     $RUNTIME_DIRECTORY/admin.sock                   under systemd
///     /run/headgate/admin.sock                        for those who look
///     $XDG_RUNTIME_DIR/headgate/<hash>.sock           by the path of the config file
///     /tmp/headgate-<uid>/<hash>.sock                 where there is no $XDG_RUNTIME_DIR
public enum AdminPath {
    private static let systemPath = "/run/headgate/admin.sock"

    /// - Parameters:
    ///   - configured: `process.admin`.
    ///   - folder: the config file's, which `configured` is relative to.
    static func forDaemon(
        option: String?, configured: String?, configPath: String, folder: String,
        environment: [String: String] = Environment.ofProcess()
    ) -> String {
        if let path = named(option, environment) { return path }
        if let configured { return Path.absolute(configured, in: folder) }
        if let directory = environment["RUNTIME_DIRECTORY"], !directory.isEmpty {
            // Why the first: systemd lists several directories with colons between them.
            return directory.prefix { $0 != ":" } + "/admin.sock"
        }
        return byConfig(configPath, environment)
    }

    /// - Parameter isConfigNamed: the caller said which file: then its daemon is asked before the system's.
    /// - Returns: where the daemon may be, the likeliest first.
    public static func candidates(
        option: String?, configPath: String, isConfigNamed: Bool,
        environment: [String: String] = Environment.ofProcess()
    ) -> [String] {
        if let path = named(option, environment) { return [path] }
        let own = byConfig(ConfigLoader(path: configPath).absolutePath, environment)
        if let directory = environment["RUNTIME_DIRECTORY"], !directory.isEmpty {
            return [directory.prefix { $0 != ":" } + "/admin.sock"]
        }
        return isConfigNamed ? [own, systemPath] : [systemPath, own]
    }

    private static func named(_ option: String?, _ environment: [String: String]) -> String? {
        if let option { return option }
        guard let path = environment["HEADGATE_ADMIN"], !path.isEmpty else { return nil }
        return path
    }

    private static func byConfig(_ configPath: String, _ environment: [String: String]) -> String {
        let folder: String
        if let runtime = environment["XDG_RUNTIME_DIR"], !runtime.isEmpty {
            folder = runtime + "/headgate"
        } else {
            folder = "/tmp/headgate-\(geteuid())"
        }
        return "\(folder)/\(hash(configPath)).sock"
    }

    /// FNV-1a in 64 bits: short, the same for everyone, and no secret.
    private static func hash(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Makes the socket's folder where it is missing: 0700, ours.
    ///
    /// - Throws: where somebody else made it, who could then put their own socket there.
    static func prepareFolder(of path: String) throws(BindError) {
        let folder = Path.folder(of: path)
        guard mkdir(folder, 0o700) != 0 else { return }
        guard errno == EEXIST else {
            throw BindError(message: "\(path): cannot make \(folder): \(String(cString: strerror(errno)))")
        }
        guard folder.hasPrefix("/tmp/") else { return }
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0
        else { throw BindError(message: "\(folder) can be written to by other users; use --admin PATH") }
    }
}
