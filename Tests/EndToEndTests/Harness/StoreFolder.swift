@testable import CLI

/// A folder with a config file that names a store, for the commands that work on stores.
struct StoreFolder {
    let folder: Folder

    static let config = """
        version: 1
        listeners: { main: 127.0.0.1:8000 }
        stores:
          main: { sqlite: app.db, encryption_key: { file: master.key }, password_cost: 4 }
        auth:
          members: { mode: user-keys, store: main, prefix: ws_ }
        upstreams: { openai: https://api.openai.com/v1 }
        routes: [{ path: /v1/**, auth: members, to: openai }]

        """

    /// - Parameter isPrepared: the database is made too.
    init(_ config: String = StoreFolder.config, isPrepared: Bool = true) throws {
        folder = try Folder()
        try folder.write("headgate.yaml", config)
        if isPrepared { _ = try succeed("db", "init", "--no-admin") }
    }

    typealias Result = (code: Int32, output: String, errors: String)

    /// Runs the program in the folder.
    /// - Parameter input: for standard input; nil: it is empty.
    func headgate(_ arguments: [String], input: String? = nil) throws -> Result {
        let name = "input-\(arguments.count)-\(input?.utf8.count ?? 0)"
        if let input { try folder.write(name, input) }
        // Why setsid: nobody is asked at the terminal that the tests were started from.
        let process = try ChildProcess(
            ["/bin/sh", "-c", "cd \"$0\" && exec setsid -w \"$@\"", folder.path, Gate.program] + arguments,
            in: folder, standardInput: input == nil ? "/dev/null" : folder(name))
        let code = try process.waitForExit()
        Scenario.forget(process)
        return (code, process.output, process.errors)
    }

    /// - Returns: standard output.
    func succeed(_ arguments: String..., input: String? = nil) throws -> String {
        let result = try headgate(arguments, input: input)
        guard result.code == 0 else {
            throw Trouble("headgate \(arguments): exit \(result.code): \(result.output)\(result.errors)")
        }
        return result.output
    }

    /// - Returns: what it says.
    func fail(_ arguments: String..., code: Int32 = 1, input: String? = nil) throws -> String {
        let result = try headgate(arguments, input: input)
        guard result.code == code else {
            throw Trouble("headgate \(arguments): exit \(result.code): \(result.output)\(result.errors)")
        }
        return result.output + result.errors
    }

    func json(_ arguments: String..., input: String? = nil) throws -> MockJSON {
        let result = try headgate(arguments + ["--json"], input: input)
        guard result.errors.isEmpty else { throw Trouble("headgate \(arguments): \(result.errors)") }
        return try MockJSONReader.read(Array(result.output.utf8))
    }

    /// What the `sqlite3` shell says.
    func sqlite3(_ sql: String) throws -> String {
        let result = try run(["sqlite3", "-batch", folder("app.db"), sql], in: folder)
        guard result.code == 0 else { throw Trouble("sqlite3: \(result.errors)") }
        return result.output
    }
}
