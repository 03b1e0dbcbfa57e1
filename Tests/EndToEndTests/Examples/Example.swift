import Glibc

@testable import CLI

/// A file of `examples/` as its user runs it: from a folder of their own, with their variables, in front of
/// an
/// upstream that records. Commands run there as the documentation prints them.
final class Example: Sendable {
    /// The working directory of all that runs here. `examples` in it leads to the project's.
    let folder: Folder
    let upstream: ScriptedUpstream
    /// As the commands name it: `examples/NAME.yaml`.
    let file: String
    private let listeners: [Listener]
    private let variables: Guarded<[String]>
    private let running = Guarded<ChildProcess?>(nil)

    /// A listener of the example.
    struct Listener: Sendable {
        /// That the example takes its port from.
        let variable: String
        /// That the documentation prints.
        let printed: Int
        let address: Address
    }

    /// - Parameters:
    ///   - name: of the file, without `.yaml`.
    ///   - variables: `NAME=value`, beside `HOST`, `UPSTREAM_URL` and those of the ports.
    ///   - ports: which port of the documentation each variable stands for. The first is the main one.
    ///   - upstream: default: `OpenAIOrigin`.
    ///   - prepare: done in the folder before the start.
    ///   - starts: false: `start` is the test's own.
    init(
        _ name: String, _ variables: [String] = [], ports: KeyValuePairs<String, Int> = ["PORT": 8000],
        upstream: ScriptedUpstream? = nil, starts: Bool = true, prepare: (Example) throws -> Void = { _ in }
    ) throws {
        let upstream = try upstream ?? OpenAIOrigin.start()
        folder = try Folder()
        self.upstream = upstream
        file = "examples/\(name).yaml"
        guard case .ip(let host, _) = try Address.free() else { throw Trouble("no address") }
        let listeners = try ports.map {
            Listener(variable: $0.key, printed: $0.value, address: try Address.free(on: host))
        }
        self.listeners = listeners
        self.variables = Guarded(
            ["HOST=\(host)", "UPSTREAM_URL=\(upstream.url)/v1"]
                + listeners.map { "\($0.variable)=\($0.address.port)" } + variables)
        try folder.link("examples", to: "\(Project.path)/examples")
        try folder.write(".curlrc", "silent\nshow-error\ndump-header = \"\(folder("curl.head"))\"\n")
        try prepare(self)
        if starts { try start() }
    }

    var address: Address { listeners[0].address }
    /// The address that the documentation's port stands for.
    func address(of printed: Int) throws -> Address {
        guard let listener = listeners.first(where: { $0.printed == printed }) else {
            throw Trouble("no listener for \(printed)")
        }
        return listener.address
    }

    // MARK: - The gateway

    var adminPath: String { folder("admin.sock") }
    /// What it says on standard error since its last start.
    var log: String { running.withLock { $0?.errors ?? "" } }

    /// - Parameters:
    ///   - variables: from now on, beside those there are; a later one wins.
    ///   - options: of `headgate run`.
    ///   - prefix: goes in front of its command line.
    func start(_ variables: [String] = [], options: [String] = [], prefix: [String] = []) throws {
        self.variables.withLock { $0 += variables }
        let process = try ChildProcess(
            inFolder(prefix + [Gate.program, "run", "-c", file, "--admin", adminPath] + options),
            environment: environment, in: folder)
        running.withLock { $0 = process }
        try waitUntil("\(file) to be served", within: 20) {
            if let code = process.exitCode { throw Trouble("headgate ended with \(code): \(process.errors)") }
            return try status()?["generation"]?["number"] != nil
        }
    }

    func stop() throws {
        guard let process = running.withLock({ $0 }) else { return }
        process.send(SIGTERM)
        _ = try process.waitForExit()
    }

    func restart(_ variables: [String] = [], options: [String] = []) throws {
        try stop()
        try start(variables, options: options)
    }

