@testable import CLI

/// One header or trailer line.
struct Field: Equatable, Sendable, CustomStringConvertible {
    let name: String
    let value: String

    var description: String { "\(name): \(value)" }
}

/// What requests and responses have in common.
protocol Message {
    var fields: [Field] { get }
    var body: [UInt8] { get }
}

extension Message {
    /// The value of the only field of that name; several are joined with `, `.
    subscript(name: String) -> String? {
        let values = all(name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    func all(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    func json() throws -> MockJSON {
        do throws(MockJSONError) {
            return try MockJSONReader.read(body)
        } catch {
            throw Trouble("not JSON (\(error.problem)): \(text)")
        }
    }
}

struct Response: Message, Sendable {
    var version: String
    var status: Int
    var reason: String
    var fields: [Field]
    var body: [UInt8] = []
    var trailers: [Field] = []
    /// Interim (1xx) statuses that came before.
    var interim: [Int] = []

    /// `error.code` of headgate's own answers.
    var errorCode: String? { try? json()["error"]?["code"]?.stringValue }
    var errorMessage: String? { try? json()["error"]?["message"]?.stringValue }

    var isChunked: Bool { self["transfer-encoding"]?.lowercased() == "chunked" }
}

struct Request: Message, Sendable {
    var method: String
    var target: String
    var version: String
    var fields: [Field]
    var body: [UInt8] = []
    var trailers: [Field] = []
    /// The head as it arrived.
    var headText: String
}

/// HTTP/1.1 as a strict client or server reads it.
extension Connection {
    /// - Returns: start line and fields; nil where the connection ended before the first byte.
    func readHead() throws -> (start: String, fields: [Field], text: String)? {
        guard let bytes = try readThrough("\r\n\r\n") else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        var lines = Lines.split(bytes)
        guard !lines.isEmpty else { throw Trouble("empty head") }
        let start = lines.removeFirst()
        return (start, try lines.map(Self.field), text)
    }

    /// - Parameter method: of the request, as HEAD has no body in its answer.
    func readResponse(to method: String = "GET") throws -> Response {
        var response = try readResponseHead()
        response.body = try readBody(of: response, method: method, trailers: &response.trailers)
        return response
    }

    /// The final head; what comes before it is noted.
    func readResponseHead() throws -> Response {
        var interim: [Int] = []
        while true {
            guard let head = try readHead() else {
                throw Trouble("the connection ended instead of an answer")
            }
            let parts = head.start.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), parts[1].utf8.count == 3,
                let status = Int(parts[1])
            else { throw Trouble("not a status line: \(head.start)") }
            if status < 200 {
                interim.append(status)
                continue
            }
            return Response(
                version: String(parts[0]), status: status, reason: parts.count > 2 ? String(parts[2]) : "",
                fields: head.fields, interim: interim)
        }
    }

    private func readBody(of response: Response, method: String, trailers: inout [Field]) throws -> [UInt8] {
        if method == "HEAD" || response.status == 204 || response.status == 304 { return [] }
        if response.isChunked {
            let lengths = response.all("content-length")
            guard lengths.isEmpty else { throw Trouble("both framings: \(response.fields)") }
            return try readChunked(trailers: &trailers)
        }
        guard let length = response["content-length"] else { return try readToEnd().bytes }
        guard let count = Int(length) else { throw Trouble("Content-Length: \(length)") }
        return try read(exactly: count)
    }

    func readChunked(trailers: inout [Field]) throws -> [UInt8] {
        var body: [UInt8] = []
        while let chunk = try readChunk() { body += chunk }
        trailers = try readTrailers()
        return body
    }

    /// The data of the next chunk; nil for the last one, whose trailers are still to be read.
    func readChunk() throws -> [UInt8]? {
        guard let line = try readThrough("\r\n") else { throw Trouble("the connection ended between chunks") }
        let text = String(decoding: line.dropLast(2), as: UTF8.self)
        guard let count = Int(text, radix: 16) else { throw Trouble("not a chunk size: \(Text(line))") }
        if count == 0 { return nil }
        let data = try read(exactly: count)
        let end = try read(exactly: 2)
        guard end == [13, 10] else { throw Trouble("a chunk ends with \(Text(end))") }
        return data
    }

    func readTrailers() throws -> [Field] {
        var fields: [Field] = []
        while true {
            guard let line = try readThrough("\r\n") else {
                throw Trouble("the connection ended within trailers")
            }
            if line.count == 2 { return fields }
            fields.append(try Self.field(String(decoding: line.dropLast(2), as: UTF8.self)))
        }
    }

    /// nil: the client has gone, between two requests.
    func readRequest() throws -> Request? {
        guard var request = try readRequestHead() else { return nil }
        if request["transfer-encoding"] != nil {
            request.body = try readChunked(trailers: &request.trailers)
        } else if let length = request["content-length"] {
            guard let count = Int(length) else { throw Trouble("Content-Length: \(length)") }
            request.body = try read(exactly: count)
        }
        return request
    }

    func readRequestHead() throws -> Request? {
        guard let head = try readHead() else { return nil }
        let parts = head.start.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 else { throw Trouble("not a request line: \(head.start)") }
        return Request(
            method: parts[0], target: parts[1], version: parts[2], fields: head.fields, headText: head.text)
    }

    private static func field(_ line: String) throws -> Field {
        guard let colon = line.firstIndex(of: ":") else { throw Trouble("not a field: \(line)") }
        let value = line[line.index(after: colon)...]
        return Field(
            name: String(line[..<colon]),
            value: String(value.drop { $0 == " " }))
    }
}

enum Lines {
    /// Splits at CRLF, without the empty lines at the end. Why bytes: CR LF is one Character.
    static func split(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        var start = 0
        for index in bytes.indices where bytes[index] == 10 && index > 0 && bytes[index - 1] == 13 {
            lines.append(String(decoding: bytes[start..<index - 1], as: UTF8.self))
            start = index + 1
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }
}
