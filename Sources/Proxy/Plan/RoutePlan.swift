/// One route, compiled. Everything that is bytes on the wire is bytes here.
///
/// Why a class, as all plans: the data plane takes hold of one by a single retain instead of one per array in
/// it.
final class RoutePlan: Sendable {
    let match: RouteMatch
    /// Asked in this order; never empty.
    let auth: [AuthPlan]
    /// One of them is a `jwt` entry.
    let takesTokens: Bool
    /// All must let a request pass; at most `Reservation.entriesMax` measures, a caller's own included.
    let limits: [LimitPlan]
    let rateLimitFields: RateLimitFieldStyles
    /// Bytes of a body that decides: larger ones are not held.
    let inspectBodyMax: Int
    /// A limit counts tokens or money, or is by model: the body has to say what it asks for.
    let inspectsBody: Bool
    /// What an exchange used is looked for in its answer.
    let countsUsage: Bool
    /// A request counts in the caller's own limit: not one that asks what is left of it.
    let takesOwnLimit: Bool
    /// This route in limits by route: the same as long as its conditions are, wherever it stands.
    let subject: LimitSubject
    let errors: ErrorShape
    /// Member `footer` of the gateway's own errors, as JSON text; empty for none.
    let errorFooter: [UInt8]
    let action: RouteAction
    /// Removed from the front of the request path before joining; empty for none.
    let stripPrefix: [UInt8]
    /// Put in front of what is left; empty for none.
    let addPrefix: [UInt8]
    let requestHeaders: HeaderEdits
    let responseHeaders: HeaderEdits
    /// Bytes; `UInt64.max` for no limit.
    let maxBodyBytes: UInt64
    let cors: CORSPolicy?
    let defaults: BodyDefaults
    let transform: BodyTransform
    let streamErrorEnd: StreamErrorEnd
    /// What has come of its requests; outlives the generation. nil: nobody counts.
    let figures: RouteFigures?
    /// `routes[3]`, for logs and answers.
    let label: String
    let labelText: PlanText

    /// 16 MiB, unless the file says otherwise.
    static let inspectBodyMax = 16 << 20

    /// - Parameter recordsUsage: usage is written down: it is looked for wherever an upstream answers.
    init(
        match: RouteMatch, auth: [AuthPlan], limits: [LimitPlan] = [],
        rateLimitFields: RateLimitFieldStyles = [.openai, .ietf],
        inspectBodyMax: Int = RoutePlan.inspectBodyMax, recordsUsage: Bool = false,
        subject: LimitSubject = .everybody, errors: ErrorShape = .openai,
        errorFooter: [UInt8] = [], action: RouteAction, stripPrefix: [UInt8],
        addPrefix: [UInt8], requestHeaders: HeaderEdits, responseHeaders: HeaderEdits,
        maxBodyBytes: UInt64, cors: CORSPolicy?, defaults: BodyDefaults = .none,
        transform: BodyTransform = .none, streamErrorEnd: StreamErrorEnd = .cut, figures: RouteFigures? = nil,
        label: String, labelText: PlanText
    ) {
        self.match = match
        self.auth = auth
        takesTokens = auth.contains { if case .jwt = $0.mode { true } else { false } }
        self.limits = limits
        self.rateLimitFields = rateLimitFields
        self.inspectBodyMax = inspectBodyMax
        let countsTokensOrMoney = limits.contains(where: \.countsTokensOrMoney)
        inspectsBody = countsTokensOrMoney || limits.contains { $0.subject.contains(.model) }
        countsUsage = action.proxies && (countsTokensOrMoney || recordsUsage)
        takesOwnLimit = if case .action(let plan) = action { plan.name != "limits" } else { true }
        self.subject = subject
        self.errors = errors
        self.errorFooter = errorFooter
        self.action = action
        self.stripPrefix = stripPrefix
        self.addPrefix = addPrefix
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
        self.maxBodyBytes = maxBodyBytes
        self.cors = cors
        self.defaults = defaults
        self.transform = transform
        self.streamErrorEnd = streamErrorEnd
        self.figures = figures
        self.label = label
        self.labelText = labelText
    }
}

/// What a request must be for the route to be its. All conditions hold together.
struct RouteMatch: Sendable {
    /// Index into `Generation.listeners`; empty: every listener.
    let listeners: [Int]
    let host: HostPattern
    let path: PathPattern
    let methods: MethodSet
    let headers: [HeaderCondition]
}

enum HostPattern: Sendable, Equatable {
    case any
    /// Lower-case, without a port.
    case exact([UInt8])
    /// `*.example.com` as `.example.com`: at least one more label in front.
    case suffix([UInt8])
}

/// Patterns are normalised like request paths (`normalizePath`).
enum PathPattern: Sendable, Equatable {
    /// `/health`
    case exact([UInt8])
    /// `/v1/chat*`: every path that begins with these bytes.
    case prefix([UInt8])
    /// `/v1/**` as `/v1`: `/v1` itself and everything below `/v1/`. `/**` is the empty one and matches every
    /// path.
    case subtree([UInt8])
}