    /// What `headgate status --json` shows. nil: it does not answer yet.
    func status() throws -> MockJSON? {
        guard access(adminPath, F_OK) == 0, let connection = try? Connection(to: .unix(adminPath)) else {
            return nil
        }
        defer { connection.close() }
        try connection.send("GET /status HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
        return try connection.readResponse().json()
    }

    // MARK: - The user at the terminal

    typealias Shell = (code: Int32, output: String, errors: String)

    /// Runs lines of the documentation in the folder, by `sh`. Only `localhost:PORT` is another; `headgate`
    /// and `python` are those of this build.
    /// - Parameter variables: `NAME=value`, beside the example's.
    func sh(_ lines: String, _ variables: [String] = []) throws -> Shell {
        let programs = [try Python.folder(), Gate.program.prefixUpToLast("/")].joined(separator: ":")
        return try run(
            inFolder(["/bin/sh", "-c", "PATH=\"\(programs):$PATH\"\n" + located(lines)]),
            environment: ["CURL_HOME=\(folder.path)"] + variables + environment, in: folder)
    }

    /// Runs a `curl` command as it is printed.
    func curl(_ line: String, _ variables: [String] = []) throws -> CurlReply {
        try again {
            try curlOnce(line, variables)
        } isOver: {
            $0.status != 503 || !$0.text.contains(Self.busy)
        }
    }

    /// What logins get while this machine has no time for hashing. Clients come back then, as it says.
    private static let busy = "server_is_overloaded"

    private func again<Answer>(_ ask: () throws -> Answer, isOver: (Answer) -> Bool) throws -> Answer {
        try waitFor("an answer other than \(Self.busy)", within: 30) {
            let answer = try ask()
            return isOver(answer) ? answer : nil
        }
    }

    private func curlOnce(_ line: String, _ variables: [String]) throws -> CurlReply {
        if folder.exists("curl.head") { try folder.remove("curl.head") }
        let result = try sh(line, variables)
        guard result.code == 0 else { throw Trouble("\(line): exit \(result.code): \(result.errors)") }
        return try CurlReply(head: folder.read("curl.head"), text: result.output)
    }

    /// Runs a Python snippet as it is printed.
    /// - Returns: what it prints.
    func python(_ snippet: String, _ variables: [String] = []) throws -> String {
        let name = "snippet-\(Fresh.text(8)).py"
        try folder.write(name, located(snippet))
        let result = try sh("python -B \(name)", variables)
        guard result.code == 0 else { throw Trouble("\(snippet)\n\(result.output)\(result.errors)") }
        return result.output
    }

    /// Runs `headgate` with the example's file.
    func headgate(_ arguments: [String], input: String? = nil) throws -> Shell {
        let name = "input-\(Fresh.text(8))"
        if let input { try folder.write(name, input) }
        // Why setsid: nobody is asked at the terminal that the tests were started from.
        let process = try ChildProcess(
            inFolder(["setsid", "-w", Gate.program] + arguments + ["-c", file]),
            environment: environment, in: folder, standardInput: input == nil ? "/dev/null" : folder(name))
        let code = try process.waitForExit()
        Scenario.forget(process)
        return (code, process.output, process.errors)
    }

    /// - Returns: what `headgate` prints.
    func succeed(_ arguments: String..., input: String? = nil) throws -> String {
        let result = try headgate(arguments, input: input)
        guard result.code == 0 else {
            throw Trouble("headgate \(arguments): exit \(result.code): \(result.output)\(result.errors)")
        }
        return result.output
    }

    /// What `headgate` prints, as JSON.
    func json(_ arguments: String..., input: String? = nil) throws -> MockJSON {
        let result = try headgate(arguments + ["--json"], input: input)
        guard result.code == 0 else {
            throw Trouble("headgate \(arguments): exit \(result.code): \(result.output)\(result.errors)")
        }
        return try parseJSON(result.output)
    }

    /// Takes the new environment file, and what decides at the start alone.
    func reload() throws {
        let result = try run([Gate.program, "reload", "--admin", adminPath], in: folder)
        guard result.code == 0 else { throw Trouble("reload: \(result.output)\(result.errors)") }
    }

    /// The documentation's text with the addresses of this scene.
    func located(_ text: String) -> String {
        listeners.reduce(text) { text, listener in
            text.replacing("localhost:\(listener.printed)", with: listener.address.authority)
        }
    }

    // MARK: - A client

    /// One exchange on a connection of its own, for what no command of the documentation shows.
    /// - Parameter printed: the documentation's port; nil: the main one.
    func exchange(
        _ method: String = "GET", _ target: String, fields: [String] = [], body: String? = nil,
        port printed: Int? = nil
    ) throws -> Response {
        let address = try printed.map(address(of:)) ?? self.address
        let head =
            ["\(method) \(target) HTTP/1.1", "Host: \(address.authority)", "Connection: close"] + fields
            + (body.map { ["Content-Length: \($0.utf8.count)"] } ?? [])
        return try again {
            let connection = try Connection(to: address)
            defer { connection.close() }
            try connection.send(head.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
            return try connection.readResponse(to: method)
        } isOver: {
            $0.status != 503 || !$0.text.contains(Self.busy)
        }
    }

    /// One JSON request.
    func post(
        _ target: String, _ body: String, bearer: String? = nil, fields: [String] = [],
        port printed: Int? = nil
    ) throws -> Response {
        try exchange(
            "POST", target,
            fields: ["Content-Type: application/json"] + Self.credential(bearer) + fields, body: body,
            port: printed)
    }

    func get(_ target: String, bearer: String? = nil, port printed: Int? = nil) throws -> Response {
        try exchange("GET", target, fields: Self.credential(bearer), port: printed)
    }

    private static func credential(_ bearer: String?) -> [String] {
        bearer.map { ["Authorization: Bearer \($0)"] } ?? []
    }

    /// A later value of a variable stands in place of an earlier one.
    private var environment: [String] {
        var order: [Substring] = []
        var values: [Substring: String] = [:]
        for variable in variables.withLock({ $0 }) {
            let name = variable.prefix { $0 != "=" }
            if values.updateValue(variable, forKey: name) == nil { order.append(name) }
        }
        return order.compactMap { values[$0] }
    }

    private func inFolder(_ arguments: [String]) -> [String] {
        ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path] + arguments
    }
}

/// What `curl` had for an answer.
struct CurlReply {
    let status: Int
    let fields: [String: String]
    let text: String

    init(head: String, text: String) throws {
        let lines = Lines.split(Array(head.utf8))
        // Of several heads (100 Continue) the last is the answer's.
        guard let start = lines.lastIndex(where: { $0.hasPrefix("HTTP/") }) else {
            throw Trouble("curl had no answer: \(head)")
        }
        status = Int(lines[start].split(separator: " ").dropFirst().first ?? "") ?? 0
        let pairs = lines[(start + 1)...].compactMap { line -> (String, String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (line[..<colon].lowercased(), String(value))
        }
        fields = Dictionary(pairs) { "\($0), \($1)" }
        self.text = text
    }

    subscript(name: String) -> String? { fields[name.lowercased()] }

    func json() throws -> MockJSON { try parseJSON(text) }
}

extension String {
    fileprivate func prefixUpToLast(_ mark: Character) -> String {
        lastIndex(of: mark).map { String(self[..<$0]) } ?? self
    }
}
