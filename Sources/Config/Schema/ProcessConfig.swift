/// `process:` needs a restart to change; everything else reloads.
public struct ProcessConfig: Equatable, Sendable {
    /// nil: one per core (`auto`). 1…256.
    public var workers: Int?
    /// Path of the admin socket; nil: found by the rules of `headgate --help`.
    public var admin: String?
    /// After SIGTERM, how long running exchanges may take. Default 10 s: under systemd a successor starts
    /// only when this process is gone, and new connections wait that long.
    public var drainTimeout: Duration
    /// Bytes of request bodies that are held at once to be looked into, of all workers. Default 256 MiB.
    public var bodyMemoryBytes: UInt64 = 256 << 20
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
            "drain_timeout", .duration(.zero...Quantities.durationMax), default: "10s",
            "After SIGTERM, how long running exchanges may take.")
        bodyMemoryBytes = node.value(
            "body_memory", .size(16 << 20...Quantities.sizeMax), default: "256MiB",
            "Memory for request bodies that are looked into before they go on, of all requests together.")
    }
}

extension Form where Value == String {
    /// An absolute path that fits a Unix socket.
    static var socketPath: Form {
        .text("an absolute path", pattern: "^/.+") { (text) throws(Mismatch) in try UnixPath.checked(text) }
    }
}
