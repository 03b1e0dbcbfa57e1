/// `upstreams.NAME.health`: when an endpoint is left out for a while.
public struct HealthConfig: Equatable, Sendable {
    /// In a row, after which an endpoint is ejected. Default 5; nil: never (`off`).
    public var failures: Int?
    /// How long it is left out at first; twice as long each further time in a row. Default 10 s.
    public var eject: Duration
    /// At most; not less than `eject`. Default 5 min.
    public var ejectMax: Duration
    /// In which an endpoint that comes back is given more and more. Default off (nil): all at once.
    public var slowStart: Duration?
    /// Default off (nil).
    public var check: HealthCheckConfig?
}

extension HealthConfig {
    init(_ node: MappingReader) {
        failures = node.value(
            "failures", .orOff(.integer(1...1000)), default: "5",
            "In a row, after which an endpoint is left out: no connection, no answer in time, one that breaks off, or a 5xx."
        )
        eject = node.value(
            "eject", .duration, default: "10s", "How long at first; twice as long each further time in a row."
        )
        ejectMax = node.value("eject_max", .duration, default: "5m", "How long at most.")
        slowStart = node.value(
            "slow_start", .orOff(.duration), default: "off",
            "In which an endpoint that comes back is given more and more, until it has its share.")
        check = node.value(
            "check", .orOff(.mapping(shortFor: "path", HealthCheckConfig.init)), default: "off",
            "Ask each endpoint from time to time, and leave out those that do not answer as they should.")
        if failures == nil {
            for key in ["eject", "eject_max"] {
                node.fail(
                    key, "`\(key)` has no effect\(node.path.inside): `failures` is off", hint: "remove it")
            }
        } else if ejectMax < eject, node.isSound("eject"), node.isSound("eject_max") {
            node.fail(
                node.has("eject_max") ? "eject_max" : "eject",
                "`eject_max` is less than `eject`\(node.path.inside)", hint: "raise it, or lower `eject`")
        }
    }
}

/// `health.check`: what endpoints are asked, whatever requests there are.
public struct HealthCheckConfig: Equatable, Sendable {
    /// Behind the path of the endpoint's URL; begins with `/`.
    public var path: String
    /// From one question to the next. Default 10 s.
    public var every: Duration
    /// For the whole answer. Default 2 s.
    public var timeout: Duration
    /// Statuses of a good answer, never empty. Default 200.
    public var statuses: [Int]
}

extension HealthCheckConfig {
    init(_ node: MappingReader) {
        path = node.required(
            "path", .requestPath, "Asked with GET, behind the path of the endpoint's URL: `/models`.")
        every = node.value("every", .duration, default: "10s", "From one question to the next.")
        timeout = node.value("timeout", .duration, default: "2s", "For the whole answer.")
        statuses = node.value(
            "status", .distinct(.oneOrList(.integer(200...599))), default: "200",
            "Status of a good answer, or a list.")
    }
}

extension Form where Value == String {
    /// A path without a query, in the form that requests have it.
    static var requestPath: Form {
        .scalar("a path such as `/models`", schema: .string(pattern: "^/"), standIn: "/") {
            (scalar) throws(Mismatch) in try PathText.checked(scalar.text)
        }
    }
}
