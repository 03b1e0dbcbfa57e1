/// `listeners.NAME`: a bound address with its limits.
public struct ListenerConfig: Equatable, Sendable {
    public var name: String
    public var bind: BindAddress
    /// Empty: everybody may connect.
    public var allow: [CIDR]
    /// Open client connections at once. Default 10000.
    public var maxConnections: Int
    /// Bytes of a request head. Default 32 KiB; 1 KiB…64 KiB, so that a head always fits a worker's buffer.
    public var maxHeadBytes: Int
    /// Field lines of a request head. Default 100; 1…256.
    public var maxFields: Int
    public var timeouts: ListenerTimeoutsConfig
    /// `client_half_close: allow | cancel`. Default cancel: a FIN while the answer is unfinished means gone.
    public var allowsHalfClose: Bool
}

extension ListenerConfig {
    init(_ node: MappingReader) {
        name = node.name
        bind = node.required(
            "bind", .bindAddress,
            "`127.0.0.1:8000`, `[::1]:8000`, `localhost:8000` or `unix:/path`; port 0: any free one.")
        allow = node.value("allow", .list(.cidr), default: [], "Who may connect. Empty: everybody.")
        maxConnections = node.value(
            "max_connections", .integer(1...1_000_000), default: "10000", "Client connections open at once.")
        maxHeadBytes = Int(
            node.value("max_head", .size(1024...65536), default: "32KiB", "Size of a request head."))
        maxFields = node.value(
            "max_fields", .integer(1...256), default: "100", "Field lines of a request head.")
        timeouts = node.group(
            "timeouts", .mapping(ListenerTimeoutsConfig.init), "How long a client may take.")
        allowsHalfClose = node.value(
            "client_half_close", .word([("cancel", false), ("allow", true)]), default: "cancel",
            "What a client's FIN before the end of its answer means: it is gone (`cancel`), or only done sending (`allow`)."
        )
    }
}

public enum BindAddress: Equatable, Sendable, Hashable {
    /// `host` is a numeric IPv4 or IPv6 address without brackets, or `localhost`.
    case ip(host: String, port: UInt16)
    case unix(path: String)
    /// Only reachable from this machine: 127.0.0.0/8, ::1, localhost, unix.
    public var isLoopback: Bool {
        switch self {
        case .unix: true
        case .ip(let host, _): host == "::1" || host == "localhost" || host.hasPrefix("127.")
        }
    }
}

/// nil: off.
public struct ListenerTimeoutsConfig: Equatable, Sendable {
    /// `head`: the whole of a request head. Default 10 s.
    public var head: Duration?
    /// `body`: between two pieces of a request body. Default 60 s.
    public var body: Duration?
    /// `client_idle`: a reader that makes no progress. Default 60 s.
    public var clientIdle: Duration?
    /// `keep_alive`: an idle connection. Default 75 s.
    public var keepAlive: Duration?
}

extension ListenerTimeoutsConfig {
    init(_ node: MappingReader) {
        head = node.value("head", .orOff(.duration), default: "10s", "For a whole request head.")
        body = node.value("body", .orOff(.duration), default: "60s", "Between two pieces of a request body.")
        clientIdle = node.value(
            "client_idle", .orOff(.duration), default: "60s", "Without progress of a client that reads.")
        keepAlive = node.value("keep_alive", .orOff(.duration), default: "75s", "For an idle connection.")
    }
}

/// An address range; IPv4 as four bytes, IPv6 as sixteen.
public struct CIDR: Equatable, Sendable {
    public var address: [UInt8]
    public var prefixLength: Int
}
