import Testing

@testable import CLI

/// An upstream that does not take a key: that is about the key and not about the caller, who gets the answer
/// to another one or is told that there is none.
@Suite(.scenario) struct RefusedUpstreamKeys {
    private typealias Verdicts = Guarded<[String: KeyScene.Verdict]>

    private static let chain = "{ first_of: [ { database: main }, { file: key.txt }, { env: ROUTER_KEY } ] }"

    private func expectExhausted(_ answer: Response, place: SourceLocation = #_sourceLocation) {
        #expect(answer.status == 502, sourceLocation: place)
        #expect(answer.errorCode == "upstream_credentials_exhausted", sourceLocation: place)
        #expect(!answer.text.contains("words"), "\(answer.text)", sourceLocation: place)
        #expect(answer["X-Origin"] == nil, sourceLocation: place)
    }

    private func makeScene(_ verdicts: Verdicts) throws -> KeyScene {
        // Why before the start: what is known of keys is looked for anew when the file changes.
        let scene = try KeyScene(
            KeyScene.origin(verdicts), key: Self.chain, variables: "ROUTER_KEY=key-three"
        ) { commands in try commands.folder.write("key.txt", "key-two\n") }
        try scene.set("key-one", "--user", "ann")
        try scene.waitForKey("key-one")
        return scene
    }

    @Test(arguments: [401, 402, 403])
    func `S1-48, S1-49: the next of the chain is tried, and where all are refused it is a 502`(status: Int)
        throws
    {
        let verdicts = Verdicts([:])
        let scene = try makeScene(verdicts)
        let before = scene.keysSeen.count
        verdicts.withLock { $0["key-one"] = KeyScene.Verdict(status: status) }
        #expect(try scene.ask().text == "key-two")
        #expect(try scene.ask().text == "key-two")
        // A 403 may be about what was asked for: the key is tried again by the next request.
        let expected = status == 403 ? ["key-one", "key-two"] : ["key-two"]
        #expect(Array(scene.keysSeen[before...]) == ["key-one", "key-two"] + expected)
        verdicts.withLock { $0["key-two"] = KeyScene.Verdict(status: status) }
        #expect(try scene.ask().text == "key-three")
        verdicts.withLock { $0["key-three"] = KeyScene.Verdict(status: status) }
        for _ in 0..<3 { expectExhausted(try scene.ask()) }
        // One that is good again is found, and a new one counts at once.
        verdicts.withLock { $0 = [:] }
        #expect(try scene.ask().status == 200)
        try scene.set("key-new", "--user", "ann")
        try scene.waitForKey("key-new")
    }

    @Test func `S1-49: a key that was made is renewed once, however many wait, and not again`() throws {
        let (verdicts, made) = (Verdicts([:]), Counter())
        let origin = try ScriptedUpstream.answering { request in
            let key = (request["Authorization"] ?? "").replacing("Bearer ", with: "")
            if request.target == "/keys" {
                made.add()
                return ok("{\"key\": \"made-0123456789-\(made.value)\"}")
            }
            let isRefused = verdicts.withLock { $0[key] != nil }
            return isRefused ? "HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nwords" : ok(key)
        }
        let scene = try KeyScene(
            origin,
            key: """
                { first_of: [ { database: main }, { provision: { key: { env: PASS } } } ], remember: database }
                """, variables: "PASS=pass")
        #expect(try scene.succeed("key", "provision", "--user", "ann").output.contains("auto-provisioned"))
        try scene.waitForKey("made-0123456789-1")
        verdicts.withLock { $0["made-0123456789-1"] = KeyScene.Verdict(status: 401) }
        let crowd = try Crowd(scene.gate, count: 24)
        let answers = try crowd.ask(scene.gate.chatRequest(fields: scene.bearer("ann")))
        #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.map(\.status))")
        #expect(made.value == 2)
        #expect(try scene.ask().text == "made-0123456789-2")
        let listed = try parseJSON(scene.succeed("key", "list", "--json").output)["keys"]?.arrayValue
        #expect(listed?.count == 1 && listed?.first?["source"] == "auto-provisioned")
        #expect(listed?.first?["key"]?.stringValue?.hasSuffix("89-2") == true)
        verdicts.withLock { $0["made-0123456789-2"] = KeyScene.Verdict(status: 401) }
        for _ in 0..<3 { expectExhausted(try scene.ask()) }
        #expect(made.value == 2, "the next would not do either")
    }

