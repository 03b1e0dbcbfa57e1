@testable import CLI

/// An OpenAI-compatible upstream that records: chat completions whole and as streams, and a list of models.
enum OpenAIOrigin {
    /// What it answers, in the pieces of its streams.
    static let pieces = ["Hello", " from", " upstream"]
    static let answer = pieces.joined()
    static let models = ["gpt-5-mini", "gpt-4.1", "freegpt-4"]

    /// - Parameter first: what it answers to some; nil: as the others.
    static func start(
        at address: Address? = nil, _ first: @escaping @Sendable (Request) throws -> String? = { _ in nil }
    ) throws -> ScriptedUpstream {
        try ScriptedUpstream.answering(at: address) { try first($0) ?? reply(to: $0) }
    }

    static func reply(to request: Request) throws -> String {
        let path = request.target.prefix { $0 != "?" }
        switch (request.method, path) {
        case ("GET", "/v1/models"):
            let list = models.map(entry).joined(separator: ",")
            return json(#"{"object":"list","data":[\#(list)]}"#)
        case ("GET", _) where path.hasPrefix("/v1/models/"):
            let name = String(path.dropFirst("/v1/models/".count))
            return models.contains(name)
                ? json(entry(name)) : failure(404, "no such model", "model_not_found")
        case ("POST", "/v1/chat/completions"): return try chat(request)
        case ("POST", _): return json(#"{"path":"\#(path)","is":"passed on"}"#)
        default: return failure(404, "no such path", "not_found")
        }
    }

    /// - Parameter fields: lines with their ends.
    static func json(_ text: String, status: Int = 200, fields: String = "") -> String {
        "HTTP/1.1 \(status) \(status < 300 ? "OK" : "No")\r\nContent-Type: application/json\r\n\(fields)"
            + "Content-Length: \(text.utf8.count)\r\n\r\n\(text)"
    }

    static func failure(_ status: Int, _ message: String, _ code: String) -> String {
        json(
            #"{"error":{"message":"\#(message)","type":"invalid_request_error","#
                + #""param":null,"code":"\#(code)"}}"#,
            status: status)
    }

    /// The event of one piece of an answer.
    static func event(_ delta: String, model: String, finish: String = "null") -> String {
        let head =
            #""id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"\#(model)""#
        return
            "data: {\(head),\"choices\":[{\"index\":0,\"delta\":\(delta),\"finish_reason\":\(finish)}]}\n\n"
    }

    private static func chat(_ request: Request) throws -> String {
        let asked = try request.json()
        let model = asked["model"]?.stringValue ?? "none"
        if asked["stream"] == .bool(true) { return stream(model) }
        return json(
            #"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"\#(model)","#
                + #""choices":[{"index":0,"message":{"role":"assistant","content":"\#(answer)"},"#
                + #""finish_reason":"stop"}],"#
                + #""usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}"#
        )
    }

    private static func stream(_ model: String) -> String {
        let events =
            [event(#"{"role":"assistant","content":""}"#, model: model)]
            + pieces.map { event(#"{"content":"\#($0)"}"#, model: model) }
            + [event("{}", model: model, finish: "\"stop\""), "data: [DONE]\n\n"]
        return streamHead.replacing("text/event-stream", with: "text/event-stream\r\nCache-Control: no-cache")
            + events.map(chunk).joined() + "0\r\n\r\n"
    }

    private static func entry(_ name: String) -> String {
        #"{"id":"\#(name)","object":"model","created":1700000000,"owned_by":"upstream"}"#
    }
}

extension ScriptedUpstream {
    /// What clients have asked; the gateway itself asks for lists of models.
    var posts: [Request] { requests.filter { $0.method == "POST" } }
    var last: Request? { posts.last }

    /// `Authorization` of each of them without its `Bearer `, in order; an empty text where there was none.
    var keysSeen: [String] {
        posts.map { ($0["Authorization"] ?? "").replacing("Bearer ", with: "", maxReplacements: 1) }
    }
}
