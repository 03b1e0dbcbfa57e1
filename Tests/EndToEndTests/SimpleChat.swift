import Testing

@testable import CLI

/// `POST /api/chat` (S2-22 to S2-33): messages in, content out, whatever the upstream speaks.
@Suite(.scenario) struct SimpleChat {
    private static let messages = #""messages": [{"role": "user", "content": "Hi \u00e9 \"you\""}]"#

    private static func answer(_ body: String, status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nX-Debug: on\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static let completion =
        #"{"id":"c-1","object":"chat.completion","model":"m-2024","choices":[{"index":0,"message":"#
        + #"{"role":"assistant","content":"Hello \u00e9\n\"you\""},"finish_reason":"stop"}],"#
        + #""usage":{"prompt_tokens":3,"completion_tokens":2}}"#

    /// S2-22, S2-25, S2-26: a body, and what stands in front of its first member when it goes on.
    private static let bodies: [(body: String, added: String)] = [
        (#"{\#(messages), "model": "mine", "temperature": 0.25, "stream": false}"#, ""),
        (#"{\#(messages)}"#, #""model":"house-model","temperature":0.7,"#),
        (#"{\#(messages), "model": "mine"}"#, #""temperature":0.7,"#),
        (#"{\#(messages), "temperature": 2, "stream": null}"#, #""model":"house-model","#),
        (#"{"user": "u-1", "max_tokens": 5, \#(messages)}"#, #""model":"house-model","temperature":0.7,"#),
        (
            #"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"x": 1}]}, "#
                + #"{"role": "assistant", "content": "a"}], "model": "mine", "temperature": 0}"#, ""
        ),
    ]

    /// S2-23, S2-31.
    @Test func `a completion is asked for byte for byte, and its content and model alone are answered`()
        throws
    {
        let upstream = try ScriptedUpstream.answering { _ in Self.answer(Self.completion) }
        let scene = try SimpleChatScene(upstream.url)
        let token = try scene.register()
        for (body, added) in Self.bodies {
            let answer = try scene.chat(body, token)
            #expect(answer.status == 200, "\(body): \(answer.text)")
            #expect(answer.text == #"{"content": "Hello \u00e9\n\"you\"", "model": "m-2024"}"#)
            #expect(answer["content-type"]?.hasPrefix("application/json") == true)
            #expect(answer["x-debug"] == nil, "\(answer.fields)")
            let request = try #require(upstream.requests.last)
            #expect(request.text == "{\(added)\(body.dropFirst())")
            #expect(request.method == "POST" && request.target == "/v1/chat/completions")
            #expect(request["authorization"] == "Bearer \(scene.upstreamKey)")
            #expect(request["content-length"] == "\(request.body.count)")
            #expect(!request.headText.contains(token) && !request.text.contains(token))
            #expect(!"\(answer.fields)".contains(scene.upstreamKey))
        }
        #expect(upstream.requests.count == Self.bodies.count)
    }

    @Test(arguments: [
        ("in chunks", 1000), ("in chunks of one byte", 1), ("until the end of the connection", 0),
    ]) func `an answer is read however it comes`(name: String, size: Int) throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                guard size > 0 else { return try connection.send(head + "\r\n" + Self.completion) }
                try connection.send(head + "Transfer-Encoding: chunked\r\n\r\n")
                var rest = Self.completion[...]
                while !rest.isEmpty {
                    try connection.sendChunk(String(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                }
                try connection.send("0\r\n\r\n")
            }
        }
        let scene = try SimpleChatScene(upstream.url)
        let token = try scene.register()
        for _ in 0..<2 {
            let answer = try scene.chat("{\(Self.messages)}", token)
            #expect(answer.status == 200)
            #expect(answer.text == #"{"content": "Hello \u00e9\n\"you\"", "model": "m-2024"}"#)
        }
    }

    @Test(arguments: [1, 7, 1000]) func `a request is read however it comes`(size: Int) throws {
        let upstream = try ScriptedUpstream.answering { _ in Self.answer(Self.completion) }
        let scene = try SimpleChatScene(upstream.url)
        let client = try scene.gate.connect()
        let fields = ["Authorization: Bearer \(try scene.register())", "Transfer-Encoding: chunked"]
        for _ in 0..<2 {
            try client.send(scene.gate.request("POST", "/api/chat", fields: fields))
            var rest = "{\(Self.messages)}"[...]
            while !rest.isEmpty {
                try client.send(chunk(String(rest.prefix(size))))
                rest = rest.dropFirst(size)
            }
            try client.send("0\r\n\r\n")
            #expect(try client.readResponse().status == 200)
            let request = try #require(upstream.requests.last)
            #expect(request.text == #"{"model":"house-model","temperature":0.7,\#(Self.messages)}"#)
        }
        #expect(upstream.requests.count == 2)
    }

    // MARK: - What does not go on

    /// S2-27, S2-38.
    private static let wrong = [
        #"{"messages": [{"role": "tool", "content": "x"}]}"#,
        #"{"messages": [{"role": "User", "content": "x"}]}"#, #"{"messages": [{"content": "x"}]}"#,
        #"{"messages": [{"role": "user"}]}"#, #"{"messages": []}"#, #"{"messages": "x"}"#, #"{"model": "m"}"#,
        #"{"messages": [{"role": "user", "content": "x"}], "temperature": 2.1}"#,
        #"{"messages": [{"role": "user", "content": "x"}], "stream": "yes"}"#,
        #"{"messages": [{"role": "user", "content": "x"}], "model": 1}"#,
        #"{"messages": [{"role": "user", "content": "x"}]"#, "[]", "null", "", "hello",
    ]

    @Test func `what is no such request is a 422, and nothing of it goes upstream`() throws {
        let upstream = try ScriptedUpstream.answering { _ in Self.answer(Self.completion) }
        let scene = try SimpleChatScene(upstream.url)
        let token = try scene.register()
        for body in Self.wrong {
            let answer = try scene.chat(body, token)
            #expect(answer.status == 422, "\(body): \(answer.text)")
            #expect(answer.text.hasPrefix(#"{"detail":"The body has to be a JSON object"#), "\(answer.text)")
            let openai = try scene.chat(body, token, path: "/openai/chat")
            #expect(openai.status == 400 && openai.errorCode == "invalid_value", "\(body): \(openai.text)")
        }
        #expect(upstream.requests.isEmpty)
    }

    /// S2-28.
    @Test func `without a good token it is a 401 before anything goes upstream`() throws {
        let upstream = try ScriptedUpstream.answering { _ in Self.answer(Self.completion) }
        let scene = try SimpleChatScene(upstream.url)
        let token = try scene.register()
        for (sent, detail) in [
            (nil, "Not authenticated"), (token + "x", "Invalid or expired token"),
            (scene.upstreamKey, "Invalid or expired token"),
        ] {
            let answer = try scene.chat("{\(Self.messages)}", sent)
            #expect(
                answer.status == 401 && answer.text == #"{"detail":"\#(detail)"}"# + "\n", "\(answer.text)")
        }
        #expect(upstream.requests.isEmpty)
    }

    // MARK: - Upstreams in trouble

    /// S2-32: what the upstream answers, and what the client is told.
    private static let troubles: [(answer: String, status: Int, told: String)] = [
        (
            answer(
                #"{"error":{"message":"No \"such\" model","type":"t","code":"c"},"trace":"at main.py:1"}"#,
                status: "404 Not Found"), 404, #"No \"such\" model"#
        ),
        (answer("<html>main.py:1</html>", status: "500 Oops"), 500, "The upstream refused the request."),
        (answer(#"{"error":"main.py:1"}"#, status: "503 Busy"), 503, "The upstream refused the request."),
        (answer(#"{"error":{"message":"Slow down"}}"#, status: "429 Slow down"), 429, "Slow down"),
        (
            answer(#"{"error":{"message":"wrong key sk-…"}}"#, status: "401 No"), 502,
            "The upstream takes none of the keys that there are for this request."
        ),
        (answer("<html>main.py:1</html>"), 502, "The upstream's answer is no chat completion."),
        (answer(#"{"choices":[],"model":"m"}"#), 502, "The upstream's answer is no chat completion."),
        ("hello\r\n\r\n", 502, "The upstream's answer is not valid HTTP/1.1."),
        ("", 502, "The upstream closed the connection before answering."),
    ]

    @Test func `of an upstream's error the status and message go on, and nothing else`() throws {
        for (number, trouble) in Self.troubles.enumerated() {
            for more in ["", #", "stream": true"#] {
                let upstream = try ScriptedUpstream { connection in
                    guard try connection.readRequest() != nil else { return }
                    try connection.send(trouble.answer)
                }
                let scene = try SimpleChatScene(upstream.url)
                let answer = try scene.chat("{\(Self.messages)\(more)}", scene.register())
                #expect(answer.status == trouble.status, "\(number): \(answer.text)")
                let told = answer.text.hasSuffix("\n") ? answer.text.dropLast() : answer.text[...]
                #expect(told == #"{"detail":"\#(trouble.told)"}"#, "\(number)")
                #expect(answer["x-debug"] == nil && !"\(answer.fields)".contains(scene.upstreamKey))
                #expect(upstream.requests.count == 1, "a POST is not repeated")
            }
        }
    }

    @Test func `an answer that is cut off is no answer`() throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(String(Self.answer(Self.completion).dropLast(10)))
        }
        let scene = try SimpleChatScene(upstream.url)
        let answer = try scene.chat("{\(Self.messages)}", scene.register())
        #expect(answer.status == 502, "\(answer.text)")
        #expect(answer.text.hasPrefix(#"{"detail":""#) && !answer.text.contains("Hello"))
    }
}
