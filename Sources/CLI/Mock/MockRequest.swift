/// One complete request, as the mock upstream sees it.
struct MockRequest {
    var method: String
    /// The request target as it came, percent-escapes and query included.
    var target: String
    var isHTTP10: Bool
    /// Field lines in the order they came, names as they were spelled.
    var fields: [MockField]
    var trailers: [MockField] = []
    /// The content; empty where only its digest is kept.
    var body: [UInt8] = []
    /// Bytes of content that came.
    var bodyByteCount = 0
    /// SHA-256 of the content in hexadecimal, where it was asked for.
    var bodyDigest: String?

    /// The target without its query.
    var path: Substring { target.prefix { $0 != "?" } }

    /// The first field of that name, compared without case.
    subscript(name: String) -> String? { fields.first { $0.name.lowercased() == name }?.value }

    func hasToken(_ token: String, in name: String) -> Bool {
        fields.contains { field in
            field.name.lowercased() == name
                && field.value.lowercased().split(separator: ",").contains { $0.trimmingSpace() == token }
        }
    }

    /// Whether the connection may carry another request (RFC 9112 §9.3).
    var keepsAlive: Bool {
        isHTTP10 ? hasToken("keep-alive", in: "connection") : !hasToken("close", in: "connection")
    }
}

struct MockField: Equatable {
    var name: String
    var value: String
}

extension StringProtocol {
    func trimmingSpace() -> String {
        var rest = Substring(self)
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }
}

/// A request that cannot be read. The connection is closed after the answer, since where the next request
/// would begin is unknown.
struct MockRequestError: Error, Equatable {
    var status: Int
    var message: String
}

/// Turns the bytes of a connection into requests, one after the other. No socket inside.
struct MockRequestReader {
    /// Bytes of a request head or trailer section, fields included.
    static let headBytesMax = 64 * 1024
    /// Bytes of content kept for one request. A body that is only digested may be of any length.
    static let bodyBytesMax = 16 * 1024 * 1024

    private enum State {
        case head
        case length(left: Int)
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailers
    }

    private var state = State.head
    private var request = MockRequest(method: "", target: "", isHTTP10: false, fields: [])
    private var digest: MockDigest?

    enum Result {
        case incomplete
        /// The head is complete and its sender waits for `100 Continue` before it sends the body.
        case expectsContinue
        case request(MockRequest)
    }

    /// Reads on in `input` and removes what it has read from its front.
    mutating func read(_ input: inout [UInt8]) throws(MockRequestError) -> Result {
        var index = 0
        defer { input.removeFirst(index) }
        while true {
            switch state {
            case .head:
                // Empty lines before a request line are skipped (RFC 9112 §2.2).
                while input[index...].starts(with: [13, 10]) { index += 2 }
                guard let lines = try section(input, &index) else { return .incomplete }
                try begin(lines)
                if case .length(left: 0) = state { return finish() }
                if request.hasToken("100-continue", in: "expect"), index == input.count {
                    return .expectsContinue
                }
            case .length(let left):
                let count = try take(input, &index, left)
                if count == left { return finish() }
                state = .length(left: left - count)
                return .incomplete
            case .chunkSize:
                guard let line = try line(input, &index) else { return .incomplete }
                let digits = line.prefix { $0 != ";" }.trimmingSpace()
                guard digits.utf8.count <= 15, !digits.hasPrefix("+"), let size = Int(digits, radix: 16),
                    size >= 0
                else { throw MockRequestError(status: 400, message: "A chunk size is not a number.") }
                state = size == 0 ? .trailers : .chunk(left: size)
            case .chunk(let left):
                let count = try take(input, &index, left)
                state = count == left ? .chunkEnd : .chunk(left: left - count)
                if count < left { return .incomplete }
            case .chunkEnd:
                guard let line = try line(input, &index) else { return .incomplete }
                guard line.isEmpty else {
                    throw MockRequestError(status: 400, message: "A chunk is longer than its size says.")
                }
                state = .chunkSize
            case .trailers:
                if input[index...].starts(with: [13, 10]) {
                    index += 2
                    return finish()
                }
                guard let lines = try section(input, &index) else { return .incomplete }
                request.trailers = try lines.map(Self.field)
                return finish()
            }
        }
    }

