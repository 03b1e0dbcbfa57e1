@testable import CLI

/// One of the files for Webscout's users, served from a folder of their own.
struct Webscout {
    enum Variant: String, CaseIterable, Sendable {
        case keys = "webscout"
        case legacy = "webscout-legacy"
        case open = "webscout-noauth"
    }

    let example: Example
    /// What clients send for a key.
    let key: String

    /// What the providers are sent.
    static let providerKey = "sk-of-the-provider"
    static let imageKey = "sk-of-the-images"
    /// In the documentation's commands.
    static let printedKey = "your-api-key"

    /// - Parameters:
    ///   - limit: of the key that is made, for `keys`.
    ///   - options: of `headgate run`.
    init(
        _ variant: Variant = .keys, _ variables: [String] = [], limit: Int? = nil,
        upstream: ScriptedUpstream? = nil, options: [String] = []
    ) throws {
        let keys = ["OPENAI_API_KEY=\(Self.providerKey)", "POLLINATIONS_API_KEY=\(Self.imageKey)"]
        example = try Example(
            variant.rawValue, keys + ["WEBSCOUT_API_KEY=\(Self.printedKey)"] + variables, upstream: upstream,
            starts: false)
        try example.start(options: options)
        guard variant == .keys else {
            key = Self.printedKey
            return
        }
        let wish = limit.map { ",\"rate_limit\":\($0)" } ?? ""
        let made = try example.post(
            "/v1/auth/generate-key", "{\"username\":\"\(Fresh.text(12))\",\"telegram_id\":\"1\"\(wish)}")
        key = try made.json().text("api_key")
    }

    /// The documentation's text with the key in its place.
    func withKey(_ text: String) -> String { text.replacing(Self.printedKey, with: key) }

    func generate(_ body: String) throws -> Response { try example.post("/v1/auth/generate-key", body) }

    func validate(_ key: String) throws -> MockJSON {
        let answer = try example.get("/v1/auth/validate", bearer: key)
        guard answer.status == 200 else { throw Trouble("validate: \(answer.status)") }
        return try answer.json()
    }

    func chat(
        _ model: String = "ChatGPT/gpt-4", more: String = "", key: String? = nil, fields: [String] = []
    ) throws -> Response {
        try example.post(
            "/v1/chat/completions", chatBody(more, model: model), bearer: key ?? self.key, fields: fields)
    }

    /// What went upstream for clients: the gateway itself asks for lists of models.
    var passed: [Request] { example.upstream.requests.filter { $0.target != "/v1/models" } }
    /// What these came with.
    var keysPassed: [String] {
        passed.map { ($0["Authorization"] ?? "").replacing("Bearer ", with: "", maxReplacements: 1) }
    }

    /// What the `sqlite3` shell says of the example's database.
    func sqlite3(_ sql: String) throws -> String {
        let result = try example.sh("sqlite3 -batch data/webscout.db \"\(sql)\"")
        guard result.code == 0 else { throw Trouble("sqlite3: \(result.errors)") }
        return result.output
    }
}
