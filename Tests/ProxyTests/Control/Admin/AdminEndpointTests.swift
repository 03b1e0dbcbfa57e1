import CLinux
import Config
import Glibc
import Stores
import Testing

@testable import Proxy

/// The endpoint with a loop that the test turns by hand.
private final class Scene {
    let folder = TemporaryFolder()
    let loop: ControlLoop
    let endpoint: AdminEndpoint
    var path: String { folder.path + "/admin.sock" }
    var asked: [AdminRoutes.Answer] = []

    init() throws {
        loop = try ControlLoop()
        endpoint = AdminEndpoint(loop: loop)
        endpoint.routes.get("/status", "how it is") { _ in AdminResponse(status: 200, body: "{}") }
        endpoint.routes.add("POST", "/reload", "once more") { [unowned self] _, answer in asked.append(answer)
        }
        endpoint.routes.get("/livez", "alive", access: .everybody) { .text(200, "\($0.isTrusted)") }
        endpoint.routes.get("/metrics", "numbers", access: .metrics) { _ in .text(200, "1") }
        endpoint.routes.add("POST", "/plan", "what if", bodyMax: 1 << 20) { request, answer in
            answer(.text(200, "\(request.query["folder"] ?? "") \(request.body.count)"))
        }
        try endpoint.listen(at: path)
        loop.start(.reread, afterMilliseconds: 0)
    }

    deinit {
        endpoint.close()
        ports.closeAll()
    }

    private let ports = ListenerSockets()

    /// Answers over TCP as well.
    func open(token: String = "0123456789abcdef", isMetricsOpen: Bool = false) throws {
        let prepared = try ports.prepare(at: [("admin", .ip(host: "127.0.0.1", port: 0))])
        ports.commit(prepared)
        let access = AdminAccess(token: Secret(token), isMetricsOpen: isMetricsOpen)
        try endpoint.use(AdminPort(socket: prepared.sockets[0], access: access))
    }

    func connectedOverTCP() throws -> Int32 {
        let url = try #require(ports.current.first?.url)
        let number = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let address = try #require(SocketAddress(numericHost: "127.0.0.1", port: number))
        #expect(address.withPointer { Glibc.connect(descriptor, $0, $1) } == 0)
        #expect(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
        return descriptor
    }

    func turn() {
        // Why the timer: a turn ends even if nothing happens.
        loop.start(.reread, afterMilliseconds: 1)
        for event in loop.wait() {
            switch event {
            case .ready(.adminSocket, _, _): endpoint.accept()
            case .ready(.adminPort, _, _): endpoint.accept(isRemote: true)
            case .ready(.adminConnection(let id), let readable, let writable):
                endpoint.ready(id, readable: readable, writable: writable)
            case .expired(.adminIdle): endpoint.endIdle()
            case .ready, .expired: break
            }
        }
    }

    func connected() throws -> Int32 {
        let descriptor = try UnixSocket.connect(to: path)
        #expect(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
        return descriptor
    }

    func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    /// Turns the loop until the connection is closed by the endpoint.
    func answer(on descriptor: Int32) -> String {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<2000 {
            turn()
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0 { break }
            if count > 0 { answer += chunk[..<count] }
        }
        return String(decoding: answer, as: UTF8.self)
    }
}

@Test func `the socket belongs to its owner alone`() throws {
    let scene = try Scene()
    var status = stat()
    #expect(lstat(scene.path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
}

@Test func `a second daemon on the same path is told so`() throws {
    let scene = try Scene()
    let failure = #expect(throws: BindError.self) {
        try AdminEndpoint(loop: scene.loop).listen(at: scene.path)
    }
    #expect(failure?.description.contains("another headgate is running") == true)
    #expect(UnixSocket.isLive(scene.path))
}

@Test func `an answer may come later`() throws {
    let scene = try Scene()
    let client = try scene.connected()
    defer { close(client) }
    scene.write("POST /reload HTTP/1.1\r\n\r\n", to: client)
    for _ in 0..<2000 where scene.asked.isEmpty { scene.turn() }
    #expect(scene.asked.count == 1)
    scene.asked.first?(AdminResponse(status: 422, body: "{}"))
    #expect(scene.answer(on: client).hasPrefix("HTTP/1.1 422 "))
}

@Test func `a large body is read whole`() throws {
    let scene = try Scene()
    let client = try scene.connected()
    defer { close(client) }
    scene.write("POST /plan?folder=%2Fetc HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", to: client)
    let bytes = [UInt8](repeating: 0x61, count: 1_000_000)
    var sent = 0
    while sent < bytes.count {
        let count = bytes.withUnsafeBytes { Glibc.write(client, $0.baseAddress! + sent, $0.count - sent) }
        if count > 0 { sent += count }
        scene.turn()
    }
    #expect(scene.answer(on: client).hasSuffix("\r\n\r\n/etc 1000000\n"))
}

