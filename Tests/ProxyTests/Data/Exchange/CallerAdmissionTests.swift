import Testing

@testable import Proxy

@Suite struct CallerAdmissionTests {
    private func get(_ fields: String = "") -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    @Test(arguments: [
        "Authorization: Bearer sk-1", "authorization: bEARER   sk-1", "x-api-key: sk-1", "API-Key: sk-1",
        "Authorization: Bearer sk-1\r\nx-api-key: sk-1",
    ])
    func `a known key comes in, however it is sent, and is what the record names`(field: String) throws {
        let caller = Caller.test("sk-1")
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) { $0.routes = [.test(auth: [.keys([caller])])] }
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get(field + "\r\n"))
        let endpoint = try upstream.accept()
        let request = try endpoint.readMessage()
        #expect(request.fields.allSatisfy { !$0.value.contains("sk-1") })
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(try client.readMessage().status == 200)
        let record = try worker.record()
        #expect(record[.auth] == "apps")
        #expect(record[.caller] == "web app")
        let uses = caller.takeUses()
        #expect(uses.count == 1 && uses.last == record.record.startedAt)
        #expect(caller.takeUses().count == 0)
    }

    @Test func `everybody else is told so, and the connection goes on`() throws {
        let known = [
            Caller.test("sk-1"), .test("sk-off", state: .revoked), .test("sk-user", state: .disabled),
            .test("sk-old", notAfter: 1),
        ]
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [.keys(known)])] })
        defer { worker.stop() }
        let client = try worker.connect()
        for (fields, part) in [
            ("", "none was sent"), ("Authorization: Bearer sk-2\r\n", "not known"),
            ("Authorization: Bearer\r\n", "not known"), ("Authorization: Basic sk-1\r\n", "not known"),
            ("Authorization: sk-1\r\n", "not known"), ("x-api-key:\r\n", "none was sent"),
            ("x-api-key: sk-off\r\n", "revoked"), ("x-api-key: sk-user\r\n", "disabled"),
            ("x-api-key: sk-old\r\n", "expired"),
        ] {
            try client.send(get(fields))
            let answer = try client.readMessage()
            #expect(answer.status == 401, "\(fields)")
            #expect(answer["www-authenticate"] == "Bearer")
            #expect(answer.code == "invalid_api_key")
            #expect(answer.body.contains("\"message\":\"Invalid API key provided"), "\(fields)")
            #expect(answer.body.contains(part), "\(fields): \(answer.body)")
            #expect(answer.body.contains("\"type\":\"authentication_error\""))
        }
        try client.send(get("x-api-key: sk-1\r\nAuthorization: Bearer sk-2\r\n"))
        let conflict = try client.readMessage()
        #expect(conflict.status == 401 && conflict.code == "conflicting_credentials")
        try client.send(get("x-api-key: sk-1\r\n"))
        #expect(try client.readMessage().body == "ok")
        let records = try worker.records(11)
        #expect(records.allSatisfy { !$0.texts.joined().contains("sk-") })
        #expect(records[1][.caller] == "" && records[1][.auth] == "")
        #expect(records[1][.errorCode] == "invalid_api_key")
    }

    @Test func `a raw credential comes in where the entry takes them`() throws {
        let auth = AuthPlan.keys([.test("ws_1")], schemes: [.bearer, .raw])
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [auth])] })
        defer { worker.stop() }
        let client = try worker.connect()
        for field in ["Authorization: ws_1", "Authorization: Bearer ws_1", "api-key: ws_1"] {
            try client.send(get(field + "\r\n"))
            #expect(try client.readMessage().status == 200)
        }
    }

    @Test func `a wrong key is refused with the status of the entry, a missing one with 401`() throws {
        let auth = AuthPlan.keys([.test("k")], rejectStatus: 403)
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [auth])] })
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get("x-api-key: wrong\r\n"))
        let wrong = try client.readMessage()
        #expect(wrong.status == 403)
        #expect(wrong["www-authenticate"] == nil)
        try client.send(get())
        #expect(try client.readMessage().status == 401)
    }

    @Test func `a revocation is there for the next request`() throws {
        let caller = Caller.test("k")
        let auth = AuthPlan.keys([caller])
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [auth])] })
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get("x-api-key: k\r\n"))
        #expect(try client.readMessage().status == 200)
        caller.become(.revoked)
        try client.send(get("x-api-key: k\r\n"))
        #expect(try client.readMessage().status == 401)
        caller.become(.active)
        try client.send(get("x-api-key: k\r\n"))
        #expect(try client.readMessage().status == 200)
        auth.callers.remove(caller.digest)
        try client.send(get("x-api-key: k\r\n"))
        #expect(try client.readMessage().status == 401)
    }

    @Test func `while a source is in doubt, unknown keys are to try again and known ones go on`() throws {
        let auth = AuthPlan.keys([.test("k")])
        auth.callers.maxStale.store(0, ordering: .relaxed)
        auth.callers.inDoubtSince.store(1, ordering: .relaxed)
        let worker = try WorkerUnderTest(.responding { $0.routes = [.ok(auth: [auth])] })
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(get("x-api-key: k\r\n"))
        #expect(try client.readMessage().status == 200)
        try client.send(get("x-api-key: unknown\r\n"))
        let unknown = try client.readMessage()
        #expect(unknown.status == 503 && unknown.code == "auth_backend_unavailable")
        #expect(unknown["retry-after"] == "1")
        try client.send(get())
        #expect(try client.readMessage().status == 401)
    }
}
