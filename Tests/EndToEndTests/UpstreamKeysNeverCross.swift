import Testing

@testable import CLI

/// What a client comes with never reaches an origin, and what goes to an origin never a client or a log: over
/// every way that an exchange can end.
@Suite(.scenario) struct UpstreamKeysNeverCross {
    private static let upstreamKeys = ["A", "B", "C", "D"]

    private final class Scene: Sendable {
        let gate: Gate
        let canaries = Canaries()
        let origin: ScriptedUpstream
        let transcript = Guarded<[UInt8]>([])
        let statuses = Guarded<Set<Int>>([])
        let credential: String

        init() throws {
            let (folder, vault) = (try Folder(), try Folder())
            origin = try UpstreamKeysNeverCross.origin()
            var variables = ""
            for name in UpstreamKeysNeverCross.upstreamKeys {
                let key = Fresh.text(48, prefix: "sk-or-v1-")
                try canaries.add("upstream key \(name)", key)
                variables += "KEY_\(name)=\(key)\n"
            }
            try vault.write("gate.env", variables)
            let stored = Fresh.text(48, prefix: "sk-or-v1-")
            try canaries.add("upstream key of ann", stored)
            try vault.write("stored", stored)
            let config = UpstreamKeysNeverCross.config(origin.url, vault: vault)
            let made = Guarded("")
            gate = try Gate.withStore(config, folder: folder) { commands in
                let makes = Operator(folder: vault, config: commands.config)
                try makes.addUser("ann")
                _ = try commands.run(
                    "key", "set", "--user", "ann", "--upstream", "chain", standardInput: vault("stored"))
                let key = try makes.createKey(of: "ann")
                made.withLock { $0 = key }
            }
            credential = made.withLock { $0 }
            try canaries.add("client", credential)
        }

        /// Whatever comes back is kept.
        @discardableResult
        func ask(_ method: String, _ path: String, _ fields: [String], _ body: String?) throws -> String {
            let connection = try gate.connect()
            defer { connection.close() }
            try connection.send(
                gate.request(method, path, fields: fields + ["Connection: close"], body: body))
            let answer = try connection.readToEnd().bytes
            let text = String(decoding: answer, as: UTF8.self)
            transcript.withLock { $0 += answer }
            statuses.withLock { _ = $0.insert(Int(text.dropFirst(9).prefix(3)) ?? 0) }
            return text
        }
    }

    private static func config(_ origin: String, vault: Folder) -> String {
        """
        env_file: \(vault("gate.env"))
        access_log: { to: $FOLDER/access.log, format: json }
        stores: { main: { sqlite: app.db, encryption_key: { file: master.key }, password_cost: 4 } }
        auth: { members: { mode: user-keys, store: main, prefix: ws_ } }
        models:
          plain: up
          fast: { first_of: [dead/slow, up/quick] }
          own: chain
        upstreams:
          up:
            { url: "\(origin)", key: { any_of: [ { env: KEY_A }, { env: KEY_B } ] }, timeouts: { first_byte: 400ms } }
          chain:
            { url: "\(origin)", key: { first_of: [ { database: main }, { env: KEY_C } ] } }
          dead: { url: "http://127.0.0.1:9", key: { env: KEY_D } }
          keyed: { url: "\(origin)", key: { env: KEY_D }, key_field: x-api-key }
        routes:
          - { path: /api/chat, auth: members, methods: POST, to: up, transform: simple_chat, default_model: m }
          - { path: "/v1/models/**", auth: members, action: models }
          - { path: /v1/chat/completions, auth: members, to: models, default_model: plain }
          - { path: "/up/**", auth: members, to: up }
          - { path: "/chain/**", auth: members, to: chain }
          - { path: "/detail/**", auth: members, errors: detail, to: chain }
          - { path: "/dead/**", auth: members, to: dead }
          - { path: "/keyed/**", auth: members, to: keyed }
        """
    }

