/// `upstreams.NAME`: a group of endpoints with one policy.
public struct UpstreamConfig: Equatable, Sendable {
    public var name: String
    /// One for `url`, several for `endpoints`.
    public var endpoints: [EndpointConfig]
    /// Default round-robin.
    public var balance: BalanceConfig
    public var health: HealthConfig
    public var retry: RetryConfig
    /// nil: requests go without a key, but for what the route's `request_headers` say.
    public var key: UpstreamKeyConfig?
    /// Where `key` stands. Default `Authorization: Bearer …`.
    public var keyField: KeyFieldConfig
    public var timeouts: UpstreamTimeoutsConfig
    /// Connections per endpoint, all workers together. Default 1024.
    public var maxConnections: Int
    /// Exchanges with the upstream at once, all workers and endpoints together. Default off (nil).
    public var maxInFlight: Int?
    public var queue: UpstreamQueueConfig
    public var keepAlive: KeepAliveConfig
    public var tls: TLSClientConfig
    /// Forward the client's `Host` rather than the endpoint's. Default false.
    public var preservesHost: Bool
}

extension UpstreamConfig {
    init(_ node: MappingReader) {
        name = node.name
        let url = node.optional(
            "url", .endpointURL, "`https://host[:port][/path]`; the path goes in front of the request's.")
        let several = node.optional(
            "endpoints", .list(.mapping(shortFor: "url", EndpointConfig.init), nonEmpty: true),
            "Several: URLs, or mappings of `url` and `weight`.")
        node.requireOne(of: ["url", "endpoints"])
        endpoints = url.map { [EndpointConfig(url: $0)] } ?? several ?? []
        balance = node.value(
            "balance", .balance, default: "round-robin",
            "Who of several is asked: in turn; who has least to do; or `hash`, the same for the same caller.")
        health = node.group(
            "health", .mapping(HealthConfig.init), "When an endpoint is left out for a while.")
        retry = node.group(
            "retry", .mapping(RetryConfig.init), "When a request goes out once more, to the next endpoint.")
        key = node.optional(
            "key", .upstreamKey,
            "What requests go to the upstream with: text, `{env: NAME}`, `{file: path}`, `{credential: name}`; several "
                + "(`any_of`), or by caller (`first_of`).")
        keyField = node.value(
            "key_field", .word, default: "bearer",
            "Where the key stands: `Authorization: Bearer …`, `X-Api-Key` or `Api-Key`.")
        if !node.has("key") {
            node.fail(
                "key_field", "`key_field` has no effect\(node.path.inside): there is no `key`",
                hint: "add `key`, or remove it")
        }
        timeouts = node.group(
            "timeouts", .mapping(UpstreamTimeoutsConfig.init), "How long the upstream may take.")
        maxConnections = node.value(
            "max_connections", .integer(1...1_000_000), default: "1024",
            "Connections per endpoint, of all workers together.")
        maxInFlight = node.value(
            "max_in_flight", .orOff(.integer(1...1_000_000)), default: "off",
            "Exchanges that are with the upstream at once, of all workers and endpoints together.")
        queue = node.group(
            "queue", .mapping(UpstreamQueueConfig.init), "Who waits for a place at `max_in_flight`.")
        keepAlive = node.group(
            "keep_alive", .mapping(KeepAliveConfig.init), "Idle connections that are kept for later.")
        tls = node.group("tls", .mapping(TLSClientConfig.init), "For https endpoints.")
        preservesHost = node.value(
            "preserve_host", .bool, default: "false", "Forward the client's `Host` instead of the endpoint's."
        )
    }
}

/// nil: off.
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

extension UpstreamTimeoutsConfig {
    init(_ node: MappingReader) {
        connect = node.value("connect", .duration, default: "5s", "Until a connection stands, TLS included.")
        firstByte = node.value(
            "first_byte", .orOff(.duration), default: "300s", "From the request sent to the answer's head.")
        idle = node.value("idle", .orOff(.duration), default: "300s", "Between two pieces of an answer.")
        total = node.value(
            "total", .orOff(.duration), default: "off", "For a whole exchange. Streams have no natural end.")
    }
}

/// What happens at `max_in_flight`.
public struct UpstreamQueueConfig: Equatable, Sendable {
    /// Exchanges that may wait for a place, all workers together; first come, first served. Default 0.
    public var max: Int
    /// For how long each may wait. Default 10 s.
    public var timeout: Duration
}

extension UpstreamQueueConfig {
    init(_ node: MappingReader) {
        max = node.value(
            "max", .integer(0...1_000_000), default: "0",
            "Exchanges that may wait for a place, first come, first served; 0: none waits.")
        timeout = node.value("timeout", .duration, default: "10s", "How long each may wait.")
    }
}

public struct KeepAliveConfig: Equatable, Sendable {
    /// How long an idle upstream connection is kept. Default 60 s.
    public var idle: Duration
    /// Idle connections per endpoint and worker. Default 64; 0: none is kept.
    public var maxIdle: Int
}

extension KeepAliveConfig {
    init(_ node: MappingReader) {
        idle = node.value("idle", .duration, default: "60s", "How long an idle connection is kept.")
        maxIdle = node.value(
            "max_idle", .integer(0...100_000), default: "64",
            "Idle connections per endpoint and worker; 0: none is kept.")
    }
}

public struct TLSClientConfig: Equatable, Sendable {
    /// PEM file of trusted authorities; nil: the system's. Relative to where `relative_to` says.
    public var ca: String?
    /// Name for SNI and verification; nil: the URL's host.
    public var serverName: String?
    /// `insecure_skip_verify: true`: warned about on every load.
    public var insecureSkipVerify: Bool
}

extension TLSClientConfig {
    init(_ node: MappingReader) {
        ca = node.optional("ca", .filePath, "PEM file of trusted authorities. Default: the system's.")
        serverName = node.optional(
            "server_name", .serverName, "Name for SNI and verification. Default: the URL's host.")
        insecureSkipVerify = node.value(
            "insecure_skip_verify", .bool, default: "false",
            "Talk to anybody who answers. For a lab; warned about.")
        if insecureSkipVerify {
            node.warn(
                "insecure_skip_verify",
                "`\(node.path.text).insecure_skip_verify` lets anybody in the middle read along",
                hint: "name the authority with `ca` instead")
        }
    }
}

extension Form where Value == String {
    static var serverName: Form {
        .text("a host name") { (text) throws(Mismatch) in
            guard let name = HostNames.normalized(text) else {
                throw Mismatch(text: "must be a host name", hint: HostNames.hint(text))
            }
            return name
        }
    }
}
