import CLinux

/// Control's own outbound requests: one at a time per call, by the wire parsers and TLS of the engine.
/// Blocks: for threads of control only.
///
/// Redirections are not followed: an answer is what the address that was configured says. https verifies the
/// authority and the name, as `FetchTrust` says.
///
/// Cost: a connection for each call; with the system's authorities 24 to 64 ms to load them.
struct HTTPFetch: Sendable {
    /// Where to connect, other than to what the URL names.
    struct Endpoint: Sendable {
        var addresses: [SocketAddress]
        /// nil: plain.
        var tls: TLSClientContext?
    }

    struct Request: Sendable {
        var url: String
        /// nil: the name of the URL is looked up.
        var endpoint: Endpoint?
        var method = "GET"
        /// Whole lines, `Name: value\r\n`; not `Host`, `Connection` and `Content-Length`.
        var headerLines: [UInt8] = []
        var body: [UInt8] = []
        var trust = FetchTrust()
        /// Until a connection stands: the look-up of the name and TLS included.
        var connectTimeoutMilliseconds = 5_000
        /// For everything.
        var totalTimeoutMilliseconds = 10_000
        /// Bytes, transfer coding taken off.
        var bodyMax = 1 << 20
        /// The status is all that is wanted: the answer is left behind its head.
        var stopsAtBody = false
    }
    struct Response: Sendable {
        var status: UInt16
        var body: [UInt8]
        /// Nanoseconds, as `Retry-After` says; nil: it does not.
        var retryAfter: UInt64?
    }
    /// What happened, for people; holds no header and no body.
    struct Failure: Error, Sendable, CustomStringConvertible {
        let description: String
    }

    /// - Throws: for anything but a whole answer within the bounds, whatever its status.
    static func send(_ request: Request) throws(Failure) -> Response {
        guard let url = FetchURL(request.url) else { throw Failure(description: "the URL is not valid") }
        let start = headgate_monotonic_ns()
        let total = start + UInt64(request.totalTimeoutMilliseconds) * 1_000_000
        let connect = min(total, start + UInt64(request.connectTimeoutMilliseconds) * 1_000_000)
        let endpoint: Endpoint
        if let given = request.endpoint {
            endpoint = given
        } else {
            endpoint = try lookUp(url, request, deadline: connect)
        }
        let connection = try FetchConnection(
            to: endpoint.addresses, context: endpoint.tls, deadline: connect)
        try connection.write(head(of: request, url) + request.body, deadline: total)
        var answer = FetchAnswer(toHead: request.method == "HEAD", bodyMax: request.bodyMax)
        var progress = FetchAnswer.Progress.incomplete
        while progress == .incomplete {
            progress = try connection.read(deadline: total).map { answer.take($0) } ?? answer.end()
            if request.stopsAtBody, answer.hasHead { return Response(status: answer.status, body: []) }
        }
        if case .failed(let problem) = progress {
            throw Failure(description: "the answer is refused: \(problem)")
        }
        return Response(status: answer.status, body: answer.body, retryAfter: answer.retryAfter)
    }

    private static func lookUp(
        _ url: FetchURL, _ request: Request, deadline: UInt64
    ) throws(Failure) -> Endpoint {
        let addresses = try NameLookup.addresses(of: url.host, port: url.port, deadline: deadline)
        let context = url.isSecure ? try context(for: url.host, request.trust) : nil
        return Endpoint(addresses: addresses, tls: context)
    }

    private static func context(
        for host: String, _ trust: FetchTrust
    ) throws(Failure) -> TLSClientContext {
        do throws(TLSContexts.Failure) {
            return try TLSContexts().context(
                TLSContexts.Settings(ca: trust.authorities, verifies: trust.verifies),
                serverName: trust.serverName ?? host)
        } catch { throw Failure(description: "the trusted authorities: \(error.message)") }
    }

    private static func head(of request: Request, _ url: FetchURL) -> [UInt8] {
        var text = "\(request.method) \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\n"
        text += "User-Agent: headgate\r\nConnection: close\r\n"
        if !request.body.isEmpty || request.method == "POST" || request.method == "PUT" {
            text += "Content-Length: \(request.body.count)\r\n"
        }
        return Array(text.utf8) + request.headerLines + [Byte.cr, Byte.lf]
    }
}

/// Whom https believes.
struct FetchTrust: Sendable, Equatable {
    /// PEM of trusted authorities; nil: the system's.
    var authorities: [UInt8]?
    /// `insecure_skip_verify` turns it off.
    var verifies = true
    /// For SNI and verification; nil: the URL's host.
    var serverName: String?
}