    /// Answers by what the path ends in; what it has to say about a key that it refuses quotes the key.
    private static func origin() throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                let key = request["Authorization"] ?? request["X-Api-Key"] ?? ""
                let last = request.target.split(separator: "/").last ?? ""
                switch last {
                case "401", "402", "403":
                    let text = "{\"error\": \"Incorrect API key provided: \(key)\"}"
                    try connection.send(
                        "HTTP/1.1 \(last) No \(key)\r\nX-Echo: \(key)\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
                    )
                case "429", "500", "503":
                    try connection.send(
                        "HTTP/1.1 \(last) No\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\nno")
                case "late": _ = try connection.wire.waitForEnd()
                case "odd": return try connection.send("\(key) is no HTTP\r\n\r\n")
                case "odd-head": return try connection.send("HTTP/1.1 200 OK\r\nX \(key): y\r\n\r\n")
                case "gone": return
                case "cut": return try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")
                case "cut-stream":
                    try connection.send(streamHead)
                    return try connection.sendChunk(streamEvent("s", 0))
                case "models": try connection.send(ok("{\"object\":\"list\",\"data\":[{\"id\":\"plain\"}]}"))
                case _:
                    let text = "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"}}]}"
                    try connection.send(ok(text))
                }
            }
        }
    }

    private static let ends = [
        "ok", "401", "402", "403", "429", "500", "503", "odd", "odd-head", "gone", "cut", "cut-stream",
        "late",
    ]

    @Test func `S2-31, S1-43: client credentials stay here, and upstream keys go to upstreams alone`() throws
    {
        let scene = try Scene()
        let ways = [
            ["Authorization: Bearer \(scene.credential)"], ["X-Api-Key: \(scene.credential)"],
            ["authorization: bearer \(scene.credential)", "x-api-key: \(scene.credential)"],
        ]
        for (turn, way) in ways.enumerated() {
            for route in ["up", "chain", "detail", "dead", "keyed"] {
                for end in Self.ends where end != "late" || (route == "up" && turn == 0) {
                    try scene.ask("POST", "/\(route)/\(end)", way, chatBody())
                    if turn == 0 { try scene.ask("GET", "/\(route)/\(end)", way, nil) }
                }
            }
            for model in ["plain", "fast", "own", "unknown"] {
                try scene.ask("POST", "/v1/chat/completions", way, chatBody(model: model))
            }
            for path in ["/v1/models", "/v1/models/plain", "/v1/models/unknown", "/nowhere"] {
                try scene.ask("GET", path, way, nil)
            }
            for body in [chatBody(), chatBody("\"stream\":true,"), "{", "[]"] {
                try scene.ask("POST", "/api/chat", way, body)
            }
            try scene.ask(
                "GET", "/up/socket",
                way + [
                    "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                ],
                nil)
            try scene.ask("GET", "/up/ok", way.map { $0 + "x" }, nil)
        }
        for words in [["status"], ["key", "list"], ["explain", "key", "chain", "--user", "ann"]] {
            let more =
                words == ["status"]
                ? ["--admin", scene.gate.adminPath] : ["-c", scene.gate.folder(Gate.configName)]
            for form in [[], ["--json"]] {
                let said = try run([Gate.program] + words + more + form, in: scene.gate.folder)
                #expect(said.code == 0, "\(words): \(said.output)\(said.errors)")
            }
        }
        try waitUntil("exchanges to end") { try scene.gate.sum("exchanges_running") == 0 }
        try expectNothingCrossed(scene)
    }

    private func expectNothingCrossed(_ scene: Scene) throws {
        let statuses = scene.statuses.withLock { $0 }
        for status in [200, 401, 404, 429, 500, 502, 503, 504] {
            #expect(statuses.contains(status), "no answer has the status \(status)")
        }
        #expect(scene.canaries.found(in: scene.transcript.withLock { $0 }) == [])
        let files = scene.canaries.search(scene.gate.folder, exempt: [Gate.configName, "staged.yaml"])
        #expect(files.found == [] && files.files > 5)
        var used: Set<String> = []
        for request in scene.origin.requests {
            let shows = scene.canaries.found(in: Array(request.headText.utf8) + request.body)
            #expect(shows.allSatisfy { $0.hasPrefix("upstream key") }, "\(request.headText)")
            used.formUnion(shows)
            #expect(request.all("Authorization").count + request.all("X-Api-Key").count == 1)
            // Each upstream's own: what is meant for another one is not there.
            let isKeyed = request.target.hasPrefix("/keyed")
            #expect(shows.contains { $0.hasPrefix("upstream key D") } == isKeyed, "\(request.headText)")
        }
        #expect(used.isSuperset(of: ["A", "B", "C", "D", "of ann"].map { "upstream key \($0) in clear" }))
    }
}
