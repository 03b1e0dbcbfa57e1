/// Every answer that headgate writes itself. One row each in `properties`: the error table of the product.
///
/// How a body looks is the route's matter (`ErrorBody`). `type` of a 401 is `authentication_error`, because
/// some clients treat any other as a bad request.
enum LocalReply: UInt8, CaseIterable {
    case startLineInvalid, targetInvalid, fieldInvalid, hostInvalid, lengthInvalid, codingUnsupported
    case framingConflict, bodyInvalid
    case versionUnsupported, connectRefused, expectationUnknown
    case headTooLarge, tooManyFields
    case credentialMissing, credentialUnknown, credentialMalformed, credentialInactive, credentialExpired
    case tokenInvalid, tokenExpired
    case credentialRefused, conflictingCredentials, authBackendUnavailable
    case rateLimited, budgetExceeded, requestTooLargeForLimit, tooManySubjects
    case modelNotAllowed, modelMissing, modelAmbiguous, modelNotFound, modelRequired, bodyTooLargeToInspect
    case bodyNotJSON, memberAmbiguous, memberInvalid
    case addressNotAllowed
    case unknownURL
    case methodNotAllowed
    case headTimeout, bodyTimeout
    case bodyTooLarge
    case upgradeRefused
    case internalError
    case upstreamUnreachable, upstreamUnresolved, upstreamTLSFailed, upstreamClosed, upstreamBadResponse
    case upstreamTimeout
    /// In the middle of an answer.
    case upstreamBrokeOff, upstreamStalled, timeIsUp
    case upstreamKeyMissing, upstreamKeyUnavailable, upstreamCredentialsExhausted
    case chatInvalid, chatUnreadable
    case upstreamFull, upstreamQueueFull, upstreamQueueTimeout
    case upstreamSaturated, outOfDescriptors, tooManyConnections, tooManyQuestions, tooManyBodies, draining

    struct Properties {
        let status: UInt16
        let type: StaticString
        let code: StaticString
        let message: StaticString
        /// Seconds of `Retry-After`; 0 for none.
        var retryAfterSeconds: UInt64 = 0
        /// After it the connection cannot carry another request.
        var closes = false
        var fault = ExchangeRecord.Fault.client
        /// `message` of the openai shape; empty: the message.
        var openaiMessage: StaticString = ""
        /// `detail` of that shape; empty: the message.
        var detail: StaticString = ""
        /// `error` of the webscout shape; empty: the reason phrase.
        var title: StaticString = ""
        /// `code` of the webscout shape; empty: the code.
        var webscoutCode: StaticString = ""
        /// Member `format` of the webscout shape's details; empty for none.
        var format: StaticString = ""
        /// A credential was sent and is no good: the entry's `reject_status` takes the place of 401.
        var isRejection = false
        /// Member `param` of the openai shape; empty: null.
        var param: StaticString = ""
        /// Status in the openai shape, where it is another one; 0: it is not.
        var openaiStatus: UInt16 = 0
        /// The body was looked at, and is not valid.
        var isValidation = false
        /// Waiting does not help: `x-should-retry: false`.
        var isFinal = false

        func status(in shape: ErrorShape) -> UInt16 {
            shape == .openai && openaiStatus != 0 ? openaiStatus : status
        }
    }

    init(_ error: HeadError) {
        self =
            switch error {
            case .startLineInvalid: .startLineInvalid
            case .versionUnsupported: .versionUnsupported
            case .targetInvalid: .targetInvalid
            case .fieldInvalid: .fieldInvalid
            case .headTooLarge: .headTooLarge
            case .tooManyFields: .tooManyFields
            case .hostInvalid: .hostInvalid
            case .lengthInvalid: .lengthInvalid
            case .codingUnsupported: .codingUnsupported
            case .framingConflict: .framingConflict
            case .connectRefused: .connectRefused
            case .expectationUnknown: .expectationUnknown
            }
    }

    private static func malformed(_ code: StaticString, _ message: StaticString, status: UInt16 = 400)
        -> Properties
    {
        Properties(status: status, type: "invalid_request_error", code: code, message: message, closes: true)
    }

