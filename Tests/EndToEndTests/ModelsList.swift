import Testing

@testable import CLI

/// `models:` as clients see it: which there are, and what becomes of their names and of what is left out
/// (S4-52 to S4-54).
@Suite(.scenario) struct ModelsList {
    private static let list =
        #"{"object":"list","data":[{"id":"other/one","created":5},{"id":"elsewhere/two"},{"id":"mock"}]}"#

    /// A gate before the mock, `here`, and an upstream that the test reads along, `other`.
    private final class Scene {
        let gate: Gate
        let other: ScriptedUpstream
        /// Keys of a user who may use all models, and of one who may use two.
        let (whole, limited): (String, String)

        /// - Parameters:
        ///   - list: what `other` answers to who asks for its models.
        ///   - refresh: keys of the action, each with a comma before it.
        init(list: @escaping @Sendable () -> String = { ModelsList.list }, refresh: String = "") throws {
            let mock = try Address.free()
            other = try ScriptedUpstream.answering { request in
                ok(request.target == "/v1/models" ? list() : "{}")
            }
            nonisolated(unsafe) var keys: [String] = []
            gate = try Gate.withStore(
                """
                stores: { main: app.db }
                auth: { members: { mode: user-keys } }
                models:
                  gpt-4: here/mock-large
                  "Provider/*": { upstream: here, strip_prefix: true }
                  "other/*": other
                  "Other/*": { upstream: other, strip_prefix: true }
                  "renamed \\"x\\"": { upstream: 'other/its own "name"' }
                  mock: here
                  "*": { max_output: 100 }
                upstreams:
                  here: { url: "http://\(mock.authority)/v1" }
                  other: { url: "\(other.url)/v1" }
                routes:
                  - { path: /v1/models/**, auth: members, action: { name: models\(refresh) } }
                  - path: /v1/**
                    auth: members
                    to: models
                    default_model: mock
                    default_temperature: 0.5
                  - path: /plain/v1/**
                    auth: members
                    strip_prefix: /plain
                    to: other
                    default_model: house/model
                    default_temperature: 1.0
                  - { path: /named/v1/**, auth: members, strip_prefix: /named, to: models }
                  - { path: /other/v1/**, auth: members, strip_prefix: /other, to: models, default_model: Other/x }
                """, options: ["--mock", mock.authority]
            ) { commands in
                for (user, models) in [("ann", ""), ("ben", "gpt-4,other/one")] {
                    try commands.addUser(user)
                    let made =
                        if models.isEmpty {
                            try commands.run("apikey", "create", "--user", user, "--json")
                        } else {
                            try commands.run(
                                "apikey", "create", "--user", user, "--json", "--models", models)
                        }
                    keys.append(try parseJSON(made).text("api_key"))
                }
            }
            (whole, limited) = (keys[0], keys[1])
        }

        func get(_ path: String, key: String? = nil) throws -> Response {
            try gate.exchange("GET", path, fields: ["Authorization: Bearer \(key ?? whole)"])
        }

        func names(key: String? = nil) throws -> [String] {
            let models = try get("/v1/models", key: key).json()["data"]?.arrayValue ?? []
            return try models.map { try $0.text("id") }
        }

        func post(_ path: String, _ body: String) throws -> Response {
            try gate.exchange("POST", path, fields: ["Authorization: Bearer \(whole)"], body: body)
        }

        /// What `other` gets of a body.
        func forwarded(_ path: String, _ body: String) throws -> String {
            let answer = try post(path, body)
            guard answer.status == 200 else { throw Trouble("\(answer.status): \(answer.text)") }
            return other.requests.last?.text ?? ""
        }

        /// How often `other` was asked for its models.
        var asked: Int { other.requests.count { $0.target == "/v1/models" } }
    }

    private static let all = [
        "gpt-4", "Provider/mock", "Provider/mock-large", "Provider/mock-embedding", "other/one",
        "Other/other/one", "Other/elsewhere/two", "Other/mock", #"renamed "x""#, "mock",
    ]

    // MARK: - The list

    @Test func `curl lists what is named and what upstreams list, as far as the caller may use it`() throws {
        let scene = try Scene()
        func curl(_ path: String, _ key: String) throws -> MockJSON {
            let url = "http://\(scene.gate.address.authority)\(path)"
            let header = "Authorization: Bearer \(key)"
            let result = try run(["curl", "-sS", url, "-H", header], in: scene.gate.folder)
            #expect(result.code == 0, "\(result.errors)")
            return try parseJSON(result.output)
        }
        let list = try curl("/v1/models", scene.whole)
        #expect(list["object"] == "list")
        let data = try #require(list["data"]?.arrayValue)
        // `elsewhere/two` alone fits no entry, and `mock` leads elsewhere.
        #expect(data.map { $0["id"]?.stringValue } == Self.all)
        for model in data {
            #expect(model["object"] == "model" && (model["created"]?.integerValue ?? 0) > 0)
            let id = try model.text("id")
            let isOthers = id.hasPrefix("other/") || id.hasPrefix("Other/") || id.hasPrefix("renamed")
            #expect(model["owned_by"]?.stringValue == (isOthers ? "other" : "here"), "\(model.text)")
        }
        #expect(data[4]["created"] == 5 && data[1]["created"] == 1_700_000_000)
        for path in ["/v1/models/Provider/mock", "/v1/models/Provider%2Fmock"] {
            #expect(try curl(path, scene.whole) == data[1], "\(path)")
        }
        let error = try curl("/v1/models/nothing", scene.whole)["error"]
        #expect(error?["code"] == "model_not_found" && error?["param"] == "model", "\(error?.text ?? "")")
        let filtered = try curl("/v1/models", scene.limited)["data"]?.arrayValue
        #expect(filtered == [data[0], data[4]])
        #expect(try scene.get("/v1/models/mock", key: scene.limited).status == 404)
        #expect(try scene.get("/v1/models/other/one", key: scene.limited).status == 200)
        #expect(try scene.get("/v1/models", key: "hg_wrong").status == 401)
    }

