import Testing

@testable import CLI

/// Users of `examples/userkeys.yaml`: how they come to be, log in and are known.
@Suite(.scenario) struct UserKeysAccounts {
    /// S3-10, S3-12…20, S3-22: one after another, as a user types them.
    @Test func `the commands of the documentation`() throws {
        let scene = try UserKeys()
        let example = scene.example
        let made = try example.curl(
            """
            curl -X POST "http://localhost:8000/register" \\
              -H "Content-Type: application/json" \\
              -d '{"username": "testuser", "email": "test@example.com", "password": "testpassword"}'
            """)
        #expect(made.status == 201)
        #expect(try made.json()["username"] == "testuser" && made.json()["email"] == "test@example.com")
        #expect(!made.text.contains("password"))
        let login = try example.curl(
            """
            curl -X POST "http://localhost:8000/login" \\
              -H "Content-Type: application/x-www-form-urlencoded" \\
              -d "username=testuser&password=testpassword"
            """)
        #expect(login.status == 200)
        #expect(try login.json()["token_type"] == "bearer")
        let bearer = "Authorization: Bearer \(try login.json().text("access_token"))"
        let me = try example.curl(#"curl "http://localhost:8000/me" -H "\#(bearer)""#)
        #expect(me.status == 200)
        #expect(try me.json()["username"] == "testuser" && me.json()["id"]?.integerValue == 1)
        #expect(!me.text.contains("$2") && !me.text.contains("hash"))
        let key = Fresh.text(40, prefix: "sk-")
        let set = try example.curl(
            """
            curl -X POST "http://localhost:8000/set_api_key" \\
              -H "\(bearer)" \\
              -H "Content-Type: application/json" \\
              -d '{"model_name": "openai/gpt-4", "api_key": "\(key)"}'
            """)
        #expect(set.status == 200 && !set.text.contains(key))
        guard case .object(let members) = try set.json() else { throw Trouble("no object") }
        #expect(members.map(\.name) == ["id", "model_name", "created_at"])
        let list = try example.curl(#"curl "http://localhost:8000/api_keys" -H "\#(bearer)""#)
        #expect(list.status == 200)
        #expect(try list.json().arrayValue == [set.json()])
        let protected = try example.curl(#"curl "http://localhost:8000/protected" -H "\#(bearer)""#)
        #expect(try protected.json()["msg"] == "Hello, testuser! This is protected.")
        let gone = try example.curl(
            #"curl -X DELETE "http://localhost:8000/api_keys/openai%2Fgpt-4" -H "\#(bearer)""#)
        #expect(gone.status == 200)
        #expect(try gone.json()["msg"] == "API key for model 'openai/gpt-4' deleted successfully")
        let again = try example.curl(
            #"curl -X DELETE "http://localhost:8000/api_keys/openai%2Fgpt-4" -H "\#(bearer)""#)
        #expect(again.status == 404)
    }

    /// S3-13, S3-15, S3-20, C3, C4, C30: refusals in the shape of their framework, without a credential 401.
    @Test func `what is refused, and how`() throws {
        let scene = try UserKeys()
        _ = try scene.register("ann")
        let twice = try scene.example.post("/register", #"{"username":"ann","password":"x"}"#)
        #expect(twice.status == 400)
        #expect(try twice.json()["detail"] == "Username already registered")
        for (name, password) in [("ann", "wrong"), ("nobody", "test123")] {
            let answer = try scene.logIn(name, password: password)
            #expect(answer.status == 401 && answer["www-authenticate"] == "Bearer")
            #expect(try answer.json()["detail"] == "Incorrect username or password")
        }
        for path in ["/me", "/protected", "/api_keys", "/v1/models"] {
            let answer = try scene.example.get(path)
            #expect(answer.status == 401 && answer["www-authenticate"] == "Bearer")
            #expect(answer.text == "{\"detail\":\"Not authenticated\"}\n", "\(path)")
        }
        let short = try scene.example.post("/register", #"{"username":"ben"}"#)
        #expect(short.status == 422)
        #expect(try scene.example.post("/login", "{}").status == 422)
    }

    /// C48: the word before the token is needed here, and read without case.
    @Test func `a bare token is not taken`() throws {
        let scene = try UserKeys()
        let token = try scene.register("ann")
        for (field, status) in [
            ("Bearer \(token)", 200), ("bearer \(token)", 200), (token, 401), ("Basic \(token)", 401),
        ] {
            let answer = try scene.example.exchange("GET", "/me", fields: ["Authorization: \(field)"])
            #expect(answer.status == status, "\(field.prefix(8))")
        }
    }

    /// S3-11, S3-24: the name is in the token, and the settings say how long it is good.
    @Test func `a token holds the username and lasts as the variable says`() throws {
        let scene = try UserKeys(["ACCESS_TOKEN_EXPIRE_MINUTES=5"])
        let token = try scene.register("ann")
        let printed = try scene.example.python(
            """
            import base64, json, time
            head, body, _ = "\(token)".split(".")
            read = lambda part: json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            print(read(head)["alg"], read(body)["sub"], 290 < read(body)["exp"] - time.time() <= 300)
            """)
        #expect(printed == "HS256 ann True\n")
        #expect(scene.example.folder.exists("jwt.secret"))
        let mode = try scene.example.sh("stat -c %a jwt.secret master.key app.db").output
        #expect(mode == "600\n600\n600\n")
    }

    /// S3-06: neither a login nor the token from before.
    @Test func `an inactive user is out at once`() throws {
        let scene = try UserKeys()
        let token = try scene.register("ann")
        #expect(try scene.example.get("/me", bearer: token).status == 200)
        _ = try scene.sqlite3("UPDATE users SET is_active = 0 WHERE username = 'ann'")
        try waitUntil("the token to be refused", within: 5) {
            try scene.example.get("/me", bearer: token).status == 401
        }
        #expect(try scene.logIn("ann").status == 401)
        _ = try scene.sqlite3("UPDATE users SET is_active = 1 WHERE username = 'ann'")
        try waitUntil("the token to be taken", within: 5) {
            try scene.example.get("/me", bearer: token).status == 200
        }
    }

    /// S3-08, S3-09, C47: only by the flag, and the start warns until it is changed.
    @Test func `the admin whom everybody knows is made by the flag, and warned about`() throws {
        let scene = try UserKeys { example in
            let made = try example.headgate(["db", "init", "--default-admin"])
            #expect(made.code == 0 && made.output.contains("admin123"), "\(made)")
            #expect(try example.headgate(["db", "init", "--default-admin"]).code == 0, "again is harmless")
        }
        let example = scene.example
        let token = try scene.token("admin", password: "admin123")
        #expect(try example.get("/me", bearer: token).status == 200)
        let warning = "user `admin` has the default password"
        try waitUntil("the warning", within: 10) { example.log.contains(warning) }
        _ = try example.succeed("user", "passwd", "admin", "--password-stdin", input: "another-one\n")
        #expect(try scene.logIn("admin", password: "admin123").status == 401)
        #expect(try scene.logIn("admin", password: "another-one").status == 200)
        try example.restart()
        #expect(try scene.logIn("admin", password: "another-one").status == 200)
        #expect(!example.log.contains(warning))
        let random = try UserKeys { example in
            let made = try example.headgate(["db", "init"])
            #expect(made.output.contains(/made the user admin with the password \w{20}\n/), "\(made.output)")
        }
        #expect(try random.logIn("admin", password: "admin123").status == 401)
    }

    /// S3-26, S3-08: nobody comes over from before, and without the flag there is no default password.
    @Test func `a new database is empty`() throws {
        let scene = try UserKeys()
        #expect(try scene.sqlite3("SELECT count(*) FROM users") == "0\n")
        #expect(try scene.logIn("admin", password: "admin123").status == 401)
    }

    /// S3-25, S3-08
    @Test func `without a database it does not start, and says what makes one`() throws {
        let example = try Example("userkeys", starts: false)
        let run = try example.sh("timeout 20 headgate run -c \(example.file) --admin admin.sock")
        #expect(
            run.code == 1 && run.errors.contains("app.db: no such file; `headgate db init` makes it"),
            "\(run)")
        #expect(!example.folder.exists("app.db") && !example.folder.exists("master.key"))
    }

    /// S3-11
    @Test func `check is silent`() throws {
        let scene = try UserKeys()
        let check = try scene.example.sh("headgate check \(scene.example.file)")
        #expect(check.code == 0 && check.errors.isEmpty, "\(check.errors)")
        let fresh = try Example("userkeys", starts: false)
        let before = try fresh.sh("headgate check \(fresh.file)")
        #expect(before.code == 0 && !fresh.folder.exists("app.db"))
        #expect(
            before.errors.contains("`headgate db init` makes it") && before.errors.hasSuffix("\n1 warning\n"))
    }
}
