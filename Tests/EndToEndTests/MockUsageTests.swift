import Testing

@testable import CLI

/// The endpoints that answer with text: where each says what it used, and how it asks for less.
private struct Endpoint {
    let path: String
    /// Members of a request, beyond its model.
    let body: String
    let bound: String
    /// Of the usage: input and output.
    let names: (input: String, output: String)
    let cutReason: String
    /// A piece of text in an event.
    let piece: @Sendable (MockJSON) -> String?
    /// The usage that an event of a stream speaks of.
    let usage: @Sendable (MockJSON) -> MockJSON?

    static let all = [
        Endpoint(
            path: "/v1/chat/completions", body: #""messages":[{"role":"user","content":"Hello!"}]"#,
            bound: "max_completion_tokens", names: ("prompt_tokens", "completion_tokens"),
            cutReason: "length",
            piece: { $0["choices"]?.arrayValue?.first?["delta"]?["content"]?.stringValue },
            usage: { $0["usage"] }),
        Endpoint(
            path: "/v1/completions", body: #""prompt":"Hello!""#, bound: "max_tokens",
            names: ("prompt_tokens", "completion_tokens"), cutReason: "length",
            piece: { $0["choices"]?.arrayValue?.first?["text"]?.stringValue }, usage: { $0["usage"] }),
        Endpoint(
            path: "/v1/responses", body: #""input":"Hello!""#, bound: "max_output_tokens",
            names: ("input_tokens", "output_tokens"), cutReason: "max_output_tokens",
            piece: { $0["type"] == "response.output_text.delta" ? $0["delta"]?.stringValue : nil },
            usage: { $0["response"]?["usage"] }),
        Endpoint(
            path: "/v1/messages", body: #""messages":[{"role":"user","content":"Hello!"}]"#,
            bound: "max_tokens", names: ("input_tokens", "output_tokens"), cutReason: "max_tokens",
            piece: { $0["delta"]?["text"]?.stringValue }, usage: { $0["usage"] }),
    ]

    func request(_ more: String = "") -> String {
        #"{"model":"m","stream_options":{"include_usage":true},\#(more)\#(body)}"#
    }

    func plain(_ mock: RunningMock, _ more: String = "", fields: [String] = []) throws -> MockJSON {
        try mock.exchange("POST", path, fields: fields, body: request(more)).json()
    }

