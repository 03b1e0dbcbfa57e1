import Testing

@testable import CLI

/// What Webscout's documentation prints, run as it stands there.
@Suite(.scenario) struct WebscoutDocumentation {
    private static let chat = """
        curl http://localhost:8000/v1/chat/completions \\
          -H "Content-Type: application/json" \\
          -H "Authorization: Bearer your-api-key" \\
          -d '{
            "model": "ChatGPT/gpt-4",
            "messages": [
              {"role": "user", "content": "Hello!"}
            ]
          }'
        """
    private static let models = """
        curl http://localhost:8000/v1/models \\
          -H "Authorization: Bearer your-api-key"
        """
    private static let key = """
        curl http://localhost:8000/v1/auth/generate-key \\
          -H "Content-Type: application/json" \\
          -d '{
            "username": "testuser",
            "telegram_id": "123456789"
          }'
        """
    private static let requestsChat = """
        import requests

        response = requests.post(
            "http://localhost:8000/v1/chat/completions",
            headers={
                "Authorization": "Bearer your-api-key",
                "Content-Type": "application/json"
            },
            json={
                "model": "ChatGPT/gpt-4",
                "messages": [
                    {"role": "system", "content": "You are a helpful assistant."},
                    {"role": "user", "content": "Hello, how are you?"}
                ],
                "temperature": 0.7,
                "max_tokens": 150,
                "stream": False
            }
        )
        """
    private static let requestsImage = """
        import requests

        response = requests.post(
            "http://localhost:8000/v1/images/generations",
            headers={
                "Authorization": "Bearer your-api-key",
                "Content-Type": "application/json"
            },
            json={
                "prompt": "A futuristic cityscape at sunset",
                "model": "PollinationsAI/flux",
                "n": 1,
                "size": "1024x1024",
                "response_format": "url"
            }
        )
        """
    private static let requestsModels = """
        import requests

        response = requests.get(
            "http://localhost:8000/v1/models",
            headers={"Authorization": "Bearer your-api-key"}
        )
        """
    private static let requestsKey = """
        import requests

        response = requests.post(
            "http://localhost:8000/v1/auth/generate-key",
            json={
                "username": "developer",
                "telegram_id": "123456789",
                "name": "Development Key",
                "rate_limit": 100,
                "expires_in_days": 30
            }
        )
        """
    private static let requestsValidate = """
        import requests

        response = requests.get(
            "http://localhost:8000/v1/auth/validate",
            headers={"Authorization": "Bearer your-api-key"}
        )
        """
    private static let client = """
        from openai import OpenAI

        # Initialize client
        client = OpenAI(
            api_key="your-api-key",
            base_url="http://localhost:8000/v1"
        )
        """
    private static let completion = """

        # Chat completion
        response = client.chat.completions.create(
            model="ChatGPT/gpt-4",
            messages=[
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "Explain quantum computing"}
            ],
            temperature=0.7,
            max_tokens=500
        )

        print(response.choices[0].message.content)
        """
    private static let stream = """

        # Streaming chat completion
        stream = client.chat.completions.create(
            model="ChatGPT/gpt-4",
            messages=[{"role": "user", "content": "Write a story"}],
            stream=True
        )

        for chunk in stream:
            if chunk.choices[0].delta.content is not None:
                print(chunk.choices[0].delta.content, end="")
        """
    private static let tell = "\nprint(response.status_code, response.text)\n"

    /// The provider's own name for the model and its own key, and nothing of the client's.
    private func expectAtProvider(
        _ scene: Webscout, model: String, key: String = Webscout.providerKey,
        place: SourceLocation = #_sourceLocation
    ) throws -> MockJSON {
        let request = try #require(scene.passed.last, sourceLocation: place)
        #expect(request.all("Authorization") == ["Bearer \(key)"], sourceLocation: place)
        #expect(!request.text.contains(scene.key), sourceLocation: place)
        let body = try request.json()
        #expect(body["model"]?.stringValue == model, sourceLocation: place)
        return body
    }

