import Config

// One configuration value into one plan value each; what needs more than its own value is in
// `GenerationBuilder`.

extension AddressRange {
    init(_ range: CIDR) {
        let isIPv4 = range.address.count == 4
        let bytes = isIPv4 ? [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + range.address : range.address
        self.init(
            high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) },
            prefixLength: isIPv4 ? range.prefixLength + 96 : range.prefixLength)
    }
}

extension UpstreamTimeouts {
    init(_ config: UpstreamTimeoutsConfig) {
        self.init(
            connect: nanoseconds(config.connect), firstByte: nanoseconds(config.firstByte),
            idle: nanoseconds(config.idle), total: nanoseconds(config.total))
    }

    /// The upstream's clocks with the route's own put over them.
    init(_ config: UpstreamTimeoutsConfig, overriddenBy route: RouteTimeoutsConfig) {
        self.init(
            connect: nanoseconds(route.connect ?? config.connect),
            firstByte: nanoseconds(route.firstByte ?? config.firstByte),
            idle: nanoseconds(route.idle ?? config.idle), total: nanoseconds(route.total ?? config.total))
    }
}

extension HostPattern {
    init(_ config: HostConfig) {
        switch config {
        case .any: self = .any
        case .exact(let host): self = .exact(lowercasedBytes(host))
        case .suffix(let suffix): self = .suffix(lowercasedBytes(suffix))
        }
    }
}

extension PathPattern {
    init(_ config: PathConfig) {
        switch config {
        case .exact(let path): self = .exact(normalizedPattern(path))
        case .prefix(let path): self = .prefix(normalizedPattern(path))
        case .subtree(let path): self = .subtree(normalizedPattern(path))
        }
    }
}

extension MethodSet {
    /// - Parameter names: upper-case; empty: every method. GET implies HEAD.
    init(names: [String]) {
        guard !names.isEmpty else {
            self = .any
            return
        }
        var bits: UInt16 = 0
        var others: [[UInt8]] = []
        for name in names {
            if let method = Method(name: name) {
                bits |= 1 << UInt16(method.rawValue)
                if method == .get { bits |= 1 << UInt16(Method.head.rawValue) }
            } else {
                others.append(Array(name.utf8))
            }
        }
        self.init(bits: bits, others: others)
    }
}

extension Method {
    /// nil: an extension method.
    fileprivate init?(name: String) {
        switch name {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        case "PUT": self = .put
        case "DELETE": self = .delete
        case "CONNECT": self = .connect
        case "OPTIONS": self = .options
        case "TRACE": self = .trace
        case "PATCH": self = .patch
        default: return nil
        }
    }
}

extension FixedResponse {
    init(_ config: RespondConfig) {
        let status = UInt16(clamping: config.status)
        switch config.body {
        case .json(let json):
            self.init(status: status, contentType: Array("application/json".utf8), body: Array(json.utf8))
        case .text(let text):
            self.init(
                status: status, contentType: Array("text/plain; charset=utf-8".utf8), body: Array(text.utf8))
        case .none:
            self.init(status: status, contentType: [], body: [])
        }
    }
}

extension ErrorShape {
    init(_ config: ErrorsConfig) {
        switch config {
        case .openai: self = .openai
        case .detail: self = .detail
        case .webscout: self = .webscout
        }
    }
}

extension CredentialSchemes {
    init(_ config: AuthConfig) {
        self = []
        if config.takesBearer { insert(.bearer) }
        if config.takesRaw { insert(.raw) }
    }
}

extension CORSPolicy {
    init(_ config: CORSConfig) {
        self.init(
            origins: config.origins.map { $0.map { Array($0.utf8) } },
            allowsCredentials: config.credentials && config.origins != nil,
            methods: Array(config.methods.joined(separator: ", ").utf8),
            headers: Array(config.headers.joined(separator: ", ").utf8),
            exposed: Array(config.expose.joined(separator: ", ").utf8),
            maxAge: Array(String(max(0, config.maxAge.components.seconds)).utf8))
    }
}

/// In the form that request paths are brought into before they are matched.
func normalizedPattern(_ path: String) -> [UInt8] {
    let bytes = Array(path.utf8)
    var normalized = [UInt8](repeating: 0, count: bytes.count)
    let count = bytes.withUnsafeBytes { source in
        normalized.withUnsafeMutableBytes { normalizePath(source, into: $0) }
    }
    return Array(normalized[..<count])
}