    private mutating func finish() -> Result {
        request.bodyDigest = digest?.finish()
        digest = nil
        state = .head
        return .request(request)
    }

    /// Takes up to `left` bytes of content.
    private mutating func take(_ input: [UInt8], _ index: inout Int, _ left: Int) throws(MockRequestError)
        -> Int
    {
        let count = min(left, input.count - index)
        let piece = input[index..<index + count]
        request.bodyByteCount += count
        if let digest {
            digest.update(piece)
        } else if request.body.count + count <= Self.bodyBytesMax {
            request.body.append(contentsOf: piece)
        } else {
            throw MockRequestError(
                status: 413, message: "The body is longer than \(Self.bodyBytesMax) bytes.")
        }
        index += count
        return count
    }

    /// The next line without its CR LF; nil where it is incomplete.
    private func line(_ input: [UInt8], _ index: inout Int) throws(MockRequestError) -> String? {
        guard let end = input[index...].firstIndex(of: 10) else {
            if input.count - index > Self.headBytesMax { throw Self.tooLarge }
            return nil
        }
        guard end > index, input[end - 1] == 13 else {
            throw MockRequestError(status: 400, message: "A line ends without CR.")
        }
        defer { index = end + 1 }
        // Why Latin-1: every byte comes back as it was, whatever its sender meant by it.
        return String(String.UnicodeScalarView(input[index..<end - 1].map { Unicode.Scalar($0) }))
    }

    /// The lines up to an empty one; nil, and `index` unmoved, where that has not come yet.
    private func section(_ input: [UInt8], _ index: inout Int) throws(MockRequestError) -> [String]? {
        var next = index
        var lines: [String] = []
        while let line = try line(input, &next) {
            if next - index > Self.headBytesMax { throw Self.tooLarge }
            if line.isEmpty {
                index = next
                return lines
            }
            lines.append(line)
        }
        if input.count - index > Self.headBytesMax { throw Self.tooLarge }
        return nil
    }

    private static let tooLarge = MockRequestError(status: 431, message: "The head is larger than 64 KiB.")

    private static func field(_ line: String) throws(MockRequestError) -> MockField {
        guard let colon = line.firstIndex(of: ":"), colon != line.startIndex,
            !line[..<colon].contains(where: { $0 == " " || $0 == "\t" })
        else { throw MockRequestError(status: 400, message: "A field line is not `name: value`.") }
        return MockField(
            name: String(line[..<colon]), value: line[line.index(after: colon)...].trimmingSpace())
    }

    /// Reads the request line and the fields, and decides how the body ends (RFC 9112 §6.3).
    private mutating func begin(_ lines: [String]) throws(MockRequestError) {
        guard let first = lines.first else {
            throw MockRequestError(status: 400, message: "No request line.")
        }
        let parts = first.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty,
            parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0"
        else {
            throw MockRequestError(status: 400, message: "The request line is not `METHOD target HTTP/1.1`.")
        }
        request = MockRequest(
            method: String(parts[0]), target: String(parts[1]), isHTTP10: parts[2] == "HTTP/1.0",
            fields: try lines.dropFirst().map(Self.field))
        if request.path == MockAnswers.echoPath { digest = MockDigest() }
        let length = request["content-length"]
        switch request["transfer-encoding"]?.lowercased() {
        case nil: break
        case "chunked" where length == nil:
            state = .chunkSize
            return
        case "chunked": throw MockRequestError(status: 400, message: "Both a length and a transfer coding.")
        case .some: throw MockRequestError(status: 501, message: "The transfer coding is not `chunked`.")
        }
        guard let length else {
            state = .length(left: 0)
            return
        }
        guard !length.isEmpty, length.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let count = Int(length)
        else {
            throw MockRequestError(status: 400, message: "Content-Length is not a number.")
        }
        state = .length(left: count)
    }
}
