import Glibc

/// What the mock upstream answers: one function from a request to an answer, no socket inside.
///
/// Any request can ask for trouble; the fields work on every endpoint:
///
/// | field | effect |
/// | --- | --- |
/// | `x-mock-status: 429` | an OpenAI-shaped error of that status, 400 to 599 |
/// | `x-mock-retry-after: 5` | `Retry-After` of an error, in seconds; 1 by default, for 429 and 503 alone |
/// | `x-mock-delay-ms: 500` | waits before the first byte of the answer |
/// | `x-mock-chunk-delay-ms: 50` | waits between the pieces of a stream; 20 by default |
/// | `x-mock-chunks: 100` | the number of pieces of text, which are its tokens |
/// | `x-mock-die: head`, `middle` or `5` | cuts the connection: before the answer, within its body, or when 5
/// pieces of a stream went out |
/// | `x-mock-die: reset` | resets it before the answer |
///
/// A model named `mock-error-503`, or a key, does what `x-mock-status: 503` does. A request's own
/// `max_tokens` and the like cut the text short, as they do everywhere.
struct MockAnswers {
    static let echoPath = "/v1/echo"
    static let models = ["mock", "mock-large", "mock-embedding"]
    /// The default of `x-mock-chunk-delay-ms`: a person sees the words come.
    static let chunkDelayMilliseconds = 20
    private static let delayMillisecondsMax = 3_600_000

    /// Numbers the answers, so that no two have the same id.
    private var answerCount = 0

    mutating func answer(_ request: MockRequest, counts: MockCounts) -> MockAnswer {
        answerCount += 1
        do throws(MockRefusal) {
            var answer = try undisturbed(request, counts: counts)
            if answer.status >= 400,
                let seconds = try number("x-mock-retry-after", of: request, in: 0...86_400)
            {
                answer.fields.removeAll { $0.name == "Retry-After" }
                answer.fields.append(MockField(name: "Retry-After", value: "\(seconds)"))
            }
            answer.delayMilliseconds =
                try number("x-mock-delay-ms", of: request, in: 0...Self.delayMillisecondsMax) ?? 0
            if let death = request["x-mock-die"] {
                guard let known = MockAnswer.Death(death) else {
                    throw MockRefusal(
                        message: "x-mock-die is `head`, `reset`, `middle` or a number, not `\(death)`.")
                }
                answer.death = known
            }
            return answer
        } catch {
            return error.answer
        }
    }

    /// - Throws: for fields that ask for trouble in a wrong way.
    private func undisturbed(_ request: MockRequest, counts: MockCounts) throws(MockRefusal) -> MockAnswer {
        if let status = try number("x-mock-status", of: request, in: 400...599) {
            return MockRefusal.demanded(status).answer
        }
        do throws(MockRefusal) {
            if let status = Self.demandedStatus(MockKeys.presented(by: request)) { throw .demanded(status) }
            return try route(request, counts: counts)
        } catch { return error.answer }
    }

    /// What a model or key that is named `mock-error-503` asks for.
    private static func demandedStatus(_ name: String?) -> Int? {
        let prefix = "mock-error-"
        guard let name, name.hasPrefix(prefix), let status = Int(name.dropFirst(prefix.count)) else {
            return nil
        }
        return 400...599 ~= status ? status : nil
    }

    private func route(_ request: MockRequest, counts: MockCounts) throws(MockRefusal) -> MockAnswer {
        let path = request.path
        switch path {
        case "/v1/chat/completions": return try MockCompletion.chat(post(request), options(request))
        case "/v1/completions": return try MockCompletion.text(post(request), options(request))
        case "/v1/responses": return try MockResponse.answer(post(request), options(request))
        case "/v1/messages": return try MockMessage.answer(post(request), options(request))
        case "/v1/embeddings": return try MockEmbedding.answer(post(request))
        case "/v1/keys": return try MockKeys.answer(request)
        case "/v1/models":
            try get(request)
            return .json(["object": "list", "data": .array(Self.models.map(Self.model))])
        case Substring(Self.echoPath): return echo(request)
        case "/health":
            try get(request)
            return .json(["status": "ok"])
        case "/mock/counts":
            try get(request)
            return .json(counts.json)
        case "/mock/sent":
            try get(request)
            return .json(counts.sentJSON)
        default: break
        }
        if path.hasPrefix("/v1/models/") {
            try get(request)
            let name = Self.percentDecoded(path.dropFirst("/v1/models/".count))
            guard Self.models.contains(name) else {
                throw MockRefusal(
                    status: 404, message: "The model `\(name)` does not exist.", param: "model",
                    code: "model_not_found")
            }
            return .json(Self.model(name))
        }
        throw MockRefusal(
            status: 404, message: "Unknown request URL: \(request.method) \(path).", code: "unknown_url")
    }

