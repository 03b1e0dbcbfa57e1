import Glibc
import Testing

@testable import CLI

/// A mock upstream on a free port, stopped when the test lets go of it.
final class RunningMock {
    let upstream: MockUpstream

    init() throws { upstream = try MockUpstream.start(host: "127.0.0.1", port: 0) }

    deinit { upstream.stop() }

    /// Sends one request on a connection of its own and reads until the other side closes.
    func exchange(
        _ method: String, _ target: String, fields: [String] = [], body: String? = nil
    ) throws -> MockReply {
        let connection = try MockClient(port: upstream.port)
        try connection.send(request(method, target, fields: fields + ["Connection: close"], body: body))
        return MockReply(try connection.readToEnd())
    }

    func request(_ method: String, _ target: String, fields: [String] = [], body: String? = nil) -> String {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: mock\r\n"
        for field in fields { text += field + "\r\n" }
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        return text + "\r\n" + (body ?? "")
    }
}

/// What a blocking client read.
struct MockReply {
    let text: String
    /// The connection ended, as against broke.
    let head: String
    let body: String

    init(_ bytes: [UInt8]) {
        text = String(decoding: bytes, as: UTF8.self)
        // Why bytes: a Swift Character may span CR LF, which makes searching the String for it surprising.
        let end = (0..<max(bytes.count - 3, 0)).first { bytes[$0...].starts(with: [13, 10, 13, 10]) }
        head = String(decoding: bytes[..<(end ?? bytes.count)], as: UTF8.self)
        body = end.map { String(decoding: bytes[($0 + 4)...], as: UTF8.self) } ?? ""
    }

    var status: Int { head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 }

    func json() throws -> MockJSON { try MockJSONReader.read(Array(body.utf8)) }

    /// The texts of the events of a chunked stream, without the framing.
    var events: [String] { lines("data: ") }

    /// The names of those that have one.
    var eventNames: [String] { lines("event: ") }

    private func lines(_ prefix: String) -> [String] {
        body.split(separator: "\r\n").flatMap { $0.split(separator: "\n") }.compactMap { line in
            line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : nil
        }
    }
}

struct MockClientError: Error { var call: String, code: Int32 }

/// One blocking connection to a port of this machine; each call gives up after 10 s.
final class MockClient {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let done = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard done == 0 else { throw MockClientError(call: "connect", code: errno) }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw MockClientError(call: "send", code: errno) }
            sent += count
        }
    }

    /// Reads at least once, until `isComplete` says that it is enough.
    func read(until isComplete: ([UInt8]) -> Bool) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        repeat {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw MockClientError(call: "recv", code: errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        } while !isComplete(bytes)
        return bytes
    }

    func readToEnd() throws -> [UInt8] { try read { _ in false } }
}
