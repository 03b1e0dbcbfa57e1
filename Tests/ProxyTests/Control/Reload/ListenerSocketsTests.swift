import CLinux
import Glibc
import Testing

@testable import Config
@testable import Proxy

private func listener(_ name: String, _ bind: BindAddress) -> ListenerConfig {
    ListenerConfig(
        name: name, bind: bind, allow: [], maxConnections: 10, maxHeadBytes: 1024, maxFields: 10,
        timeouts: ListenerTimeoutsConfig(head: nil, body: nil, clientIdle: nil, keepAlive: nil),
        allowsHalfClose: false)
}

/// The port of `http://127.0.0.1:12345`.
private func port(_ socket: ListenerSockets.Bound) -> UInt16 {
    UInt16(socket.url.split(separator: ":").last ?? "") ?? 0
}

private func canConnect(_ port: UInt16) -> Bool {
    guard let descriptor = connected(port) else { return false }
    close(descriptor)
    return true
}

private func connected(_ port: UInt16) -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let address = SocketAddress(numericHost: "127.0.0.1", port: port)!
    guard address.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
        close(descriptor)
        return nil
    }
    return descriptor
}

private func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }

@Test func `a bound address keeps its socket and identity across generations`() throws {
    let sockets = ListenerSockets()
    defer { sockets.closeAll() }
    let any = BindAddress.ip(host: "127.0.0.1", port: 0)
    let first = try sockets.prepare([listener("a", any)])
    sockets.commit(first)
    let second = try sockets.prepare([listener("renamed", any)])
    #expect(second.sockets[0].descriptor == first.sockets[0].descriptor)
    #expect(second.sockets[0].identity == first.sockets[0].identity)
    #expect(canConnect(port(first.sockets[0])))
}

@Test func `a port that is taken fails by the listener's name, and only what was new is closed`() throws {
    let sockets = ListenerSockets()
    let others = ListenerSockets()
    defer {
        sockets.closeAll()
        others.closeAll()
    }
    let any = BindAddress.ip(host: "127.0.0.1", port: 0)
    let taken = try others.prepare([listener("x", any)])
    others.commit(taken)
    let kept = try sockets.prepare([listener("kept", any)])
    sockets.commit(kept)
    let folder = TemporaryFolder()
    let path = folder.path + "/new.sock"
    let busy = BindAddress.ip(host: "127.0.0.1", port: port(taken.sockets[0]))
    let failure = #expect(throws: ListenerSockets.Failure.self) {
        _ = try sockets.prepare([
            listener("kept", any), listener("new", .unix(path: path)), listener("busy", busy),
        ])
    }
    #expect(failure?.listener == "busy")
    #expect(failure?.message == "127.0.0.1:\(port(taken.sockets[0])): address already in use")
    #expect(access(path, F_OK) != 0)
    #expect(canConnect(port(kept.sockets[0])))
}

@Test func `a removed socket hands over who waits in it, then closes`() throws {
    let sockets = ListenerSockets()
    defer { sockets.closeAll() }
    let first = try sockets.prepare([listener("a", .ip(host: "127.0.0.1", port: 0))])
    sockets.commit(first)
    let client = try #require(connected(port(first.sockets[0])))
    defer { close(client) }
    sockets.commit(try sockets.prepare([]))
    #expect(isOpen(first.sockets[0].descriptor))
    var handed: [Int32] = []
    sockets.closeRemoved { mail in
        guard case .take(let descriptor, let identity, let peer, _) = mail else { return }
        #expect(identity == first.sockets[0].identity)
        #expect(peer.hostText == "127.0.0.1")
        handed.append(descriptor)
    }
    #expect(handed.count == 1)
    #expect(!canConnect(port(first.sockets[0])))
    handed.forEach { close($0) }
}

@Test func `a socket file left by a killed process is replaced, a live one is not`() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/a.sock"
    let (stale, _) = try UnixSocket.listen(at: path, backlog: 1)
    close(stale)
    #expect(access(path, F_OK) == 0)
    #expect(!UnixSocket.isLive(path))
    let sockets = ListenerSockets()
    sockets.commit(try sockets.prepare([listener("a", .unix(path: path))]))
    #expect(UnixSocket.isLive(path))
    let failure = #expect(throws: ListenerSockets.Failure.self) {
        _ = try ListenerSockets().prepare([listener("b", .unix(path: path))])
    }
    #expect(failure?.message == "unix:\(path): address already in use")
    #expect(UnixSocket.isLive(path))
    sockets.closeAll()
    #expect(access(path, F_OK) != 0)
}

@Test func `a file that is no socket is left alone`() {
    let folder = TemporaryFolder()
    let path = folder.write("file", "precious")
    #expect(throws: ListenerSockets.Failure.self) {
        _ = try ListenerSockets().prepare([listener("a", .unix(path: path))])
    }
    #expect(access(path, F_OK) == 0)
}

@Test func `a path that is too long is refused, not cut`() {
    let path = "/tmp/" + String(repeating: "x", count: 120)
    #expect(throws: BindError.self) { _ = try UnixSocket.listen(at: path, backlog: 1) }
}

@Test func `somebody else's socket file is not removed`() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/a.sock"
    let (first, file) = try UnixSocket.listen(at: path, backlog: 1)
    unlink(path)
    let (second, _) = try UnixSocket.listen(at: path, backlog: 1)
    UnixSocket.unlinkIfOurs(file)
    #expect(UnixSocket.isLive(path))
    close(first)
    close(second)
}

@Test(arguments: [
    ("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("2001:DB8::0", "[2001:db8::]:80"),
    ("::ffff:1.2.3.4", "1.2.3.4:80"),
])
func `numeric addresses are read and shown`(host: String, shown: String) {
    #expect(SocketAddress(numericHost: host, port: 80)?.text == shown)
}

@Test(arguments: ["localhost", "1.2.3", "", "1.2.3.4.5", "::g"])
func `names are no numeric addresses`(host: String) {
    #expect(SocketAddress(numericHost: host, port: 80) == nil)
}
