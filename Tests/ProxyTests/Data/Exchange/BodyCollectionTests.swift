import Testing

@testable import Proxy

@Suite struct BodyCollectionTests {
    private func acting(
        _ path: PathPattern = .subtree([]), auth: [AuthPlan] = [], errors: ErrorShape = .openai,
        maxBody: UInt64 = .max, cors: CORSPolicy? = nil, _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws -> WorkerUnderTest {
        try WorkerUnderTest(
            .responding {
                $0.routes = [
                    .test(path, auth: auth, errors: errors, action: .act, maxBody: maxBody, cors: cors)
                ]
                change(&$0)
            })
    }

    private func reply(_ body: String = "{}", status: UInt16 = 200, lines: String = "") -> Answer {
        .reply(ActionReply(status: status, headerLines: Array(lines.utf8), body: Array(body.utf8)))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `an action gets the request whole, and its reply is the answer`() throws {
        let caller = Caller.test("k", label: "alice")
        let auth = AuthPlan.keys([caller])
        let worker = try acting(.subtree(Array("/api_keys".utf8)), auth: [auth])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            "POST /api_keys/gpt%2D4%2Fx%20y%2541?a=1 HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\nX-Request-Id: r-1\r\n"
                + "Content-Type: application/json\r\nContent-Length: 4\r\n\r\n{\"a\"")
        let question = try worker.question()
        let request = try #require(question.action)
        #expect(request.method == .post)
        #expect(text(request.pathRest) == "gpt-4/x y%41")
        #expect(text(request.query) == "a=1")
        #expect(text(request.contentType) == "application/json")
        #expect(text(request.body) == "{\"a\"")
        #expect(request.caller === caller && request.auth === auth)
        #expect(request.credential?.reveal() == Array("k".utf8))
        #expect(
            request.clientAddress
                == PeerAddress(
                    high: 0, low: 0xFFFF_7F00_0001, port: request.clientAddress.port, isUnix: false))
        #expect(text(request.requestID) == "r-1")
        worker.answer(question, reply("{\"ok\":true}", status: 201, lines: "X-A: b\r\n"))
        let answer = try client.readMessage()
        #expect(answer.status == 201 && answer.startLine == "HTTP/1.1 201 Created")
        #expect(answer.body == "{\"ok\":true}")
        #expect(answer["content-type"] == "application/json" && answer["x-a"] == "b")
        #expect(answer["x-request-id"] == "r-1")
        let record = try worker.record()
        #expect(record.status == 201 && record.record.requestBodyBytes == 4 && record[.caller] == "alice")
        #expect(record.outcome == .complete && record.fault == .none)
    }

    @Test func `an open action knows what was sent all the same`() throws {
        let worker = try acting(.exact(Array("/validate".utf8)), auth: [.open(ignoresCredentials: true)])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET /validate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer z\r\n\r\n")
        let question = try worker.question()
        let request = try #require(question.action)
        #expect(request.caller == nil && request.credential?.reveal() == Array("z".utf8))
        #expect(
            request.pathRest == [] && request.query == [] && request.contentType == [] && request.body == [])
        worker.answer(question, .reply(ActionReply(status: 429, body: [], code: "rate_limit_exceeded")))
        #expect(try client.readMessage().status == 429)
        let record = try worker.record()
        #expect(record[.errorCode] == "rate_limit_exceeded" && record.fault == .client)
    }

    @Test func `a chunked body is taken apart, however it comes, and the next request stays whole`() throws {
        let worker = try acting()
        defer { worker.stop() }
        let chunked =
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
        let next = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz"
        for isSlow in [false, true] {
            let client = try worker.connect()
            if isSlow { try client.sendSlowly(chunked + next) } else { try client.send(chunked + next) }
            for body in ["abcde", "xyz"] {
                let question = try worker.question()
                #expect(question.action.map { text($0.body) } == body)
                worker.answer(question, reply(body))
                #expect(try client.readMessage().body == body)
            }
        }
    }

    @Test func `who waits to be told to go on is told so`() throws {
        let worker = try acting()
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try client.readText(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("hi")
        let question = try worker.question()
        #expect(question.action.map { text($0.body) } == "hi")
        worker.answer(question, reply())
        #expect(try client.readMessage().status == 200)
    }

    @Test func `a body over the bound is refused before it is read, or where it goes over`() throws {
        let worker = try acting(errors: .detail)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n")
        let declared = try client.readMessage()
        #expect(declared.status == 413 && declared.body.contains("65536"))
        try client.send(String(repeating: "x", count: 65537))
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<5 { try client.send("4000\r\n" + String(repeating: "x", count: 0x4000) + "\r\n") }
        try client.send("0\r\n\r\n")
        let found = try client.readMessage()
        #expect(found.status == 413)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n")
        try client.send(String(repeating: "y", count: 65536))
        let question = try worker.question()
        #expect(question.action?.body.count == 65536)
        worker.answer(question, reply())
        #expect(try client.readMessage().status == 200)
    }

    @Test func `a broken or stalled body is the client's mistake`() throws {
        let worker = try acting { $0.body = 30 * millisecond }
        defer { worker.stop() }
        let broken = try worker.connect()
        try broken.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
        #expect(try broken.readMessage().code == "malformed_body")
        let stalled = try worker.connect()
        try stalled.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
        #expect(try stalled.readMessage().status == 408)
        let gone = try worker.connect()
        try gone.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
        gone.close()
        #expect(try worker.records(3).last?.outcome == .clientGone)
        #expect(worker.handle.desk.count == 0)
    }

    @Test func `who may not come in is told so before the body is read`() throws {
        let worker = try acting(auth: [.keys([])])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        #expect(try client.readMessage().status == 401)
        #expect(worker.handle.desk.count == 0)
    }

    @Test func `an action after a token asks twice`() throws {
        let token = "YQ.YQ.YQ"
        let worker = try acting(auth: [.jwt()])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\nContent-Length: 4\r\n\r\nab")
        let first = try worker.question()
        #expect(first.credential != nil)
        try client.send("cd")
        worker.answer(first, .accepted(.test(token, label: "bob")))
        let second = try worker.question()
        #expect(second.action.map { text($0.body) } == "abcd")
        #expect(second.action?.auth?.name == "staff")
        worker.answer(second, reply("done"))
        #expect(try client.readMessage().body == "done")
        #expect(try worker.record()[.caller] == "bob")
    }

    @Test func `HEAD gets no body, and CORS holds for actions too`() throws {
        let cors = CORSPolicy(
            origins: nil, allowsCredentials: false, methods: [], headers: [], exposed: [], maxAge: [])
        let worker = try acting(cors: cors)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("HEAD / HTTP/1.1\r\nHost: a\r\nOrigin: https://x\r\n\r\n")
        worker.answer(try worker.question(), reply("12345", lines: "content-TYPE: text/plain\r\n"))
        let answer = try client.readHead()
        #expect(answer["content-length"] == "5" && answer.values("content-type") == ["text/plain"])
        #expect(answer["access-control-allow-origin"] == "*")
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        worker.answer(try worker.question(), reply("x"))
        #expect(try client.readMessage()["connection"] == "close")
    }

    @Test func `a client that leaves before its answer is noticed`() throws {
        let worker = try acting()
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let question = try worker.question()
        client.reset()
        #expect(try worker.record().outcome == .clientGone)
        worker.answer(question, reply())
    }
}
