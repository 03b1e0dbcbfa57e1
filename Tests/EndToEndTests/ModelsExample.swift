import Testing

@testable import CLI

/// `examples/models.yaml`: what its first lines promise, with upstreams of this test's own.
@Suite(.scenario) struct ModelsExample {
    private static let path = "\(Project.path)/examples/models.yaml"
    private static let messages = #""messages":[{"role":"user","content":"Hello!"}]"#

    /// The file with its own listener, before the mock as the two local servers and one that tells its keys
    /// as the provider.
    private final class Scene {
        let gate: Gate
        let provider: ScriptedUpstream
        let key: String

        /// - Parameters:
        ///   - isLocalUp: somebody answers at the local addresses.
        ///   - environment: of the gate, beside its addresses.
        init(isLocalUp: Bool = true, environment: [String] = []) throws {
            provider = try ScriptedUpstream.answering { request in
                guard request.method == "POST" else { return ok(#"{"data":[{"id":"openai/gpt-5-mini"}]}"#) }
                let model = (try? request.json()["model"]?.stringValue) ?? ""
                let message = #"{"role":"assistant","content":"\#(request["authorization"] ?? "")"}"#
                return ok(#"{"model":"\#(model)","choices":[{"index":0,"message":\#(message)}]}"#)
            }
            guard let example = readFile(ModelsExample.path) else { throw Trouble("no example") }
            #expect(example.contains("local: 127.0.0.1:8000"))
            let local = try (0..<2).map { _ in
                isLocalUp ? try Scene.startMock() : try Address.free()
            }
            nonisolated(unsafe) var key = ""
            gate = try Gate.withStore(
                example.replacing("local: 127.0.0.1:8000", with: "local: $LISTEN"),
                environment: [
                    "LOCAL_URL=http://\(local[0].authority)/v1",
                    "LOCAL_LARGE_URL=http://\(local[1].authority)/v1", "OPENROUTER_URL=\(provider.url)/v1",
                ] + environment
            ) { commands in
                try commands.addUser("ann@example.com")
                key = try commands.createKey(of: "ann@example.com")
            }
            self.key = key
        }

        /// - Returns: where it answers.
        private static func startMock() throws -> Address {
            let address = try Address.free()
            _ = try ChildProcess([Gate.program, "mock", "--bind", address.authority], in: try Folder())
            try waitUntil("the mock to listen") { (try? Connection(to: address)) != nil }
            return address
        }

        func ask(_ model: String, path: String = "/v1/chat/completions") throws -> Response {
            let model = model.isEmpty ? "" : #""model":"\#(model)","#
            return try gate.exchange(
                "POST", path, fields: ["Authorization: Bearer \(key)"],
                body: "{\(model)\(ModelsExample.messages)}")
        }

        func answered(_ model: String) throws -> String {
            let answer = try ask(model)
            guard answer.status == 200 else { throw Trouble("\(answer.status): \(answer.text)") }
            return try answer.json().text("model")
        }
    }

    @Test func `the example is valid, and without a warning once its database is there`() throws {
        let result = try run([Gate.program, "check", Self.path], in: Folder())
        #expect(result.code == 0, "\(result.errors)")
        let scene = try Scene()
        let check = try scene.gate.headgate("check", scene.gate.folder(Gate.configName))
        #expect(check.code == 0 && check.errors == "", "\(check.errors)")
    }

    /// C29
    @Test func `models lead where the example says`() throws {
        let scene = try Scene(environment: ["OPENROUTER_API_KEY=sk-or-of-all"])
        let list = try scene.gate.exchange(
            "GET", "/v1/models", fields: ["Authorization: Bearer \(scene.key)"])
        let names = try #require(try list.json()["data"]?.arrayValue).map { $0["id"]?.stringValue ?? "" }
        #expect(names.prefix(3) == ["fast", "gpt-4", "local/mock"] && names.last == "openai/gpt-5-mini")
        #expect(try scene.answered("local/mock-large") == "mock-large")
        #expect(try scene.answered("fast") == "llama-3.3-70b")
        #expect(try scene.answered("") == "llama-3.3-70b")
        #expect(try scene.answered("gpt-4") == "openai/gpt-5-mini")
        #expect(try scene.answered("meta/llama-4") == "meta/llama-4")
        #expect(try scene.ask("nothing").errorCode == "model_not_found")
        let chat = try scene.ask("local/mock", path: "/api/chat")
        #expect(chat.status == 200 && chat.text.hasSuffix(#", "model": "mock"}"#), "\(chat.text)")
        let wrong = try scene.gate.exchange(
            "POST", "/api/chat", fields: ["Authorization: Bearer \(scene.key)"], body: "{}")
        #expect(wrong.status == 422 && wrong.text.hasPrefix(#"{"detail":"#))
        #expect(try scene.ask("gpt-4").text.contains("Bearer sk-or-of-all"))
    }

    @Test func `where the local servers are down the provider answers`() throws {
        let scene = try Scene(isLocalUp: false, environment: ["OPENROUTER_API_KEY=sk-or-of-all"])
        for _ in 0..<5 { #expect(try scene.answered("fast") == "openai/gpt-5-mini") }
        let chat = try scene.ask("", path: "/api/chat")
        #expect(chat.text == #"{"content": "Bearer sk-or-of-all", "model": "openai/gpt-5-mini"}"#)
        let alone = try scene.ask("local/mock")
        #expect(alone.status == 502 && alone.errorCode == "upstream_unreachable", "\(alone.text)")
    }

    @Test func `a key that a user stores is theirs from then on`() throws {
        let scene = try Scene()
        let none = try scene.ask("gpt-4")
        #expect(none.status == 403 && none.errorCode == "upstream_key_missing", "\(none.text)")
        #expect(scene.provider.requests.allSatisfy { $0.method == "GET" })
        try scene.gate.folder.write("key-of-ann", "sk-or-of-ann\n")
        let set = try scene.gate.commands.run(
            "key", "set", "--user", "ann@example.com", standardInput: scene.gate.folder("key-of-ann"))
        #expect(!set.contains("sk-or") && set.contains("***"), "\(set)")
        try waitUntil("the key to be used", within: 5) {
            try scene.ask("gpt-4").text.contains("Bearer sk-or-of-ann")
        }
        let told = try scene.gate.commands.run("explain", "key", "openrouter", "--user", "ann@example.com")
        #expect(told.contains("openrouter: database: it comes first"), "\(told)")
    }
}
