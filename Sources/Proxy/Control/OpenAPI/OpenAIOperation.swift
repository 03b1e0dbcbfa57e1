/// An operation of the OpenAI API that a route may let through to an upstream.
struct OpenAIOperation: Sendable {
    enum Body: Equatable, Sendable {
        case none
        case json
        case form
    }
    let method: String
    /// Below the root of the API; `{model}` stands for a segment.
    let path: String
    let id: String
    let summary: String
    /// Name of the component schema of the request; empty for none.
    let request: String
    let body: Body
    /// Of the answer; empty: bytes of `answerType`.
    let response: String
    var answerType = "application/json"
    /// With `stream: true` the answer is a stream of events.
    var streams = false

    /// The path with something in the place of its parameter, to be looked up by.
    var samplePath: String { path.replacing("{model}", with: "model") }
    var hasParameter: Bool { path.hasSuffix("}") }

    static let chat = json(
        "/chat/completions", "createChatCompletion", "Answers a conversation.", "ChatCompletion",
        streams: true)

    static let all: [OpenAIOperation] = [
        chat,
        json("/completions", "createCompletion", "Goes on with a text.", "Completion", streams: true),
        json(
            "/responses", "createResponse", "Answers, with state and tools of the model's.", "Response",
            streams: true),
        json("/embeddings", "createEmbedding", "Makes vectors of texts.", "Embedding"),
        json("/moderations", "createModeration", "Tells whether a text may do harm.", "Moderation"),
        json("/images/generations", "createImage", "Makes images from a text.", "Image"),
        OpenAIOperation(
            method: "POST", path: "/audio/speech", id: "createSpeech", summary: "Speaks a text.",
            request: "SpeechRequest", body: .json, response: "", answerType: "audio/mpeg"),
        form("/audio/transcriptions", "createTranscription", "Writes down what is spoken."),
        form("/audio/translations", "createTranslation", "Writes down in English what is spoken."),
        OpenAIOperation(
            method: "GET", path: "/models", id: "listModels", summary: "Lists the models.", request: "",
            body: .none, response: "ModelList"),
        OpenAIOperation(
            method: "GET", path: "/models/{model}", id: "retrieveModel", summary: "Tells of one model.",
            request: "", body: .none, response: "Model"),
    ]

    private static func json(
        _ path: String, _ id: String, _ summary: String, _ name: String, streams: Bool = false
    ) -> OpenAIOperation {
        OpenAIOperation(
            method: "POST", path: path, id: id, summary: summary, request: name + "Request", body: .json,
            response: name, streams: streams)
    }

    private static func form(_ path: String, _ id: String, _ summary: String) -> OpenAIOperation {
        OpenAIOperation(
            method: "POST", path: path, id: id, summary: summary, request: "AudioRequest", body: .form,
            response: "Transcription")
    }
}
