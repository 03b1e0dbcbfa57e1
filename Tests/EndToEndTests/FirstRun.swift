import Glibc
import Testing

@testable import CLI

/// A file that says so needs nothing but itself: databases, keys and secrets are made where there are none,
/// below the working directory.
@Suite(.scenario) struct FirstRun {
    private static let config = """
        version: 1
        relative_to: working_directory
        env_file: { path: .env, optional: true }
        listeners: { main: $LISTEN }
        stores:
          main: { sqlite: data/app.db, create: true, encryption_key: { file: data/master.key } }
        auth:
          open: { mode: none }
          logins: { mode: jwt, algorithms: HS256, secret: { file: data/jwt.secret, create: true }, store: main }
        upstreams: { up: http://127.0.0.1:9 }
        routes:
          - { path: /word, auth: open, respond: { text: "${WORD:-none}" } }
          - { path: /register, auth: open, methods: POST, action: register }
          - { path: /me, auth: logins, action: me }
          - { path: /v1/**, auth: logins, to: up }

        """

    private let folder: Folder
    private let address: Address

    init() throws {
        folder = try Folder()
        address = try Address.free()
        try folder.makeFolder("config")
        try folder.makeFolder("work")
        try folder.write(
            "config/gate.yaml", Self.config.replacing("$LISTEN", with: address.description))
    }

    private func inWork(_ words: [String]) -> [String] {
        [
            "/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder("work"), Gate.program, "-c",
            "../config/gate.yaml",
        ] + words
    }

    private func ask(_ target: String, _ fields: [String] = [], body: String? = nil) throws -> Response {
        let connection = try Connection(to: address)
        defer { connection.close() }
        var text = "\(body == nil ? "GET" : "POST") \(target) HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n"
        for field in fields { text += field + "\r\n" }
        if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        try connection.send(text + "\r\n" + (body ?? ""))
        return try connection.readResponse()
    }

    private func mode(_ name: String) -> mode_t {
        var status = stat()
        return lstat(folder(name), &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func serve() throws -> ChildProcess {
        let process = try ChildProcess(inWork(["run", "--admin", folder("admin.sock")]), in: folder)
        try waitUntil("headgate to serve") {
            if let code = process.exitCode { throw Trouble("headgate ended with \(code): \(process.errors)") }
            return process.errors.contains("listening on")
        }
        return process
    }

    @Test func `check makes nothing and warns of nothing`() throws {
        let result = try run(inWork(["check"]), in: folder)
        #expect(result.code == 0 && result.errors == "", "\(result.errors)")
        #expect(!folder.exists("work/data"))
    }

    @Test func `the first run makes them, the second takes them as they are`() throws {
        let first = try serve()
        let made = try ask("/register", body: #"{"email":"a@example.com","password":"test123"}"#)
        #expect(made.status == 201)
        let token = try #require(try made.json()["access_token"]?.stringValue)
        for name in ["app.db", "master.key", "jwt.secret"] {
            #expect(folder.exists("work/data/\(name)"), "\(name)")
            #expect(mode("work/data/\(name)") == 0o600, "\(name)")
        }
        #expect(!folder.exists("config/data"))
        let secret = folder.read("work/data/jwt.secret")
        first.send(15)
        #expect(try first.waitForExit() == 0)
        _ = try serve()
        #expect(folder.read("work/data/jwt.secret") == secret && secret.count == 65)
        #expect(try ask("/me", ["Authorization: Bearer \(token)"]).status == 200)
    }

    @Test func `an env_file that may be missing is read once it comes`() throws {
        _ = try serve()
        #expect(try ask("/word").text == "none")
        try folder.write("work/.env", "WORD=came\n")
        try waitUntil("the file to be read") { try ask("/word").text == "came" }
    }

    @Test func `db init makes the same, and the admin`() throws {
        let result = try run(inWork(["db", "init"]), in: folder)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.output.contains("jwt.secret, with a random secret") && result.output.contains("admin"))
        #expect(folder.exists("work/data/master.key") && folder.exists("work/data/jwt.secret"))
        #expect(try run(inWork(["db", "init"]), in: folder).code == 0)
    }

    /// What is sealed in a database opens with its own key alone.
    @Test func `a master key that is gone is not made anew`() throws {
        #expect(try run(inWork(["db", "init", "--no-admin"]), in: folder).code == 0)
        try folder.remove("work/data/master.key")
        let result = try run(inWork(["run", "--admin", folder("admin.sock")]), in: folder)
        #expect(result.code == 78 && result.errors.contains("master.key: no such file"), "\(result.errors)")
        #expect(!folder.exists("work/data/master.key"))
    }

    @Test func `a file with a mistake makes nothing`() throws {
        try folder.write("config/gate.yaml", "nonsense: 1\n", append: true)
        #expect(try run(inWork(["run", "--admin", folder("admin.sock")]), in: folder).code == 78)
        #expect(!folder.exists("work/data"))
    }
}
