import Testing

@testable import CLI

/// The commands of the Brousla app server's documentation, through `examples/brousla.yaml`.
@Suite(.scenario) struct BrouslaCommands {
    private static let token = "YOUR_JWT_TOKEN_HERE"

    private func registered(_ scene: BrouslaScene) throws -> CurlReply {
        try scene.example.curl(
            #"""
            curl -X POST "http://localhost:8001/auth/register" \
              -H "Content-Type: application/json" \
              -d '{
                "email": "user@example.com",
                "password": "securepassword123"
              }'
            """#)
    }

    /// S2-01, S2-12, S2-15, S2-17, S2-18, C1 (`{email}` as JSON), C2 (201 and a token), C23 (`sub` is the
    /// id).
    @Test func `register, login and who am I`() throws {
        let scene = try BrouslaScene()
        let made = try registered(scene)
        #expect(made.status == 201, "\(made.text)")
        #expect(try made.json()["token_type"]?.stringValue == "bearer")
        let login = try scene.example.curl(
            #"""
            curl -X POST "http://localhost:8001/auth/login" \
              -H "Content-Type: application/json" \
              -d '{
                "email": "user@example.com",
                "password": "securepassword123"
              }'
            """#)
        #expect(login.status == 200, "\(login.text)")
        let token = try login.json().text("access_token")
        #expect(try login.json() == parseJSON(#"{"access_token":"\#(token)","token_type":"bearer"}"#))
        #expect(token.hasPrefix("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."))
        let me = try scene.example.curl(
            #"""
            curl -X GET "http://localhost:8001/auth/me" \
              -H "Authorization: Bearer YOUR_JWT_TOKEN_HERE"
            """#.replacing(Self.token, with: token))
        #expect(me.status == 200, "\(me.text)")
        let id = try me.json().text("id")
        #expect(
            try me.json() == parseJSON(#"{"id":"\#(id)","email":"user@example.com"}"#), "no password in it")
        let claims = try scene.claims(token)
        #expect(claims["sub"]?.stringValue == id)
        #expect((86_300...86_400).contains(claims["left"]?.integerValue ?? 0), "a day: \(claims)")
        #expect(try scene.example.get("/auth/me", bearer: made.json().text("access_token")).status == 200)
    }

    /// S2-22, S2-23, S2-25, S2-31, C28: the shape is this route's alone.
    @Test func `a chat that is no stream`() throws {
        let scene = try BrouslaScene()
        let token = try registered(scene).json().text("access_token")
        let reply = try scene.example.curl(
            #"""
            curl -X POST "http://localhost:8001/api/chat" \
              -H "Authorization: Bearer YOUR_JWT_TOKEN_HERE" \
              -H "Content-Type: application/json" \
              -d '{
                "messages": [
                  {"role": "user", "content": "Hello! How are you?"}
                ],
                "model": "gpt-4-turbo-preview",
                "temperature": 0.7,
                "stream": false
              }'
            """#.replacing(Self.token, with: token))
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.text == #"{"content": "Hello from upstream", "model": "gpt-4-turbo-preview"}"#)
        let request = try #require(scene.example.upstream.last)
        #expect(request.method == "POST" && request.target == "/v1/chat/completions")
        let expected = """
            {"messages":[{"role":"user","content":"Hello! How are you?"}],"model":"gpt-4-turbo-preview",
             "temperature":0.7,"stream":false}
            """
        #expect(try request.json() == parseJSON(expected))
        #expect(request["authorization"] == "Bearer \(BrouslaScene.key)")
        #expect(!request.headText.contains(token) && !request.text.contains(token))
        #expect(!reply.text.contains(BrouslaScene.key) && !"\(reply.fields)".contains(BrouslaScene.key))
    }

    /// S2-24, S2-33.
    @Test func `a chat that streams`() throws {
        let scene = try BrouslaScene()
        let token = try registered(scene).json().text("access_token")
        let reply = try scene.example.curl(
            #"""
            curl -X POST "http://localhost:8001/api/chat" \
              -H "Authorization: Bearer YOUR_JWT_TOKEN_HERE" \
              -H "Content-Type: application/json" \
              -d '{
                "messages": [
                  {"role": "user", "content": "Write a short story about AI"}
                ],
                "model": "gpt-4-turbo-preview",
                "temperature": 0.7,
                "stream": true
              }'
            """#.replacing(Self.token, with: token))
        #expect(reply.status == 200 && reply["content-type"]?.hasPrefix("text/event-stream") == true)
        #expect(
            reply.text == """
                data: {"content": "Hello"}

                data: {"content": " from"}

                data: {"content": " upstream"}

                data: [DONE]


                """)
        #expect(try scene.example.upstream.last?.json()["stream"] == true)
    }

    /// S2-20, S2-26, S2-39, C15, C16: on port 8000 for the login and 8001 for the rest, and `test123`.
    @Test func `the workflow of three steps`() throws {
        let scene = try BrouslaScene()
        let result = try scene.example.sh(
            #"""
            curl -X POST "http://localhost:8001/auth/register" \
              -H "Content-Type: application/json" \
              -d '{"email": "test@example.com", "password": "test123"}'
            echo
            TOKEN=$(curl -s -X POST "http://localhost:8000/auth/login" \
              -H "Content-Type: application/json" \
              -d '{"email": "test@example.com", "password": "test123"}' \
              | python -c "import sys, json; print(json.load(sys.stdin)['access_token'])")
            curl -X POST "http://localhost:8001/api/chat" \
              -H "Authorization: Bearer $TOKEN" \
              -H "Content-Type: application/json" \
              -d '{
                "messages": [{"role": "user", "content": "Hello!"}],
                "stream": false
              }'
            """#)
        #expect(result.code == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix("{\"access_token\":\"eyJ"), "\(result.output)")
        #expect(lines.last == #"{"content": "Hello from upstream", "model": "gpt-5-mini"}"#)
        let request = try #require(scene.example.upstream.last)
        #expect(try request.json()["model"] == "gpt-5-mini" && request.json()["temperature"] == .number(1))
        #expect(try request.json()["stream"] == false)
    }

    /// S2-34, S2-35.
    @Test func `the pages beside the API`() throws {
        let scene = try BrouslaScene()
        let root = try scene.example.get("/").json()
        for name in ["message", "version", "docs"] { #expect(root[name]?.stringValue != nil, "\(name)") }
        #expect(try scene.example.get("/health").line == #"{"status":"healthy"}"#)
        for path in ["/docs", "/redoc"] {
            let page = try scene.example.get(path)
            #expect(page.status == 200 && page["content-type"]?.hasPrefix("text/html") == true)
            #expect(page.text.contains("Brousla App Server"))
        }
        let description = try scene.example.get("/openapi.json").json()
        #expect(description["openapi"]?.stringValue?.hasPrefix("3.1") == true)
        for path in ["/auth/register", "/auth/login", "/auth/me", "/api/chat"] {
            #expect(description["paths"]?[path] != nil, "\(path)")
        }
    }
}
