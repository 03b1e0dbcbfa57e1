import Testing

@testable import Proxy

private let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"

@Suite struct QuestionsTests {
    private func get(_ path: String = "/", _ fields: String = "Authorization: Bearer \(token)\r\n") -> String
    {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    private func holding(
        _ auth: [AuthPlan], errors: ErrorShape = .openai,
        _ change: (inout GenerationSketch) -> Void = { _ in }
    ) throws -> WorkerUnderTest {
        try WorkerUnderTest(
            .responding {
                $0.routes = [.ok(auth: auth, errors: errors)]
                change(&$0)
            })
    }

    @Test func `a request with a new token waits whole, and goes on when control has accepted it`() throws {
        let auth = AuthPlan.jwt()
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.test(auth: [auth])] }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\nContent-Length: 10\r\n\r\n01234"
        )
        let question = try worker.question()
        let credential = try #require(question.credential)
        #expect(credential.reveal() == Array(token.utf8))
        #expect(credential.digest == KeyDigest.test(token))
        guard case .jwt(let answerer) = auth.mode else { throw Unexpected("not a jwt entry") }
        #expect(question.answerer === answerer)
        try client.send("56789" + get("/next"))
        #expect(client.isQuiet(milliseconds: 20))
        worker.answer(question, .accepted(.test(token, label: "alice")))
        let endpoint = try upstream.accept()
        let request = try endpoint.readMessage()
        #expect(request.target == "/x" && request.body == "0123456789")
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(try client.readMessage().status == 200)
        // The request behind it is asked about by itself.
        worker.answer(try worker.question(), .refused(.tokenExpired))
        #expect(try client.readMessage().status == 401)
        let records = try worker.records(2)
        #expect(records[0][.caller] == "alice" && records[0][.auth] == "staff")
        #expect(records[1][.caller] == "" && records[1][.auth] == "")
    }

    @Test func `a verified token is known until it expires, and then asked about again`() throws {
        let auth = AuthPlan.jwt()
        auth.callers.put(.test(token))
        let worker = try holding([auth])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        #expect(try client.readMessage().status == 200)
        #expect(worker.handle.desk.count == 0)
        auth.callers.put(.test(token, notAfter: 1))
        try client.send(get())
        worker.answer(try worker.question(), .refused(.tokenExpired))
        #expect(try client.readMessage().status == 401)
    }

    @Test func `what control refuses has the shape and the status of the route`() throws {
        let worker = try holding([.keys([]), .jwt(rejectStatus: 403)], errors: .detail)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        worker.answer(try worker.question(), .refused(.tokenInvalid))
        let refused = try client.readMessage()
        #expect(refused.status == 403)
        #expect(refused.body == "{\"detail\":\"Invalid or expired token\"}\n")
        try client.send(get())
        worker.answer(try worker.question(), .refused(.authBackendUnavailable))
        let unavailable = try client.readMessage()
        #expect(unavailable.status == 503 && unavailable["retry-after"] == "1")
        // What is no token is not asked about.
        try client.send(get("/", "Authorization: Bearer a.b\r\n"))
        #expect(try client.readMessage().body == "{\"detail\":\"Invalid API key provided\"}\n")
        #expect(worker.handle.desk.count == 0)
    }

    @Test func `a client that leaves while control is asked is noticed, and the late answer is nobody's`()
        throws
    {
        let worker = try holding([.jwt()])
        defer { worker.stop() }
        let first = try worker.connect()
        try first.send(get())
        let question = try worker.question()
        first.close()
        let record = try worker.record()
        #expect(record.outcome == .clientGone && record.fault == .client && record.status == 0)
        let second = try worker.connect()
        try second.send(get())
        let next = try worker.question()
        #expect(next.ticket != question.ticket)
        worker.answer(question, .accepted(.test(token)))
        worker.handle.mailbox.post(
            .answered(Ticket(worker: 9, number: next.ticket.number), .accepted(.test(token))))
        #expect(second.isQuiet(milliseconds: 20))
        worker.answer(next, .refused(.tokenInvalid))
        worker.answer(next, .accepted(.test(token)))
        #expect(try second.readMessage().status == 401)
        #expect(second.isQuiet(milliseconds: 20))
    }

    @Test func `a question that control does not answer in time is answered 503`() throws {
        let worker = try holding([.jwt()]) { $0.answerLimit = 30 * millisecond }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        let question = try worker.question()
        let answer = try client.readMessage()
        #expect(answer.status == 503 && answer.code == "auth_backend_unavailable")
        worker.answer(question, .accepted(.test(token)))
        try client.send(get())
        worker.answer(try worker.question(), .accepted(.test(token)))
        #expect(try client.readMessage().status == 200)
    }

    @Test func `where too many questions wait, the next is answered 503 at once`() throws {
        let worker = try holding([.jwt()])
        defer { worker.stop() }
        let desk = worker.handle.desk
        let filler = Question(
            ticket: Ticket(worker: 9, number: 1), answerer: Answerer(),
            subject: .credential(PresentedCredential(.init(start: nil, count: 0), digest: .test(""))))
        while desk.ask(filler) {}
        #expect(desk.count == Desk.waitingMax)
        let client = try worker.connect()
        try client.send(get())
        let answer = try client.readMessage()
        #expect(answer.status == 503 && answer.code == "server_is_overloaded")
        #expect(answer["retry-after"] == "1")
        while desk.count > 0 { _ = desk.take() }
        try client.send(get())
        worker.answer(try worker.question(), .accepted(.test(token)))
        #expect(try client.readMessage().status == 200)
    }

    @Test func `hundreds of answers at once all arrive`() throws {
        let worker = try holding([.jwt()])
        defer { worker.stop() }
        let clients = try (0..<100).map { _ in try worker.connect() }
        for client in clients { try client.send(get()) }
        #expect(eventually { worker.handle.desk.count == 100 })
        while worker.handle.desk.count > 0 {
            for question in worker.handle.desk.take() { worker.answer(question, .accepted(.test(token))) }
        }
        for client in clients { #expect(try client.readMessage().status == 200) }
    }

    @Test func `what waits for control when draining ends is answered`() throws {
        let worker = try holding([.jwt()])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        _ = try worker.question()
        worker.drain(for: 20 * millisecond)
        let answer = try client.readMessage()
        #expect(answer.status == 503 && answer.code == "draining")
    }

    // MARK: Revocation

    @Test func `running exchanges of a revoked caller end where the entry says so`() throws {
        let (cut, kept) = (Caller.test("k1"), Caller.test("k2"))
        let (path1, path2) = (Array("/a".utf8), Array("/b".utf8))
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [
                .test(.subtree(path1), auth: [.keys([cut, kept], rejectStatus: 403, cuts: true)]),
                .test(.subtree(path2), auth: [.keys([cut])]),
            ]
        }
        defer { worker.stop() }
        var pairs: [(client: TestConnection, endpoint: TestConnection)] = []
        for (path, key) in [("/a", "k1"), ("/a", "k1"), ("/a", "k2"), ("/b", "k1")] {
            let client = try worker.connect()
            try client.send(get(path, "x-api-key: \(key)\r\n"))
            pairs.append((client, try upstream.accept()))
            _ = try pairs.last!.endpoint.readMessage()
        }
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
        for pair in pairs.dropFirst() {
            try pair.endpoint.send(head)
            _ = try pair.client.readText(through: "hi\r\n")
        }
        cut.become(.revoked)
        worker.handle.mailbox.post(.cutRevoked)
        // Nothing had been answered: the answer is ours.
        let refused = try pairs[0].client.readMessage()
        #expect(refused.status == 403 && refused.code == "invalid_api_key")
        // A stream ends without its last chunk.
        #expect(try pairs[1].client.readToEnd().text == "")
        #expect(try pairs[0].endpoint.readToEnd().text == "")
        #expect(try pairs[1].endpoint.readToEnd().text == "")
        for pair in pairs[2...] {
            try pair.endpoint.send("2\r\nho\r\n0\r\n\r\n")
            #expect(try pair.client.readText(through: "0\r\n\r\n") == "2\r\nho\r\n0\r\n\r\n")
        }
        let records = try worker.records(4)
        #expect(records[0].status == 403 && records[0].outcome == .complete)
        #expect(records[1].status == 200 && records[1].outcome == .cut)
        #expect(records[1][.caller] == "web app")
    }

    @Test func `a caller who is revoked while control is asked does not come in`() throws {
        let worker = try holding([.jwt()])
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get())
        worker.answer(try worker.question(), .accepted(.test(token, state: .disabled)))
        #expect(try client.readMessage().status == 401)
    }
}
