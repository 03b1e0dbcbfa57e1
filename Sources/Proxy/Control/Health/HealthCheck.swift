import Config

/// What one endpoint of one upstream is asked, and what answer is a good one.
struct HealthCheck: Sendable {
    /// What makes two checks the same one, so that a reload keeps its times.
    struct Key: Hashable, Sendable {
        let upstream: String
        /// `EndpointState.id`
        let endpoint: Int
        /// Path and query.
        let url: String
    }

    let key: Key
    let state: EndpointState
    let statuses: [UInt16]
    /// Nanoseconds from one question to the next.
    let every: UInt64
    let timeoutMilliseconds: Int
    /// Sent along; nil: the upstream has none, or one that depends on who asks.
    let credential: UpstreamCredential?

    init(_ config: HealthCheckConfig, _ endpoint: EndpointPlan, of upstream: UpstreamPlan) {
        let scheme = endpoint.state.tls == nil ? "http" : "https"
        let authority = String(decoding: endpoint.authority, as: UTF8.self)
        let base = String(decoding: endpoint.basePath, as: UTF8.self)
        // As requests: `/v1` stands there once.
        let hasBase = endpoint.basePathEndsInV1 && (config.path == "/v1" || config.path.hasPrefix("/v1/"))
        let path = hasBase ? String(config.path.dropFirst(3)) : config.path
        key = Key(
            upstream: upstream.name, endpoint: endpoint.state.id,
            url: "\(scheme)://\(authority)\(base)\(path)")
        state = endpoint.state
        statuses = config.statuses.map { UInt16(clamping: $0) }
        every = nanoseconds(config.every)
        timeoutMilliseconds = Int(clamping: nanoseconds(config.timeout) / 1_000_000)
        if case .fixed(let keys) = upstream.key?.source {
            credential = keys.keys.first
        } else {
            credential = nil
        }
    }

    /// To one of the addresses that requests go to, by the same TLS settings.
    var request: HTTPFetch.Request {
        HTTPFetch.Request(
            url: key.url,
            endpoint: HTTPFetch.Endpoint(addresses: state.currentAddresses(), tls: state.tls),
            headerLines: credential.map { Array($0.line) } ?? [],
            connectTimeoutMilliseconds: max(1, timeoutMilliseconds),
            totalTimeoutMilliseconds: max(1, timeoutMilliseconds), stopsAtBody: true)
    }

    /// - Returns: what is wrong with it, for people; nil: it is good.
    func problem(_ result: Result<HTTPFetch.Response, HTTPFetch.Failure>) -> String? {
        switch result {
        case .failure(let failure): failure.description
        case .success(let response):
            statuses.contains(response.status) ? nil : "status \(response.status)"
        }
    }
}
