import Glibc

/// Runs the scripts of `SDK/` with a Python that has the packages of other makers that they use.
enum Python {
    static func run(_ script: String, _ arguments: String..., in folder: Folder) throws
        -> (code: Int32, output: String, errors: String)
    {
        try EndToEndTests.run(command([script] + arguments), in: folder)
    }

    /// For a script that goes on beside the test.
    static func command(_ words: String...) throws -> [String] { try command(words) }

    /// - Parameter words: the script's name, and its arguments.
    private static func command(_ words: [String]) throws -> [String] {
        [try program(), "-B", "\(Project.path)/Tests/EndToEndTests/SDK/\(words[0])"] + words.dropFirst()
    }

    /// Where `python` is.
    static func folder() throws -> String {
        try program().split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
    }

    /// Where version 0.28 of the `openai` package is, the last of the calls before 1.0; for `PYTHONPATH`.
    static func oldOpenAI() throws -> String {
        let path = try folder() + "/../../openai-0.28"
        guard access(path, R_OK) == 0 else { throw Trouble("no \(path): `make test` makes it") }
        return path
    }

    private static func program() throws -> String {
        if let path = getenv("HEADGATE_PYTHON") { return String(cString: path) }
        let path = "\(Project.path)/.build/venv/bin/python"
        guard access(path, X_OK) == 0 else {
            throw Trouble(
                "no Python with the `openai` package: `make test` makes one in .build/venv; or name one in HEADGATE_PYTHON"
            )
        }
        return path
    }
}
