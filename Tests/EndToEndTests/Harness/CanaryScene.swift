import Glibc

/// A gate with every kind of secret that there is, each of them watched for.
///
/// What the test writes itself, and what a command says when it makes a secret, is in `vault`; everything
/// that the gate and its commands leave behind otherwise is in the gate's own folder.
final class CanaryScene: Sendable {
    let gate: Gate
    let vault: Folder
    let canaries: Canaries
    let upstream: ScriptedUpstream
    /// The credentials that come in, by name.
    let credentials: Guarded<[(name: String, text: String)]>
    /// What clients have seen.
    let transcript = Guarded<[UInt8]>([])
    let password: String

    static let upstreamKeyName = "key in a request header"

    init(environment: [String] = []) throws {
        let (folder, canaries) = (try Folder(), Canaries())
        vault = try Folder()
        self.canaries = canaries
        let variables = [
            ("CLIENT_KEY", "env key", Fresh.text(40, prefix: "sk-")),
            ("JWT_SECRET", "JWT secret", Fresh.text(48)),
            ("MASTER_KEY", "master key", Fresh.hex(64)),
            ("UPSTREAM_KEY", Self.upstreamKeyName, Fresh.text(40, prefix: "sk-")),
        ]
        for (_, name, secret) in variables { try canaries.add(name, secret) }
        password = Fresh.text(32)
        try canaries.add("password", password, shown: 0)
        try vault.write("gate.env", variables.map { "\($0.0)=\($0.2)\n" }.joined())
        try vault.write("password", password + "\n")
        upstream = try Self.makeUpstream()
        let config = Self.config(upstream: upstream.url, vault: vault)
        try folder.write("first.yaml", Gate.whole(config, try Address.free(), folder))
        let makes = Operator(folder: vault, config: folder("first.yaml"))
        _ = try makes.run("db", "init", "--no-admin")
        _ = try makes.run("user", "add", "ann", "--password-stdin", standardInput: vault("password"))
        credentials = Guarded([("env key", variables[0].2)])
        gate = try Gate(config, folder: folder, environment: environment)
        try note("token of the file", makes.createToken("web"))
        try note("key of a user", makes.createKey(of: "ann"))
        let made = try Python.run("make_jwt.py", "HS256", variables[1].2, "sub=ann", in: vault)
        guard made.code == 0 else { throw Trouble(made.errors) }
        try note("JWT of another maker", String(made.output.dropLast()))
    }

    /// A credential that may come in, to be watched for from now on.
    func note(_ name: String, _ credential: String) throws {
        // Why: JWTs of one maker differ in little but their signature.
        let signature = credential.split(separator: ".", omittingEmptySubsequences: false).dropFirst(2).first
        try canaries.add(
            name, credential, shown: signature.map { credential.utf8.count - $0.utf8.count } ?? 16)
        credentials.withLock { $0.append((name, credential)) }
    }

    // MARK: - Requests

    /// Sends it as it is and keeps whatever comes back.
    @discardableResult
    func send(_ text: String) throws -> String {
        let connection = try gate.connect()
        defer { connection.close() }
        try connection.send(text)
        let answer = try connection.readToEnd().bytes
        transcript.withLock { $0 += answer }
        return String(decoding: answer, as: UTF8.self)
    }

    /// What is no request, which the other side may end before it has read it all.
    func sendAnyway(_ text: String) throws {
        let connection = try gate.connect()
        defer { connection.close() }
        var left = Array(text.utf8)[...]
        while !left.isEmpty, !connection.isReadable {
            let count = try connection.sendWithoutWaiting(Array(left))
            left = left.dropFirst(count)
            if count == 0 { pace(0.05) { !connection.isReadable } }
        }
        connection.finishSending()
        let answer = try connection.readToEnd().bytes
        transcript.withLock { $0 += answer }
    }

    @discardableResult
    func ask(_ method: String, _ path: String, _ fields: [String] = [], body: String? = nil) throws -> String
    {
        try send(gate.request(method, path, fields: fields + ["Connection: close"], body: body))
    }

