/// The little of HTTP/1.1 that the admin socket speaks: one request per connection, an answer, the end.
struct AdminRequest: Equatable {
    let method: String
    /// Without the query.
    let path: String

    enum Parsed: Equatable {
        case incomplete
        case complete(AdminRequest)
        case invalid
    }

    /// Bytes of a whole request, a body that nobody reads included.
    static let sizeMax = 16 << 10

    static func parse(_ bytes: [UInt8]) -> Parsed {
        guard bytes.count <= sizeMax else { return .invalid }
        guard let end = endOfHead(bytes) else { return bytes.count == sizeMax ? .invalid : .incomplete }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ", omittingEmptySubsequences: false) ?? []
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), words[1].hasPrefix("/") else {
            return .invalid
        }
        var length = 0
        for line in lines.dropFirst() where lowercasedBytes(String(line)).starts(with: "content-length:".utf8)
        {
            let digits = line.dropFirst("content-length:".count).filter { $0 != " " }
            guard let value = Int(digits), (0...sizeMax).contains(value) else { return .invalid }
            length = value
        }
        // Why the body is waited for: closing on unread bytes would take the answer away from whoever sent
        // them.
        guard bytes.count - end - 4 >= length else { return .incomplete }
        let path = words[1].prefix { $0 != "?" }
        return .complete(AdminRequest(method: String(words[0]), path: String(path)))
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first { bytes[$0..<($0 + 4)].elementsEqual("\r\n\r\n".utf8) }
    }
}

struct AdminResponse: Equatable {
    let status: Int
    var contentType = "application/json"
    let body: String

    var bytes: [UInt8] {
        let reason =
            switch status {
            case 200: "OK"
            case 400: "Bad Request"
            case 404: "Not Found"
            case 405: "Method Not Allowed"
            case 422: "Unprocessable Content"
            default: "Service Unavailable"
            }
        let content = Array(body.utf8) + [0x0A]
        let head =
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: \(contentType)\r\n"
            + "Content-Length: \(content.count)\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + content
    }

    static func text(_ status: Int, _ body: String) -> AdminResponse {
        AdminResponse(status: status, contentType: "text/plain; charset=utf-8", body: body)
    }

    static func error(_ status: Int, _ message: String) -> AdminResponse {
        var json = JSONText()
        json.object { $0.string("error", message) }
        return AdminResponse(status: status, body: json.text)
    }
}
