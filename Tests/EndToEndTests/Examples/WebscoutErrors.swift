import Testing

@testable import CLI

/// What Webscout's clients read when something is wrong.
@Suite(.scenario) struct WebscoutErrors {
    /// S4-02, S4-34, S4-35, C3, C4, C34, C35: one shape for credentials, without a footer.
    @Test func `a key that is missing or wrong is 401, with the reason`() throws {
        let scene = try Webscout()
        let missing = try scene.example.get("/v1/models")
        #expect(missing.status == 401 && missing["www-authenticate"] == "Bearer")
        let json = try missing.json()
        #expect(json["error"] == "API key required" && json["code"] == "missing_api_key")
        #expect(json["details"]?["message"]?.stringValue?.isEmpty == false)
        #expect(json["details"]?["format"]?.stringValue?.hasPrefix("Authorization: Bearer ") == true)
        for (key, reason) in [("sk-x", "Invalid API key format"), ("ws_x", "API key not found")] {
            let answer = try scene.chat(key: key)
            #expect(answer.status == 401 && answer["www-authenticate"] == "Bearer")
            let json = try answer.json()
            #expect(json["error"]?.stringValue == reason && json["code"] == "invalid_api_key")
            #expect(json["details"]?["message"]?.stringValue?.isEmpty == false)
            #expect(json["footer"] == nil)
        }
        #expect(scene.passed.isEmpty)
    }

    /// C3: the package raises its own error for the status, and finds neither code nor type in this shape.
    @Test func `the openai package raises AuthenticationError`() throws {
        let scene = try Webscout()
        let printed = try scene.example.python(
            """
            import openai
            client = openai.OpenAI(api_key="ws_wrong", base_url="http://localhost:8000/v1", max_retries=0)
            try:
                client.chat.completions.create(model="ChatGPT/gpt-4", messages=[])
            except openai.AuthenticationError as error:
                print(error.status_code, error.code, error.type, error.body)
            """)
        #expect(printed == "401 None None API key not found\n")
    }

    /// A key that anybody makes is good for what Webscout has, and for nothing else of the provider's
    /// account.
    @Test(arguments: Webscout.Variant.allCases)
    func `nothing but chat, images and models goes to the provider`(variant: Webscout.Variant) throws {
        let scene = try Webscout(variant)
        for (method, target) in [
            ("GET", "/v1/files"), ("DELETE", "/v1/files/x"), ("POST", "/v1/fine_tuning/jobs"),
            ("GET", "/v1/organization/usage"), ("GET", "/v1/auth/other"), ("DELETE", "/v1/chat/completions"),
        ] {
            let answer = try scene.example.exchange(
                method, target, fields: ["Authorization: Bearer \(scene.key)"],
                body: method == "GET" ? nil : "{}")
            #expect(answer.status == 404 || answer.status == 405, "\(method) \(target): \(answer.status)")
        }
        #expect(scene.passed.isEmpty)
    }

    /// C30, S4-58: what is no JSON is 422, in the shape of validation errors.
    @Test func `a body that is not valid is 422`() throws {
        let scene = try Webscout()
        let answer = try scene.example.post("/v1/chat/completions", "{\"model\":", bearer: scene.key)
        #expect(answer.status == 422)
        let error = try answer.json()["error"]
        #expect(error?["message"] == "Request validation error." && error?["type"] == "validation_error")
        #expect(error?["details"]?.arrayValue?.count == 1)
        #expect(try scene.chat("ChatGPT/").status == 404, "a provider and no model")
    }

    /// S4-53, S4-54, S4-57, C34, C35: the other shape, with what the operator wants to say below it.
    @Test func `the part before the slash names the provider, and one that there is not is 404`() throws {
        let scene = try Webscout()
        let unknown = try scene.chat("Nobody/gpt-4")
        #expect(unknown.status == 404)
        let message = "The model does not exist, or you do not have access to it."
        #expect(
            unknown.text
                == #"{"error":{"message":"\#(message)","type":"invalid_request_error","param":"model","#
                + #""code":"model_not_found","footer":"Ask whoever runs this server."}}"# + "\n")
        #expect(scene.passed.isEmpty)
        #expect(try scene.chat("PollinationsAI/flux").status == 200)
        #expect(scene.keysPassed == [Webscout.imageKey])
        #expect(try scene.chat("gpt-4").status == 200)
        #expect(scene.keysPassed.last == Webscout.providerKey)
        let unlisted = try scene.example.get("/v1/models/Nobody%2Fgpt-4", bearer: scene.key)
        #expect(unlisted.status == 404)
        #expect(try unlisted.json()["error"]?["param"] == "model")
        #expect(try unlisted.json()["error"]?["footer"] == nil, "only where the route says one")
    }

