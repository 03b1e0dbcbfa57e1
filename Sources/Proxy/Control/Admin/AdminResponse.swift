/// An answer of the admin endpoint.
struct AdminResponse: Equatable {
    let status: Int
    var contentType = "application/json"
    /// A whole line with its end, such as `WWW-Authenticate: Bearer\r\n`; empty for none.
    var extraLine = ""
    let body: [UInt8]

    init(status: Int, contentType: String = "application/json", body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(status: Int, body: String) { self.init(status: status, body: Array(body.utf8)) }

    /// As it is sent. The body ends in a line feed.
    var bytes: [UInt8] {
        let reason =
            switch status {
            case 200: "OK"
            case 202: "Accepted"
            case 400: "Bad Request"
            case 401: "Unauthorized"
            case 404: "Not Found"
            case 405: "Method Not Allowed"
            case 409: "Conflict"
            case 413: "Content Too Large"
            case 422: "Unprocessable Content"
            default: "Service Unavailable"
            }
        let end: [UInt8] = body.last == 0x0A ? [] : [0x0A]
        let head =
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: \(contentType)\r\n"
            + "Content-Length: \(body.count + end.count)\r\n\(extraLine)Connection: close\r\n\r\n"
        return Array(head.utf8) + body + end
    }

    /// Over TCP, without the token.
    static var unauthorized: AdminResponse {
        var response = error(401, "send the admin token: Authorization: Bearer TOKEN")
        response.extraLine = "WWW-Authenticate: Bearer realm=\"headgate admin\"\r\n"
        return response
    }

    static func text(_ status: Int, _ body: String) -> AdminResponse {
        AdminResponse(status: status, contentType: "text/plain; charset=utf-8", body: Array(body.utf8))
    }

    static func error(_ status: Int, _ message: String) -> AdminResponse {
        var json = JSONText()
        json.object { $0.string("error", message) }
        return AdminResponse(status: status, body: json.bytes)
    }
}
