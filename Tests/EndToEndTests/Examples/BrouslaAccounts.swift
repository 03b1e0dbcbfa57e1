import Testing

@testable import CLI

/// Who comes in and who does not, through `examples/brousla.yaml`.
@Suite(.scenario) struct BrouslaAccounts {
    /// S2-13, S2-14, S2-16, C2 (400 here), C30 (`detail`: 422).
    @Test func `what is wrong with a registration or a login is told as there`() throws {
        let scene = try BrouslaScene()
        _ = try scene.register()
        let again = try scene.example.post(
            "/auth/register", #"{"email":"user@example.com","password":"another"}"#)
        #expect(again.status == 400 && again.line == #"{"detail":"Email already registered"}"#)
        for body in [
            #"{"email":"no address","password":"test123"}"#, #"{"email":"a@example.com"}"#,
            #"{"password":"test123"}"#, "[]", "{",
        ] {
            let answer = try scene.example.post("/auth/register", body)
            #expect(answer.status == 422, "\(body): \(answer.text)")
            #expect(try answer.json()["detail"] != nil, "\(body): \(answer.text)")
        }
        for (email, password) in [("user@example.com", "wrong"), ("nobody@example.com", "securepassword123")]
        {
            let refused = try scene.logIn(email, password: password)
            #expect(refused.status == 401 && refused["www-authenticate"] == "Bearer")
            #expect(refused.line == #"{"detail":"Incorrect email or password"}"#)
        }
    }

    /// S2-19, S2-21, S2-28, C3 (`detail`), C4: nothing goes upstream without a good token.
    @Test func `a token is this server's, of today and signed by HS256`() throws {
        let scene = try BrouslaScene()
        let token = try scene.register()
        let id = try scene.claims(token).text("sub")
        let secret = "\"\(BrouslaScene.secret)\""
        let good = try scene.forge(#"{"sub": "\#(id)", "exp": now + 60}, \#(secret), "HS256""#)
        #expect(try scene.chat(good).status == 200, "the scene forges well")
        for call in [
            #"{"sub": "\#(id)", "exp": now - 60}, \#(secret), "HS256""#,
            #"{"sub": "\#(id)", "exp": now + 60}, "another-secret-of-more-than-32-characters", "HS256""#,
            #"{"sub": "\#(id)", "exp": now + 60}, \#(secret) * 2, "HS512""#,
            #"{"sub": "\#(id)", "exp": now + 60}, None, "none""#,
            #"{"sub": "nobody", "exp": now + 60}, \#(secret), "HS256""#,
            #"{"sub": "\#(id)"}, \#(secret), "HS256""#,
        ] {
            let answer = try scene.chat(scene.forge(call))
            #expect(answer.status == 401 && answer["www-authenticate"] == "Bearer", "\(call)")
            #expect(answer.line == #"{"detail":"Invalid or expired token"}"#, "\(call)")
        }
        for path in ["/api/chat", "/api/anything/else"] {
            let answer = try scene.example.post(path, "{}")
            #expect(answer.status == 401 && answer.line == #"{"detail":"Not authenticated"}"#, "\(path)")
        }
        #expect(try scene.example.post("/api/anything", "{}", bearer: token).status == 404)
        #expect(scene.example.upstream.requests.count == 1)
    }

    /// S2-19: a token outlives nobody.
    @Test func `the token of a user who is deleted is refused`() throws {
        let scene = try BrouslaScene()
        let token = try scene.register()
        #expect(try scene.example.get("/auth/me", bearer: token).status == 200)
        _ = try scene.example.succeed("user", "delete", "user@example.com")
        // Why both: each worker is told by itself.
        try waitUntil("the token to be refused") {
            try scene.example.get("/auth/me", bearer: token).status == 401
                && scene.chat(token).status == 401
        }
        #expect(try scene.chat(token).line == #"{"detail":"Invalid or expired token"}"#)
    }

    /// S2-05, S2-27, S2-38, C30.
    @Test func `what is no chat is a 422, and goes nowhere`() throws {
        let scene = try BrouslaScene()
        let token = try scene.register()
        for body in [
            #"{"messages":[{"role":"tool","content":"x"}]}"#, #"{"messages":"x"}"#, "{}", "{",
            #"{"messages":[{"role":"user","content":"x"}],"temperature":2.1}"#,
        ] {
            let answer = try scene.example.post("/api/chat", body, bearer: token)
            #expect(answer.status == 422, "\(body): \(answer.text)")
            #expect(try answer.json()["detail"] != nil, "\(body)")
        }
        #expect(scene.example.upstream.requests.isEmpty)
    }

    /// S2-29, S2-30, C9 (by user), C10.
    @Test func `each user has a limit of their own`() throws {
        let scene = try BrouslaScene("RATE_LIMIT_REQUESTS_PER_MINUTE=2")
        let (first, second) = (try scene.register("a@example.com"), try scene.register("b@example.com"))
        for _ in 0..<2 { #expect(try scene.chat(first).status == 200) }
        for token in [first, try scene.logIn("a@example.com").json().text("access_token")] {
            let refused = try scene.chat(token)
            #expect(refused.status == 429, "\(refused.text)")
            #expect(refused.line == #"{"detail":"Rate limit exceeded. Please try again later."}"#)
            #expect(Int(refused["retry-after"] ?? "") ?? 0 >= 1)
        }
        for _ in 0..<2 { #expect(try scene.chat(second).status == 200) }
        #expect(scene.example.upstream.requests.count == 4)
    }

    /// S2-31, S2-32: of the upstream's trouble the client is told that it is there.
    @Test func `an upstream's error is told, and nothing that is not for clients`() throws {
        let upstream = try OpenAIOrigin.start { request in
            OpenAIOrigin.failure(
                request.text.contains("key") ? 401 : 500, "wrong key \(BrouslaScene.key)", "trace: main.py")
        }
        let scene = try BrouslaScene(upstream: upstream)
        let token = try scene.register()
        for content in ["about the key", "about something else"] {
            let answer = try scene.chat(token, content: content)
            #expect(answer.status >= 500, "\(answer.status)")
            #expect(try answer.json()["detail"]?.stringValue != nil)
            #expect(!answer.text.contains("main.py"))
            #expect(!answer.text.contains(BrouslaScene.key), "\(answer.text)")
        }
        #expect(!scene.example.log.contains(BrouslaScene.key))
    }

    /// S2-36, C46: any origin, also the `null` of a desktop application, and no cookies.
    @Test func `a page of any origin may call it`() throws {
        let scene = try BrouslaScene()
        let token = try scene.register()
        for origin in ["null", "http://localhost:3000"] {
            let asked = try scene.example.exchange(
                "OPTIONS", "/api/chat",
                fields: [
                    "Origin: \(origin)", "Access-Control-Request-Method: POST",
                    "Access-Control-Request-Headers: authorization, content-type",
                ])
            #expect(asked.status < 300 && asked["access-control-allow-origin"] == "*")
            #expect(asked["access-control-allow-methods"]?.contains("POST") == true)
            #expect(asked["access-control-allow-headers"]?.lowercased().contains("authorization") == true)
            let answer = try scene.example.exchange(
                "GET", "/auth/me", fields: ["Origin: \(origin)", "Authorization: Bearer \(token)"])
            #expect(answer.status == 200 && answer["access-control-allow-origin"] == "*")
            #expect(answer["access-control-allow-credentials"] == nil)
        }
    }

    /// S2-37, S2-40: bcrypt, of the whole password, in a file that outlives the process.
    @Test func `passwords are hashed whole, and users are there after a restart`() throws {
        let scene = try BrouslaScene()
        let long = String(repeating: "0123456789", count: 8)
        _ = try scene.register(password: long + "a")
        #expect(try scene.logIn(password: long + "a").status == 200)
        #expect(try scene.logIn(password: long + "b").status == 401, "differs behind byte 72")
        #expect(try scene.logIn(password: String(long.prefix(72))).status == 401)
        let dump = try scene.example.sh("sqlite3 users.db .dump")
        #expect(dump.output.contains("'$2b$"), "\(dump.errors)")
        #expect(!dump.output.contains(long) && !scene.example.log.contains(long))
        try scene.example.restart()
        #expect(try scene.logIn(password: long + "a").status == 200)
    }
}