    /// `/v1/echo`: what arrived, as JSON; any method. The body is told by its length and SHA-256.
    private func echo(_ request: MockRequest) -> MockAnswer {
        func pairs(_ fields: [MockField]) -> MockJSON {
            .array(fields.map { [.string($0.name), .string($0.value)] })
        }
        return .json([
            "method": .string(request.method), "target": .string(request.target),
            "version": request.isHTTP10 ? "HTTP/1.0" : "HTTP/1.1",
            "headers": pairs(request.fields), "trailers": pairs(request.trailers),
            "body_bytes": .integer(request.bodyByteCount), "body_sha256": .string(request.bodyDigest ?? ""),
        ])
    }

    private static func model(_ name: String) -> MockJSON {
        ["id": .string(name), "object": "model", "created": 1_700_000_000, "owned_by": "headgate"]
    }

    // MARK: - Reading requests

    private func options(_ request: MockRequest) throws(MockRefusal) -> MockOptions {
        MockOptions(
            number: answerCount, createdSeconds: Int(time(nil)),
            chunkCount: try number("x-mock-chunks", of: request, in: 0...1_000_000_000),
            chunkDelayMilliseconds: try number(
                "x-mock-chunk-delay-ms", of: request, in: 0...Self.delayMillisecondsMax)
                ?? Self.chunkDelayMilliseconds)
    }

    private func number(_ name: String, of request: MockRequest, in range: ClosedRange<Int>)
        throws(MockRefusal)
        -> Int?
    {
        guard let text = request[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw MockRefusal(
                message: "\(name) is \(range.lowerBound) to \(range.upperBound), not `\(text)`.")
        }
        return value
    }

    private func get(_ request: MockRequest) throws(MockRefusal) {
        guard request.method == "GET" || request.method == "HEAD" else {
            throw .method(request.method, allow: "GET")
        }
    }

    /// The JSON object that a POST carries. Its model may ask for an error.
    private func post(_ request: MockRequest) throws(MockRefusal) -> MockJSON {
        guard request.method == "POST" else { throw .method(request.method, allow: "POST") }
        let body: MockJSON
        do throws(MockJSONError) {
            body = try MockJSONReader.read(request.body)
        } catch {
            throw MockRefusal(
                message: "The body is not JSON: \(error.problem), at byte \(error.offset).",
                code: "invalid_json")
        }
        guard case .object = body else { throw MockRefusal(message: "The body is not a JSON object.") }
        guard let model = body["model"]?.stringValue, !model.isEmpty else {
            throw MockRefusal(message: "You must provide a model parameter.", param: "model")
        }
        if let status = Self.demandedStatus(model) { throw .demanded(status) }
        return body
    }

    private static func percentDecoded(_ text: Substring) -> String {
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                decoded.append(value)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}

/// A request that is answered with an error.
struct MockRefusal: Error, Equatable {
    var status = 400
    var message: String
    var param: String?
    var code: String?
    /// The methods that the endpoint takes, where this is about the method.
    var allow: String?

    static func method(_ method: String, allow: String) -> MockRefusal {
        MockRefusal(
            status: 405, message: "\(method) is not allowed here, only \(allow).",
            code: "method_not_supported",
            allow: allow)
    }

    /// What `x-mock-status` and the models named `mock-error-…` ask for.
    static func demanded(_ status: Int) -> MockRefusal {
        let codes = [
            401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded",
            500: "internal_error", 503: "server_is_overloaded", 504: "upstream_timeout",
        ]
        return MockRefusal(
            status: status, message: "The mock upstream was asked for a \(status).", code: codes[status])
    }

    var answer: MockAnswer {
        var answer = MockAnswer.error(status, message, param: param, code: code)
        if let allow { answer.fields.append(MockField(name: "Allow", value: allow)) }
        return answer
    }
}
