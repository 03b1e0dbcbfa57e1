import Glibc
import Testing

@testable import Proxy

@Suite struct ResponsePumpTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private let get10 = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
    private let chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    /// Sends `request` and plays the upstream up to where it answers.
    private func start(
        _ request: String, _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws -> (
        worker: WorkerUnderTest, upstream: TestUpstream, client: TestConnection, endpoint: TestConnection
    ) {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream, change)
        let client = try worker.connect()
        try client.send(request)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        return (worker, upstream, client, endpoint)
    }

    @Test func `chunks go on with their trailers and without extensions at every split`() throws {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        let body = "3;a=b\r\nabc\r\n0002;x\r\nde\r\n000;last\r\nX-Sum: 7\r\nContent-Length: 3\r\n\r\n"
        let (worker, _, client, endpoint) = try start(get)
        defer { worker.stop() }
        let bytes = Array((answer + body).utf8)
        for split in 0..<bytes.count {
            if split > 0 {
                try client.send(get)
                _ = try endpoint.readMessage()
            }
            try endpoint.send(Array(bytes[..<split]))
            pause()
            try endpoint.send(Array(bytes[split...]))
            let response = try client.readMessage()
            #expect(response["transfer-encoding"] == "chunked")
            #expect(response.rawBody == "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n")
            #expect(try worker.record().outcome == .complete)
        }
    }

    @Test func `chunks without trailers end at every split and the upstream connection is reused`() throws {
        let body = "3\r\nabc\r\n0\r\n\r\n"
        let (worker, _, client, endpoint) = try start(get)
        defer { worker.stop() }
        let bytes = Array((chunkedHead + body).utf8)
        for split in 0..<bytes.count {
            if split > 0 {
                try client.send(get)
                _ = try endpoint.readMessage()
            }
            try endpoint.send(Array(bytes[..<split]))
            pause()
            try endpoint.send(Array(bytes[split...]))
            #expect(try client.readMessage().rawBody == body)
            #expect(try worker.record().record.responseBodyBytes == UInt64(body.utf8.count))
        }
    }

    /// Makes it likely that the parts come apart. The outcome must be the same either way.
    private func pause() { poll(nil, 0, 1) }

    @Test(arguments: [
        ("HEAD", "200 OK", "Content-Length: 42\r\n", "42"), ("GET", "204 No Content", "", nil),
        ("GET", "304 Not Modified", "Content-Length: 42\r\n", "42"),
        ("HEAD", "200 OK", "Transfer-Encoding: chunked\r\n", nil),
    ])
    func `answers without a body end with their head`(
        method: String, status: String, field: String, length: String?
    ) throws {
        let (worker, _, client, endpoint) = try start("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
        defer { worker.stop() }
        for round in 0..<2 {
            try endpoint.send("HTTP/1.1 \(status)\r\n\(field)\r\n")
            let response = try client.readHead()
            #expect(response.startLine == "HTTP/1.1 \(status)")
            #expect(response["content-length"] == length)
            #expect(response["transfer-encoding"] == nil)
            if round == 0 {
                try client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try endpoint.readMessage()
            }
        }
        #expect(client.held.isEmpty)
    }

    @Test func `a close-delimited answer becomes chunks and the client's connection stays`() throws {
        let (worker, upstream, client, endpoint) = try start(get)
        defer { worker.stop() }
        try endpoint.send("HTTP/1.1 200 OK\r\n\r\nhello")
        var response = try client.readHead()
        #expect(response["transfer-encoding"] == "chunked")
        #expect(response["connection"] == nil)
        // Each piece when it comes.
        #expect(try client.readText(10) == "5\r\nhello\r\n")
        try endpoint.send("0123456789abcdefgh")
        #expect(try client.readText(24) == "12\r\n0123456789abcdefgh\r\n")
        endpoint.close()
        #expect(try client.readText(5) == "0\r\n\r\n")
        #expect(try worker.record().record.responseBodyBytes == 39)
        try client.send(get)
        let next = try upstream.accept()
        _ = try next.readMessage()
        try next.send("HTTP/1.0 200 OK\r\n\r\n")
        next.finish()
        response = try client.readMessage()
        #expect(response.rawBody == "0\r\n\r\n")
    }

    @Test func `a close-delimited answer to HTTP/1.0 ends with the connection`() throws {
        let (worker, _, client, endpoint) = try start(get10)
        defer { worker.stop() }
        try endpoint.send("HTTP/1.1 200 OK\r\n\r\nhello")
        endpoint.close()
        let (text, end) = try client.readToEnd()
        #expect(text.hasSuffix("Connection: close\r\n\r\nhello"))
        #expect(end == .fin)
    }

    @Test func `HTTP/1.0 gets the content of chunks and then the end`() throws {
        let (worker, _, client, endpoint) = try start(get10)
        defer { worker.stop() }
        try endpoint.send(chunkedHead + "3\r\nabc\r\n")
        #expect(try client.readText(through: "\r\n\r\nabc").contains("Connection: close\r\n"))
        try endpoint.send("2\r\nde\r\n0\r\nX: y\r\n\r\n")
        #expect(try client.readToEnd() == ("de", .fin))
        #expect(try worker.record().outcome == .complete)
    }

    @Test func `HTTP/1.0 that asks for it keeps its connection where the length is known`() throws {
        let (worker, _, client, endpoint) = try start(get10)
        defer { worker.stop() }
        for round in 0..<2 {
            try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            let response = try client.readMessage()
            #expect(response["connection"] == "keep-alive")
            #expect(response.body == "hi")
            if round == 0 {
                try client.send(get10)
                _ = try endpoint.readMessage()
            }
        }
    }

    @Test func `1xx is passed on, but not 100, and not to HTTP/1.0`() throws {
        let interim =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n"
            + "x: y\r\n\r\n"
        for request in [get, get10] {
            let (worker, _, client, endpoint) = try start(request)
            defer { worker.stop() }
            for byte in interim.utf8 { try endpoint.send([byte]) }
            if request == get {
                #expect(
                    try client.readText(through: "\r\n\r\n")
                        == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            }
            try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            #expect(try client.readMessage().status == 200)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "HTTP/2 200\r\n\r\n", "hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ])
    func `what is not a valid answer is a 502`(answer: String) throws {
        let (worker, _, client, endpoint) = try start(get)
        defer { worker.stop() }
        try endpoint.send(answer)
        let response = try client.readMessage()
        #expect(response.status == 502)
        #expect(response.code == "upstream_bad_response")
        #expect(try endpoint.readToEnd().text == "")
        let seen = try worker.record()
        #expect(seen.status == 502)
        #expect(seen.fault == .upstream)
        #expect(seen[.errorCode] == "upstream_bad_response")
    }

    @Test func `an upstream that closes before its answer is a 502`() throws {
        for (answer, code) in [("", "upstream_closed"), ("HTTP/1.1 200 OK\r\nX:", "upstream_closed")] {
            let (worker, _, client, endpoint) = try start(get)
            defer { worker.stop() }
            try endpoint.send(answer)
            endpoint.close()
            let response = try client.readMessage()
            #expect(response.status == 502)
            #expect(response.code == code)
        }
    }

    @Test(arguments: [true, false])
    func `a body cut short is visibly broken`(byReset: Bool) throws {
        for head in ["Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n"] {
            let (worker, _, client, endpoint) = try start(get)
            defer { worker.stop() }
            try endpoint.send(
                "HTTP/1.1 200 OK\r\n\(head)\r\n" + (head.hasPrefix("C") ? "12345" : "5\r\n12345\r\n"))
            _ = try client.readText(through: "12345")
            if byReset { endpoint.reset() } else { endpoint.close() }
            let (text, end) = try client.readToEnd()
            #expect(!text.contains("0\r\n"))
            if head.hasPrefix("C") { #expect(end == .reset) }
            let seen = try worker.record()
            #expect(seen.outcome == .truncated)
            #expect(seen.fault == .upstream)
            #expect(seen.status == 200)
        }
    }

    @Test func `a close-delimited body that ends by RST has no last chunk`() throws {
        let (worker, _, client, endpoint) = try start(get)
        defer { worker.stop() }
        try endpoint.send("HTTP/1.1 200 OK\r\n\r\n12345")
        _ = try client.readText(through: "12345\r\n")
        endpoint.reset()
        #expect(try client.readToEnd().text == "")
        #expect(try worker.record().outcome == .truncated)
    }

    @Test func `chunks that are none end the answer visibly`() throws {
        let (worker, _, client, endpoint) = try start(get)
        defer { worker.stop() }
        try endpoint.send(chunkedHead + "3\r\nabc\r\n")
        _ = try client.readText(through: "abc\r\n")
        try endpoint.send("zz\r\n")
        #expect(try client.readToEnd().text == "")
        #expect(try worker.record().outcome == .truncated)
    }

    @Test func `bytes behind an answer are nobody's and end the upstream connection`() throws {
        let (worker, upstream, client, endpoint) = try start(get)
        defer { worker.stop() }
        try endpoint.send(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 Smuggled\r\nContent-Length: 0\r\n\r\n"
        )
        #expect(try client.readMessage().body == "ok")
        #expect(try endpoint.readToEnd().text == "")
        try client.send(get)
        let next = try upstream.accept()
        _ = try next.readMessage()
        try next.send("HTTP/1.1 204 Mine\r\n\r\n")
        #expect(try client.readHead().startLine == "HTTP/1.1 204 Mine")
    }

    @Test func `a reader that stalls stops the upstream and is ended by client_idle`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.clientIdle = 1500 * millisecond
            $0.routes = [.proxying(.patient(idle: 500 * millisecond))]
        }
        defer { worker.stop() }
        let client = try worker.connect(receiveBuffer: 4096)
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        let total = 64 << 20
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        var sent = 0
        while endpoint.waits(for: POLLOUT, milliseconds: 150), sent < total {
            sent += try endpoint.sendSome(piece[...])
        }
        #expect(sent < total, "64 MiB went somewhere although nobody reads them")
        let seen = try worker.record()
        #expect(seen.outcome == .clientStalled)
        #expect(seen.fault == .client)
        #expect(try endpoint.readToEnd().text == "")
        while try client.readMore() == nil {}
        #expect(client.held.count < total)
    }

    @Test func `a slow reader lives and gets every byte`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.clientIdle = 1000 * millisecond }
        defer { worker.stop() }
        let client = try worker.connect(receiveBuffer: 16384)
        try client.send(get)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        let total = 12 << 20
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        var sent = 0
        var got = try readHeadThenCount(client)
        // Far slower than it is sent: a little every 10 ms, for several times client_idle.
        let slowUntil = monotonicNow() + 800 * millisecond
        while got < total {
            if sent < total { sent += try endpoint.sendSome(piece[..<min(piece.count, total - sent)]) }
            if monotonicNow() < slowUntil { poll(nil, 0, 10) }
            guard try client.readMore(max: 8192) == nil else { break }
            got += try client.readExactly(client.held.count).count
        }
        #expect(got == total)
        #expect(try worker.record().outcome == .complete)
    }

    private func readHeadThenCount(_ client: TestConnection) throws -> Int {
        _ = try client.readHead()
        return try client.readExactly(client.held.count).count
    }

    @Test func `events that come together with the end go out before it`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        for _ in 0..<20 {
            let client = try worker.connect()
            try client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            let endpoint = try upstream.accept()
            _ = try endpoint.readMessage()
            try endpoint.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            _ = try client.readHead()
            try endpoint.send("data: hello\n\n")
            endpoint.close()
            #expect(try client.readToEnd() == ("data: hello\n\n", .fin))
        }
    }

    @Test func `events go on one by one and byte by byte`() throws {
        let (worker, _, client, endpoint) = try start(get)
        defer { worker.stop() }
        try endpoint.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        _ = try client.readHead()
        let event = "d\r\ndata: hello\n\n\r\n"
        for _ in 0..<3 {
            for byte in event.utf8 { try endpoint.send([byte]) }
            #expect(try client.readText(event.utf8.count) == event)
        }
        try endpoint.send("0\r\n\r\n")
        #expect(try client.readText(5) == "0\r\n\r\n")
    }
}
