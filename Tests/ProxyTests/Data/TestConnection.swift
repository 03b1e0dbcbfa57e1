import Glibc

/// What a test did not expect of the other side.
struct Unexpected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Bounds every wait of a test, in milliseconds. Reached only by tests that fail.
let patience: Int32 = 10_000

/// Monotonic nanoseconds.
func monotonicNow() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// Asks until `condition` holds or the patience is over. - Returns: whether it held.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = monotonicNow() + UInt64(patience) * 1_000_000
    while !condition() {
        if monotonicNow() > end { return false }
        poll(nil, 0, 1)
    }
    return true
}

/// One end of a loopback connection, driven step by step from the test's own thread.
final class TestConnection {
    private(set) var descriptor: Int32
    /// Read, and not asked for yet.
    private(set) var held: [UInt8] = []

    enum End: Equatable { case fin, reset }

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Closes with RST.
    func reset() {
        var off = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Sends FIN and goes on reading.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            guard waits(for: POLLOUT, milliseconds: patience) else {
                throw Unexpected("the other side does not read")
            }
            sent += try sendSome(bytes[sent...])
        }
    }

    /// Each byte in a segment of its own.
    func sendSlowly(_ text: String) throws {
        for byte in text.utf8 { try send([byte]) }
    }

    /// What the socket takes at once. - Returns: 0 if that is nothing.
    func sendSome(_ bytes: ArraySlice<UInt8>) throws -> Int {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count >= 0 { return count }
        if errno == EAGAIN { return 0 }
        throw Unexpected("send: \(String(cString: strerror(errno)))")
    }

    // MARK: Reading

    /// Whether the socket becomes ready for `event` in time.
    func waits(for event: Int32, milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        return poll(&entry, 1, milliseconds) == 1
    }

    /// Whether nothing comes, not even an end, for that long.
    func isQuiet(milliseconds: Int32) -> Bool {
        held.isEmpty && !waits(for: POLLIN, milliseconds: milliseconds)
    }

    /// - Returns: nil when bytes came, else how the stream ended.
    func readMore(max: Int = 65536) throws -> End? {
        guard waits(for: POLLIN, milliseconds: patience) else {
            throw Unexpected("nothing came; held: \(String(decoding: held, as: UTF8.self).debugDescription)")
        }
        var bytes = [UInt8](repeating: 0, count: max)
        let count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress!, $0.count, 0) }
        if count > 0 { held += bytes[..<count] }
        return count > 0 ? nil : count == 0 ? .fin : .reset
    }

    func readExactly(_ count: Int) throws -> [UInt8] {
        while held.count < count {
            if let end = try readMore() {
                let text = String(decoding: held, as: UTF8.self).debugDescription
                throw Unexpected("\(end) after \(held.count) of \(count) bytes: \(text)")
            }
        }
        defer { held.removeFirst(count) }
        return Array(held[..<count])
    }

    func readText(_ count: Int) throws -> String { String(decoding: try readExactly(count), as: UTF8.self) }

    /// Everything up to and with `mark`.
    func readText(through mark: String) throws -> String {
        let mark = Array(mark.utf8)
        var from = 0
        while true {
            if let end = position(of: mark, from: from) { return try readText(end) }
            from = max(0, held.count - mark.count)
            if let end = try readMore() {
                throw Unexpected(
                    "\(end) before \(mark): \(String(decoding: held, as: UTF8.self).debugDescription)")
            }
        }
    }

    private func position(of mark: [UInt8], from start: Int) -> Int? {
        guard held.count >= mark.count else { return nil }
        var at = start
        while at + mark.count <= held.count {
            if held[at] == mark[0], held[at..<at + mark.count].elementsEqual(mark) { return at + mark.count }
            at += 1
        }
        return nil
    }

    /// Everything up to the end, and how that looked.
    func readToEnd() throws -> (text: String, end: End) {
        while true {
            guard let end = try readMore() else { continue }
            defer { held = [] }
            return (String(decoding: held, as: UTF8.self), end)
        }
    }

    func readHead() throws -> TestMessage { try TestMessage(head: readText(through: "\r\n\r\n")) }

    /// A request or response with its body as the framing says; without framing there is none.
    func readMessage(hasBody: Bool = true) throws -> TestMessage {
        var message = try readHead()
        guard hasBody else { return message }
        if message["transfer-encoding"] == "chunked" {
            try readChunks(into: &message)
        } else if let length = message["content-length"].flatMap({ Int($0) }) {
            message.body = try readText(length)
            message.rawBody = message.body
        }
        return message
    }

    private func readChunks(into message: inout TestMessage) throws {
        while true {
            let line = try readText(through: "\r\n")
            message.rawBody += line
            guard let size = Int(line.dropLast(1).prefix { $0.isHexDigit }, radix: 16) else {
                throw Unexpected("not a chunk size: \(line.debugDescription)")
            }
            guard size > 0 else { break }
            message.body += try readText(size)
            message.rawBody += String(message.body.suffix(size)) + (try readText(2))
        }
        while true {
            let line = try readText(through: "\r\n")
            message.rawBody += line
            if line == "\r\n" { return }
            message.trailers.append(String(line.dropLast(1)))
        }
    }
}

/// A message as text; for tests alone, so it checks nothing that they do not.
struct TestMessage {
    var startLine: String
    var fields: [(name: String, value: String)] = []
    /// Content, framing taken off.
    var body = ""
    var rawBody = ""
    var trailers: [String] = []

    init(head: String) throws {
        var lines = head.split(separator: "\r\n").map(String.init)
        guard !lines.isEmpty else { throw Unexpected("an empty head") }
        startLine = lines.removeFirst()
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw Unexpected("not a field: \(line)") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields.append((line[..<colon].lowercased(), String(value)))
        }
    }

    var status: Int { Int(startLine.split(separator: " ")[1]) ?? 0 }
    /// Of a request.
    var target: String { String(startLine.split(separator: " ")[1]) }

    /// The only field of that name; nil for none, all joined for several.
    subscript(_ name: String) -> String? {
        let found = values(name)
        return found.isEmpty ? nil : found.joined(separator: " | ")
    }

    func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// `code` of an error body.
    var code: String? {
        guard let mark = body.range(of: "\"code\":\"") else { return nil }
        return String(body[mark...].prefix { $0 != "\"" })
    }
}

extension String {
    /// Where the text behind `part` begins.
    fileprivate func range(of part: String) -> String.Index? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(part) { return index(at, offsetBy: part.count) }
            at = index(after: at)
        }
        return nil
    }
}
