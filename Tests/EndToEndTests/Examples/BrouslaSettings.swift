import Glibc
import Testing

@testable import CLI

/// The variables of the Brousla app server, through `examples/brousla.yaml`.
@Suite(.scenario) struct BrouslaSettings {
    private func example() throws -> Example {
        try Example("brousla", ports: ["PORT": 8001, "LOGIN_PORT": 8000], starts: false)
    }

    /// What `check` says of an `.env`.
    private func check(_ environment: String, _ example: Example) throws -> Example.Shell {
        try example.folder.write(".env", environment)
        return try example.headgate(["check"])
    }

    private static let good = "OPENAI_API_KEY=k\nJWT_SECRET=\(BrouslaScene.secret)\n"

    /// S2-02, S2-03, S2-05, S2-07, S2-09, C13 (an empty variable is not set, so what is required is missing).
    @Test func `what is required is missed, and what is out of range is refused`() throws {
        let example = try example()
        let fine = try check(Self.good, example)
        #expect(fine.code == 0, "\(fine.output)\(fine.errors)")
        #expect(!(fine.output + fine.errors).contains("warning"), "\(fine.output)\(fine.errors)")
        for (environment, word) in [
            ("JWT_SECRET=\(BrouslaScene.secret)\n", "OPENAI_API_KEY"),
            ("OPENAI_API_KEY=\nJWT_SECRET=\(BrouslaScene.secret)\n", "OPENAI_API_KEY"),
            ("OPENAI_API_KEY=k\n", "JWT_SECRET"),
            ("OPENAI_API_KEY=k\nJWT_SECRET=\(BrouslaScene.secret.prefix(31))\n", "32"),
            (Self.good + "OPENAI_TEMPERATURE=2.5\n", "default_temperature"),
            (Self.good + "OPENAI_TEMPERATURE=hot\n", "default_temperature"),
            (Self.good + "AI_PROVIDER=anthropic\n", "is not defined"),
            (Self.good + "RATE_LIMIT_REQUESTS_PER_MINUTE=many\n", "requests_per_minute"),
        ] {
            let result = try check(environment, example)
            #expect(result.code == 1, "\(environment)")
            #expect((result.output + result.errors).contains(word), "\(environment): \(result.errors)")
            #expect(!(result.output + result.errors).contains("change-this"), "the secret stays one")
        }
        try example.folder.write(".env", "OPENAI_API_KEY=k\n")
        let start = try example.headgate(["run", "--admin", example.adminPath])
        #expect(start.code != 0 && start.errors.contains("JWT_SECRET"), "it does not start")
    }

