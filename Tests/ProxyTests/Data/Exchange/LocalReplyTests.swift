import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct LocalReplyTests {
    private func line(_ reply: LocalReply) -> String {
        let row = reply.properties
        var text = "\(reply) \(row.status) \(row.type) \(row.code) \(row.fault)"
        if row.retryAfterSeconds > 0 { text += " retry-after=\(row.retryAfterSeconds)" }
        if row.closes { text += " closes" }
        return text + "\n    " + "\(row.message)"
    }

    @Test func `the table of errors is what clients were promised`() {
        let golden = LocalReplyTests.golden.split(separator: "\n")
        let lines = LocalReply.allCases.flatMap { line($0).split(separator: "\n") }
        #expect(lines.count == golden.count)
        for (line, expected) in zip(lines, golden) { #expect(line == expected) }
    }

    @Test func `every row has a code, a reason phrase and a message that needs no escaping in JSON`() {
        for reply in LocalReply.allCases {
            let row = reply.properties
            #expect(!"\(reasonPhrase(row.status))".isEmpty, "\(reply)")
            #expect(!"\(row.message)".isEmpty && !"\(row.code)".isEmpty && !"\(row.type)".isEmpty)
            for text in ["\(row.message)", "\(row.type)", "\(row.code)"] {
                #expect(
                    text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }, "\(reply)")
            }
            #expect("\(row.code)".allSatisfy { $0.isLowercase || $0 == "_" })
        }
    }

    @Test func `what could be read in two ways closes the connection`() {
        for error in HeadError.allCases {
            let row = LocalReply(error).properties
            #expect(row.closes && row.fault == .client && row.status >= 400, "\(error)")
        }
        #expect(Set(HeadError.allCases.map { LocalReply($0) }).count == HeadError.allCases.count)
    }

    @Test func `what waiting may cure says how long, and nothing else does`() {
        for reply in LocalReply.allCases {
            let row = reply.properties
            #expect((row.retryAfterSeconds > 0) == (row.status == 503), "\(reply)")
            // Clients that would wait longer than two minutes do not try again at all.
            #expect(row.retryAfterSeconds <= 120)
        }
    }

    private static let golden = """
        startLineInvalid 400 invalid_request_error malformed_request client closes
            The request line is not valid HTTP/1.1.
        targetInvalid 400 invalid_request_error invalid_path client closes
            The path could be read in two ways (dot segments, a backslash, an invalid escape): \
        send it normalised.
        fieldInvalid 400 invalid_request_error malformed_headers client closes
            A header line is not valid HTTP/1.1.
        hostInvalid 400 invalid_request_error invalid_host client closes
            Exactly one valid Host header is required.
        lengthInvalid 400 invalid_request_error invalid_content_length client closes
            Content-Length is not one decimal number.
        codingUnsupported 400 invalid_request_error unsupported_transfer_encoding client closes
            The only Transfer-Encoding accepted is chunked.
        framingConflict 400 invalid_request_error ambiguous_framing client closes
            Content-Length and Transfer-Encoding must not be combined, nor chunked used in HTTP/1.0.
        bodyInvalid 400 invalid_request_error malformed_body client closes
            The chunked request body is not valid.
        versionUnsupported 505 invalid_request_error unsupported_http_version client closes
            Only HTTP/1.0 and HTTP/1.1 are served here.
        connectRefused 405 invalid_request_error connect_not_supported client closes
            CONNECT is not served: this is a reverse proxy.
        expectationUnknown 417 invalid_request_error expectation_failed client closes
            The only expectation met is 100-continue.
        headTooLarge 431 invalid_request_error headers_too_large client closes
            The request head is larger than this listener's max_head.
        tooManyFields 431 invalid_request_error too_many_headers client closes
            The request has more header lines than this listener's max_fields.
        credentialMissing 401 authentication_error invalid_api_key client
            Invalid API key provided: none was sent. Send it as Authorization: Bearer YOUR_API_KEY.
        credentialUnknown 401 authentication_error invalid_api_key client
            Invalid API key provided: it is not known here.
        credentialMalformed 401 authentication_error invalid_api_key client
            Invalid API key provided: it does not begin as keys for this route do.
        credentialInactive 401 authentication_error invalid_api_key client
            Invalid API key provided: it was revoked or disabled.
        credentialExpired 401 authentication_error invalid_api_key client
            Invalid API key provided: it has expired.
        tokenInvalid 401 authentication_error invalid_api_key client
            Invalid API key provided: the token is not valid here.
        tokenExpired 401 authentication_error invalid_api_key client
            Invalid API key provided: the token has expired.
        credentialRefused 401 authentication_error invalid_api_key client
            Invalid API key provided: this route takes requests without one only.
        conflictingCredentials 401 authentication_error conflicting_credentials client
            Two different credentials were sent in Authorization, x-api-key or api-key: send one.
        authBackendUnavailable 503 service_unavailable_error auth_backend_unavailable gateway retry-after=1
            Your API key cannot be checked at present: try again.
        rateLimited 429 rate_limit_error rate_limit_exceeded client
            Rate limit exceeded.
        budgetExceeded 429 insufficient_quota insufficient_quota client
            Budget exceeded.
        requestTooLargeForLimit 429 rate_limit_error rate_limit_exceeded client
            Request too large: it may use more than a limit has altogether.
        tooManySubjects 503 service_unavailable_error server_is_overloaded gateway retry-after=1
            The gateway keeps count of as many callers as it can at present: try again.
        modelNotAllowed 403 invalid_request_error model_not_allowed client
            Your API key may not use this model.
        modelMissing 403 invalid_request_error model_not_allowed client
            Your API key is for certain models: the body has to be JSON that names one as model.
        modelAmbiguous 422 invalid_request_error duplicate_model client
            The body has more than one top-level model: send one.
        modelNotFound 404 invalid_request_error model_not_found client
            The model does not exist, or you do not have access to it.
        modelRequired 422 invalid_request_error missing_required_parameter client
            This route chooses by the model: the body has to be a JSON object that names one.
        bodyTooLargeToInspect 413 invalid_request_error body_too_large_to_inspect client
            This request is decided by what stands in its body, and that is over the bound (inspect_body), in bytes:\u{20}
        bodyNotJSON 422 invalid_request_error invalid_json client
            This route looks into requests: the body has to be a JSON object.
        memberAmbiguous 422 invalid_request_error duplicate_member client
            A member that decides what this request may use stands in the body twice: send one.
        memberInvalid 422 invalid_request_error invalid_value client
            n, max_tokens, max_completion_tokens, max_output_tokens and best_of are whole numbers, stream is true or false.
        addressNotAllowed 403 invalid_request_error ip_not_allowed client
            Your address is not in this listener's allow list.
        unknownURL 404 invalid_request_error unknown_url client
            No route serves this URL.
        methodNotAllowed 405 invalid_request_error method_not_supported client
            This URL exists, but not for this method: see Allow.
        headTimeout 408 timeout_error request_timeout client closes
            The request head did not arrive in time.
        bodyTimeout 408 timeout_error request_timeout client closes
            The request body stopped arriving.
        bodyTooLarge 413 invalid_request_error request_too_large client
            The body is over this route's bound (max_body), in bytes:\u{20}
        upgradeRefused 501 invalid_request_error upgrade_not_supported client
            WebSocket upgrades are not served here.
        internalError 500 server_error internal_error gateway
            The gateway could not handle this request.
        upstreamUnreachable 502 upstream_error upstream_unreachable upstream
            The upstream refused or did not answer the connection.
        upstreamUnresolved 502 upstream_error upstream_unresolved upstream
            The upstream's name does not resolve at present.
        upstreamTLSFailed 502 upstream_error upstream_tls_failed upstream
            The TLS handshake with the upstream failed, or its certificate is not trusted.
        upstreamClosed 502 upstream_error upstream_closed upstream
            The upstream closed the connection before answering.
        upstreamBadResponse 502 upstream_error upstream_bad_response upstream
            The upstream's answer is not valid HTTP/1.1.
        upstreamTimeout 504 upstream_error upstream_timeout upstream
            The upstream did not answer in time.
        upstreamBrokeOff 502 upstream_error upstream_closed upstream
            The upstream broke off in the middle of its answer.
        upstreamStalled 504 upstream_error upstream_timeout upstream
            The upstream stalled in the middle of its answer.
        timeIsUp 504 timeout_error total_timeout gateway
            The time that an exchange may take in all (timeouts.total) is over.
        upstreamKeyMissing 403 invalid_request_error upstream_key_missing client
            There is no key for the upstream, neither yours nor one for all: store one.
        upstreamKeyUnavailable 503 service_unavailable_error upstream_key_unavailable gateway retry-after=1
            Your key for the upstream cannot be looked up at present: try again.
        upstreamCredentialsExhausted 502 upstream_error upstream_credentials_exhausted upstream
            The upstream takes none of the keys that there are for this request.
        chatInvalid 422 invalid_request_error invalid_value client
            The body has to be a JSON object with messages: a list of objects with a role (user, system, \
        assistant) and a content.
        chatUnreadable 502 upstream_error upstream_bad_response upstream
            The upstream's answer is no chat completion.
        upstreamFull 503 service_unavailable_error upstream_saturated gateway retry-after=1
            As many requests as may be with this upstream at once (max_in_flight) are.
        upstreamQueueFull 503 service_unavailable_error upstream_saturated gateway retry-after=1
            As many requests as may wait for this upstream (queue.max) do.
        upstreamQueueTimeout 503 service_unavailable_error upstream_queue_timeout gateway retry-after=1
            There was no place at this upstream in the time that a request may wait (queue.timeout).
        upstreamSaturated 503 service_unavailable_error upstream_saturated gateway retry-after=1
            All connections that this upstream may have (max_connections) are in use.
        outOfDescriptors 503 service_unavailable_error server_is_overloaded gateway retry-after=1
            The gateway has no file descriptor left.
        tooManyConnections 503 service_unavailable_error server_is_overloaded gateway retry-after=1 closes
            This listener has as many connections as it may (max_connections).
        tooManyQuestions 503 service_unavailable_error server_is_overloaded gateway retry-after=1
            The gateway has more to decide than it can at present: try again.
        tooManyBodies 503 service_unavailable_error server_is_overloaded gateway retry-after=1
            The gateway holds as many bytes of bodies as it may at present (body_memory): try again.
        draining 503 service_unavailable_error draining gateway retry-after=1 closes
            The gateway is shutting down.
        """
}