    @Test(arguments: ["listed", "limited", "named"])
    func `the openai package lists models and uses them by their names`(scenario: String) throws {
        let scene = try Scene()
        let key = scenario == "limited" ? scene.limited : scene.whole
        let result = try Python.run(
            "models.py", scenario, "http://\(scene.gate.address.authority)/v1", key, in: scene.gate.folder)
        #expect(result.code == 0, "\(result.output)\(result.errors)")
    }

    @Test func `an upstream is asked once, however many want to know`() throws {
        let scene = try Scene()
        for _ in 0..<20 { _ = try scene.names() }
        #expect(scene.asked == 1)
        try scene.gate.reconfigure(scene.gate.folder.read(Gate.configName) + "\n# the same\n")
        #expect(try scene.names().contains("other/one"))
        #expect(scene.asked == 1, "a reload that changes nothing of it does not ask anew")
    }

    @Test func `what an upstream lists is seen when it is due, and what it listed stays while it fails`()
        throws
    {
        let state = Guarded((list: Self.list, count: 0))
        let scene = try Scene(
            list: {
                state.withLock {
                    $0.count += 1
                    return $0.list
                }
            }, refresh: ", refresh: 1s")
        #expect(try scene.names().contains("other/one"))
        state.withLock { $0.list = #"[{"id":"other/new"}]"# }
        try waitUntil("the new model") { try scene.names().contains("other/new") }
        let changed = try scene.names()
        #expect(!changed.contains("other/one"))
        let before = state.withLock { state in
            state.list = "<html>"
            return state.count
        }
        try waitUntil("the upstream to be asked again") {
            let names = try scene.names()
            #expect(names.contains("other/new"))
            return state.withLock { $0.count } > before
        }
        let stays = try holds(for: 0.3) { try scene.names().contains("other/new") }
        #expect(stays)
        try waitUntil("the log to say so") {
            scene.gate.process.errors.contains("upstreams.other: its models cannot be listed")
        }
    }

    // MARK: - Names and defaults

    private static let messages = #""messages": [{"role": "user", "content": "model"}]"#

    /// What the routes make of bodies on their way to `other`.
    private static let bodies: [(path: String, body: String, there: String)] = [
        // By the model, with a default for what is left out.
        ("/named", #"{"model": "other/one", \#(messages)}"#, #"{"model": "other/one", \#(messages)}"#),
        ("/named", #"{\#(messages), "model":"Other/a/b"}"#, #"{\#(messages), "model":"a/b"}"#),
        ("/named", #"{\#(messages), "model":"Oth\u0065r\/a\/b"}"#, #"{\#(messages), "model":"a\/b"}"#),
        ("/named", #"{"model":"renamed \"x\"","n":1}"#, #"{"model":"its own \"name\"","n":1}"#),
        ("/other", "{\(messages)}", #"{"model":"x",\#(messages)}"#),
        ("/other", #"{"model":null,\#(messages)}"#, #"{"model":"x",\#(messages)}"#),
        (
            "", #"{"model":"other/one"}"#, #"{"temperature":0.5,"model":"other/one"}"#
        ),
        // One upstream alone.
        ("/plain", "{\(messages)}", #"{"model":"house/model","temperature":1.0,\#(messages)}"#),
        ("/plain", #"{"model":"m",\#(messages)}"#, #"{"temperature":1.0,"model":"m",\#(messages)}"#),
        (
            "/plain", #"{"model":"Other/m","temperature":0,"stream":true}"#,
            #"{"model":"Other/m","temperature":0,"stream":true}"#
        ),
        ("/plain", "{}", #"{"model":"house/model","temperature":1.0}"#),
    ]

    @Test func `a body changes where a name or a default says so, and nowhere else`() throws {
        let scene = try Scene()
        for (path, body, there) in Self.bodies {
            #expect(try scene.forwarded("\(path)/v1/chat/completions", body) == there, "\(path): \(body)")
        }
    }

    @Test func `a name that leads nowhere is a 404, and none at all a 400`() throws {
        let scene = try Scene()
        _ = try scene.names()
        let before = scene.other.requests.count
        for name in ["nothing", "Provider", "provider/mock", "OTHER/one"] {
            let answer = try scene.post("/named/v1/chat/completions", #"{"model":"\#(name)"}"#)
            #expect(answer.status == 404 && answer.errorCode == "model_not_found", "\(name): \(answer.text)")
            #expect(try answer.json()["error"]?["param"] == "model")
        }
        for body in ["{}", #"{"model":null}"#, #"{"model":""}"#] {
            let answer = try scene.post("/named/v1/chat/completions", body)
            #expect(answer.status == 400 && answer.errorCode == "missing_required_parameter", "\(body)")
            #expect(try answer.json()["error"]?["param"] == "model")
        }
        let twice = try scene.post("/named/v1/chat/completions", #"{"model":"mock","model":"other/one"}"#)
        #expect(twice.status == 400 && twice.errorCode == "duplicate_model")
        #expect(scene.other.requests.count == before)
    }
}
