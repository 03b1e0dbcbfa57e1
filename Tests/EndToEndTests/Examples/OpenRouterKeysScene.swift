import Testing

@testable import CLI

/// `examples/openrouter-keys.yaml` with one user, before a provider that makes keys and tells which one came.
struct OpenRouterKeysScene {
    let example: Example
    static let username = "admin"
    static let password = "password"
    static let mask = String(repeating: "*", count: 15)

    /// - Parameter verdicts: statuses that keys get instead of an answer.
    init(_ variables: String = "", verdicts: Guarded<[String: Int]> = Guarded([:])) throws {
        let provider = try OpenAIOrigin.start { request in
            let key = (request["Authorization"] ?? "").replacing("Bearer ", with: "", maxReplacements: 1)
            if let status = verdicts.withLock({ $0[key] }) {
                return OpenAIOrigin.failure(status, "words of the provider", "provider")
            }
            guard request.target == "/v1/keys" else { return nil }
            return OpenAIOrigin.json("{\"key\": \"\(Fresh.hex(60).prefixed("sk-or-v1-"))a123\"}")
        }
        example = try Example("openrouter-keys", upstream: provider) { example in
            try example.folder.write(".env", variables + "\n")
            _ = try example.succeed("db", "init", "--no-admin")
            for user in [Self.username, "ben"] {
                _ = try example.succeed("user", "add", user, "--password-stdin", input: Self.password)
            }
        }
    }

    /// The request of the documentation.
    func logIn(_ user: String = OpenRouterKeysScene.username, password: String = OpenRouterKeysScene.password)
        throws -> CurlReply
    {
        try example.curl(
            #"""
            curl -X POST http://localhost:8000/api/login -H "Content-Type: application/json" \
              -d '{
                "username": "\#(user)",
                "password": "\#(password)"
              }'
            """#)
    }

    /// Logs in, and asks the upstream with the session's token.
    /// - Returns: the key that the upstream saw.
    func keyUsed(
        source: MockJSON, synced: Bool, place: SourceLocation = #_sourceLocation
    ) throws -> String {
        let login = try logIn()
        try expect(login, hasKey: true, source: source, synced: synced, place)
        let chat = try ask(login.json().text("token"))
        #expect(chat.status == 200, "\(chat.text)", sourceLocation: place)
        return try #require(example.upstream.keysSeen.last, sourceLocation: place)
    }

    func ask(_ bearer: String) throws -> Response {
        try example.post(
            "/v1/chat/completions", #"{"model":"openai/gpt-5","messages":[{"role":"user","content":"Hi"}]}"#,
            bearer: bearer)
    }

    func expect(
        _ login: CurlReply, hasKey: Bool, source: MockJSON, synced: Bool,
        _ place: SourceLocation = #_sourceLocation
    ) throws {
        #expect(login.status == 200, "\(login.text)", sourceLocation: place)
        let status = try login.json()["api_key_status"]
        #expect(status?["has_key"] == .bool(hasKey), sourceLocation: place)
        #expect(status?["source"] == source, "\(login.text)", sourceLocation: place)
        #expect(status?["synced"] == .bool(synced), "\(login.text)", sourceLocation: place)
    }

    /// What the log has had since; each line stands behind the one before it.
    func expectLog(since start: Int = 0, _ lines: [String]) throws {
        try waitUntil("in the log: \(lines)\n\(example.log)", within: 5) {
            var rest = example.log.split(separator: "\n").dropFirst(start)
            return lines.allSatisfy { line in
                guard let index = rest.firstIndex(where: { $0.contains(line) }) else { return false }
                rest = rest[(index + 1)...]
                return true
            }
        }
    }

    var logLines: Int { example.log.split(separator: "\n").count }

    /// Our word for what the documentation does with `api_keys_col().delete_many({})`.
    func deleteKeys() throws { _ = try example.succeed("key", "unset", "--all") }

    func sh(_ line: String) throws {
        let result = try example.sh(line)
        guard result.code == 0 else { throw Trouble("\(line): \(result.errors)") }
    }
}

extension String {
    fileprivate func prefixed(_ start: String) -> String { start + self }
}
