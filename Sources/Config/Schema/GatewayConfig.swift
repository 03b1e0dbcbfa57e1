/// The whole file as one checked value. Names resolve, relations hold; what is optional has its default.
public struct GatewayConfig: Equatable, Sendable {
    public var process: ProcessConfig
    /// What relative paths start from. Default: the config file's folder.
    public var relativeTo = RelativeToConfig.configFile
    /// Files of `NAME=value` lines, later ones win, all of them over the process's own environment being
    /// unset: a variable that the process has wins over the file.
    public var environmentFiles: [EnvironmentFileConfig]
    /// What the process says on stderr. Default `info`.
    public var logLevel = LogLevelConfig.info
    /// nil: over its Unix socket alone.
    public var admin: AdminConfig?
    /// nil: `access_log: off`.
    public var accessLog: AccessLogConfig?
    public var trustedProxies: [CIDR]
    /// How long publishing waits for names to resolve. Default 1 s.
    public var resolveTimeout: Duration
    /// In file order, as all named maps here.
    public var listeners: [ListenerConfig]
    public var stores: [StoreConfig] = []
    public var auth: [AuthConfig]
    public var models: [ModelConfig] = []
    public var limits: [LimitConfig] = []
    /// nil: usage is written nowhere (`off`).
    public var usage: UsageConfig?
    /// nil: traces are passed on as they come, and none are recorded (`off`).
    public var telemetry: TelemetryConfig?
    public var upstreams: [UpstreamConfig]
    public var routes: [RouteConfig]
}

extension GatewayConfig {
    init(_ node: MappingReader) {
        _ = node.required("version", .version, "Version of this format. Always 1.")
        process = node.group("process", .mapping(ProcessConfig.init), "What needs a restart to change.")
        relativeTo = node.value(
            "relative_to", .relativeTo, default: "config_file",
            "What relative paths start from: this file's folder, or the `working_directory` of the process.")
        environmentFiles =
            node.optional(
                "env_file", .oneOrList(.mapping(shortFor: "path", EnvironmentFileConfig.init)),
                "File of `NAME=value` lines for `${NAME}` and `{env: NAME}`, or a list of them; later ones win, a variable "
                    + "of the process wins over all.") ?? []
        logLevel = node.value(
            "log_level", .word, default: "info",
            "What the process says on stderr: lines of this level and above.")
        admin = node.optional(
            "admin", .mapping(AdminConfig.init),
            "The admin endpoint over TCP, for metrics and health checks. Default: its Unix socket alone.")
        accessLog = node.value(
            "access_log", .orOff(.mapping(shortFor: "to", AccessLogConfig.init)), default: "stdout",
            "One record per exchange: `off`, `stdout`, a path, or `to` and `format`.")
        trustedProxies = node.value(
            "trusted_proxies", .list(.cidr), default: [],
            "Proxies in front of this one: peers whose `X-Forwarded-*` fields are believed.")
        resolveTimeout = node.value(
            "resolve_timeout", .duration, default: "1s",
            "How long a (re)load waits for the names of upstreams to resolve.")
        listeners =
            node.optional(
                "listeners", .named(.mapping(shortFor: "bind", ListenerConfig.init), max: 1000),
                "Where clients connect, by name.") ?? []
        stores =
            node.optional(
                "stores", .named(.mapping(shortFor: "sqlite", StoreConfig.init), max: 100),
                "Files of users and keys, by name.") ?? []
        auth =
            node.optional(
                "auth", .named(.variants(by: "mode", AuthConfig.variants, AuthConfig.init)),
                "Who may come in, by name.") ?? []
        usage = node.value(
            "usage", .orOff(.mapping(shortFor: "store", UsageConfig.init)), default: "off",
            "Store in which it is written what callers used, and which keeps counts by day and month over a restart."
        )
        telemetry = node.value(
            "telemetry", .orOff(.mapping(shortFor: "otlp", TelemetryConfig.init)), default: "off",
            "Where traces go: `off`, a URL, or `otlp` and more.")
        models =
            node.optional(
                "models", .named(.mapping(shortFor: "upstream", ModelConfig.init), names: .models),
                "What is known of models and where they are, by name or pattern (`gpt-*`): a name wins, then the longest "
                    + "literal beginning."
            ) ?? []
        models = ModelConfig.withFacts(models)
        limits =
            node.optional("limits", .named(.mapping(LimitConfig.init)), "How much, by name.") ?? []
        upstreams =
            node.optional(
                "upstreams", .named(.mapping(shortFor: "url", UpstreamConfig.init)),
                "Where requests go, by name.") ?? []
        routes =
            node.optional(
                "routes", .list(.mapping(RouteConfig.init)),
                "What happens to a request: the first route whose conditions all hold, in file order.") ?? []
    }
}

extension Form where Value == Int {
    /// `version: 1`. Why not `integer(1...1)`: another number means another program, and the message says so.
    static var version: Form {
        .scalar("1", schema: Schema([("const", .integer(1))]), standIn: 1) { (scalar) throws(Mismatch) in
            guard case .integer(let digits) = scalar.core else { throw Mismatch(text: "must be 1") }
            guard digits == "1" else {
                throw Mismatch(text: "must be 1", hint: "this headgate reads version 1 of the format")
            }
            return 1
        }
    }
}
