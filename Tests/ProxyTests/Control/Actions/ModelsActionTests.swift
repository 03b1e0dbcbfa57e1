// Covers ModelsAction.swift, ActionBinder+Models.swift
import JSON
import Testing

@testable import Config
@testable import Proxy

private func entry(_ name: String, _ upstream: String, passesName: Bool = true) -> ModelCatalog.Entry {
    ModelCatalog.Entry(
        name: name, prefix: "",
        targets: [ModelCatalog.Target(upstream: upstream, passesName: passesName)])
}

private let fixed = ModelCatalog(
    [entry("gpt-4", "openrouter"), entry("org/llama", "local"), entry("free-*", "local")], since: 5)

private func list(_ script: FetchScript) throws -> UpstreamModels {
    try UpstreamModels(
        .init(name: "local", urls: ["http://unasked.invalid/"], refresh: 3_600_000_000_000),
        fetch: script.fetch)
}

/// Asks one action, for as many answers as are wanted.
private final class Scene {
    let action: ModelsAction
    private let mailbox: Mailbox
    private var mail: [Mail] = []

    init(_ catalog: ModelCatalog = fixed, lists: [String: UpstreamModels] = [:], errors: ErrorShape = .openai)
        throws
    {
        action = ModelsAction(catalog, lists: lists, errors: ErrorFormat(shape: errors))
        mailbox = try Mailbox()
    }

    func begin(_ method: Proxy.Method = .get, path: String = "", models: [String]? = nil) {
        let ticket = Ticket(worker: 0, number: 1)
        let caller = models.map {
            Caller(
                digest: KeyDigest(Array("a key of thirty-two octets, exactly".utf8.prefix(32))),
                label: .empty, models: ModelList($0))
        }
        let request = ActionRequest(
            method: method, pathRest: Array(path.utf8), query: [], contentType: [], body: [], caller: caller,
            auth: nil, credential: nil, clientAddress: PeerAddress(high: 0, low: 1, port: 1, isUnix: false),
            requestID: [])
        action.answer(
            Question(ticket: ticket, answerer: action, subject: .action(request)),
            Reply(ticket: ticket, mailbox: mailbox))
    }

    var answerCount: Int {
        mail += mailbox.takeAll()
        return mail.count
    }

    func next() throws -> ActionReply {
        #expect(eventually { answerCount > 0 })
        guard case .answered(_, .reply(let reply)) = mail.removeFirst() else { throw Unexpected("no reply") }
        return reply
    }

    func ask(_ method: Proxy.Method = .get, path: String = "", models: [String]? = nil) throws -> ActionReply
    {
        begin(method, path: path, models: models)
        return try next()
    }
}

private func text(_ reply: ActionReply) -> String { String(decoding: reply.body, as: UTF8.self) }

private func ids(_ reply: ActionReply) throws -> [String?] {
    try #require(JSONValue.parse(reply.body)["data"]?.items).map { $0["id"]?.text }
}

