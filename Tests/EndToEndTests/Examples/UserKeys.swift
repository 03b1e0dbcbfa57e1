@testable import CLI

/// `examples/userkeys.yaml`, and users of it.
struct UserKeys {
    let example: Example

    static let password = "test123"

    init(_ variables: [String] = [], prepare: (Example) throws -> Void = { _ in }) throws {
        example = try Example("userkeys", variables) { example in
            try prepare(example)
            if !example.folder.exists("app.db") { _ = try example.succeed("db", "init", "--no-admin") }
        }
    }

    /// - Returns: their token.
    func register(_ name: String) throws -> String {
        let body = "{\"username\":\"\(name)\",\"password\":\"\(Self.password)\"}"
        let made = try example.post("/register", body)
        guard made.status == 201 else { throw Trouble("register: \(made.status) \(made.text)") }
        return try token(name)
    }

    func token(_ name: String, password: String = UserKeys.password) throws -> String {
        try logIn(name, password: password).json().text("access_token")
    }

    /// By a form, as curl sends it.
    func logIn(_ name: String, password: String = UserKeys.password) throws -> Response {
        try example.exchange(
            "POST", "/login", fields: ["Content-Type: application/x-www-form-urlencoded"],
            body: "username=\(name)&password=\(password)")
    }

    func set(_ key: String, for model: String, _ token: String) throws -> Response {
        try example.post(
            "/set_api_key", "{\"model_name\":\"\(model)\",\"api_key\":\"\(key)\"}", bearer: token)
    }

    /// Names of the keys that are listed.
    func names(_ token: String) throws -> [String] {
        let listed = try example.get("/api_keys", bearer: token).json().arrayValue ?? []
        return try listed.map { try $0.text("model_name") }
    }

    func delete(_ name: String, _ token: String) throws -> Response {
        try example.exchange(
            "DELETE", "/api_keys/\(name)", fields: ["Authorization: Bearer \(token)"])
    }

    func chat(_ model: String, _ token: String) throws -> Response {
        try example.post("/v1/chat/completions", chatBody(model: model), bearer: token)
    }

    /// What went upstream for clients: the gateway itself asks for lists of models.
    var passed: [Request] { example.upstream.requests.filter { $0.target != "/v1/models" } }
    /// What these came with.
    var keysPassed: [String] {
        passed.map { ($0["Authorization"] ?? "").replacing("Bearer ", with: "", maxReplacements: 1) }
    }

    /// What the `sqlite3` shell says, while all runs.
    func sqlite3(_ sql: String) throws -> String {
        let result = try example.sh("sqlite3 -batch app.db \"\(sql)\"")
        guard result.code == 0 else { throw Trouble("sqlite3: \(result.errors)") }
        return result.output
    }
}
