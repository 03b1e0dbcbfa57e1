import Glibc
import Testing

@testable import Proxy

private func parse(_ text: String) -> AdminRequest.Parsed { AdminRequest.parse(Array(text.utf8)) }

@Test func `a request is read once it is whole`() {
    #expect(parse("GET /status HTTP/1.1\r\nHost: x\r\n") == .incomplete)
    #expect(
        parse("GET /status?a HTTP/1.1\r\nHost: x\r\n\r\n")
            == .complete(AdminRequest(method: "GET", path: "/status")))
    #expect(parse("POST /reload HTTP/1.1\r\nContent-Length: 3\r\n\r\nab") == .incomplete)
    #expect(
        parse("POST /reload HTTP/1.1\r\ncontent-length:3\r\n\r\nabc")
            == .complete(AdminRequest(method: "POST", path: "/reload")))
}

@Test(arguments: [
    "GET\r\n\r\n", "GET status HTTP/1.1\r\n\r\n", "GET / HTTP/2\r\n\r\n", "\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
])
func `what is no request is refused`(text: String) {
    #expect(parse(text) == .invalid)
}

@Test func `an endless request is refused`() {
    #expect(parse(String(repeating: "x", count: AdminRequest.sizeMax)) == .invalid)
}

/// The endpoint with a loop that the test turns by hand.
private final class Scene {
    let folder = TemporaryFolder()
    let loop: ControlLoop
    let endpoint: AdminEndpoint
    var path: String { folder.path + "/admin.sock" }
    var asked: [(ReloadReport) -> Void] = []

    init() throws {
        loop = try ControlLoop()
        endpoint = AdminEndpoint(loop: loop)
        endpoint.reload = { [unowned self] in asked.append($0) }
        try endpoint.listen(at: path)
        loop.start(.reread, afterMilliseconds: 0)
    }

    deinit { endpoint.close() }

    func turn() {
        // Why the timer: a turn ends even if nothing happens.
        loop.start(.reread, afterMilliseconds: 1)
        for event in loop.wait() {
            switch event {
            case .ready(.adminSocket, _, _): endpoint.accept()
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

private func report(_ result: ReloadReport.Result) -> ReloadReport {
    ReloadReport(result: result, trigger: .request, generation: 4, diagnostics: [], at: 0, summary: "outcome")
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

@Test func `whoever asks for a reload is answered by its outcome`() throws {
    for (result, code) in [(ReloadReport.Result.reloaded, "200"), (.unchanged, "200"), (.failed, "422")] {
        let scene = try Scene()
        let client = try scene.connected()
        defer { close(client) }
        scene.write("POST /reload HTTP/1.1\r\n\r\n", to: client)
        for _ in 0..<2000 where scene.asked.isEmpty { scene.turn() }
        #expect(scene.asked.count == 1)
        scene.asked.first?(report(result))
        let answer = scene.answer(on: client)
        #expect(answer.hasPrefix("HTTP/1.1 \(code) "))
        #expect(answer.contains("\"result\":\"\(result.rawValue)\",\"generation\":4"))
    }
}

@Test(arguments: [
    ("GET /nothing HTTP/1.1\r\n\r\n", "404"), ("GET /reload HTTP/1.1\r\n\r\n", "405"),
    ("nonsense\r\n\r\n", "400"), ("GET /status HTTP/1.1\r\n\r\n", "200"),
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
    scene.asked.first?(report(.reloaded))
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
