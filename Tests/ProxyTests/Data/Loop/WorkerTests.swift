import Glibc
import Testing

@testable import Proxy

@Suite struct WorkerTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private let streamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func `a stream goes on under its own generation while others are adopted`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(streamHead)
        _ = try client.readHead()
        for round in 0..<20 {
            try worker.adopt(.responding { $0.routes = [.responding("/", "generation \(round)")] })
            try endpoint.send("5\r\nround\r\n")
            #expect(try client.readText(10) == "5\r\nround\r\n")
            let other = try worker.connect()
            try other.send(get)
            #expect(try other.readMessage().body == "generation \(round)")
            // The one that the stream began with, and the newest.
            #expect(eventually { worker.generationsAlive == 2 })
        }
        try endpoint.send("0\r\n\r\n")
        #expect(try client.readText(5) == "0\r\n\r\n")
        #expect(eventually { worker.generationsAlive == 1 })
        try client.send(get)
        #expect(try client.readMessage().body == "generation 19")
        let seen = try worker.records(22)
        #expect(seen[20].record.generation == 1)
        #expect(seen[20][.route] == "routes[0]")
        #expect(seen[20][.endpoint] == upstream.state.display)
        #expect(seen[21].record.generation == 21)
    }

    @Test func `an endpoint that stays keeps its connections and one that goes loses them`() throws {
        let kept = try TestUpstream()
        let gone = try TestUpstream()
        let worker = try WorkerUnderTest(kept) { $0.endpoints = [kept.endpoint(), gone.endpoint()] }
        defer { worker.stop() }
        let client = try worker.connect()
        var connections: [TestConnection] = []
        for upstream in [kept, gone] {
            try client.send(get)
            let endpoint = try upstream.accept()
            _ = try endpoint.readMessage()
            try endpoint.send("HTTP/1.1 204 No Content\r\n\r\n")
            _ = try client.readHead()
            connections.append(endpoint)
        }
        try worker.adopt(GenerationSketch(kept))
        #expect(try connections[1].readToEnd() == ("", .fin))
        #expect(gone.state.connectionCount.load(ordering: .relaxed) == 0)
        try client.send(get)
        _ = try connections[0].readMessage()
        try connections[0].send("HTTP/1.1 204 No Content\r\n\r\n")
        #expect(try client.readHead().status == 204)
    }

    @Test func `the connection of a stream to an endpoint that is gone is not kept`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try worker.adopt(.responding())
        try endpoint.send(streamHead + "0\r\n\r\n")
        #expect(try client.readMessage().rawBody == "0\r\n\r\n")
        #expect(try endpoint.readToEnd().text == "")
    }

    @Test func `clocks of a listener hold for what began under it, in whatever place it stands now`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.otherListeners = 1
            $0.body = 500 * millisecond
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        try worker.adopt(.responding { $0.body = 0 })
        try client.send("cd")
        #expect(try client.readMessage().status == 408)
    }

    @Test func `a reader that stalls is ended also when its listener is gone`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.otherListeners = 1
            $0.clientIdle = 400 * millisecond
        }
        defer { worker.stop() }
        let client = try worker.connect(receiveBuffer: 4096)
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try worker.adopt(GenerationSketch.responding { $0.hasListener = false })
        let total = 64 << 20
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        var sent = 0
        while endpoint.waits(for: POLLOUT, milliseconds: 40), sent < total {
            guard let count = try? endpoint.sendSome(piece[...]) else { break }
            sent += count
        }
        #expect(sent < total)
        #expect(try worker.record().outcome == .clientStalled)
    }

    @Test func `draining lets streams end, closes the idle and accepts nobody`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.responding("/local", "x"), .test()] }
        defer { worker.stop() }
        let idle = try worker.connect()
        try idle.send("GET /local HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try idle.readMessage()
        let streams = [try worker.connect(), try worker.connect()]
        var endpoints: [TestConnection] = []
        for stream in streams {
            try stream.send(get)
            let endpoint = try upstream.accept()
            _ = try endpoint.readMessage()
            endpoints.append(endpoint)
        }
        try endpoints[0].send(streamHead)
        _ = try streams[0].readHead()
        worker.drain(for: 10 * second)
        #expect(try idle.readToEnd() == ("", .fin))
        let late = try worker.connect()
        try late.send(get)
        try endpoints[0].send("2\r\nhi\r\n0\r\n\r\n")
        #expect(try streams[0].readToEnd() == ("2\r\nhi\r\n0\r\n\r\n", .fin))
        try endpoints[1].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let last = try streams[1].readMessage()
        #expect(last["connection"] == "close")
        #expect(last.body == "ok")
        #expect(try streams[1].readToEnd() == ("", .fin))
        #expect(eventually { worker.hasFinished })
        #expect(late.isQuiet(milliseconds: 1))
    }

    @Test func `what still runs at the end of a drain is cut visibly`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let stream = try worker.connect()
        try stream.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(streamHead + "2\r\nhi\r\n")
        _ = try stream.readText(through: "hi\r\n")
        let silent = try worker.connect()
        try silent.send(get)
        let other = try upstream.accept()
        _ = try other.readMessage()
        worker.drain(for: 60 * millisecond)
        #expect(try stream.readToEnd().text == "")
        let answer = try silent.readMessage()
        #expect(answer.status == 503)
        #expect(answer.code == "draining")
        #expect(eventually { worker.hasFinished })
        let seen = try worker.records(2)
        #expect(seen.contains { $0.outcome == .cut && $0.fault == .gateway && $0.status == 200 })
        #expect(seen.contains { $0[.errorCode] == "draining" })
    }

    @Test func `a connection that control hands over is served`() throws {
        let worker = try WorkerUnderTest(.responding())
        defer { worker.stop() }
        let listener = try TestListener()
        let client = try listener.connect()
        let accepted = try listener.accept()
        let descriptor = dup(accepted.descriptor)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        accepted.close()
        try client.send(get)
        worker.handle.mailbox.post(
            .take(
                descriptor: descriptor, listener: ListenerIdentity(rawValue: 7),
                peer: PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 1, isUnix: false)))
        #expect(try client.readMessage().body == "yes")
    }

    @Test func `hundreds of streams at once arrive byte for byte`() throws {
        let upstream = try TestUpstream(backlog: 1024)
        let worker = try WorkerUnderTest(upstream) {
            $0.endpoints = [upstream.endpoint(maxConnections: 1000)]
        }
        defer { worker.stop() }
        var pairs: [(client: TestConnection, endpoint: TestConnection)] = []
        for _ in 0..<200 {
            let client = try worker.connect()
            try client.send(get)
            let endpoint = try upstream.accept()
            _ = try endpoint.readMessage()
            try endpoint.send(streamHead)
            pairs.append((client, endpoint))
        }
        for round in 0..<5 {
            for (index, pair) in pairs.enumerated() {
                let text = "data: \(index)-\(round)\n\n"
                try pair.endpoint.send(String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n")
            }
            if round == 2 { try worker.adopt(.responding()) }
        }
        for (index, pair) in pairs.enumerated() {
            try pair.endpoint.send("0\r\n\r\n")
            let expected = (0..<5).map { "data: \(index)-\($0)\n\n" }.joined()
            #expect(try pair.client.readMessage().body == expected)
        }
        #expect(eventually { worker.generationsAlive == 1 })
        #expect(worker.handle.figures.exchangesRunning.load(ordering: .relaxed) == 0)
        #expect(try worker.records(200).allSatisfy { $0.outcome == .complete })
    }
}
