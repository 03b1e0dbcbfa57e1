import Testing

@testable import CLI

/// Clients of FreeGPT, through `examples/freegpt.yaml`: the commands and calls of its documentation.
@Suite(.scenario) struct FreeGPTClients {
    /// - Returns: with a token that was made before the start.
    static func makeScene(_ upstream: ScriptedUpstream? = nil, _ variables: [String] = []) throws
        -> (example: Example, token: String)
    {
        var token = ""
        let variables = ["UPSTREAM_API_KEY=sk-upstream"] + variables
        let example = try Example("freegpt", variables, upstream: upstream) {
            token = try $0.json("token", "create", "my-application").text("token")
        }
        return (example, token)
    }

    private static func chat(_ model: String, _ token: String) -> String {
        #"""
        curl -X POST http://localhost:8000/v1/chat/completions \
          -H "Content-Type: application/json" \
          -H "Authorization: Bearer \#(token)" \
          -d '{
            "model": "\#(model)",
            "messages": [{"role": "user", "content": "Hello!"}]
          }'
        """#
    }

    private static func body(_ model: String) -> String {
        """
        {
            "model": "\(model)",
            "messages": [{"role": "user", "content": "Hello!"}]
          }
        """
    }

    /// S0-27, S0-36, S0-37, S0-60, C28: what a client sends goes on byte for byte.
    @Test(arguments: ["freegpt-4", "gpt-4.1"])
    func `curl is answered, by the upstream's key and without the client's`(model: String) throws {
        let (example, token) = try Self.makeScene()
        let reply = try example.curl(Self.chat(model, token))
        #expect(reply.status == 200, "\(reply.text)")
        let choice = try reply.json()["choices"]?.arrayValue?.first
        #expect(choice?["message"]?["content"]?.stringValue == OpenAIOrigin.answer)
        let request = try #require(example.upstream.last)
        #expect(request.method == "POST" && request.target == "/v1/chat/completions")
        #expect(request["authorization"] == "Bearer sk-upstream")
        #expect(!request.headText.contains(token))
        #expect(request.text == Self.body(model))
    }

    /// S0-36, C29: an alias is the one thing that is written into a body, where there is one.
    @Test func `FreeGPT's own name may stand for another model`() throws {
        let (example, token) = try Self.makeScene(nil, ["FREEGPT_MODEL=gpt-4"])
        for (model, sent) in [("freegpt-4", "gpt-4"), ("gpt-4.1", "gpt-4.1")] {
            #expect(try example.curl(Self.chat(model, token)).status == 200)
            #expect(example.upstream.last?.text == Self.body(sent))
        }
    }

    /// S0-38: with the calls of the library before its 1.0.
    @Test func `the library's calls of before 1 work as printed`() throws {
        let (example, token) = try Self.makeScene()
        let output = try example.python(
            """
            import openai

            openai.api_key = "\(token)"
            openai.api_base = "http://localhost:8000/v1"

            response = openai.ChatCompletion.create(
                model="freegpt-4",
                messages=[{"role": "user", "content": "Hello!"}]
            )
            print(openai.__version__)
            print(response["choices"][0]["message"]["content"])
            """, ["PYTHONPATH=\(try Python.oldOpenAI())"])
        #expect(output == "0.28.1\n\(OpenAIOrigin.answer)\n")
    }

    /// S0-33, S0-38: what its own test of the library asks for.
    @Test func `the library of today chats, streams, goes on, lists and is refused`() throws {
        let (example, token) = try Self.makeScene()
        let output = try example.python(
            """
            from openai import AuthenticationError, NotFoundError, OpenAI

