import Glibc
import Testing

@testable import Proxy

@Suite struct RequestPumpTests {
    private let head = "POST /up HTTP/1.1\r\nHost: a\r\n"
    private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test func `a body of known length arrives byte by byte and whole`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.sendSlowly(head + "Content-Length: 11\r\n\r\nhello world")
        let endpoint = try upstream.accept()
        let request = try endpoint.readMessage()
        #expect(request["content-length"] == "11")
        #expect(request.body == "hello world")
        for byte in ok.utf8 { try endpoint.send([byte]) }
        #expect(try client.readMessage().body == "ok")
        #expect(try worker.record().record.requestBodyBytes == 11)
    }

    @Test func `chunks go on with their trailers and without extensions at every split`() throws {
        let body = "3;a=b\r\nabc\r\n0002;x\r\nde\r\n0;last\r\nX-Sum: 7\r\nAuthorization: no\r\n\r\n"
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        var endpoint: TestConnection?
        for split in 0...body.utf8.count {
            let bytes = Array(body.utf8)
            try client.send(head + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            let connection = try endpoint ?? upstream.accept()
            endpoint = connection
            var request = try connection.readHead()
            #expect(request["transfer-encoding"] == "chunked")
            try client.send(Array(bytes[..<split]))
            // So that the second part cannot come with the first.
            if split > 8 { #expect(try connection.readText(3) == "3\r\n") }
            try client.send(Array(bytes[split...]))
            let rest = split > 8 ? "abc\r\n2\r\nde\r\n" : "3\r\nabc\r\n2\r\nde\r\n"
            request.body = try connection.readText(through: "\r\n\r\n")
            #expect(request.body == rest + "0\r\nX-Sum: 7\r\n\r\n")
            try connection.send(ok)
            #expect(try client.readMessage().body == "ok")
            #expect(try worker.record().record.requestBodyBytes == 5)
        }
    }

    @Test func `requests in one write are answered in order`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            head + "Content-Length: 3\r\n\r\none" + head
                + "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
                + "GET /three HTTP/1.1\r\nHost: a\r\n\r\nGET /fo")
        let endpoint = try upstream.accept()
        #expect(try endpoint.readMessage().body == "one")
        #expect(endpoint.isQuiet(milliseconds: 20))
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        #expect(try endpoint.readMessage().body == "two")
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")
        #expect(try endpoint.readMessage().target == "/three")
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3")
        try client.send("ur HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try endpoint.readMessage().target == "/four")
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n4")
        for body in ["1", "2", "3", "4"] { #expect(try client.readMessage().body == body) }
    }

    @Test func `100 Continue is given at once and not asked of the upstream`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try client.readHead().startLine == "HTTP/1.1 100 Continue")
        try client.send("hi")
        let endpoint = try upstream.accept()
        let request = try endpoint.readMessage()
        #expect(request["expect"] == nil)
        #expect(request.body == "hi")
        try endpoint.send("HTTP/1.1 100 Continue\r\n\r\n" + ok)
        #expect(try client.readMessage().status == 200)
    }

    @Test func `a declared body over max_body is refused before the upstream hears of it`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.test(maxBody: 4)] }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Content-Length: 5\r\n\r\nhello" + head + "Content-Length: 4\r\n\r\nhell")
        let answer = try client.readMessage()
        #expect(answer.status == 413)
        #expect(answer.code == "request_too_large")
        #expect(answer.body.contains("(max_body), in bytes: 4"))
        #expect(try worker.record()[.errorCode] == "request_too_large")
        let endpoint = try upstream.accept()
        #expect(try endpoint.readMessage().body == "hell")
        try endpoint.send(ok)
        #expect(try client.readMessage().status == 200)
    }

    @Test(arguments: ["0\r\n\r\n", "0\r\nX: y\r\n\r\n"])
    func `chunks over max_body are refused and the next request is found behind them`(last: String) throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.test(maxBody: 4), .responding("/x", "")] }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Transfer-Encoding: chunked\r\n\r\n")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        try client.send("5\r\nhello\r\n" + last + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.readMessage().status == 413)
        #expect(try endpoint.readToEnd().text == "")
        guard last == "0\r\n\r\n" else {
            // Trailers of a body that nobody wants: they are not taken for a request.
            #expect(try client.readToEnd().text == "")
            return
        }
        let next = try upstream.accept()
        #expect(try next.readMessage().target == "/next")
        try next.send(ok)
        #expect(try client.readMessage().status == 200)
    }

    @Test func `chunks over max_body in a later piece keep the connection`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.test(maxBody: 4)] }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        #expect(try endpoint.readText(9) == "4\r\nfour\r\n")
        try client.send("1\r\n5\r\n")
        #expect(try client.readMessage().status == 413)
        try client.send("3\r\nabc\r\n0\r\n\r\n" + head + "Content-Length: 0\r\n\r\n")
        let next = try upstream.accept()
        #expect(try next.readMessage()["content-length"] == "0")
        try next.send(ok)
        #expect(try client.readMessage().status == 200)
    }

    @Test func `a body that is not chunks is refused and the connection closed`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhixx\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 400)
        #expect(answer.code == "malformed_body")
        #expect(try client.readToEnd().text == "")
        let endpoint = try upstream.accept()
        #expect(try !endpoint.readToEnd().text.contains("0\r\n\r\n"))
    }

    @Test func `an answer that comes during the upload ends the exchange and the connection`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Content-Length: 100\r\n\r\nsome")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        try endpoint.send("HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nstop")
        let answer = try client.readMessage()
        #expect(answer.status == 401)
        #expect(answer.body == "stop")
        #expect(answer["connection"] == "close")
        // No RST while the client still sends.
        try client.send("more")
        #expect(try client.readToEnd() == ("", .fin))
        try client.send("still more")
        #expect(try endpoint.readToEnd().text == "some")
        #expect(try worker.record().status == 401)
    }

    @Test func `a client that does not go on with its body is told 408`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.body = 60 * millisecond }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Content-Length: 10\r\n\r\nhello")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        let answer = try client.readMessage()
        #expect(answer.status == 408)
        #expect(answer.code == "request_timeout")
        #expect(try endpoint.readText(5) == "hello")
        #expect(try endpoint.readToEnd().text == "")
        #expect(try worker.record().fault == .client)
    }

    @Test func `first_byte does not run while the client is sending`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.proxying(.patient(firstByte: 300 * millisecond))]
        }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Content-Length: 4\r\n\r\nhe")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        #expect(client.isQuiet(milliseconds: 500))
        try client.send("re")
        #expect(try endpoint.readText(4) == "here")
        let answer = try client.readMessage()
        #expect(answer.status == 504)
        #expect(answer.code == "upstream_timeout")
    }

    @Test func `an upstream that does not take the body pauses the client and no clock of its`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.body = 600 * millisecond }
        defer { worker.stop() }
        let client = try worker.connect()
        let total = 64 << 20
        try client.send(head + "Content-Length: \(total)\r\n\r\n")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        var sent = 0
        while client.waits(for: POLLOUT, milliseconds: 250), sent < total {
            sent += try client.sendSome(piece[...])
        }
        #expect(sent < total, "a body of 64 MiB went somewhere although nobody reads it")
        #expect(client.isQuiet(milliseconds: 1))
        // It goes on, then the client stalls: now its clock runs.
        _ = try endpoint.readExactly(sent)
        #expect(try client.readMessage().status == 408)
    }

    @Test func `an upstream that closes after its answer during the upload has answered`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(head + "Content-Length: 1000000\r\n\r\n")
        let endpoint = try upstream.accept()
        _ = try endpoint.readHead()
        try endpoint.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        endpoint.close()
        try client.send([UInt8](repeating: 0x61, count: 10000))
        #expect(try client.readMessage().status == 413)
    }
}