    /// S2-04, S2-05, S2-06 (1.0 alone is the default), S2-26.
    @Test func `model and temperature of the variables stand in for what a request leaves out`() throws {
        let scene = try BrouslaScene("OPENAI_MODEL=gpt-4.1\nOPENAI_TEMPERATURE=0.25")
        let token = try scene.register()
        #expect(try scene.chat(token).json()["model"]?.stringValue == "gpt-4.1")
        let sent = try #require(scene.example.upstream.last).json()
        #expect(sent["model"] == "gpt-4.1" && sent["temperature"] == .number(0.25))
        _ = try scene.chat(token, #","model":"mine","temperature":0"#)
        let own = try #require(scene.example.upstream.last).json()
        #expect(own["model"] == "mine" && own["temperature"] == .number(0))
    }

    /// S2-07, S2-08, S2-42: another provider by three variables.
    @Test func `an OpenAI-compatible provider takes the place of OpenAI`() throws {
        let other = try OpenAIOrigin.start()
        let scene = try BrouslaScene(
            "AI_PROVIDER=openai-compatible\nAI_BASE_URL=\(other.url)/v1\nAI_API_KEY=key-of-vllm")
        #expect(try scene.chat(scene.register()).status == 200)
        #expect(other.keysSeen == ["key-of-vllm"] && other.last?.target == "/v1/chat/completions")
        #expect(scene.example.upstream.requests.isEmpty)
    }

    /// S2-10, S2-11, S0-51: host and port by `.env`, by a variable and by an option.
    @Test func `host and port are said in any of three ways`() throws {
        let scene = try BrouslaScene()
        let token = try scene.register()
        for (variables, options, expected) in [
            (["PORT=\(try Address.free(on: "127.0.0.1").port)", "HOST=127.0.0.1"], [], 0),
            ([], ["--set", "listeners.public=127.0.0.1:$FREE"], 1),
        ] as [([String], [String], Int)] {
            let free = try Address.free(on: "127.0.0.1")
            try scene.example.restart(
                variables, options: options.map { $0.replacing("$FREE", with: "\(free.port)") })
            let port = expected == 0 ? UInt16(variables[0].dropFirst(5)) ?? 0 : free.port
            let reply = try scene.example.curl(
                "curl http://127.0.0.1:\(port)/auth/me -H 'Authorization: Bearer \(token)'")
            #expect(reply.status == 200, "\(reply.text)")
        }
    }

    /// C15: the documentation logs in at 8000; what else there is stays at 8001.
    @Test func `the second port logs in, and does nothing else`() throws {
        let scene = try BrouslaScene()
        let token = try scene.register()
        let body = #"{"messages":[{"role":"user","content":"Hello!"}]}"#
        #expect(try scene.example.post("/api/chat", body, bearer: token, port: 8000).status == 404)
        #expect(try scene.example.post("/auth/register", "{}", port: 8000).status == 404)
        #expect(try scene.example.post("/auth/login", "{}", port: 8000).status == 422)
    }

    /// S2-46, S0-25, S1-44: what holds secrets is ignored by Git here, and there is an example of it.
    @Test func `secrets are left out of the repository`() throws {
        let ignored = (readFile("\(Project.path)/.gitignore") ?? "").split(separator: "\n")
        for name in [".env", "api_tokens.json", "key.txt", "master.key", "*.db"] {
            #expect(ignored.contains(Substring(name)), "\(name)")
        }
        let example = try example()
        let text = readFile("\(Project.path)/examples/brousla.env.example") ?? ""
        let signed = text.replacing("JWT_SECRET=", with: "JWT_SECRET=\(BrouslaScene.secret)")
        let filled = signed.replacing("OPENAI_API_KEY=", with: "OPENAI_API_KEY=sk-own")
        let result = try check(filled, example)
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        #expect(try check(signed, example).code == 1, "without the upstream's key it is no configuration")
        #expect(try check(text, example).code == 1, "without a secret neither")
    }

    /// C12: `OPENAI_API_KEY` is the client's in one example and the upstream's in the other, and never both.
    @Test func `one variable for both sides is refused`() throws {
        let example = try example()
        try example.folder.write(
            "both.yaml",
            """
            version: 1
            listeners: { main: 127.0.0.1:8000 }
            auth: { shared: { mode: env-key, variables: [OPENAI_API_KEY] } }
            upstreams: { openai: { url: https://api.openai.com/v1, key: { env: OPENAI_API_KEY } } }
            routes: [{ path: /v1/**, auth: shared, to: openai }]

            """)
        let refused = try example.sh("OPENAI_API_KEY=k headgate check -c both.yaml")
        #expect(refused.code == 1 && (refused.output + refused.errors).contains("OPENAI_API_KEY"))
        let allowed = try example.sh(
            "sed -i 's/\\[OPENAI_API_KEY\\]/[OPENAI_API_KEY], allow_shared_secret: true/' both.yaml; "
                + "OPENAI_API_KEY=k headgate check -c both.yaml")
        #expect(allowed.code == 0, "\(allowed.output)\(allowed.errors)")
    }

    /// C44: what is not written down is no decision.
    @Test func `a route without auth is refused`() throws {
        let example = try example()
        try example.folder.write(
            "open.yaml",
            "version: 1\nlisteners: { main: 127.0.0.1:8000 }\nauth: { open: { mode: none } }\n"
                + "routes: [{ path: /, respond: { text: hi } }]\n")
        let result = try example.sh("headgate check -c open.yaml")
        #expect(result.code == 1 && (result.output + result.errors).contains("auth"))
    }
}