            client = OpenAI(api_key="\(token)", base_url="http://localhost:8000/v1")
            chat = client.chat.completions.create(
                model="gpt-4.1", temperature=0.7, max_tokens=150,
                messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}])
            print(chat.model, chat.choices[0].message.content, chat.usage.total_tokens)
            stream = client.chat.completions.create(
                model="gpt-4.1", stream=True, messages=[{"role": "user", "content": "Hello!"}])
            print("|".join(c.choices[0].delta.content for c in stream if c.choices[0].delta.content))
            turns = [("user", "2+2?"), ("assistant", "4"), ("user", "2+3?")]
            more = client.chat.completions.create(
                model="gpt-4.1", messages=[{"role": r, "content": t} for r, t in turns])
            print(more.choices[0].finish_reason)
            print(sorted(m.id for m in client.models.list().data))
            print(client.models.retrieve("gpt-4.1").id)
            try:
                client.models.retrieve("nothing")
            except NotFoundError as error:
                print(error.status_code, error.code)
            stranger = OpenAI(api_key="sk-invalid-key", base_url="http://localhost:8000/v1")
            try:
                stranger.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "x"}])
            except AuthenticationError as error:
                print(error.status_code, error.body["message"], error.type)
            """)
        #expect(
            output == """
                gpt-4.1 Hello from upstream 8
                Hello| from| upstream
                stop
                ['freegpt-4', 'gpt-4.1', 'gpt-5-mini']
                gpt-4.1
                404 model_not_found
                401 Invalid API key provided authentication_error

                """)
        #expect(!example.upstream.requests.contains { $0.headText.contains("sk-invalid-key") })
    }

    /// S0-39, C41 (the shape `ok`).
    @Test func `the other paths are there`() throws {
        let (example, token) = try Self.makeScene()
        #expect(try example.get("/health").text.hasPrefix(#"{"status":"ok"}"#))
        let root = try example.get("/")
        #expect(root.status == 200 && root["content-type"]?.hasPrefix("application/json") == true)
        #expect(try root.json()["message"]?.stringValue == "FreeGPT API")
        for path in ["/v1/completions", "/v1/responses"] {
            let answer = try example.post(
                path, #"{"model":"gpt-4.1","prompt":"Hi","input":"Hi"}"#, bearer: token)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(example.upstream.last?.target == path)
        }
        let count = example.upstream.posts.count
        let moderated = try example.post("/v1/moderations", #"{"input":"anything"}"#, bearer: token)
        #expect(try moderated.json()["results"]?.arrayValue?.first?["flagged"] == .bool(false))
        #expect(example.upstream.posts.count == count, "nothing is asked about it")
        #expect(try example.get("/v1/models", bearer: token).json()["object"]?.stringValue == "list")
        #expect(try example.get("/v1/models/nothing", bearer: token).status == 404)
        for path in ["/v1/models", "/v1/models/gpt-4.1"] { #expect(try example.get(path).status == 401) }
        #expect(try example.post("/v1/moderations", "{}").status == 401)
    }

    /// S0-40.
    @Test func `a stream comes as events, and an error in it is one`() throws {
        let upstream = try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                guard request.text.contains("break") else {
                    try connection.send(OpenAIOrigin.reply(to: request))
                    continue
                }
                try connection.send(streamHead)
                try connection.sendChunk(OpenAIOrigin.event(#"{"content":"Hel"}"#, model: "m"))
                return
            }
        }
        let (example, token) = try Self.makeScene(upstream)
        let whole = try example.post(
            "/v1/chat/completions",
            #"{"model":"gpt-4.1","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#, bearer: token)
        #expect(whole["content-type"]?.hasPrefix("text/event-stream") == true)
        #expect(whole["cache-control"] == "no-cache")
        #expect(whole.text.hasPrefix("data: {") && whole.text.hasSuffix("\n\ndata: [DONE]\n\n"))
        let connection = try Connection(to: example.address)
        defer { connection.close() }
        let body = #"{"model":"gpt-4.1","stream":true,"messages":[{"role":"user","content":"break"}]}"#
        try connection.send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        let text = String(decoding: try connection.readToEnd().bytes, as: UTF8.self)
        #expect(text.contains("Cache-Control: no-cache\r\n"), "\(text)")
        #expect(text.contains(#""content":"Hel""#) && text.contains("data: {\"error\":"), "\(text)")
        #expect(!text.contains("[DONE]"))
    }

    /// S0-41, C30: fields that nobody knows go on; what is no JSON is refused in OpenAI's words.
    @Test func `what is unusual goes on, and what is no JSON is a 400`() throws {
        let (example, token) = try Self.makeScene()
        let body = #"{"model":"gpt-4.1","input":"Hi","provider":"any","web_search":true,"messages":[]}"#
        #expect(try example.post("/v1/chat/completions", body, bearer: token).status == 200)
        #expect(example.upstream.last?.text == body)
        let wrong = try example.post("/v1/chat/completions", #"{"model": "#, bearer: token)
        #expect(wrong.status == 400, "\(wrong.text)")
        #expect(try wrong.json()["error"]?["type"]?.stringValue == "invalid_request_error")
    }

    /// S0-33, S0-34, C3 (`openai`), C4: one answer for a missing, a wrong and a revoked key.
    @Test func `who has no key, a wrong one or a revoked one gets the same 401`() throws {
        let (example, token) = try Self.makeScene()
        _ = try example.succeed("token", "revoke", String(token.prefix(15)))
        try waitUntil("the token to be refused") {
            try example.get("/v1/models", bearer: token).status == 401
        }
        for key in [nil, "sk-wrong", token] {
            let answer = try example.post("/v1/chat/completions", "{}", bearer: key)
            #expect(answer.status == 401)
            #expect(answer["www-authenticate"] == "Bearer")
            let text = answer.text.hasSuffix("\n") ? answer.text.dropLast() : answer.text[...]
            #expect(
                text
                    == #"{"error":{"message":"Invalid API key provided","type":"authentication_error","#
                    + #""param":null,"code":"invalid_api_key"}}"#)
        }
        #expect(example.upstream.posts.isEmpty)
    }
}
