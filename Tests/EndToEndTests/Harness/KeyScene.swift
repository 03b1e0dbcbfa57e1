@testable import CLI

/// A gate with users in a store, and an origin that tells each request with which key it came.
final class KeyScene: Sendable {
    let gate: Gate
    let origin: ScriptedUpstream
    /// Credentials of clients, by user.
    let clients: [String: String]

    static let password = "test123"
    static let mask = String(repeating: "*", count: 15)

    /// - Parameters:
    ///   - key: of the upstream `openrouter`.
    ///   - upstream: members of the upstream besides, each behind a comma.
    ///   - more: of the file, behind the rest.
    ///   - variables: of the `env_file`.
    init(
        _ origin: ScriptedUpstream, key: String, upstream: String = "", more: String = "",
        variables: String = "", users: [String] = ["ann"], options: [String] = [],
        prepare: (Operator) throws -> Void = { _ in }
    ) throws {
        self.origin = origin
        let folder = try Folder()
        try folder.write("gate.env", variables + "\n")
        try folder.write("password", KeyScene.password + "\n")
        var made: [String: String] = [:]
        let config = KeyScene.config(origin.url, key: key, upstream: upstream, more: more)
        gate = try Gate.withStore(config, folder: folder, options: options) { commands in
            for user in users {
                _ = try commands.run(
                    "user", "add", user, "--password-stdin", standardInput: folder("password"))
                made[user] = try commands.createKey(of: user)
            }
            try prepare(commands)
        }
        clients = made
    }

    static func config(_ origin: String, key: String, upstream: String = "", more: String = "") -> String {
        // What no store has, no login can bring about.
        let sync = key.contains("database") ? ", sync: openrouter" : ""
        return """
            process: { workers: 2 }
            env_file: gate.env
            access_log: { to: $FOLDER/access.log, format: json }
            stores:
              main: { sqlite: app.db, encryption_key: { file: master.key }, password_cost: 4,
                      user_ids: objectid }
            auth:
              open: { mode: none, ignore_credentials: true }
              members: { mode: user-keys, store: main, prefix: ws_ }
            upstreams:
              openrouter:
                { url: "\(origin)", key: \(key)\(upstream) }
            routes:
              - { path: /api/login, methods: POST, auth: open, action: { name: login, identity: username,
                  response: session, issues: session\(sync) } }
              - { path: "/v1/**", auth: members, to: openrouter }
            \(more)
            """
    }

    // MARK: - Origins

    /// Tells the key, or refuses it.
    static func origin(_ verdicts: Guarded<[String: Verdict]> = Guarded([:])) throws -> ScriptedUpstream {
        try ScriptedUpstream.answering { request in
            let key = (request["Authorization"] ?? "").replacing("Bearer ", with: "", maxReplacements: 1)
            guard let verdict = verdicts.withLock({ $0[key] }) else { return ok(key) }
            let text = "{\"error\": \"the origin's own words about \(key)\"}"
            return "HTTP/1.1 \(verdict.status) No\r\nX-Origin: words\r\n\(verdict.fields)"
                + "Content-Length: \(text.utf8.count)\r\n\r\n\(text)"
        }
    }

    struct Verdict: Sendable {
        let status: Int
        /// Lines with their ends.
        var fields = ""
    }

    /// The keys that the origin has seen, in order.
    var keysSeen: [String] {
        origin.requests.map {
            ($0["Authorization"] ?? "").replacing("Bearer ", with: "", maxReplacements: 1)
        }
    }

    // MARK: - Clients

    func bearer(_ user: String) -> [String] { ["Authorization: Bearer \(clients[user] ?? "nobody")"] }

    /// One chat request of that user. Answers of the origin hold the key.
    func ask(_ user: String = "ann", model: String = "m") throws -> Response {
        try gate.chat(model: model, fields: bearer(user))
    }

    /// Waits until requests of the user go out with the key.
    func waitForKey(_ key: String, of user: String = "ann", model: String = "m") throws {
        var last = ""
        do {
            try waitUntil("\(key) for \(user)", within: 8) {
                last = try ask(user, model: model).text
                return last == key
            }
        } catch { throw Trouble("\(error); last: \(last)") }
    }

    func logIn(_ user: String = "ann", password: String = KeyScene.password) throws -> Response {
        try gate.exchange(
            "POST", "/api/login", fields: ["Content-Type: application/json"],
            body: "{\"username\": \"\(user)\", \"password\": \"\(password)\"}")
    }

    // MARK: - The operator

    var folder: Folder { gate.folder }

    /// `headgate key set` with more arguments, by a process of its own.
    func set(_ key: String, _ arguments: String...) throws {
        let name = "stdin-\(Fresh.text(12))"
        try folder.write(name, key)
        let result = try headgate(["key", "set"] + arguments, input: folder(name))
        try folder.remove(name)
        guard result.code == 0 else { throw Trouble("key set: \(result.output)\(result.errors)") }
    }

    typealias Result = (code: Int32, output: String, errors: String)

    func headgate(_ arguments: [String], input: String = "/dev/null") throws -> Result {
        let process = try ChildProcess(
            [Gate.program] + arguments + ["-c", folder(Gate.configName)], in: folder, standardInput: input)
        let code = try process.waitForExit()
        Scenario.forget(process)
        return (code, process.output, process.errors)
    }

    func succeed(_ arguments: String...) throws -> Result {
        let result = try headgate(arguments)
        guard result.code == 0 else { throw Trouble("\(arguments): \(result.output)\(result.errors)") }
        return result
    }

    var log: String { gate.process.errors }
}