/// Methods a route serves. `any` includes methods that the gateway does not know.
struct MethodSet: Sendable, Equatable {
    static let any = MethodSet(bits: .max, others: [])
    /// Bit n stands for `Method(rawValue: n)`.
    let bits: UInt16
    /// Extension methods by name, upper-case.
    let others: [[UInt8]]

    init(bits: UInt16, others: [[UInt8]]) {
        self.bits = bits
        self.others = others
    }
}

struct HeaderCondition: Sendable {
    /// Lower-case.
    let name: [UInt8]
    /// nil: present with any value.
    let value: [UInt8]?
}

/// How the gateway's own errors look on a route.
enum ErrorShape: Sendable {
    /// `{"error": {"message", "type", "param", "code"}}`, as the OpenAI SDKs read it.
    case openai
    /// `{"detail": "…"}`
    case detail
    /// `{"error": "…", "code": "…", "details": {"message": "…"}}`
    case webscout
}

enum RouteAction: Sendable {
    /// Index into `Generation.upstreams`, and the upstream's clocks with the route's own put over them.
    case proxy(upstream: Int, timeouts: UpstreamTimeouts)
    /// The model that a request names says which upstream answers.
    case models(ModelRoutePlan)
    case respond(FixedResponse)
    /// Control answers.
    case action(ActionPlan)

    /// An upstream answers.
    var proxies: Bool {
        switch self {
        case .proxy, .models: true
        case .respond, .action: false
        }
    }
}

/// `to: models`.
final class ModelRoutePlan: Sendable {
    /// By index into `Generation.upstreams`: its clocks with the route's own put over them.
    let timeouts: [UpstreamTimeouts]
    /// Where all entries lead to one upstream and rename nothing: bodies too large to be looked into go
    /// there.
    let onlyUpstream: Int?

    init(timeouts: [UpstreamTimeouts], onlyUpstream: Int?) {
        self.timeouts = timeouts
        self.onlyUpstream = onlyUpstream
    }
}

/// A built-in action as a route mounts it.
final class ActionPlan: Sendable {
    /// `login`
    let name: String
    let answerer: Answerer
    /// Bytes of a request body.
    static let bodyMax = 64 << 10

    init(name: String, answerer: Answerer) {
        self.name = name
        self.answerer = answerer
    }
}

/// A `respond` route: the answer as it goes out, without the fields that change per request.
struct FixedResponse: Sendable {
    let status: UInt16
    /// `Content-Type: application/json` or `text/plain; charset=utf-8`.
    let contentType: [UInt8]
    let body: [UInt8]
}

/// Fields to set (replacing all of that name) and to remove. Names are lower-case; framing, hop-by-hop and
/// `Host` cannot be named (the config refuses them).
struct HeaderEdits: Sendable {
    struct Assignment: Sendable {
        let name: [UInt8]
        /// The whole line as sent: `Name: value\r\n`.
        let line: [UInt8]
    }
    /// Fields that headgate would write itself and leaves to these edits.
    struct OwnedFields: OptionSet, Sendable {
        let rawValue: UInt8
        static let requestID = OwnedFields(rawValue: 1)
        static let forwardedFor = OwnedFields(rawValue: 2)
        static let forwardedProto = OwnedFields(rawValue: 4)
        static let forwardedHost = OwnedFields(rawValue: 8)
        static let contentType = OwnedFields(rawValue: 16)
        static let date = OwnedFields(rawValue: 32)
        static let acceptEncoding = OwnedFields(rawValue: 64)
        static let traceParent = OwnedFields(rawValue: 128)

        init(rawValue: UInt8) { self.rawValue = rawValue }

        /// - Parameter names: lower-case.
        init(names: [[UInt8]]) {
            let known: [(String, OwnedFields)] = [
                ("x-request-id", .requestID), ("x-forwarded-for", .forwardedFor),
                ("x-forwarded-proto", .forwardedProto), ("x-forwarded-host", .forwardedHost),
                ("content-type", .contentType), ("date", .date), ("accept-encoding", .acceptEncoding),
                ("traceparent", .traceParent),
            ]
            self = []
            for (name, field) in known where names.contains(Array(name.utf8)) { insert(field) }
        }
    }
    let assignments: [Assignment]
    let removals: [[UInt8]]
    let owned: OwnedFields
    var isEmpty: Bool { assignments.isEmpty && removals.isEmpty }

    init(assignments: [Assignment], removals: [[UInt8]]) {
        self.assignments = assignments
        self.removals = removals
        owned = OwnedFields(names: assignments.map(\.name) + removals)
    }

    static let none = HeaderEdits(assignments: [], removals: [])
}

/// Cross-origin rules of one route (Fetch standard, "CORS protocol").
struct CORSPolicy: Sendable {
    /// nil: `*`. Then never with credentials.
    let origins: [[UInt8]]?
    let allowsCredentials: Bool
    /// Value of `Access-Control-Allow-Methods`.
    let methods: [UInt8]
    /// Value of `Access-Control-Allow-Headers`; empty: echo what the preflight asks for.
    let headers: [UInt8]
    /// Value of `Access-Control-Expose-Headers`; empty: none.
    let exposed: [UInt8]
    /// Digits of `Access-Control-Max-Age`, in seconds.
    let maxAge: [UInt8]
}
