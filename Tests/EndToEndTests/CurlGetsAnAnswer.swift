import Testing

@testable import CLI

/// The first minute: `make run`, then the curl line of the README.
@Suite(.scenario) struct CurlGetsAnAnswer {
    private static let body = #"{"model":"mock","messages":[{"role":"user","content":"Hello!"}]}"#

    /// `config.example.yaml` with addresses of this test's own.
    private func start() throws -> Gate {
        guard let example = readFile("\(Project.path)/config.example.yaml") else {
            throw Trouble("no config.example.yaml")
        }
        let mock = try Address.free()
        #expect(example.contains("127.0.0.1:8000") && example.contains("127.0.0.1:8090"))
        let config = example.replacing("local: 127.0.0.1:8000", with: "local: $LISTEN")
            .replacing("http://127.0.0.1:8090", with: "http://\(mock.authority)")
        return try Gate(config, options: ["--mock", mock.authority])
    }

    @Test func `curl gets an answer through the example file`() throws {
        let gate = try start()
        let result = try run(
            [
                "curl", "-sS", "--fail", "http://\(gate.address.authority)/v1/chat/completions", "-H",
                "Content-Type: application/json", "-d", Self.body,
            ], in: gate.folder)
        #expect(result.code == 0, "\(result.errors)")
        let answer = try MockJSONReader.read(Array(result.output.utf8))
        #expect(answer["object"] == "chat.completion")
        #expect(answer["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue?.isEmpty == false)
    }

    @Test func `curl gets a stream, piece by piece`() throws {
        let gate = try start()
        let body = Self.body.replacing("{\"model\"", with: "{\"stream\":true,\"model\"")
        let result = try run(
            [
                "curl", "-sSN", "--fail", "http://\(gate.address.authority)/v1/chat/completions", "-H",
                "Content-Type: application/json", "-d", body,
            ], in: gate.folder)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("data: {"))
        #expect(result.output.hasSuffix("data: [DONE]\n\n"))
    }

    @Test func `the program says where it listens and what to try`() throws {
        let gate = try start()
        try waitUntil("what to try") {
            gate.process.errors.contains("curl http://\(gate.address.authority)/v1/chat/completions")
        }
        #expect(gate.process.errors.contains("listening on http://\(gate.address.authority)\n"))
        #expect(try gate.exchange("GET", "/health").json() == ["status": "ok"])
    }
}