    /// S4-49, S4-52, S4-53, S4-62: with `-d` curl sends a POST by itself.
    @Test(arguments: Webscout.Variant.allCases) func `the curl commands`(variant: Webscout.Variant) throws {
        let scene = try Webscout(variant)
        let chat = try scene.example.curl(scene.withKey(Self.chat))
        #expect(chat.status == 200, "\(chat.text)")
        #expect(
            try chat.json()["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue
                == OpenAIOrigin.answer)
        let sent = try expectAtProvider(scene, model: "gpt-4")
        #expect(sent["messages"] == (try parseJSON(#"[{"role":"user","content":"Hello!"}]"#)))
        let models = try scene.example.curl(scene.withKey(Self.models))
        #expect(models.status == 200)
        let data = try #require(try models.json()["data"]?.arrayValue)
        let names = data.compactMap { $0["id"]?.stringValue }
        #expect(names.contains("ChatGPT/gpt-4.1") && names.contains("PollinationsAI/gpt-4.1"), "\(names)")
        for model in data where model["id"]?.stringValue?.hasPrefix("PollinationsAI/") == true {
            #expect(model["owned_by"] == "PollinationsAI" && model["object"] == "model")
        }
        let images = try scene.example.get("/v1/TTI/models", bearer: scene.key)
        #expect(images.status == 200)
        #expect(images.text == models.text)
    }

    /// S4-17, S4-20, S4-33, S4-62: without users there are no keys to make.
    @Test func `the curl command that makes a key, and what is made works`() throws {
        let scene = try Webscout()
        let made = try scene.example.curl(Self.key)
        #expect(made.status == 200, "\(made.text)")
        let key = try made.json().text("api_key")
        let chat = try scene.example.curl(Self.chat.replacing(Webscout.printedKey, with: key))
        #expect(chat.status == 200, "\(chat.text)")
        let open = try Webscout(.open)
        #expect(try open.example.curl(Self.key).status == 404)
        #expect(try open.example.python(Self.requestsValidate + Self.tell).hasPrefix("404 "))
    }

    /// S4-17, S4-18, S4-23, S4-24, S4-26, S4-49, S4-51, S4-63.
    @Test func `the snippets with requests`() throws {
        let scene = try Webscout()
        let python = { try scene.example.python(scene.withKey($0) + Self.tell) }
        #expect(try python(Self.requestsChat).hasPrefix("200 "))
        let sent = try expectAtProvider(scene, model: "gpt-4")
        #expect(sent["temperature"]?.text == "0.7" && sent["max_tokens"]?.integerValue == 150)
        #expect(sent["stream"] == .bool(false))
        #expect(sent["messages"]?.arrayValue?.map { $0["role"]?.stringValue } == ["system", "user"])
        #expect(try python(Self.requestsImage).hasPrefix("200 "))
        let image = try expectAtProvider(scene, model: "flux", key: Webscout.imageKey)
        #expect(scene.passed.last?.target == "/v1/images/generations")
        #expect(image["size"] == "1024x1024" && image["n"]?.integerValue == 1)
        #expect(image["prompt"] == "A futuristic cityscape at sunset" && image["response_format"] == "url")
        #expect(try python(Self.requestsModels).contains(#""id":"ChatGPT/gpt-4.1""#))
        let made = try python(Self.requestsKey)
        #expect(made.hasPrefix("200 ") && made.contains(#""name":"Development Key""#), "\(made)")
        #expect(made.contains(#""rate_limit":100"#))
        #expect(try python(Self.requestsValidate).hasPrefix(#"200 {"valid":true,"#))
    }

    /// S4-49, S4-50, S4-63.
    @Test(arguments: Webscout.Variant.allCases)
    func `the snippets with the openai package`(variant: Webscout.Variant) throws {
        let scene = try Webscout(variant)
        let whole = try scene.example.python(scene.withKey(Self.client + Self.completion))
        #expect(whole == OpenAIOrigin.answer + "\n")
        let asked = try expectAtProvider(scene, model: "gpt-4")
        #expect(asked["max_tokens"]?.integerValue == 500)
        let streamed = try scene.example.python(scene.withKey(Self.client + Self.stream))
        #expect(streamed == OpenAIOrigin.answer)
        #expect(try expectAtProvider(scene, model: "gpt-4")["stream"] == .bool(true))
    }
}
