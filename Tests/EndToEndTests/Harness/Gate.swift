import Glibc

@testable import CLI

/// A running headgate: the built program, with a configuration of its own in a folder of its own.
final class Gate: Sendable {
    /// Where `$LISTEN` in the configuration leads.
    let address: Address
    let folder: Folder
    let process: ChildProcess
    let adminPath: String

    static let configName = "headgate.yaml"
    /// For most scenarios: who may come in is not what they are about.
    static let open = "auth: { open: { mode: none, ignore_credentials: true } }"

    /// The built program: beside the test bundle, or where `HEADGATE_BINARY` says.
    static let program: String = {
        if let path = getenv("HEADGATE_BINARY") { return String(cString: path) }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let test = String(decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // With `swift test` the tests run in `.build/debug/headgatePackageTests.xctest`.
        return test.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/headgate"
    }()

    /// Starts and waits until it serves.
    /// - Parameters:
    ///   - config: the file. `version`, an open `auth` and a listener `main` are added where it has none;
    ///     `$LISTEN` is a free address, `$FOLDER` its folder.
    ///   - options: of `headgate run`, beyond `-c` and `--admin`.
    ///   - descriptors: `ulimit -n`.
    init(
        _ config: String, folder: Folder? = nil, options: [String] = [], environment: [String] = [],
        descriptors: Int? = nil
    ) throws {
        address = try Address.free()
        let folder = try folder ?? Folder()
        self.folder = folder
        adminPath = folder("admin.sock")
        try folder.write(Gate.configName, Gate.whole(config, address, folder))
        var arguments = [Gate.program, "run", "-c", folder(Gate.configName), "--admin", adminPath] + options
        if let descriptors {
            arguments = ["/bin/sh", "-c", "ulimit -n \(descriptors); exec \"$0\" \"$@\""] + arguments
        }
        process = try ChildProcess(arguments, environment: environment, in: folder)
        try waitUntil("headgate to serve", within: 20) {
            if let code = process.exitCode { throw Trouble("headgate ended with \(code): \(process.errors)") }
            return try status()?["generation"]?["number"] != nil
        }
    }

    /// The file as written, completed.
    static func whole(_ config: String, _ address: Address, _ folder: Folder) -> String {
        var text = config
        if !hasKey("routes", text) { text = "routes: [{ path: /**, auth: open, to: up }]\n" + text }
        if !hasKey("listeners", text) { text = "listeners: { main: $LISTEN }\n" + text }
        if !hasKey("auth", text) { text = Gate.open + "\n" + text }
        if !hasKey("version", text) { text = "version: 1\n" + text }
        return replace(
            "$FOLDER", in: replace("$LISTEN", in: text, with: address.description), with: folder.path)
    }

    private static func hasKey(_ key: String, _ text: String) -> Bool {
        text.split(separator: "\n").contains { $0.hasPrefix("\(key):") }
    }

    private static func replace(_ mark: String, in text: String, with value: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let range = rest.firstRange(of: mark) {
            result += rest[..<range.lowerBound] + value
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    // MARK: - As a client

    func connect(to other: Address? = nil, receiveBuffer: Int32? = nil) throws -> Connection {
        try Connection(to: other ?? address, receiveBuffer: receiveBuffer)
    }

    /// One exchange on a connection of its own.
    func exchange(
        _ method: String = "GET", _ target: String = "/", fields: [String] = [], body: String? = nil,
        at other: Address? = nil
    ) throws -> Response {
        let connection = try connect(to: other)
        defer { connection.close() }
        try connection.send(request(method, target, fields: fields + ["Connection: close"], body: body))
        return try connection.readResponse(to: method)
    }

    /// The bytes of a request. A `Host` among `fields` takes the place of its own.
    func request(_ method: String = "GET", _ target: String = "/", fields: [String] = [], body: String? = nil)
        -> String
    {
        var text = "\(method) \(target) HTTP/1.1\r\n"
        if !fields.contains(where: { $0.lowercased().hasPrefix("host:") }) {
            text += "Host: \(address.authority)\r\n"
        }
        for field in fields { text += field + "\r\n" }
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        return text + "\r\n" + (body ?? "")
    }

    // MARK: - As an operator

    /// What `headgate status --json` shows, asked for directly. nil: it does not answer yet.
    func status() throws -> MockJSON? {
        guard access(adminPath, F_OK) == 0, let connection = try? Connection(to: .unix(adminPath)) else {
            return nil
        }
        defer { connection.close() }
        try connection.send("GET /status HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
        return try connection.readResponse().json()
    }

    func requireStatus() throws -> MockJSON { try waitFor("an answer to `status`") { try status() } }

    /// The number of the generation that is served.
    func generation() throws -> Int {
        guard let number = try requireStatus()["generation"]?["number"]?.integerValue else {
            throw Trouble("status names no generation")
        }
        return number
    }

    /// A figure of all workers together, such as `exchanges_running`.
    func sum(_ figure: String) throws -> Int {
        try requireStatus()["workers"]?.arrayValue?.reduce(0) { $0 + ($1[figure]?.integerValue ?? 0) } ?? 0
    }

    /// Connections of clients.
    func openConnections() throws -> Int { try sum("connections_open") }

    /// `headgate reload`.
    func reload() throws -> (code: Int32, output: String, errors: String) {
        try headgate("reload", "--admin", adminPath)
    }

    /// Writes another configuration over the file, by a rename.
    func edit(_ config: String) throws {
        try folder.replace(Gate.configName, with: Gate.whole(config, address, folder))
    }

    /// Edits, and reloads unless the watch has already; then every worker serves it.
    func reconfigure(_ config: String) throws {
        try edit(config)
        let result = try reload()
        guard result.code == 0 else { throw Trouble("reload: \(result.output)\(result.errors)") }
    }

    /// Runs another verb of the program.
    func headgate(_ arguments: String...) throws -> (code: Int32, output: String, errors: String) {
        try run([Gate.program] + arguments, in: folder)
    }

    /// Records in the access log, one JSON object each.
    func records(_ name: String = "access.log") throws -> [MockJSON] {
        try folder.read(name).split(separator: "\n").map { line in
            do throws(MockJSONError) {
                return try MockJSONReader.read(Array(line.utf8))
            } catch {
                throw Trouble("not a JSON line (\(error.problem)): \(line)")
            }
        }
    }

    /// Waits for a record in the access log.
    func record(_ name: String = "access.log", where matches: (MockJSON) -> Bool = { _ in true }) throws
        -> MockJSON
    {
        try waitFor("a record in \(name): \(folder.read(name))") { try records(name).first(where: matches) }
    }
}
