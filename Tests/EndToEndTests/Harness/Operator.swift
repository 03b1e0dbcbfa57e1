@testable import CLI

/// What an operator does about who may come in, by the command line.
struct Operator: Sendable {
    /// Where the commands run, and where what they say is kept.
    let folder: Folder
    /// Path of the configuration that they read.
    let config: String

    /// - Parameter standardInput: path of what the command reads.
    func run(_ arguments: String..., standardInput: String = "/dev/null") throws -> String {
        let process = try ChildProcess(
            [Gate.program] + arguments + ["-c", config], in: folder, standardInput: standardInput)
        let code = try process.waitForExit()
        Scenario.forget(process)
        guard code == 0 else {
            throw Trouble("\(arguments.joined(separator: " ")): \(process.output)\(process.errors)")
        }
        return process.output
    }

    /// - Returns: the token, which the file then has as a digest alone.
    func createToken(_ name: String) throws -> String {
        try parseJSON(run("token", "create", name, "--json")).text("token")
    }

    func addUser(_ name: String) throws { _ = try run("user", "add", name, "--no-password") }

    /// - Parameter limit: the key's own, in requests per minute.
    /// - Returns: the key of that user, which the store then has as a digest alone.
    func createKey(of user: String, limit: Int? = nil) throws -> String {
        let made =
            if let limit {
                try run("apikey", "create", "--user", user, "--limit", "\(limit)", "--json")
            } else {
                try run("apikey", "create", "--user", user, "--json")
            }
        return try parseJSON(made).text("api_key")
    }
}

extension Gate {
    /// Writes the file of a next step, for commands that have to run before the gate reads it.
    func stage(_ config: String) throws -> Operator {
        try folder.replace("staged.yaml", with: Gate.whole(config, address, folder))
        return Operator(folder: folder, config: folder("staged.yaml"))
    }
}

/// Texts that nobody has seen before.
enum Fresh {
    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    private static let digits = Array("0123456789abcdef")

    /// Letters and digits.
    static func text(_ count: Int, prefix: String = "") -> String {
        prefix + String((0..<count).map { _ in letters.randomElement()! })
    }

    static func hex(_ count: Int) -> String { String((0..<count).map { _ in digits.randomElement()! }) }
}

/// A JSON text that a program printed.
func parseJSON(_ text: String) throws -> MockJSON {
    do throws(MockJSONError) {
        return try MockJSONReader.read(Array(text.utf8))
    } catch {
        throw Trouble("not JSON (\(error.problem)): \(text)")
    }
}

extension MockJSON {
    /// - Throws: there is no such text in it.
    func text(_ name: String) throws -> String {
        guard let text = self[name]?.stringValue else { throw Trouble("no text `\(name)` in \(self)") }
        return text
    }
}
