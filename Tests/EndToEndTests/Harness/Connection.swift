import Glibc
import Synchronization

/// One blocking TCP or Unix connection, with a limit of time on each step. Serves both the tests' clients and
/// their scripted upstreams. Reads nothing that was not asked for beyond its buffer.
final class Connection: Resource, @unchecked Sendable {
    enum End: Equatable { case fin, reset }

    let descriptor: Int32
    /// Seconds that one wait may take.
    var patience = 20.0
    private var buffer: [UInt8] = []
    private var start = 0
    private let isClosed = Atomic<Bool>(false)
    /// Why not straight into `buffer`: growing an array by many zeros is slow in a debug build.
    private let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: scratchBytes)
    private static let scratchBytes = 256 << 10

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    }

    /// - Parameter receiveBuffer: bytes; a small one makes a slow reader felt at once.
    convenience init(to address: Address, receiveBuffer: Int32? = nil) throws {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble(errno: errno, in: "socket") }
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        guard try address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw Trouble(errno: code, in: "connect \(address)")
        }
        self.init(descriptor: descriptor)
        Scenario.keep(self)
    }

    deinit {
        close()
        scratch.deallocate()
    }

    func end() { close() }

    func close() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        Glibc.close(descriptor)
        Scenario.forget(self)
    }

    /// Wakes whoever reads or writes, in this process.
    func interrupt() { if !isClosed.load(ordering: .relaxed) { shutdown(descriptor, Int32(SHUT_RDWR)) } }

    /// Ends with RST.
    func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: - Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            try wait(Int16(POLLOUT), "room to send")
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                sent += count
            } else if errno != EAGAIN, errno != EINTR {
                throw Trouble(errno: errno, in: "send")
            }
        }
    }

    /// What goes out at once; stops where the other side does not read.
    /// - Returns: how many bytes went.
    func sendWithoutWaiting(_ bytes: [UInt8]) throws -> Int {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count < 0, errno == EAGAIN { return 0 }
        guard count >= 0 else { throw Trouble(errno: errno, in: "send") }
        return count
    }

    /// Each byte in a segment of its own.
    func sendByteByByte(_ text: String) throws { for byte in text.utf8 { try send([byte]) } }

    // MARK: - Receiving

    enum Receipt: Equatable {
        case bytes(Int)
        case ended(End)
    }

    /// Bytes received and not yet taken.
    var available: Int { buffer.count - start }

    /// Receives some more.
    func receive(max: Int = 64 << 10) throws -> Receipt {
        try wait(Int16(POLLIN), "bytes; so far: \(Text(buffer[start...].suffix(300)))")
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            start = 0
        }
        let count = recv(descriptor, scratch, min(max, Connection.scratchBytes), 0)
        let code = errno
        if count > 0 { buffer.append(contentsOf: UnsafeBufferPointer(start: scratch, count: count)) }
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended(.fin) }
        if code == ECONNRESET || code == EPIPE || code == EBADF { return .ended(.reset) }
        if code == EAGAIN || code == EINTR { return try receive(max: max) }
        throw Trouble(errno: code, in: "recv")
    }

    /// Takes what is there, waiting for at least one byte; empty at the end.
    func readSome(max: Int = 64 << 10) throws -> [UInt8] {
        if available == 0, case .ended = try receive(max: max) { return [] }
        return take(min(max, available))
    }

    func read(exactly count: Int) throws -> [UInt8] {
        while available < count {
            if case .ended(let end) = try receive() {
                throw Trouble("\(end) after \(available) of \(count) bytes")
            }
        }
        return take(count)
    }

    /// Reads and drops, for big bodies.
    func skip(_ count: Int, _ see: (ArraySlice<UInt8>) -> Void = { _ in }) throws {
        var left = count
        while left > 0 {
            if available == 0, case .ended(let end) = try receive(max: 256 << 10) {
                throw Trouble("\(end) with \(left) of \(count) bytes to come")
            }
            let now = min(left, available)
            see(buffer[start..<start + now])
            start += now
            left -= now
        }
    }

    /// Through the end of `mark`. nil: it ended before the first byte.
    func readThrough(_ mark: String) throws -> [UInt8]? {
        let wanted = Array(mark.utf8)
        var looked = start
        while true {
            if let found = Self.find(wanted, in: buffer, from: Swift.max(start, looked)) {
                return take(found + wanted.count - start)
            }
            let before = start
            looked = Swift.max(start, buffer.count - wanted.count + 1)
            let offset = looked - before
            if case .ended(let end) = try receive() {
                guard available > 0 else {
                    if end == .reset { throw Trouble("the connection was reset before anything came") }
                    return nil
                }
                throw Trouble("\(end) within: \(Text(buffer[start...].suffix(300)))")
            }
            looked = start + offset
        }
    }

    /// Everything to the end, and how it ended.
    func readToEnd() throws -> (bytes: [UInt8], end: End) {
        while true {
            if case .ended(let end) = try receive() { return (take(available), end) }
        }
    }

    /// Waits until the other side has ended the connection, dropping what it sends.
    func waitForEnd() throws -> End { try readToEnd().end }

    /// Whether the other side has ended the connection; takes nothing.
    var hasEnded: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || count < 0 && errno != EAGAIN
    }

    /// Whether bytes, or the end, are there to be read.
    var isReadable: Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return available > 0 || poll(&wanted, 1, 0) > 0
    }

    private func take(_ count: Int) -> [UInt8] {
        defer { start += count }
        return Array(buffer[start..<start + count])
    }

    private func wait(_ events: Int16, _ what: String) throws {
        let deadline = Clock.seconds + patience
        while true {
            var wanted = pollfd(fd: descriptor, events: events, revents: 0)
            let left = deadline - Clock.seconds
            guard left > 0 else { throw Trouble("not within \(patience) s: \(what)") }
            if poll(&wanted, 1, Int32(left * 1000) + 1) > 0 { return }
        }
    }

    private static func find(_ wanted: [UInt8], in bytes: [UInt8], from first: Int) -> Int? {
        guard bytes.count >= wanted.count else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            var at = first
            while at + wanted.count <= bytes.count {
                if bytes[at] == wanted[0], memcmp(bytes.baseAddress! + at, wanted, wanted.count) == 0 {
                    return at
                }
                at += 1
            }
            return nil
        }
    }
}

/// Bytes for people.
struct Text: CustomStringConvertible {
    let description: String

    init(_ bytes: some Sequence<UInt8>) {
        description = String(decoding: Array(bytes), as: UTF8.self).debugDescription
    }
}