    @Test func `of several keys one that gets a 429 rests as long as it is told, and another one goes on`()
        throws
    {
        let verdicts = Verdicts(["key-a": KeyScene.Verdict(status: 429, fields: "Retry-After: 60\r\n")])
        let scene = try KeyScene(
            KeyScene.origin(verdicts), key: "{ any_of: [ { env: A, weight: 5 }, { env: B } ] }",
            variables: "A=key-a\nB=key-b")
        for _ in 0..<20 { #expect(try scene.ask().text == "key-b") }
        #expect(scene.keysSeen.count { $0 == "key-a" } == 1)
        verdicts.withLock { $0["key-b"] = KeyScene.Verdict(status: 429, fields: "Retry-After: 1\r\n") }
        let refused = try scene.ask()
        #expect(refused.status == 429 && refused["Retry-After"] != nil)
        verdicts.withLock { $0["key-b"] = nil }
        // The one that is done first, as none is left.
        #expect(try scene.ask().text == "key-b")
        #expect(scene.keysSeen.count { $0 == "key-a" } == 1)
    }

    @Test func `a key is used again once its Retry-After is over, and one that is refused by weight is not`()
        throws
    {
        let verdicts = Verdicts(["key-a": KeyScene.Verdict(status: 429, fields: "Retry-After: 1\r\n")])
        let scene = try KeyScene(
            KeyScene.origin(verdicts), key: "{ any_of: [ { env: A, weight: 20 }, { env: B } ] }",
            variables: "A=key-a\nB=key-b")
        try waitUntil("the first key to be tried") {
            let answer = try scene.ask()
            #expect(answer.text == "key-b")
            return scene.keysSeen.contains("key-a")
        }
        verdicts.withLock { $0 = [:] }
        try waitUntil("the first key to be used again", within: 5) { try scene.ask().text == "key-a" }
        verdicts.withLock { $0 = ["key-a": KeyScene.Verdict(status: 401)] }
        for _ in 0..<20 { #expect(try scene.ask().text == "key-b") }
        verdicts.withLock { $0["key-b"] = KeyScene.Verdict(status: 402) }
        expectExhausted(try scene.ask())
    }

    @Test func `an upload goes out whole with the next key if it was kept, else it ends as a 502`() throws {
        let verdicts = Verdicts(["key-one": KeyScene.Verdict(status: 403)])
        let scene = try KeyScene(
            KeyScene.origin(verdicts), key: "{ first_of: [ { env: A }, { env: B } ] }",
            upstream: ", retry: { body: 4KiB }", variables: "A=key-one\nB=key-two")
        func post(_ text: String) throws -> Response {
            let fields = scene.bearer("ann") + ["Content-Type: text/plain"]
            return try scene.gate.exchange("POST", "/v1/files", fields: fields, body: text)
        }
        let small = String(repeating: "s", count: 3000)
        #expect(try post(small).text == "key-two")
        #expect(scene.keysSeen == ["key-one", "key-two"])
        #expect(scene.origin.requests.allSatisfy { $0.text == small })
        // What is larger, or may be, is passed on as it comes and cannot go out again.
        let large = String(repeating: "l", count: 300_000)
        expectExhausted(try post(large))
        expectExhausted(try upload(scene, large))
        #expect(scene.origin.requests.count == 4)
        verdicts.withLock { $0["key-one"] = KeyScene.Verdict(status: 401) }
        expectExhausted(try upload(scene, large))
        #expect(try upload(scene, large).text == "key-two", "the key is known to be refused now")
        #expect(scene.origin.requests.last?.text == large)
    }

    /// In chunks.
    private func upload(_ scene: KeyScene, _ text: String) throws -> Response {
        let connection = try scene.gate.connect()
        defer { connection.close() }
        let fields = scene.bearer("ann") + ["Transfer-Encoding: chunked", "Content-Type: text/plain"]
        try connection.send(scene.gate.request("POST", "/v1/files", fields: fields))
        var rest = Substring(text)
        while !rest.isEmpty {
            let piece = rest.prefix(16_000)
            try connection.send(chunk(String(piece)))
            rest = rest.dropFirst(piece.count)
        }
        try connection.send("0\r\n\r\n")
        return try connection.readResponse(to: "POST")
    }

    @Test func `S1-19: a source that is wrong is passed over, and status tells it without the key`() throws {
        let chain =
            "{ first_of: [ { database: main }, { file: key.txt }, { env: ROUTER_KEY } ], prefix: key- }"
        let scene = try KeyScene(KeyScene.origin(), key: chain, variables: "ROUTER_KEY=key-three") {
            commands in
            try commands.folder.write("key.txt", "canary-of-another-kind\n")
        }
        #expect(try scene.ask().text == "key-three")
        let told = try scene.gate.headgate("status", "--json", "--admin", scene.gate.adminPath).output
        let keys = try parseJSON(told)["keys"]?.arrayValue?.first
        #expect(keys?["upstream"] == "openrouter")
        #expect(keys?["problems"]?.arrayValue?.first?.stringValue?.contains("key.txt") == true, "\(told)")
        #expect(!told.contains("canary") && !told.contains("key-three"))
    }
}
