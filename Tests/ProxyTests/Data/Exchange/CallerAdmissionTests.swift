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
        for fields in [
            "", "Authorization: Bearer sk-2\r\n", "Authorization: Bearer\r\n",
            "Authorization: Basic sk-1\r\n", "Authorization: sk-1\r\n", "x-api-key:\r\n",
            "x-api-key: sk-off\r\n", "x-api-key: sk-user\r\n", "x-api-key: sk-old\r\n",
        ] {
            try client.send(get(fields))
            let answer = try client.readMessage()
            #expect(answer.status == 401, "\(fields)")
            #expect(answer["www-authenticate"] == "Bearer")
            #expect(answer.code == "invalid_api_key")
            #expect(answer.body.contains("\"message\":\"Invalid API key provided\","), "\(fields)")
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

    @Test func `what does not begin as any key does is told so where the shape has words for it`() throws {
        func auth(_ prefixes: [String]) -> AuthPlan {
            let plan = AuthPlan(
                name: "members", mode: .keys, callers: CallerIndex(),
                keyPrefixes: prefixes.map { Array($0.utf8) })
            plan.callers.put(.test("old-1"))
            return plan
        }
        let worker = try WorkerUnderTest(
            .responding {
                $0.routes = [
                    .ok(.exact(Array("/two".utf8)), auth: [auth(["ws_"]), auth([])], errors: .webscout),
                    .ok(auth: [auth(["ws_"]), auth(["hg_", "hgs_"])], errors: .webscout),
                ]
            })
        defer { worker.stop() }
        let client = try worker.connect()
        for (path, key, title) in [
            ("/", "ws_1", "API key not found"), ("/", "hgs_1", "API key not found"),
            ("/", "ws", "Invalid API key format"), ("/", "sk-1", "Invalid API key format"),
            ("/two", "sk-1", "API key not found"),
        ] {
            try client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nx-api-key: \(key)\r\n\r\n")
            let answer = try client.readMessage()
            #expect(answer.status == 401)
            #expect(answer.body.hasPrefix("{\"error\":\"\(title)\","), "\(path) \(key)")
        }
        try client.send(get("x-api-key: old-1\r\n"))
        #expect(try client.readMessage().status == 200)
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

    // MARK: The client itself

    @Test func `behind trusted proxies the client is the last whom they do not know`() throws {
        let worker = try WorkerUnderTest(
            .responding {
                $0.trustedProxies = [
                    AddressRange(high: 0, low: 0xFFFF_7F00_0000, prefixLength: 104),
                    AddressRange(high: 0, low: 0xFFFF_0A00_0000, prefixLength: 104),
                ]
                $0.routes = [.ok(auth: [.open()], limits: [.test(.ip, perMinute: 1)])]
            })
        defer { worker.stop() }
        let client = try worker.connect()
        for (fields, status, low) in [
            ("X-Forwarded-For: 1.2.3.4\r\n", 200, UInt64(0xFFFF_0102_0304)),
            ("X-Forwarded-For: 9.9.9.9, 1.2.3.4, 10.1.1.1\r\n", 429, 0xFFFF_0102_0304),
            ("X-Forwarded-For: 9.9.9.9, 5.6.7.8\r\nX-Forwarded-For: 10.0.0.1\r\n", 200, 0xFFFF_0506_0708),
            ("X-Forwarded-For: 10.2.2.2\r\nX-Real-IP: 8.8.8.8\r\n", 200, 0xFFFF_0A02_0202),
            ("X-Real-IP: 9.9.9.9\r\nX-Real-IP: 8.8.4.4\r\n", 200, 0xFFFF_0808_0404),
            ("X-Real-IP: 8.8.4.4\r\n", 429, 0xFFFF_0808_0404),
            ("X-Forwarded-For: 10.3.3.3\r\n", 200, 0xFFFF_0A03_0303),
            ("X-Forwarded-For: 7.7.7.7, unknown\r\n", 200, 0xFFFF_7F00_0001),
            ("", 429, 0xFFFF_7F00_0001),
        ] {
            try client.send(get(fields))
            #expect(try client.readMessage().status == status, "\(fields)")
            #expect(try worker.record().record.peer.low == low, "\(fields)")
        }
    }

    @Test func `whom nobody trusts may say what they want`() throws {
        let worker = try WorkerUnderTest(
            .responding { $0.routes = [.ok(auth: [.open()], limits: [.test(.ip, perMinute: 1)])] })
        defer { worker.stop() }
        let client = try worker.connect()
        for (fields, status) in [("X-Forwarded-For: 1.2.3.4\r\n", 200), ("X-Real-IP: 1.2.3.5\r\n", 429)] {
            try client.send(get(fields))
            #expect(try client.readMessage().status == status)
        }
    }
}
