import Glibc
import Testing

@testable import CLI

private let hello = #"{"model":"mock","messages":[{"role":"user","content":"Hello!"}]}"#
private func streamed(_ more: String = "") -> String {
    #"{"model":"gpt-x","stream":true,\#(more)"messages":[{"role":"user","content":"Hello!"}]}"#
}

@Test func `a chat completion quotes the last user message`() throws {
    let reply = try RunningMock().exchange("POST", "/v1/chat/completions", body: hello)
    #expect(reply.status == 200)
    let json = try reply.json()
    #expect(json["object"] == "chat.completion" && json["model"] == "mock")
    let text = json["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue
    #expect(text?.contains("“Hello!”") == true)
    let usage = try #require(json["usage"])
    let (prompt, completion) = (
        usage["prompt_tokens"]?.integerValue, usage["completion_tokens"]?.integerValue
    )
    #expect(usage["total_tokens"]?.integerValue == (prompt ?? 0) + (completion ?? 0))
}

@Test func `a stream says the same as the whole answer, then DONE`() throws {
    let mock = try RunningMock()
    let whole = try mock.exchange("POST", "/v1/chat/completions", body: hello).json()
    let reply = try mock.exchange(
        "POST", "/v1/chat/completions", fields: ["x-mock-chunk-delay-ms: 0"],
        body: streamed(#""stream_options":{"include_usage":true},"#))
    #expect(reply.head.contains("text/event-stream") && reply.head.contains("Transfer-Encoding: chunked"))
    #expect(reply.body.hasSuffix("0\r\n\r\n"))
    #expect(reply.events.last == "[DONE]")
    let chunks = try reply.events.dropLast().map { try MockJSONReader.read(Array($0.utf8)) }
    let pieces = chunks.compactMap { $0["choices"]?.arrayValue?.first?["delta"]?["content"]?.stringValue }
    #expect(
        pieces.joined() == whole["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue)
    let last = try #require(chunks.last)
    #expect(last["choices"] == [] && last["usage"] != nil && last["usage"] == whole["usage"])
    #expect(chunks.dropLast().allSatisfy { $0["usage"] == .null })
}

@Test func `without include_usage no chunk speaks of usage`() throws {
    let reply = try RunningMock().exchange(
        "POST", "/v1/chat/completions", fields: ["x-mock-chunk-delay-ms: 0", "x-mock-chunks: 1000"],
        body: streamed())
    #expect(reply.events.count == 1000 + 3)
    #expect(!reply.text.contains("usage"))
}

@Test func `a legacy completion is answered plain and streamed`() throws {
    let mock = try RunningMock()
    let whole = try mock.exchange("POST", "/v1/completions", body: #"{"model":"m","prompt":"Hi"}"#).json()
    let text = try #require(whole["choices"]?.arrayValue?.first?["text"]?.stringValue)
    #expect(text.contains("“Hi”"))
    let reply = try mock.exchange(
        "POST", "/v1/completions", fields: ["x-mock-chunk-delay-ms: 0"],
        body: #"{"model":"m","prompt":"Hi","stream":true}"#)
    let pieces = try reply.events.dropLast().compactMap {
        try MockJSONReader.read(Array($0.utf8))["choices"]?.arrayValue?.first?["text"]?.stringValue
    }
    #expect(pieces.joined() == text)
}

@Test func `embeddings are the same as numbers and as base64`() throws {
    let mock = try RunningMock()
    func vectors(_ format: String) throws -> [MockJSON] {
        let body = #"{"model":"m","input":["a","b"],"dimensions":3,"encoding_format":"\#(format)"}"#
        let data = try mock.exchange("POST", "/v1/embeddings", body: body).json()["data"]?.arrayValue
        return try #require(data).map { try #require($0["embedding"]) }
    }
    let numbers = try vectors("float")
    #expect(numbers.count == 2 && numbers[0] != numbers[1])
    let encoded = try vectors("base64").map { $0.stringValue }
    let expected = numbers.map { vector in
        MockEmbedding.base64(
            (vector.arrayValue ?? []).flatMap { element -> [UInt8] in
                guard case .number(let value) = element else { return [] }
                return withUnsafeBytes(of: Float(value).bitPattern.littleEndian, Array.init)
            })
    }
    #expect(encoded == expected)
}

@Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
func `base64 is as in RFC 4648 section 10`(text: String, encoded: String) {
    #expect(MockEmbedding.base64(Array(text.utf8)) == encoded)
}

@Test func `a model that does not exist is model_not_found`() throws {
    let mock = try RunningMock()
    #expect(
        try mock.exchange("GET", "/v1/models").json()["data"]?.arrayValue?.count == MockAnswers.models.count)
    #expect(try mock.exchange("GET", "/v1/models/m%6Fck").json()["id"] == "mock")
    let reply = try mock.exchange("GET", "/v1/models/a%2Fb")
    #expect(reply.status == 404)
    let error = try #require(try reply.json()["error"])
    #expect(error["code"] == "model_not_found" && error["message"]?.stringValue?.contains("a/b") == true)
}

@Test(arguments: [
    ("POST", "/v1/chat/completions", "{", 400), ("POST", "/v1/chat/completions", "{}", 400),
    ("POST", "/v1/chat/completions", #"{"model":"m"}"#, 400),
    ("POST", "/v1/chat/completions", #"{"model":"m","messages":[{}]}"#, 400),
    ("POST", "/v1/embeddings", #"{"model":"m"}"#, 400), ("GET", "/v1/embeddings", "", 405),
    ("POST", "/v1/models", "{}", 405), ("GET", "/v1/nothing", "", 404),
    ("POST", "/v1/chat/completions", #"{"model":"mock-error-503","messages":[]}"#, 503),
])
func `an error has all four members`(method: String, path: String, body: String, status: Int) throws {
    let reply = try RunningMock().exchange(method, path, body: body)
    #expect(reply.status == status)
    guard case .object(let members)? = try reply.json()["error"] else {
        Issue.record("no error object in \(reply.body)")
        return
    }
    #expect(members.map(\.name) == ["message", "type", "param", "code"])
}

@Test func `a status on demand is answered anywhere`() throws {
    let reply = try RunningMock().exchange("GET", "/v1/models", fields: ["X-Mock-Status: 429"])
    #expect(reply.status == 429 && reply.head.contains("Retry-After: 1"))
    #expect(try reply.json()["error"]?["type"] == "rate_limit_error")
}

@Test func `when to come again is on demand as well`() throws {
    let mock = try RunningMock()
    func head(_ fields: String..., status: Int) throws -> String {
        let reply = try mock.exchange("GET", "/v1/models", fields: fields)
        #expect(reply.status == status)
        return reply.head
    }
    #expect(
        try head("x-mock-status: 503", "x-mock-retry-after: 7", status: 503).contains("Retry-After: 7\r\n"))
    #expect(
        try head("x-mock-status: 500", "x-mock-retry-after: 7", status: 500).contains("Retry-After: 7\r\n"))
    #expect(try !head("x-mock-retry-after: 7", status: 200).contains("Retry-After"))
    #expect(try !head("x-mock-status: 500", status: 500).contains("Retry-After"))
}

@Test(arguments: [
    "Authorization: Bearer mock-error-402", "x-api-key: mock-error-402", "api-key: mock-error-402",
])
func `a key can ask for an error`(field: String) throws {
    #expect(try RunningMock().exchange("GET", "/v1/models", fields: [field]).status == 402)
}

@Test func `a key is made for whoever has one`() throws {
    let mock = try RunningMock()
    let bearer = "Authorization: Bearer provisioning"
    let first = try mock.exchange("POST", "/v1/keys", fields: [bearer], body: #"{"name":"auto-1"}"#)
    #expect(first.status == 201)
    let json = try first.json()
    #expect(json["name"] == "auto-1")
    let key = try #require(json["key"]?.stringValue)
    #expect(key.hasPrefix("sk-or-v1-") && key.utf8.count == 9 + 64)
    let second = try mock.exchange("POST", "/v1/keys", fields: [bearer])
    #expect(try second.json()["key"]?.stringValue != key)
    #expect(try second.json()["name"] == .null)
    #expect(try mock.exchange("POST", "/v1/keys", body: "{}").status == 401)
    #expect(
        try mock.exchange("POST", "/v1/keys", fields: ["Authorization: Bearer "], body: "{}").status == 401)
    #expect(try mock.exchange("POST", "/v1/keys", fields: [bearer], body: "{").status == 400)
    #expect(try mock.exchange("GET", "/v1/keys", fields: [bearer]).status == 405)
}

@Test func `the echo tells what arrived`() throws {
    let reply = try RunningMock().exchange(
        "PUT", "/v1/echo?q=%2F", fields: ["X-A: 1", "x-a: 2"], body: "abc")
    let json = try reply.json()
    #expect(json["method"] == "PUT" && json["target"] == "/v1/echo?q=%2F" && json["body_bytes"] == 3)
    #expect(json["body_sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let fields = json["headers"]?.arrayValue
    #expect(fields?.contains(["X-A", "1"]) == true && fields?.contains(["x-a", "2"]) == true)
}

@Test func `requests on one connection are answered in order`() throws {
    let mock = try RunningMock()
    let client = try MockClient(port: mock.upstream.port)
    let slow = mock.request("GET", "/v1/models/mock", fields: ["x-mock-delay-ms: 30"])
    try client.send(
        slow + mock.request("HEAD", "/health") + mock.request("GET", "/health", fields: ["Connection: close"])
    )
    let text = MockReply(try client.readToEnd()).text
    #expect(text.split(separator: "HTTP/1.1 200").count == 3)
    let model = try #require(text.firstRange(of: #""id":"mock""#))
    let health = try #require(text.firstRange(of: #"{"status":"ok"}"#))
    #expect(model.lowerBound < health.lowerBound)
    #expect(text.ranges(of: #"{"status":"ok"}"#).count == 1, "HEAD has no body")
}

@Test func `a delay is waited for`() throws {
    let mock = try RunningMock()
    let start = ContinuousClock.now
    _ = try mock.exchange("GET", "/health", fields: ["x-mock-delay-ms: 80"])
    #expect(ContinuousClock.now - start >= .milliseconds(80))
}

@Test func `a death on demand cuts the answer`() throws {
    let mock = try RunningMock()
    #expect(try mock.exchange("GET", "/v1/models", fields: ["x-mock-die: head"]).text == "")
    let half = try mock.exchange("GET", "/v1/models", fields: ["x-mock-die: middle"])
    let whole = try mock.exchange("GET", "/v1/models")
    #expect(half.body.utf8.count == whole.body.utf8.count / 2)
    let stream = try mock.exchange(
        "POST", "/v1/chat/completions", fields: ["x-mock-die: middle", "x-mock-chunk-delay-ms: 0"],
        body: streamed())
    #expect(!stream.events.isEmpty && !stream.text.contains("[DONE]") && !stream.body.hasSuffix("0\r\n\r\n"))
}

@Test func `a reset on demand is one`() throws {
    let mock = try RunningMock()
    let error = #expect(throws: MockClientError.self) {
        try mock.exchange("GET", "/v1/models", fields: ["x-mock-die: reset"])
    }
    #expect(error?.code == ECONNRESET)
}

@Test func `a client that leaves a stream is counted`() throws {
    let mock = try RunningMock()
    do {
        let client = try MockClient(port: mock.upstream.port)
        let fields = ["x-mock-chunks: 1000000", "x-mock-chunk-delay-ms: 3600000"]
        try client.send(mock.request("POST", "/v1/chat/completions", fields: fields, body: streamed()))
        _ = try client.read { _ in true }
    }
    var cancelled: MockJSON?
    let deadline = ContinuousClock.now + .seconds(10)
    repeat {
        cancelled = try mock.exchange("GET", "/mock/counts").json()["answers_cancelled"]
    } while cancelled != 1 && ContinuousClock.now < deadline
    #expect(cancelled == 1)
}

@Test func `what cannot be read is refused and the connection ends`() throws {
    let mock = try RunningMock()
    let client = try MockClient(port: mock.upstream.port)
    try client.send("nonsense\r\n\r\n" + mock.request("GET", "/health"))
    let reply = MockReply(try client.readToEnd())
    #expect(reply.status == 400 && reply.head.contains("Connection: close"))
    #expect(!reply.text.contains(#"{"status":"ok"}"#))
}

@Test func `a busy port is a clear message`() throws {
    let mock = try RunningMock()
    let error = #expect(throws: MockError.self) {
        _ = try MockUpstream.start(host: "127.0.0.1", port: mock.upstream.port)
    }
    #expect(
        error?.message
            == "mock upstream: cannot listen on 127.0.0.1:\(mock.upstream.port): address already in use")
}

@Test func `an address has a host and a port`() {
    #expect(MockCommand.address("127.0.0.1:8090").map { "\($0.host) \($0.port)" } == "127.0.0.1 8090")
    #expect(MockCommand.address("[::1]:0").map { "\($0.host) \($0.port)" } == "::1 0")
    for wrong in ["", "8090", ":8090", "::1:8090", "localhost:", "localhost:65536", "localhost:-1"] {
        #expect(MockCommand.address(wrong) == nil, "\(wrong)")
    }
}

@Test func `a wrong command line exits with 2`() {
    #expect(MockCommand.run(arguments: ["--nonsense"]) == 2)
    #expect(MockCommand.run(arguments: ["--bind"]) == 2)
    #expect(MockCommand.run(arguments: ["--bind", "8090"]) == 2)
}