    private static func refused(_ status: UInt16, _ code: StaticString, _ message: StaticString) -> Properties
    {
        Properties(status: status, type: "invalid_request_error", code: code, message: message)
    }

    /// The body is not what the route takes: OpenAI's 400, and 422 in the other shapes.
    private static func invalid(_ code: StaticString, _ message: StaticString) -> Properties {
        Properties(
            status: 422, type: "invalid_request_error", code: code, message: message, openaiStatus: 400,
            isValidation: true)
    }

    private static func upstream(_ status: UInt16, _ code: StaticString, _ message: StaticString)
        -> Properties
    {
        Properties(status: status, type: "upstream_error", code: code, message: message, fault: .upstream)
    }

    private static func overloaded(_ code: StaticString, _ message: StaticString, closes: Bool = false)
        -> Properties
    {
        Properties(
            status: 503, type: "service_unavailable_error", code: code, message: message,
            retryAfterSeconds: 1,
            closes: closes, fault: .gateway)
    }

    /// Why one for all: whoever tries keys learns nothing of why one is no good.
    private static var openaiRefusal: StaticString { "Invalid API key provided" }

    private static func rejected(
        _ message: StaticString, detail: StaticString, title: StaticString
    ) -> Properties {
        Properties(
            status: 401, type: "authentication_error", code: "invalid_api_key", message: message,
            openaiMessage: openaiRefusal, detail: detail, title: title, isRejection: true)
    }

