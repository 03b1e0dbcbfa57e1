/// What the mock upstream sends for one request, and when.
struct MockAnswer {
    var status = 200
    var fields: [MockField] = []
    var body: Body
    /// Waited before the first byte.
    var delayMilliseconds = 0
    /// Where the connection is cut, if it is.
    var death: Death?
    /// What the answer says that it used; the output of a stream is counted as it goes out.
    var usage: MockUsage?

    enum Body {
        case whole(contentType: String, bytes: [UInt8])
        /// Server-sent events, one chunk of the chunked coding each.
        case events(MockEvents)
    }

    /// `x-mock-die`
    enum Death: Equatable {
        /// After the request was read, before a byte of the answer.
        case head
        /// The same, by a reset rather than an end.
        case reset
        /// When half of the body has been sent.
        case middle
        /// When so many pieces of a stream have been sent, or bytes of a body in one piece.
        case after(Int)

        init?(_ text: String) {
            switch text {
            case "head": self = .head
            case "reset": self = .reset
            case "middle": self = .middle
            default:
                guard let count = Int(text), count >= 0 else { return nil }
                self = .after(count)
            }
        }
    }

    static func json(_ value: MockJSON, status: Int = 200, fields: [MockField] = []) -> MockAnswer {
        MockAnswer(
            status: status, fields: fields,
            body: .whole(contentType: "application/json", bytes: Array(value.text.utf8)))
    }

    /// An error as OpenAI shapes it: all four members, `param` and `code` nullable.
    static func error(_ status: Int, _ message: String, param: String? = nil, code: String? = nil)
        -> MockAnswer
    {
        let error: MockJSON = [
            "message": .string(message), "type": .string(type(of: status)),
            "param": param.map { .string($0) } ?? .null, "code": code.map { .string($0) } ?? .null,
        ]
        // Why a second: the SDKs wait that long before they try again, a person sees it happen.
        let retry = status == 429 || status == 503 ? [MockField(name: "Retry-After", value: "1")] : []
        return json(["error": error], status: status, fields: retry)
    }

    private static func type(of status: Int) -> String {
        switch status {
        case 401: "authentication_error"
        case 408: "timeout_error"
        case 429: "rate_limit_error"
        case 503: "service_unavailable_error"
        case 502, 504: "upstream_error"
        case 500...: "server_error"
        default: "invalid_request_error"
        }
    }

    /// The answer's head. `keepsAlive`: another request may follow on the connection.
    func head(requestID: String, keepsAlive: Bool, isHTTP10: Bool) -> String {
        var head = "HTTP/1.1 \(status) \(Self.reason(of: status))\r\n"
        switch body {
        case .whole(let contentType, let bytes):
            head += "Content-Type: \(contentType)\r\nContent-Length: \(bytes.count)\r\n"
        case .events:
            head += "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
            // A client of HTTP/1.0 knows no chunks: its stream ends with the connection (RFC 9112 §6.1).
            if !isHTTP10 { head += "Transfer-Encoding: chunked\r\n" }
        }
        for field in fields { head += "\(field.name): \(field.value)\r\n" }
        head += "X-Request-Id: \(requestID)\r\n"
        if !keepsAlive {
            head += "Connection: close\r\n"
        } else if isHTTP10 {
            head += "Connection: keep-alive\r\n"
        }
        return head + "\r\n"
    }

    private static func reason(of status: Int) -> String {
        let reasons = [
            200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
            404: "Not Found",
            405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 413: "Content Too Large",
            429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
            501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
        ]
        return reasons[status] ?? "Mock"
    }
}
