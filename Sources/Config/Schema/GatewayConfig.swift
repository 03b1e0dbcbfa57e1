/// The whole file as one checked value. Names resolve, relations hold; what is optional has its default.
public struct GatewayConfig: Equatable, Sendable {
    public var process: ProcessConfig
    /// Files of `NAME=value` lines, later ones win, all of them over the process's own environment being unset:
    /// a variable that the process has wins over the file. Relative to the config file's folder.
    public var environmentFiles: [String]
    /// nil: `access_log: off`.
    public var accessLog: AccessLogConfig?
    public var trustedProxies: [CIDR]
    /// How long publishing waits for names to resolve. Default 1 s.
    public var resolveTimeout: Duration
    /// In file order, as all named maps here.
    public var listeners: [ListenerConfig]
    public var auth: [AuthConfig]
    public var upstreams: [UpstreamConfig]
    public var routes: [RouteConfig]
}

/// `process:` needs a restart to change; everything else reloads.
public struct ProcessConfig: Equatable, Sendable {
    /// nil: one per core (`auto`). 1…256.
    public var workers: Int?
    /// Path of the admin socket; nil: found by the rules of `headgate --help`.
    public var admin: String?
    /// After SIGTERM, how long running exchanges may take. Default 30 s.
    public var drainTimeout: Duration
}

public struct AccessLogConfig: Equatable, Sendable {
    public enum Destination: Equatable, Sendable {
        case stdout
        /// Relative to the config file's folder. Reopened when it is rotated away.
        case file(String)
    }
    public enum Format: String, Equatable, Sendable, CaseIterable { case json, text }
    public var destination: Destination
    public var format: Format
}

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

/// An address range; IPv4 as four bytes, IPv6 as sixteen.
public struct CIDR: Equatable, Sendable {
    public var address: [UInt8]
    public var prefixLength: Int
}

public struct AuthConfig: Equatable, Sendable {
    public enum Mode: Equatable, Sendable {
        /// `mode: none`.
        case none(allowOpen: Bool, ignoreCredentials: Bool)
    }
    public var name: String
    public var mode: Mode
}

public struct UpstreamConfig: Equatable, Sendable {
    public var name: String
    /// One for `url`, several for `endpoints`; used in turn.
    public var endpoints: [EndpointURL]
    public var timeouts: UpstreamTimeoutsConfig
    /// Connections per endpoint, all workers together. Default 1024.
    public var maxConnections: Int
    public var keepAlive: KeepAliveConfig
    public var tls: TLSClientConfig
    /// Forward the client's `Host` rather than the endpoint's. Default false.
    public var preservesHost: Bool
}

public struct EndpointURL: Equatable, Sendable {
    public enum Scheme: String, Equatable, Sendable { case http, https }
    public var scheme: Scheme
    /// Name or numeric address without brackets, lower-case.
    public var host: String
    public var port: UInt16
    /// Path without a trailing slash; empty for none.
    public var basePath: String
    /// `host[:port]` as it goes into `Host`: brackets kept, default port left out.
    public var authority: String
}

/// nil: off. In a route, nil means "the upstream's", and `.some(nil)` off.
public struct UpstreamTimeoutsConfig: Equatable, Sendable {
    /// Default 5 s; cannot be off.
    public var connect: Duration
    /// Default 300 s.
    public var firstByte: Duration?
    /// Default 300 s.
    public var idle: Duration?
    /// Default off.
    public var total: Duration?
}

public struct KeepAliveConfig: Equatable, Sendable {
    /// How long an idle upstream connection is kept. Default 60 s.
    public var idle: Duration
    /// Idle connections per endpoint and worker. Default 64; 0: none is kept.
    public var maxIdle: Int
}

public struct TLSClientConfig: Equatable, Sendable {
    /// PEM file of trusted authorities; nil: the system's. Relative to the config file's folder.
    public var ca: String?
    /// Name for SNI and verification; nil: the URL's host.
    public var serverName: String?
    /// `insecure_skip_verify: true`: warned about on every load.
    public var insecureSkipVerify: Bool
}

public struct RouteConfig: Equatable, Sendable {
    /// Index in the file.
    public var index: Int
    /// Listener names; empty: every listener.
    public var listeners: [String]
    public var host: HostConfig
    public var path: PathConfig
    /// Upper-case; empty: every method. GET implies HEAD.
    public var methods: [String]
    public var headers: [HeaderMatchConfig]
    /// Names of `auth` entries, in the order they are asked.
    public var auth: [String]
    /// nil: none.
    public var stripPrefix: String?
    public var addPrefix: String?
    public var requestHeaders: HeaderEditsConfig
    public var responseHeaders: HeaderEditsConfig
    public var timeouts: RouteTimeoutsConfig
    /// nil: no limit (`off`). Default 32 MiB.
    public var maxBodyBytes: UInt64?
    public var cors: CORSConfig?
    public var action: RouteActionConfig
}

public enum HostConfig: Equatable, Sendable {
    case any
    /// Lower-case.
    case exact(String)
    /// `*.example.com` as `.example.com`.
    case suffix(String)
}

public enum PathConfig: Equatable, Sendable {
    case exact(String)
    /// `/v1/chat*`, without the star.
    case prefix(String)
    /// `/v1/**` as `/v1`; `/**` as "".
    case subtree(String)
}

public struct HeaderMatchConfig: Equatable, Sendable {
    /// Lower-case.
    public var name: String
    /// nil: present with any value (`true` in the file).
    public var value: String?
}

public struct HeaderEditsConfig: Equatable, Sendable {
    public struct Assignment: Equatable, Sendable {
        /// As written; compared without case.
        public var name: String
        public var value: TextSource
    }
    public var set: [Assignment]
    public var remove: [String]
}

/// Text that may be a secret: written out (after `${…}`), or a typed reference read by the gateway at load.
public enum TextSource: Equatable, Sendable {
    case literal(String)
    /// `{env: NAME}`
    case environment(String)
    /// `{file: path}`: the file's content without one trailing newline. Watched.
    case file(String)
    /// `{credential: name}`: `$CREDENTIALS_DIRECTORY/name` (systemd).
    case credential(String)
}

/// Over the upstream's: nil keeps it, `.some(nil)` is `off`.
public struct RouteTimeoutsConfig: Equatable, Sendable {
    public var connect: Duration?
    public var firstByte: Duration??
    public var idle: Duration??
    public var total: Duration??
}

public struct CORSConfig: Equatable, Sendable {
    /// nil: `*`.
    public var origins: [String]?
    /// Only with origins that are named.
    public var credentials: Bool
    /// Default: GET, HEAD, POST, PUT, PATCH, DELETE.
    public var methods: [String]
    /// Empty: whatever the preflight asks for.
    public var headers: [String]
    public var expose: [String]
    /// Default 10 min.
    public var maxAge: Duration
}

public enum RouteActionConfig: Equatable, Sendable {
    case upstream(String)
    case respond(RespondConfig)
}

public struct RespondConfig: Equatable, Sendable {
    public enum Body: Equatable, Sendable {
        /// Serialised JSON text, made from the YAML value.
        case json(String)
        case text(String)
        case none
    }
    /// Default 200. 200…599.
    public var status: Int
    public var body: Body
}