    /// An exchange that makes a secret: what is kept of its answer is the rest.
    func make(
        _ name: String, _ member: String, _ method: String, _ path: String, _ fields: [String] = [],
        body: String
    ) throws {
        // Why again: hashing a password may be too much to ask of a machine that is busy.
        let answer = try waitFor("room for \(path)", within: 60) { () -> Response? in
            let answer = try gate.exchange(
                method, path, fields: fields + ["Content-Type: application/json"], body: body)
            return answer.status == 503 ? nil : answer
        }
        guard answer.status == 200 || answer.status == 201 else { throw Trouble("\(path): \(answer.text)") }
        let secret = try answer.json().text(member)
        try note(name, secret)
        let rest =
            answer.fields.map(\.description).joined(separator: "\n")
            + answer.text.replacing(secret, with: "", maxReplacements: 1)
        transcript.withLock { $0 += rest.utf8 }
    }

    // MARK: - Setting

    static func config(upstream: String, vault: Folder, format: String = "json", more: String = "") -> String
    {
        """
        env_file: \(vault("gate.env"))
        access_log: { to: $FOLDER/access.log, format: \(format) }
        stores: { main: { sqlite: app.db, encryption_key: { env: MASTER_KEY } } }
        auth:
          open: { mode: none, ignore_credentials: true }
          shared: { mode: env-key, variables: CLIENT_KEY }
          strict: { mode: env-key, variables: CLIENT_KEY, reject_status: 403 }
          apps: { mode: token-file, file: tokens.json }
          logins: { mode: jwt, algorithms: HS256, secret: { env: JWT_SECRET }, store: main, subject: username }
          members: { mode: user-keys, store: main, schemes: [bearer, raw] }
        limits: { slow: { by: key, requests_per_minute: 1 } }
        upstreams:
          up:
            url: "\(upstream)"
            timeouts: { first_byte: 300ms }
          nobody: "http://127.0.0.1:9"
        routes:
          - { path: /login/session, auth: open, action: { name: login, response: session } }
          - { path: /login/jwt, auth: open, errors: detail, action: { name: login, jwt: logins } }
          - { path: /register, auth: open, action: { name: register, require: [username, password], jwt: logins } }
          - { path: /me, auth: [members, logins], action: me }
          - { path: /protected, auth: [members, logins], errors: detail, action: protected }
          - { path: /set_api_key, auth: [members, logins], action: { name: set-api-key, key_prefix: sk-or-v1-, key_min_length: 30 } }
          - { path: /api_keys, auth: [members, logins], action: list-api-keys }
          - { path: "/api_keys/**", auth: [members, logins], action: delete-api-key }
          - { path: /generate, auth: open, errors: webscout, action: { name: generate-key, self_service: true } }
          - { path: /validate, auth: open, errors: webscout, action: validate-key }
          - { path: "/strict/**", auth: strict, to: up }
          - { path: "/few/**", auth: [members, logins, apps, shared], limits: slow, to: up }
          - { path: "/small/**", auth: [members, logins, apps, shared], max_body: 16B, to: up }
          - { path: "/nobody/**", auth: [members, logins, apps, shared], to: nobody }
          - { path: "/detail/**", auth: [members, logins, apps, shared], errors: detail, to: up }
          - { path: "/webscout/**", auth: [members, logins, apps, shared], errors: webscout, to: up }
          - path: "/up/**"
            auth: [members, logins, apps, shared]
            request_headers: { set: { Authorization: "Bearer ${UPSTREAM_KEY}" } }
            to: up
          - { path: "/get/**", methods: GET, auth: shared, to: up }
        \(more)
        """
    }

    /// Answers by what the path ends in.
    private static func makeUpstream() throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                switch request.target.split(separator: "/").last {
                case "late": _ = try connection.wire.waitForEnd()
                case "odd": return try connection.send("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
                case "gone": return
                case "cut": return try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")
                case "500":
                    try connection.send("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\noh")
                case "stream":
                    try connection.send(streamHead)
                    try connection.sendChunk(streamEvent("held", 0))
                    _ = try connection.wire.waitForEnd()
                case _: try connection.send(ok("origin"))
                }
            }
        }
    }
}