@Suite struct ModelsActionTests {
    @Test(arguments: [Proxy.Method.get, .head])
    func `the list is as the OpenAI API has it`(method: Proxy.Method) throws {
        let reply = try Scene().ask(method)
        #expect(reply.status == 200)
        #expect(
            text(reply) == """
                {"object":"list","data":[\
                {"id":"gpt-4","object":"model","created":5,"owned_by":"openrouter"},\
                {"id":"org/llama","object":"model","created":5,"owned_by":"local"}]}

                """)
    }

    @Test func `one is told by its name, which may have slashes`() throws {
        let reply = try Scene().ask(path: "org/llama")
        #expect(reply.status == 200)
        #expect(
            text(reply)
                == "{\"id\":\"org/llama\",\"object\":\"model\",\"created\":5,\"owned_by\":\"local\"}\n")
    }

    @Test(arguments: ["gpt-5", "gpt-4/", "GPT-4", "free-*", "free-x", "org", "\u{FFFD}"])
    func `another name is not found`(name: String) throws {
        let reply = try Scene().ask(path: name)
        #expect(reply.status == 404 && reply.code.description == "model_not_found")
        let error = try #require(try JSONValue.parse(reply.body)["error"])
        #expect(error["code"]?.text == "model_not_found" && error["param"]?.text == "model")
        #expect(error["type"]?.text == "invalid_request_error")
        #expect(error["message"]?.text?.contains("'\(name)'") ?? false)
    }

    @Test func `an error has the shape of the route`() throws {
        let reply = try Scene(errors: .detail).ask(path: "x")
        #expect(reply.status == 404)
        #expect(
            text(reply) == "{\"detail\":\"The model 'x' does not exist, or you do not have access to it.\"}\n"
        )
    }

    @Test(arguments: [Proxy.Method.post, .put, .delete, .patch])
    func `models can only be read`(method: Proxy.Method) throws {
        let reply = try Scene().ask(method)
        #expect(reply.status == 405)
        #expect(String(decoding: reply.headerLines, as: UTF8.self) == "Allow: GET, HEAD\r\n")
    }

    @Test func `a caller sees what it may use`() throws {
        let scene = try Scene()
        #expect(try ids(scene.ask(models: ["org/llama", "other"])) == ["org/llama"])
        #expect(try ids(scene.ask(models: ["org/*", "*"])) == [])
        #expect(try scene.ask(path: "org/llama", models: ["org/llama"]).status == 200)
        #expect(try scene.ask(path: "gpt-4", models: ["org/llama"]).status == 404)
    }

    @Test func `what upstreams list is told besides, and may be asked for`() throws {
        let lists = [
            "local": try list(FetchScript([.set(#"{"data":[{"id":"free-a","created":9},{"id":"x"}]}"#)]))
        ]
        let scene = try Scene(lists: lists)
        #expect(try ids(scene.ask()) == ["gpt-4", "org/llama", "free-a"])
        #expect(text(try scene.ask(path: "free-a")).contains(#""created":9,"owned_by":"local""#))
        #expect(try ids(scene.ask(models: ["free-a"])) == ["free-a"])
    }

    @Test func `everybody waits for the first list, and nobody for another`() throws {
        let script = FetchScript([.set(#"[{"id":"free-a"}]"#)])
        script.isHeld.withLock { $0 = true }
        let scene = try Scene(lists: ["local": try list(script)])
        for _ in 0..<5 { scene.begin() }
        #expect(scene.answerCount == 0)
        script.isHeld.withLock { $0 = false }
        for _ in 0..<5 { #expect(try ids(scene.next()) == ["gpt-4", "org/llama", "free-a"]) }
        #expect(script.count.withLock { $0 } == 1)
    }

    @Test func `without a list what the file says is told`() throws {
        let scene = try Scene(lists: ["local": try list(FetchScript([.failure]))])
        #expect(try ids(scene.ask()) == ["gpt-4", "org/llama"])
    }

    @Test func `an upstream that is silent holds nobody up for longer than two seconds`() throws {
        let script = FetchScript([.failure])
        script.isHeld.withLock { $0 = true }
        defer { script.isHeld.withLock { $0 = false } }
        let scene = try Scene(lists: ["local": try list(script)])
        let start = monotonicNow()
        #expect(try ids(scene.ask()) == ["gpt-4", "org/llama"])
        #expect(monotonicNow() - start >= 1_900_000_000)
        #expect(try ids(scene.ask()) == ["gpt-4", "org/llama"])
    }

    @Test(arguments: [
        ("", "http://a.example/v1/models"), ("/v1", "http://a.example/v1/models"),
        ("/api/v1", "http://a.example/api/v1/models"),
        ("/v1beta/openai", "http://a.example/v1beta/openai/models"),
    ])
    func `a list stands beside what else an endpoint has`(basePath: String, url: String) {
        let endpoint = EndpointURL(
            scheme: .http, host: "a.example", port: 80, basePath: basePath, authority: "a.example")
        #expect(ActionBinder.listURL(endpoint) == url)
    }
}
