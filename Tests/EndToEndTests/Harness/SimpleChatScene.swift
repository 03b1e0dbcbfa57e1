@testable import CLI

/// A gate with `POST /api/chat` for users who have a token of their own, before an upstream that wants a key.
final class SimpleChatScene {
    let gate: Gate
    /// What the upstream is sent, and nobody else may see.
    let upstreamKey = Fresh.text(40, prefix: "sk-up-")

    static let model = "house-model"
    static let temperature = "0.7"

    /// - Parameters:
    ///   - upstream: its URL, without a path.
    ///   - top: more keys of the file.
    ///   - route: more keys of the route, each with a comma before it.
    init(_ upstream: String, top: String = "", route: String = "", options: [String] = []) throws {
        let folder = try Folder()
        try folder.write(
            "gate.env", "JWT_SECRET=\(Fresh.text(40))\nUPSTREAM_KEY=\(upstreamKey)\n")
        let chat =
            "methods: POST, auth: logins, to: up, transform: simple_chat, default_model: \(Self.model), "
            + "default_temperature: \(Self.temperature)\(route)"
        gate = try Gate.withStore(
            """
            env_file: gate.env
            access_log: $FOLDER/access.log
            stores: { main: { sqlite: app.db, at_rest: plain, password_cost: 4 } }
            auth:
              open: { mode: none }
              logins: { mode: jwt, algorithms: HS256, secret: { env: JWT_SECRET }, store: main }
            upstreams: { up: { url: "\(upstream)/v1", key: { env: UPSTREAM_KEY } } }
            \(top)
            routes:
              - { path: /auth/register, methods: POST, auth: open, action: register }
              - { path: /api/chat, \(chat), errors: detail }
              - { path: /openai/chat, \(chat) }
            """, folder: folder, options: options)
    }

    /// - Returns: the token of a new user.
    func register() throws -> String {
        let body = #"{"email":"\#(Fresh.text(12))@example.com","password":"test123"}"#
        return try gate.exchange("POST", "/auth/register", body: body).json().text("access_token")
    }

    func chat(_ body: String, _ token: String?, path: String = "/api/chat", fields: [String] = []) throws
        -> Response
    {
        try gate.exchange("POST", path, fields: bearer(token) + fields, body: body)
    }

    /// The connection on which a request was sent.
    func begin(_ body: String, _ token: String, fields: [String] = []) throws -> Connection {
        let client = try gate.connect()
        try client.send(gate.request("POST", "/api/chat", fields: bearer(token) + fields, body: body))
        return client
    }

    private func bearer(_ token: String?) -> [String] {
        token.map { ["Authorization: Bearer \($0)"] } ?? []
    }
}