    func stream(_ mock: RunningMock, _ more: String = "", fields: [String] = []) throws -> MockReply {
        try mock.exchange(
            "POST", path, fields: ["x-mock-chunk-delay-ms: 0"] + fields,
            body: request(#""stream":true,"# + more))
    }

    func events(_ reply: MockReply) throws -> [MockJSON] {
        try reply.events.filter { $0 != "[DONE]" }.map { try MockJSONReader.read(Array($0.utf8)) }
    }

    func pieces(_ reply: MockReply) throws -> [String] {
        try events(reply).compactMap(piece).filter { !$0.isEmpty }
    }
}

/// What `/mock/sent` says of the model `m`.
private func sent(_ mock: RunningMock) throws -> [Int] {
    let model = try mock.exchange("GET", "/mock/sent").json()["models"]?["m"]
    return ["answers", "input_tokens", "output_tokens"].map { model?[$0]?.integerValue ?? 0 }
}

@Test func `usage is what was sent, plain and streamed, and the mock adds it up`() throws {
    for endpoint in Endpoint.all {
        let mock = try RunningMock()
        let usage = try #require(try endpoint.plain(mock)["usage"])
        let input = try #require(usage[endpoint.names.input]?.integerValue)
        let output = try #require(usage[endpoint.names.output]?.integerValue)
        #expect(input == 2 && output > 10, "\(endpoint.path)")
        #expect(try sent(mock) == [1, input, output])
        let reply = try endpoint.stream(mock)
        #expect(try endpoint.pieces(reply).count == output, "\(endpoint.path)")
        let last = try endpoint.events(reply).compactMap(endpoint.usage).last { $0 != .null }
        #expect(last?[endpoint.names.output]?.integerValue == output, "\(endpoint.path)")
        #expect(try sent(mock) == [2, 2 * input, 2 * output], "\(endpoint.path)")
    }
}

@Test func `a request's own bound cuts the text short, and the answer says so`() throws {
    let mock = try RunningMock()
    for endpoint in Endpoint.all {
        for fields in [[], ["x-mock-chunks: 1000"]] {
            let bound = #""\#(endpoint.bound)":7,"#
            let plain = try endpoint.plain(mock, bound, fields: fields)
            #expect(plain["usage"]?[endpoint.names.output] == 7, "\(endpoint.path)")
            #expect(plain.text.contains(#""\#(endpoint.cutReason)""#))
            let reply = try endpoint.stream(mock, bound, fields: fields)
            #expect(try endpoint.pieces(reply).count == 7, "\(endpoint.path)")
            #expect(reply.body.contains(#""\#(endpoint.cutReason)""#), "\(endpoint.path)")
        }
        let wrong = try mock.exchange("POST", endpoint.path, body: endpoint.request(#""max_tokens":"x","#))
        #expect(wrong.status == 400)
        #expect(try wrong.json()["error"]?["param"] == "max_tokens")
    }
}

@Test func `a plain answer has as many pieces as were asked for`() throws {
    let mock = try RunningMock()
    for endpoint in Endpoint.all {
        let plain = try endpoint.plain(mock, fields: ["x-mock-chunks: 1000"])
        #expect(plain["usage"]?[endpoint.names.output] == 1000)
        let reply = try mock.exchange(
            "POST", endpoint.path, fields: ["x-mock-chunks: 1000001"], body: endpoint.request())
        #expect(reply.status == 400)
    }
}

@Test func `a stream dies after as many pieces as were asked for, and those are counted`() throws {
    for endpoint in Endpoint.all {
        let mock = try RunningMock()
        let reply = try endpoint.stream(mock, fields: ["x-mock-die: 5"])
        #expect(try endpoint.pieces(reply).count == 5, "\(endpoint.path)")
        #expect(!reply.body.hasSuffix("0\r\n\r\n") && !reply.text.contains("[DONE]"))
        #expect(try sent(mock)[2] == 5)
    }
    let mock = try RunningMock()
    #expect(try mock.exchange("GET", "/v1/models", fields: ["x-mock-die: 3"]).body.utf8.count == 3)
    #expect(try mock.exchange("GET", "/v1/models", fields: ["x-mock-die: -1"]).status == 400)
}

@Test func `the events of a response are numbered and end with the whole`() throws {
    let endpoint = Endpoint.all[2]
    let mock = try RunningMock()
    let reply = try endpoint.stream(mock)
    let events = try endpoint.events(reply)
    #expect(events.compactMap { $0["sequence_number"]?.integerValue } == Array(0..<events.count))
    #expect(reply.eventNames == events.compactMap { $0["type"]?.stringValue })
    #expect(reply.eventNames.first == "response.created" && reply.eventNames.last == "response.completed")
    #expect(!reply.text.contains("[DONE]") && reply.body.hasSuffix("0\r\n\r\n"))
    func text(_ response: MockJSON?) -> String? {
        response?["output"]?.arrayValue?.first?["content"]?.arrayValue?.first?["text"]?.stringValue
    }
    let whole = try endpoint.pieces(reply).joined()
    #expect(text(events.last?["response"]) == whole)
    #expect(text(try endpoint.plain(mock)) == whole)
    let conversation = #""input":[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}]"#
    let other = try mock.exchange("POST", endpoint.path, body: #"{"model":"m",\#(conversation)}"#)
    #expect(try text(other.json())?.contains("“Hi”") == true)
    #expect(try mock.exchange("POST", endpoint.path, body: #"{"model":"m"}"#).status == 400)
}

@Test func `the events of a message are Anthropic's`() throws {
    let endpoint = Endpoint.all[3]
    let mock = try RunningMock()
    let reply = try endpoint.stream(mock, #""system":"Be brief.","#)
    let names = reply.eventNames
    #expect(
        names.filter { $0 != "content_block_delta" } == [
            "message_start", "content_block_start", "ping", "content_block_stop", "message_delta",
            "message_stop",
        ])
    let events = try endpoint.events(reply)
    #expect(names == events.compactMap { $0["type"]?.stringValue })
    #expect(events.first?["message"]?["usage"]?["input_tokens"] == 4)
    let plain = try endpoint.plain(mock)
    #expect(plain["stop_reason"] == "end_turn")
    #expect(
        plain["content"]?.arrayValue?.first?["text"]?.stringValue == (try endpoint.pieces(reply).joined()))
}

@Test func `a client that leaves has been sent no more than was made for it`() throws {
    let mock = try RunningMock()
    do {
        let client = try MockClient(port: mock.upstream.port)
        let fields = ["x-mock-chunks: 1000000", "x-mock-chunk-delay-ms: 3600000"]
        let body = Endpoint.all[0].request(#""stream":true,"#)
        try client.send(mock.request("POST", Endpoint.all[0].path, fields: fields, body: body))
        _ = try client.read { String(decoding: $0, as: UTF8.self).contains("You") }
    }
    #expect(try sent(mock) == [1, 2, 1])
}

@Test func `embeddings use input alone`() throws {
    let mock = try RunningMock()
    let reply = try mock.exchange("POST", "/v1/embeddings", body: #"{"model":"m","input":["12345","1"]}"#)
    #expect(try reply.json()["usage"]?["total_tokens"] == 3)
    #expect(try sent(mock) == [1, 3, 0])
    #expect(try mock.exchange("GET", "/mock/sent").json()["models"]?["m"]?["output_tokens"] == 0)
}
