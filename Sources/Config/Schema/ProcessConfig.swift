/// `process:` needs a restart to change; everything else reloads.
public struct ProcessConfig: Equatable, Sendable {
    /// nil: one per core (`auto`). 1…256.
    public var workers: Int?
    /// Path of the admin socket; nil: found by the rules of `headgate --help`.
    public var admin: String?
    /// After SIGTERM, how long running exchanges may take. Default 30 s.
    public var drainTimeout: Duration
}

extension ProcessConfig {
    init(_ node: MappingReader) {
        workers = node.value(
            "workers", .orWord("auto", .integer(1...256)), default: "auto",
            "Worker threads; `auto`: one per core.")
        admin = node.optional(
            "admin", .socketPath,
            "Absolute path of the admin socket. Default: found by the rules of `headgate --help`.")
        drainTimeout = node.value(
            "drain_timeout", .duration(.zero...Quantities.durationMax), default: "30s",
            "After SIGTERM, how long running exchanges may take.")
    }
}

extension Form where Value == String {
    /// An absolute path that fits a Unix socket.
    static var socketPath: Form {
        .text("an absolute path", pattern: "^/.+") { (text) throws(Mismatch) in try UnixPath.checked(text) }
    }
}
