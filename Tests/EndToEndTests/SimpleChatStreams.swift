import Testing

@testable import CLI

/// Streams of `POST /api/chat` (S2-24, S2-33): a stream of chat completions becomes one of content, as it
/// passes.
@Suite(.scenario) struct SimpleChatStreams {
    private static let body = #"{"messages": [{"role": "user", "content": "x"}], "stream": true}"#

    private static func delta(_ text: String, finish: String = "null") -> String {
        #"data: {"id":"c-1","model":"m","choices":[{"index":0,"delta":\#(text),"finish_reason":\#(finish)}]}"#
    }

    private static let events = [
        delta(#"{"role":"assistant"}"#), delta(#"{"role":"assistant","content":""}"#), ": still here",
        delta(#"{"content":"Hel"}"#), delta(#"{"content":"lo \u00e9 \"you\"\n"}"#),
        delta(#"{"content":null}"#),
        delta("{}", finish: #""stop""#), #"data: {"choices":[],"usage":{"prompt_tokens":3}}"#, "data: [DONE]",
    ]

    private static let expected =
        #"data: {"content": "Hel"}"# + "\n\n" + #"data: {"content": "lo \u00e9 \"you\"\n"}"# + "\n\n"
        + "data: [DONE]\n\n"

    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"

    /// How an upstream sends the stream: pieces of so many bytes, 0 for all of it in one; line ends.
    private static let ways: [(name: String, size: Int, lineEnd: String, isChunked: Bool)] = [
        ("an event a chunk", 0, "\n", true), ("one byte a chunk", 1, "\n", true),
        ("seven bytes a chunk", 7, "\r\n", true), ("CR alone", 3, "\r", true),
        ("until the end of the connection", 5, "\n", false),
    ]

    @Test(arguments: ways.indices) func `events with content alone go on, each whole`(index: Int) throws {
        let way = Self.ways[index]
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try connection.send(
                    Self.head + (way.isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n"))
                for event in Self.events {
                    var rest = (event + way.lineEnd + way.lineEnd).utf8[...]
                    while !rest.isEmpty {
                        let piece = rest.prefix(way.size == 0 ? rest.count : way.size)
                        let text = String(decoding: piece, as: UTF8.self)
                        try connection.send(way.isChunked ? chunk(text) : text)
                        rest = rest.dropFirst(piece.count)
                    }
                }
                guard way.isChunked else { return }
                try connection.send("0\r\n\r\n")
            }
        }
        let scene = try SimpleChatScene(upstream.url)
        let token = try scene.register()
        for _ in 0..<2 {
            let answer = try scene.chat(Self.body, token)
            #expect(answer.status == 200 && answer.text == Self.expected, "\(way.name): \(answer.text)")
            #expect(answer["content-type"]?.hasPrefix("text/event-stream") == true)
            #expect(!"\(answer.fields)".contains(scene.upstreamKey))
        }
        let asked = try #require(upstream.requests.last)
        #expect(asked.text == #"{"model":"house-model","temperature":0.7,"# + Self.body.dropFirst())
    }

    @Test func `a piece goes on as soon as it is there`() throws {
        let goOn = Signal()
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(streamHead + chunk(Self.delta(#"{"content":"one"}"#) + "\n\n"))
            try goOn.wait()
            try connection.send(chunk("data: [DONE]\n\n") + "0\r\n\r\n")
        }
        let scene = try SimpleChatScene(upstream.url)
        let client = try scene.begin(Self.body, scene.register())
        #expect(try client.readResponseHead().status == 200)
        var trailers: [Field] = []
        let first = try #require(try client.readChunk())
        #expect(String(decoding: first, as: UTF8.self) == #"data: {"content": "one"}"# + "\n\n")
        goOn.open()
        let rest = String(decoding: try client.readChunked(trailers: &trailers), as: UTF8.self)
        #expect(rest == "data: [DONE]\n\n")
    }

    // MARK: - Streams that break

    struct Death: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let rest: String
    }

    private static let piece = delta(#"{"content":"half"}"#) + "\n\n"

    static let deaths = [
        Death(testDescription: "between chunks", rest: chunk(piece)),
        Death(testDescription: "within a chunk", rest: chunk(piece) + "ff\r\ndata: {"),
        Death(testDescription: "within an event", rest: chunk(piece) + chunk("data: {\"choices\":")),
        Death(testDescription: "at an end without [DONE]", rest: chunk(piece) + "0\r\n\r\n"),
        Death(testDescription: "at what is no JSON", rest: chunk(piece) + chunk("data: <html>\n\n")),
        Death(testDescription: "at a malformed chunk", rest: chunk(piece) + "zz\r\n"),
    ]

    @Test(arguments: deaths) func `a stream that breaks looks broken`(death: Death) throws {
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send(streamHead + death.rest)
        }
        let scene = try SimpleChatScene(upstream.url)
        let client = try scene.begin(Self.body, scene.register())
        let text = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(text.contains(#"data: {"content": "half"}"#), "\(text)")
        #expect(!text.contains("[DONE]") && !text.hasSuffix("0\r\n\r\n") && !text.contains("<html>"))
        let record = try scene.gate.record { $0["status"] == 200 && $0["path"]?.stringValue == "/api/chat" }
        #expect(record["outcome"] == "truncated" && record["fault"] == "upstream", "\(record.text)")
    }

    @Test func `an error in the stream is told as one`() throws {
        let upstream = try ScriptedUpstream.answering { _ in
            let error = #"data: {"error": {"message": "overloaded", "code": 503}}"# + "\n\n"
            return streamHead + chunk(Self.piece) + chunk(error) + chunk("data: [DONE]\n\n") + "0\r\n\r\n"
        }
        let scene = try SimpleChatScene(upstream.url)
        let answer = try scene.chat(Self.body, scene.register())
        #expect(
            answer.text == #"data: {"content": "half"}"# + "\n\n"
                + #"data: {"error": {"message": "overloaded", "code": 503}}"# + "\n\ndata: [DONE]\n\n")
    }

    @Test(arguments: [true, false])
    func `a client that leaves takes its upstream exchange with it`(streams: Bool) throws {
        let begun = Signal()
        let upstream = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            let plain = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"choices\":"
            try connection.send(streams ? streamHead + chunk(Self.piece) : plain)
            begun.open()
            _ = try connection.wire.waitForEnd()
        }
        let scene = try SimpleChatScene(upstream.url)
        let body = Self.body.replacing("true", with: "\(streams)")
        let client = try scene.begin(body, scene.register())
        if streams { _ = try client.readThrough("half") }
        try begun.wait()
        let left = Clock.seconds
        client.close()
        try waitUntil("the upstream's connection to end", within: 10) { upstream.openCount == 0 }
        #expect(Clock.seconds - left < 2)
        #expect(try scene.gate.record { $0["outcome"] == "client_gone" }["fault"] == "client")
    }
}
