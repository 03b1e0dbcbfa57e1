import Glibc

/// Asks a running daemon over its admin socket. Blocks: for the command line.
public struct AdminClient {
    public struct Answer {
        public let status: Int
        public let body: String
    }

    public struct Failure: Error {
        public let message: String
    }

    /// Where the daemon may be, the likeliest first.
    public let candidates: [String]

    public init(candidates: [String]) { self.candidates = candidates }

    /// - Parameter body: sent with the request.
    /// - Throws: where no daemon answers: a message that says where it was looked for.
    public func send(_ method: String, _ path: String, body: [UInt8] = []) throws(Failure) -> Answer {
        let descriptor = try connect()
        defer { close(descriptor) }
        let head =
            "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        // Why a failure is no end: whoever refuses a body answers before it is there whole.
        let isSent = write(Array(head.utf8) + body, to: descriptor)
        do throws(Failure) {
            return try receive(descriptor)
        } catch { throw isSent ? error : failure("the daemon closed the connection") }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func connect() throws(Failure) -> Int32 {
        var problems: [String] = []
        for candidate in candidates {
            do throws(SystemError) {
                return try UnixSocket.connect(to: candidate)
            } catch {
                problems.append("  \(candidate): \(String(cString: strerror(error.errno)))")
            }
        }
        let hint = "is it running? `--admin PATH` says where its socket is"
        throw Failure(
            message: "no headgate answers (\(hint)); looked at\n" + problems.joined(separator: "\n"))
    }

    private func receive(_ descriptor: Int32) throws(Failure) -> Answer {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(String(cString: strerror(errno))) }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]), let end = bytes.indexAfterHead else {
            throw failure("the daemon ended before it answered")
        }
        return Answer(status: status, body: String(decoding: bytes[end...], as: UTF8.self))
    }

    private func failure(_ message: String) -> Failure { Failure(message: message) }
}

extension [UInt8] {
    /// Where what follows the empty line begins.
    fileprivate var indexAfterHead: Int? {
        guard count >= 4 else { return nil }
        return (0...(count - 4)).first { self[$0..<($0 + 4)].elementsEqual("\r\n\r\n".utf8) }.map { $0 + 4 }
    }
}