    /// S4-08, S4-53: `WEBSCOUT_DEFAULT_PROVIDER` takes the names that have none.
    @Test func `a bare model goes to the default provider`() throws {
        let scene = try Webscout(.keys, ["WEBSCOUT_DEFAULT_PROVIDER=PollinationsAI"])
        #expect(try scene.chat("openai-large").status == 200)
        #expect(scene.keysPassed == [Webscout.imageKey])
        #expect(try scene.passed.last?.json()["model"] == "openai-large")
        let check = try scene.example.sh(
            "WEBSCOUT_DEFAULT_PROVIDER=Nobody headgate check \(scene.example.file)")
        #expect(check.code == 1 && check.errors.contains("is not defined"), "\(check.errors)")
    }

    /// S4-05, C42: 10 MB, on this route alone.
    @Test func `a body of more than 10 MB is 413`() throws {
        let scene = try Webscout()
        func post(_ count: Int) throws -> Response {
            try scene.chat(more: #""user":"\#(String(repeating: "a", count: count))","#)
        }
        #expect(try post(9 << 20).status == 200)
        #expect(scene.passed.last?.body.count ?? 0 > 9 << 20)
        let refused = try post(10 << 20)
        #expect(refused.status == 413)
        #expect(refused.errorCode == "request_too_large")
        let userkeys = try #require(readFile("\(Project.path)/examples/userkeys.yaml"))
        #expect(!userkeys.contains("max_body"))
    }

    /// S4-06, S4-57, C43: 300 s to the first byte and between two, and none for a whole stream.
    @Test func `an upstream that does not answer in time is 504`() throws {
        let release = Signal()
        let upstream = try OpenAIOrigin.start { request in
            guard request.target == "/v1/chat/completions" else { return nil }
            try release.wait()
            return nil
        }
        let scene = try Webscout(
            upstream: upstream, options: ["--set", "routes[4].timeouts.first_byte=200ms"])
        let late = try scene.chat()
        release.open()
        #expect(late.status == 504)
        #expect(late.errorCode == "upstream_timeout")
        #expect(try late.json()["error"]?["footer"] == "Ask whoever runs this server.")
        let file = scene.example.folder.read("examples/webscout.yaml")
        #expect(file.contains("timeouts: { first_byte: 300s, idle: 300s }"))
    }

    /// S4-59, C49: here the broken stream ends as clients of this server know it, elsewhere visibly.
    @Test func `a stream that breaks off says so, and ends with DONE`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(streamHead)
            try connection.sendChunk(OpenAIOrigin.event(#"{"content":"Hel"}"#, model: "gpt-4"))
        }
        let scene = try Webscout(upstream: upstream)
        let broken = try scene.chat(more: #""stream":true,"#)
        #expect(broken.status == 200)
        let events = broken.text.split(separator: "\n\n").map(String.init)
        #expect(events.count == 3, "\(broken.text)")
        let last = try #require(events.dropLast().last)
        let error = try #require(try parseJSON(String(last.dropFirst("data: ".count)))["error"])
        #expect(error["type"] == "server_error" && error["code"] == "streaming_error")
        #expect(error["message"]?.stringValue?.isEmpty == false)
        #expect(events.last == "data: [DONE]")
    }

    /// S4-04, C46: any origin, and so without credentials.
    @Test func `pages of any origin may ask`() throws {
        let scene = try Webscout()
        for origin in ["https://app.example", "null"] {
            let asked = try scene.example.exchange(
                "OPTIONS", "/v1/chat/completions",
                fields: [
                    "Origin: \(origin)", "Access-Control-Request-Method: POST",
                    "Access-Control-Request-Headers: authorization, content-type",
                ])
            #expect(asked.status == 204)
            #expect(asked["access-control-allow-headers"]?.lowercased().contains("authorization") == true)
            let answers = try [
                asked, scene.chat(fields: ["Origin: \(origin)"]),
                scene.chat(key: "ws_wrong", fields: ["Origin: \(origin)"]),
            ]
            for answer in answers {
                #expect(answer["access-control-allow-origin"] == "*")
                #expect(answer["access-control-allow-credentials"] == nil)
            }
        }
    }

    /// S4-56: the next request goes on the connection that is there.
    @Test func `connections to a provider are used again`() throws {
        let scene = try Webscout(.keys, ["WEBSCOUT_WORKERS=1"])
        for _ in 0..<5 { #expect(try scene.chat().status == 200) }
        let lists = scene.example.upstream.requests.count { $0.target == "/v1/models" }
        #expect(scene.example.upstream.connectionCount - lists == 1)
    }
}
