import Testing

@testable import CLI

/// Where the five systems contradict each other, one gateway has all of it: the same actions, at other paths
/// with
/// other words.
@Suite(.scenario) struct Decisions {
    private static let config = """
        env_file: gate.env
        stores: { main: { sqlite: app.db, encryption_key: { env: MASTER_KEY }, password_cost: 4, user_ids: $IDS } }
        auth:
          open: { mode: none, ignore_credentials: true }
          ids: { mode: jwt, algorithms: [HS256], secret: { env: JWT_SECRET }, store: main, issuer: ids }
          names: { mode: jwt, algorithms: [HS256], secret: { env: JWT_SECRET }, store: main, subject: username,
                   issuer: names }
          members: { mode: user-keys, store: main }
        routes:
          - { path: /register, methods: POST, auth: open, errors: detail,
              action: { name: register, require: [username, password], optional: [email], response: user,
                        fields: [id, username] } }
          - { path: /auth/login, methods: POST, auth: open, errors: detail,
              action: { name: login, identity: email, issues: jwt, jwt: ids } }
          - { path: /login, methods: POST, auth: open, errors: detail,
              action: { name: login, identity: username, issues: jwt, jwt: names } }
          - { path: /api/login, methods: POST, auth: open,
              action: { name: login, identity: username, response: session } }
          - { path: /by-id, auth: ids, errors: detail, action: { name: me, fields: [id, username] } }
          - { path: /by-name, auth: names, errors: detail, action: { name: me, fields: [id, username] } }
          - { path: /by-session, auth: members, errors: detail, action: { name: me, fields: [id, username] } }
        """
    private static let json = "Content-Type: application/json"

    private func scene(ids: String) throws -> (scene: ActionsScene, user: CurlAnswer) {
        let scene = try ActionsScene(Self.config.replacing("$IDS", with: ids))
        let user = try scene.curl(
            "$URL/register", "-H", Self.json, "-d",
            #"{"username": "ann", "email": "ann@example.com", "password": "test123"}"#)
        return (scene, user)
    }

    /// C1: e-mail address or username, JSON or a form, at any path. C2: 201, and 409 if nothing else is said.
    @Test func `one action logs in by either name, from JSON and from a form`() throws {
        let (scene, user) = try scene(ids: "uuid")
        #expect(user.status == 201 && user.text("username") == "ann")
        #expect(user.json["access_token"] == nil, "`response: user`")
        let again = try scene.curl(
            "$URL/register", "-H", Self.json, "-d", #"{"username": "ann", "password": "x"}"#)
        #expect(again.status == 409 && again.text("detail") != nil)
        for (path, member, name) in [
            ("/auth/login", "email", "ann@example.com"), ("/login", "username", "ann"),
            ("/api/login", "username", "ann"),
        ] {
            let body = #"{"\#(member)": "\#(name)", "password": "test123"}"#
            let encoded = "\(member)=\(name.replacing("@", with: "%40"))&password=test123"
            for answer in [
                try scene.curl("$URL\(path)", "-H", Self.json, "-d", body),
                try scene.curl("$URL\(path)", "-d", encoded),
            ] {
                #expect(answer.status == 200, "\(path): \(answer.json)")
                // C1: `response: session` is the shape of S1, `oauth2` that of S2 and S3.
                #expect((answer.json["api_key_status"] != nil) == (path == "/api/login"))
                #expect((answer.text("token_type") == "bearer") == (path != "/api/login"))
            }
        }
    }

    /// C22: one form of id outside, whichever the store says.
    @Test(arguments: ["objectid", "uuid", "integer"])
    func `users are known by ids of the form that their clients want`(form: String) throws {
        let user = try scene(ids: form).user
        let id = try #require(user.json["id"])
        switch form {
        case "objectid": #expect(id.stringValue?.wholeMatch(of: /[0-9a-f]{24}/) != nil, "\(id)")
        case "uuid":
            #expect(id.stringValue?.wholeMatch(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil)
        case _: #expect(id.integerValue != nil || Int(id.stringValue ?? "") != nil, "\(id)")
        }
    }

    /// C23: `sub` is the id or the username; a token of one issuer is nothing at another. C24: sessions
    /// beside them.
    @Test func `a token is good where it was issued, and a session is none`() throws {
        let (scene, user) = try scene(ids: "uuid")
        func token(_ path: String, _ body: String, _ member: String) throws -> String {
            try scene.curl("$URL\(path)", "-H", Self.json, "-d", body).json.text(member)
        }
        let byName = #"{"username": "ann", "password": "test123"}"#
        let tokens = [
            "/by-id": try token(
                "/auth/login", #"{"email": "ann@example.com", "password": "test123"}"#, "access_token"),
            "/by-name": try token("/login", byName, "access_token"),
            "/by-session": try token("/api/login", byName, "token"),
        ]
        for (path, token) in tokens {
            for other in tokens.keys {
                let answer = try scene.curl("$URL\(other)", "-H", "Authorization: Bearer \(token)")
                #expect(answer.status == (other == path ? 200 : 401), "\(path) at \(other)")
                if other == path { #expect(answer.text("username") == "ann") }
            }
            #expect(token.split(separator: ".").count == (path == "/by-session" ? 1 : 3), "C24")
        }
        let subjects = try [tokens["/by-id"], tokens["/by-name"]].map { try subject($0 ?? "", scene) }
        #expect(subjects == [user.text("id"), "ann"])
    }

    private func subject(_ token: String, _ scene: ActionsScene) throws -> String? {
        let secret = scene.gate.folder.read("gate.env").firstMatch(of: /JWT_SECRET=(\w+)/)?.output.1 ?? ""
        try scene.gate.folder.write(
            "subject.py",
            """
            import jwt
            claims = jwt.decode("\(token)", "\(secret)", algorithms=["HS256"], options={"verify_iss": False})
            print(claims["sub"], end="")
            """)
        return try run(
            ["\(try Python.folder())/python", scene.gate.folder("subject.py")], in: scene.gate.folder
        )
        .output
    }
}
