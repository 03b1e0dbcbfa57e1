import Glibc

/// Many clients that ask at once, each on a connection that it keeps. Few threads with a share each: a thread
/// for each client would be slow.
final class Crowd: Sendable {
    struct Answer {
        let status: Int
        let hasRetryAfter: Bool
    }

    private typealias Client = (number: Int, client: Connection)
    private let shares: [[Client]]
    private static let threadCount = 8

    init(_ gate: Gate, count: Int) throws {
        let clients = try (0..<count).map { _ in
            let client = try gate.connect()
            client.patience = 60
            return client
        }
        shares = (0..<Self.threadCount).map { share in
            stride(from: share, to: count, by: Self.threadCount).map { ($0, clients[$0]) }
        }
    }

    /// Everybody sends the request, then reads the answer.
    func ask(_ request: String) throws -> [Answer] {
        let bytes = Array(request.utf8)
        return try ask { _ in bytes }
    }

    /// Everybody sends their own, by their number, then reads the answer.
    func ask(_ request: @escaping @Sendable (Int) -> [UInt8]) throws -> [Answer] {
        try together { clients in
            for (number, client) in clients { try client.send(request(number)) }
            return try clients.map { try Self.answer($0.client) }
        }
    }

    func send(_ request: String) throws {
        let bytes = Array(request.utf8)
        _ = try together { clients in
            for (_, client) in clients { try client.send(bytes) }
            return []
        }
    }

    func read() throws -> [Answer] { try together { try $0.map { try Self.answer($0.client) } } }

    /// Clients to whom an answer has come that is not read yet.
    var answeredCount: Int { shares.reduce(0) { $0 + $1.count { $0.client.isReadable } } }

    private func together(_ body: @escaping @Sendable ([Client]) throws -> [Answer]) throws -> [Answer] {
        let results = Guarded<[Result<[Answer], any Error>]>([])
        for share in shares {
            startThread {
                let result = Result { try body(share) }
                results.withLock { $0.append(result) }
            }
        }
        try waitUntil("a crowd of clients", within: 120) { results.withLock { $0.count } == shares.count }
        return try results.withLock { $0 }.flatMap { try $0.get() }
    }

    /// Why not `readResponse`: it is meant to be strict, and takes its time over thousands of answers.
    private static func answer(_ client: Connection) throws -> Answer {
        guard var head = try client.readThrough("\r\n\r\n") else { throw Trouble("an end, and no answer") }
        head.append(0)
        guard let status = number(in: head, behind: "HTTP/1.1 "),
            let length = number(in: head, behind: "\r\nContent-Length: ")
        else { throw Trouble("not an answer with a length: \(Text(head))") }
        _ = try client.read(exactly: length)
        return Answer(
            status: status, hasRetryAfter: (number(in: head, behind: "\r\nRetry-After: ") ?? 0) > 0)
    }

    /// - Parameter head: ends with a zero byte.
    private static func number(in head: [UInt8], behind mark: String) -> Int? {
        head.withUnsafeBytes { head in
            guard let text = head.bindMemory(to: CChar.self).baseAddress, let found = strstr(text, mark)
            else { return nil }
            return strtol(found + mark.utf8.count, nil, 10)
        }
    }
}