@Test(arguments: [
    ("GET /nothing HTTP/1.1\r\n\r\n", "404"), ("GET /reload HTTP/1.1\r\n\r\n", "405"),
    ("nonsense\r\n\r\n", "400"), ("GET /status HTTP/1.1\r\n\r\n", "200"),
    ("POST /plan HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", "413"),
    ("GET /status HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "413"),
])
func `each request has its answer`(request: String, code: String) throws {
    let scene = try Scene()
    let client = try scene.connected()
    defer { close(client) }
    scene.write(request, to: client)
    #expect(scene.answer(on: client).hasPrefix("HTTP/1.1 \(code) "))
}

@Test func `a client that goes away before its outcome does no harm`() throws {
    let scene = try Scene()
    let client = try scene.connected()
    scene.write("POST /reload HTTP/1.1\r\n\r\n", to: client)
    for _ in 0..<2000 where scene.asked.isEmpty { scene.turn() }
    close(client)
    for _ in 0..<5 { scene.turn() }
    scene.asked.first?(.text(200, "done"))
    let next = try scene.connected()
    defer { close(next) }
    scene.write("GET /status HTTP/1.1\r\n\r\n", to: next)
    #expect(scene.answer(on: next).hasPrefix("HTTP/1.1 200 "))
}

@Test func `connections beyond the bound are closed, not kept waiting`() throws {
    let scene = try Scene()
    var clients: [Int32] = []
    defer { clients.forEach { close($0) } }
    for _ in 0..<AdminEndpoint.connectionsMax {
        clients.append(try scene.connected())
        scene.turn()
    }
    let extra = try scene.connected()
    defer { close(extra) }
    #expect(scene.answer(on: extra) == "")
}

@Test(arguments: [
    ("GET /status", "", "401"), ("GET /status", "Authorization: Bearer 0123456789abcdef\r\n", "200"),
    ("GET /status", "Authorization: Bearer 0123456789abcdeX\r\n", "401"), ("GET /nothing", "", "401"),
    ("GET /reload", "", "401"), ("GET /nothing", "Authorization: Bearer 0123456789abcdef\r\n", "404"),
    ("GET /livez", "", "200"), ("GET /metrics", "", "401"),
    ("POST /plan", "Content-Length: 99999999\r\n", "401"),
])
func `over TCP the token is asked for before all else`(line: String, field: String, code: String) throws {
    let scene = try Scene()
    try scene.open()
    let client = try scene.connectedOverTCP()
    defer { close(client) }
    scene.write("\(line) HTTP/1.1\r\n\(field)\r\n", to: client)
    let answer = scene.answer(on: client)
    #expect(answer.hasPrefix("HTTP/1.1 \(code) "))
    #expect(answer.contains("WWW-Authenticate: Bearer") == (code == "401"))
}

@Test func `who is let in without the token is not told what the owner is`() throws {
    let scene = try Scene()
    try scene.open(isMetricsOpen: true)
    for (remote, path, end) in [
        (true, "/livez", "false\n"), (false, "/livez", "true\n"), (true, "/metrics", "1\n"),
    ] {
        let client = try remote ? scene.connectedOverTCP() : scene.connected()
        defer { close(client) }
        scene.write("GET \(path) HTTP/1.1\r\n\r\n", to: client)
        #expect(scene.answer(on: client).hasSuffix(end))
    }
}

@Test func `who fills the port does not keep the owner out`() throws {
    let scene = try Scene()
    try scene.open()
    var clients: [Int32] = []
    defer { for client in clients { close(client) } }
    for _ in 0..<AdminEndpoint.connectionsMax {
        clients.append(try scene.connectedOverTCP())
        scene.turn()
    }
    let extra = try scene.connectedOverTCP()
    defer { close(extra) }
    #expect(scene.answer(on: extra) == "")
    let owner = try scene.connected()
    defer { close(owner) }
    scene.write("GET /status HTTP/1.1\r\n\r\n", to: owner)
    #expect(scene.answer(on: owner).hasPrefix("HTTP/1.1 200 "))
}

@Test func `another port takes the place of the one before, and none of any`() throws {
    let scene = try Scene()
    try scene.open()
    let before = try scene.connectedOverTCP()
    defer { close(before) }
    scene.turn()
    try scene.endpoint.use(nil)
    scene.write("GET /status HTTP/1.1\r\nAuthorization: Bearer 0123456789abcdef\r\n\r\n", to: before)
    #expect(scene.answer(on: before).hasPrefix("HTTP/1.1 401 "))
    try scene.open(token: "another-token-of-it")
    let client = try scene.connectedOverTCP()
    defer { close(client) }
    scene.write("GET /status HTTP/1.1\r\nAuthorization: Bearer another-token-of-it\r\n\r\n", to: client)
    #expect(scene.answer(on: client).hasPrefix("HTTP/1.1 200 "))
}