    var properties: Properties {
        switch self {
        case .startLineInvalid:
            LocalReply.malformed("malformed_request", "The request line is not valid HTTP/1.1.")
        case .targetInvalid:
            LocalReply.malformed(
                "invalid_path",
                "The path could be read in two ways (dot segments, a backslash, an invalid escape): send it normalised."
            )
        case .fieldInvalid:
            LocalReply.malformed("malformed_headers", "A header line is not valid HTTP/1.1.")
        case .hostInvalid:
            LocalReply.malformed("invalid_host", "Exactly one valid Host header is required.")
        case .lengthInvalid:
            LocalReply.malformed("invalid_content_length", "Content-Length is not one decimal number.")
        case .codingUnsupported:
            LocalReply.malformed(
                "unsupported_transfer_encoding", "The only Transfer-Encoding accepted is chunked.")
        case .framingConflict:
            LocalReply.malformed(
                "ambiguous_framing",
                "Content-Length and Transfer-Encoding must not be combined, nor chunked used in HTTP/1.0.")
        case .bodyInvalid:
            LocalReply.malformed("malformed_body", "The chunked request body is not valid.")
        case .versionUnsupported:
            LocalReply.malformed(
                "unsupported_http_version", "Only HTTP/1.0 and HTTP/1.1 are served here.", status: 505)
        case .connectRefused:
            LocalReply.malformed(
                "connect_not_supported", "CONNECT is not served: this is a reverse proxy.", status: 405)
        case .expectationUnknown:
            LocalReply.malformed(
                "expectation_failed", "The only expectation met is 100-continue.", status: 417)
        case .headTooLarge:
            LocalReply.malformed(
                "headers_too_large", "The request head is larger than this listener's max_head.", status: 431)
        case .tooManyFields:
            LocalReply.malformed(
                "too_many_headers", "The request has more header lines than this listener's max_fields.",
                status: 431)
        case .credentialMissing:
            Properties(
                status: 401, type: "authentication_error", code: "invalid_api_key",
                message:
                    "Invalid API key provided: none was sent. Send it as Authorization: Bearer YOUR_API_KEY.",
                openaiMessage: LocalReply.openaiRefusal,
                detail: "Not authenticated", title: "API key required", webscoutCode: "missing_api_key",
                format: "Authorization: Bearer YOUR_API_KEY")
        case .credentialUnknown:
            LocalReply.rejected(
                "Invalid API key provided: it is not known here.", detail: "Invalid API key provided",
                title: "API key not found")
        case .credentialMalformed:
            LocalReply.rejected(
                "Invalid API key provided: it does not begin as keys for this route do.",
                detail: "Invalid API key provided", title: "Invalid API key format")
        case .credentialInactive:
            LocalReply.rejected(
                "Invalid API key provided: it was revoked or disabled.", detail: "Invalid API key provided",
                title: "API key is inactive")
        case .credentialExpired:
            LocalReply.rejected(
                "Invalid API key provided: it has expired.", detail: "Invalid API key provided",
                title: "API key has expired")
        case .tokenInvalid:
            LocalReply.rejected(
                "Invalid API key provided: the token is not valid here.", detail: "Invalid or expired token",
                title: "Invalid API key format")
        case .tokenExpired:
            LocalReply.rejected(
                "Invalid API key provided: the token has expired.", detail: "Invalid or expired token",
                title: "API key has expired")
        case .credentialRefused:
            LocalReply.rejected(
                "Invalid API key provided: this route takes requests without one only.",
                detail: "Invalid API key provided", title: "API key not found")
        case .conflictingCredentials:
            Properties(
                status: 401, type: "authentication_error", code: "conflicting_credentials",
                message:
                    "Two different credentials were sent in Authorization, x-api-key or api-key: send one.",
                title: "Conflicting API keys")
        case .authBackendUnavailable:
            LocalReply.overloaded(
                "auth_backend_unavailable", "Your API key cannot be checked at present: try again.")
        case .rateLimited:
            Properties(
                status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
                message: "Rate limit exceeded.", detail: "Rate limit exceeded. Please try again later.",
                title: "Rate limit exceeded")
        case .budgetExceeded:
            Properties(
                status: 429, type: "insufficient_quota", code: "insufficient_quota",
                message: "Budget exceeded.", title: "Budget exceeded")
        case .requestTooLargeForLimit:
            Properties(
                status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
                message: "Request too large: it may use more than a limit has altogether.",
                title: "Request too large")
        case .tooManySubjects:
            LocalReply.overloaded(
                "server_is_overloaded",
                "The gateway keeps count of as many callers as it can at present: try again.")
        case .modelNotAllowed:
            LocalReply.refused(403, "model_not_allowed", "Your API key may not use this model.")
        case .modelMissing:
            LocalReply.refused(
                403, "model_not_allowed",
                "Your API key is for certain models: the body has to be JSON that names one as model.")
        case .modelNotFound:
            Properties(
                status: 404, type: "invalid_request_error", code: "model_not_found",
                message: "The model does not exist, or you do not have access to it.", param: "model")
        case .modelRequired:
            Properties(
                status: 422, type: "invalid_request_error", code: "missing_required_parameter",
                message: "This route chooses by the model: the body has to be a JSON object that names one.",
                param: "model", openaiStatus: 400, isValidation: true)
        case .chatInvalid:
            Properties(
                status: 422, type: "invalid_request_error", code: "invalid_value",
                message:
                    "The body has to be a JSON object with messages: a list of objects with a role (user, system, assistant) and a content.",
                openaiStatus: 400, isValidation: true)
        case .chatUnreadable:
            LocalReply.upstream(
                502, "upstream_bad_response", "The upstream's answer is no chat completion.")
        case .modelAmbiguous:
            LocalReply.invalid(
                "duplicate_model", "The body has more than one top-level model: send one.")
        case .bodyTooLargeToInspect:
            LocalReply.refused(
                413, "body_too_large_to_inspect",
                "This request is decided by what stands in its body, and that is over the bound (inspect_body), in bytes: "
            )
        case .bodyNotJSON:
            LocalReply.invalid(
                "invalid_json",
                "This route looks into requests: the body has to be a JSON object.")
        case .memberAmbiguous:
            LocalReply.invalid(
                "duplicate_member",
                "A member that decides what this request may use stands in the body twice: send one.")
        case .memberInvalid:
            LocalReply.invalid(
                "invalid_value",
                "n, max_tokens, max_completion_tokens, max_output_tokens and best_of are whole numbers, stream is true or false."
            )
        case .addressNotAllowed:
            LocalReply.refused(403, "ip_not_allowed", "Your address is not in this listener's allow list.")
        case .unknownURL:
            LocalReply.refused(404, "unknown_url", "No route serves this URL.")
        case .methodNotAllowed:
            LocalReply.refused(
                405, "method_not_supported", "This URL exists, but not for this method: see Allow.")
        case .headTimeout:
            Properties(
                status: 408, type: "timeout_error", code: "request_timeout",
                message: "The request head did not arrive in time.", closes: true)
        case .bodyTimeout:
            Properties(
                status: 408, type: "timeout_error", code: "request_timeout",
                message: "The request body stopped arriving.", closes: true)
        case .bodyTooLarge:
            LocalReply.refused(
                413, "request_too_large", "The body is over this route's bound (max_body), in bytes: ")
        case .upgradeRefused:
            LocalReply.refused(501, "upgrade_not_supported", "WebSocket upgrades are not served here.")
        case .internalError:
            Properties(
                status: 500, type: "server_error", code: "internal_error",
                message: "The gateway could not handle this request.", fault: .gateway)
        case .upstreamUnreachable:
            LocalReply.upstream(
                502, "upstream_unreachable", "The upstream refused or did not answer the connection.")
        case .upstreamUnresolved:
            LocalReply.upstream(
                502, "upstream_unresolved", "The upstream's name does not resolve at present.")
        case .upstreamTLSFailed:
            LocalReply.upstream(
                502, "upstream_tls_failed",
                "The TLS handshake with the upstream failed, or its certificate is not trusted.")
        case .upstreamClosed:
            LocalReply.upstream(
                502, "upstream_closed", "The upstream closed the connection before answering.")
        case .upstreamBadResponse:
            LocalReply.upstream(502, "upstream_bad_response", "The upstream's answer is not valid HTTP/1.1.")
        case .upstreamTimeout:
            LocalReply.upstream(504, "upstream_timeout", "The upstream did not answer in time.")
        case .upstreamBrokeOff:
            LocalReply.upstream(
                502, "upstream_closed", "The upstream broke off in the middle of its answer.")
        case .timeIsUp:
            Properties(
                status: 504, type: "timeout_error", code: "total_timeout",
                message: "The time that an exchange may take in all (timeouts.total) is over.",
                fault: .gateway)
        case .upstreamStalled:
            LocalReply.upstream(
                504, "upstream_timeout", "The upstream stalled in the middle of its answer.")
        case .upstreamKeyMissing:
            LocalReply.refused(
                403, "upstream_key_missing",
                "There is no key for the upstream, neither yours nor one for all: store one.")
        case .upstreamKeyUnavailable:
            LocalReply.overloaded(
                "upstream_key_unavailable",
                "Your key for the upstream cannot be looked up at present: try again.")
        case .upstreamCredentialsExhausted:
            Properties(
                status: 502, type: "upstream_error", code: "upstream_credentials_exhausted",
                message: "The upstream takes none of the keys that there are for this request.",
                fault: .upstream, isFinal: true)
        case .upstreamFull:
            LocalReply.overloaded(
                "upstream_saturated",
                "As many requests as may be with this upstream at once (max_in_flight) are.")
        case .upstreamQueueFull:
            LocalReply.overloaded(
                "upstream_saturated", "As many requests as may wait for this upstream (queue.max) do.")
        case .upstreamQueueTimeout:
            LocalReply.overloaded(
                "upstream_queue_timeout",
                "There was no place at this upstream in the time that a request may wait (queue.timeout).")
        case .upstreamSaturated:
            LocalReply.overloaded(
                "upstream_saturated",
                "All connections that this upstream may have (max_connections) are in use.")
        case .outOfDescriptors:
            LocalReply.overloaded("server_is_overloaded", "The gateway has no file descriptor left.")
        case .tooManyConnections:
            LocalReply.overloaded(
                "server_is_overloaded", "This listener has as many connections as it may (max_connections).",
                closes: true)
        case .tooManyQuestions:
            LocalReply.overloaded(
                "server_is_overloaded", "The gateway has more to decide than it can at present: try again.")
        case .tooManyBodies:
            LocalReply.overloaded(
                "server_is_overloaded",
                "The gateway holds as many bytes of bodies as it may at present (body_memory): try again.")
        case .draining:
            LocalReply.overloaded("draining", "The gateway is shutting down.", closes: true)
        }
    }
}

/// Reason phrases of the statuses that headgate writes itself (RFC 9110 §15).
func reasonPhrase(_ status: UInt16) -> StaticString {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
}
