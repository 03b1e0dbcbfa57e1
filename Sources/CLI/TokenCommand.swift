import JSON
import Proxy
import Stores

/// `headgate token create|list|revoke|delete|migrate`
enum TokenCommand {
    static let subVerbs = [
        SubVerb("create", "[NAME]", count: 0...1, options: fileOptions, run: create),
        SubVerb("list", options: fileOptions, run: list),
        SubVerb("revoke", "PREFIX", count: 1...1, options: fileOptions) { command in
            change(command, "revoked") { (editor, prefix) throws(TokenFileError) in
                try editor.revoke(prefix: prefix)
            }
        },
        SubVerb("delete", "PREFIX", count: 1...1, options: fileOptions) { command in
            change(command, "permanently deleted") { (editor, prefix) throws(TokenFileError) in
                try editor.delete(prefix: prefix)
            }
        },
        SubVerb("migrate", options: fileOptions + ["--dry-run"], run: migrate),
    ]
    private static let fileOptions = ["--file=", "--auth="]

    static let help = """
        usage: headgate token create [NAME]
               headgate token list
               headgate token revoke PREFIX
               headgate token delete PREFIX
               headgate token migrate

        Keeps the tokens of a token file, with the daemon running or not; it follows within a second.
        `create` shows the new token once: the file holds its SHA-256 alone. PREFIX is the beginning of one
        token, as `list` shows it. A revoked token stays in the list; a deleted one is gone.
        `migrate` puts the SHA-256 in the place of tokens that the file holds in clear, as other programs write
        it; clients go on with the same tokens. It leaves no copy of the old file, which would have them in
        clear: copies that others made are yours to delete.

        The file is that of the config file's only `auth` entry of mode `token-file`, or data/api_tokens.json
        where there is no config file.

        \(Verb.configHelp)
        \(Verb.setHelp)
          --auth NAME         the `auth` entry, where there are several
          --file PATH         the token file itself
          --dry-run           migrate: change nothing, only say what would be done
          --json              the outcome as one JSON object

        exit: 0 done, 1 not
        """

    /// Where tokens are if nothing says otherwise.
    static let pathDefault = "data/api_tokens.json"

    // MARK: Verbs

    private static func create(_ command: CommandLineArguments) -> Int32 {
        perform(command) { (editor) throws(TokenFileError) in
            let name = command.operands.first ?? "default"
            let made = try editor.create(name: name)
            let token = String(decoding: made.token.reveal(), as: UTF8.self)
            guard !command.isJSON else {
                return Outcome(0) { json in
                    json.member("token", token)
                    json.member("name", name)
                    json.member("prefix", made.entry.shownPrefix)
                    json.member("created_at", made.entry.createdAt)
                }
            }
            return Outcome(
                0,
                """

                ✓ New token created: \(token)
                  Name: \(Terminal.printable(name))

                ⚠️  Save this token securely - it won't be shown again!

                To use this token, add it to your .env file:
                  FREEGPT_API_KEY=\(token)

                Or use it in API requests:
                  Authorization: Bearer \(token)
                """)
        }
    }

    private static func list(_ command: CommandLineArguments) -> Int32 {
        perform(command) { (editor) throws(TokenFileError) in
            let entries = try editor.read()?.entries ?? []
            if command.isJSON {
                return Outcome(0) { json in
                    json.key("tokens")
                    json.beginArray()
                    for entry in entries { write(entry, &json) }
                    json.endArray()
                }
            }
            guard !entries.isEmpty else { return Outcome(0, "No tokens found.") }
            let blocks = entries.enumerated().map { block($0 + 1, $1) }
            return Outcome(
                0, "\nFound \(entries.count) token(s):\n\n" + blocks.joined(separator: "\n\n") + "\n\n")
        }
    }

    private static func block(_ number: Int, _ entry: TokenFile.Entry) -> String {
        """
        \(number). \(Terminal.printable(entry.shownPrefix))...
           Name: \(Terminal.printable(entry.name))
           Status: \(entry.isActive ? "✓ Active" : "✗ Revoked")
           Created: \(Terminal.printable(toTheSecond(entry.createdAt)))
           Last used: \(Terminal.printable(entry.lastUsed.map(toTheSecond) ?? "Never"))
        """
    }

    /// Without the fraction: `2025-11-26T10:30:00.123456` as `2025-11-26T10:30:00`.
    private static func toTheSecond(_ time: String) -> String { String(time.prefix { $0 != "." }) }

    private static func change(
        _ command: CommandLineArguments, _ done: String,
        _ body: (TokenFileEditor, String) throws(TokenFileError) -> TokenFile.Entry
    ) -> Int32 {
        perform(command) { (editor) throws(TokenFileError) in
            let prefix = command.operands[0]
            let entry = try body(editor, prefix)
            guard !command.isJSON else {
                return Outcome(0) { json in
                    json.key(command.subVerb == "revoke" ? "revoked" : "deleted")
                    write(entry, &json)
                }
            }
            let shown = TokenFile.shown(prefix: prefix)
            return Outcome(0, "✓ Token starting with '\(Terminal.printable(shown))' has been \(done)")
        }
    }

    private static func migrate(_ command: CommandLineArguments) -> Int32 {
        perform(command) { (editor) throws(TokenFileError) in
            let isTrial = command.has("--dry-run")
            let entries = try editor.migrate(isTrial: isTrial)
            guard !command.isJSON else {
                return Outcome(0) { json in
                    json.member("dry_run", isTrial)
                    json.key("migrated")
                    json.beginArray()
                    for entry in entries { write(entry, &json) }
                    json.endArray()
                }
            }
            guard !entries.isEmpty else { return Outcome(0, "nothing to migrate: no token is in clear") }
            let lines = entries.map {
                "\(Terminal.printable($0.shownPrefix))... (\(Terminal.printable($0.name)))"
            }
            let count = entries.count == 1 ? "1 token" : "\(entries.count) tokens"
            let last =
                isTrial
                ? "\(count) would be kept as SHA-256; nothing was changed"
                : "✓ \(count) kept as SHA-256 now; no copy of the old file was left"
            return Outcome(0, (lines + [last]).joined(separator: "\n"))
        }
    }

    private static func write(_ entry: TokenFile.Entry, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("prefix", entry.shownPrefix)
        json.member("name", entry.name)
        json.member("active", entry.isActive)
        json.member("created_at", entry.createdAt)
        json.member("last_used", entry.lastUsed)
        json.endObject()
    }

    // MARK: Frame

    /// What goes to the terminal, and the exit code.
    private struct Outcome {
        let code: Int32
        let text: String

        init(_ code: Int32, _ text: String) {
            self.code = code
            self.text = text
        }

        /// Members of one JSON object.
        init(_ code: Int32, _ members: (inout JSONWriter) -> Void) {
            var json = JSONWriter(indent: 2)
            json.beginObject()
            members(&json)
            json.endObject()
            self.init(code, json.text)
        }
    }

    private static func perform(
        _ command: CommandLineArguments, _ body: (TokenFileEditor) throws(TokenFileError) -> Outcome
    ) -> Int32 {
        do throws(CommandLineError) {
            let editor = TokenFileEditor(path: try path(command))
            let outcome = outcome(command) { () throws(TokenFileError) in try body(editor) }
            Terminal.print(outcome.text)
            return outcome.code
        } catch {
            Terminal.printError("headgate: \(error.message)")
            return error.exitCode
        }
    }

    private static func outcome(
        _ command: CommandLineArguments, _ body: () throws(TokenFileError) -> Outcome
    ) -> Outcome {
        do throws(TokenFileError) {
            return try body()
        } catch {
            if command.isJSON { return Outcome(ExitCode.failure) { $0.member("error", error.description) } }
            return Outcome(ExitCode.failure, "✗ " + Terminal.printable(error.description))
        }
    }

    private static func path(_ command: CommandLineArguments) throws(CommandLineError) -> String {
        if let path = command["--file"] { return path }
        guard let file = try ConfigFile.find(command) else {
            guard command["--auth"] == nil else {
                throw wrong("there is no config file to look up `--auth` in; name one by -c FILE")
            }
            return pathDefault
        }
        var entries: [(name: String, path: String)] = []
        for auth in file.config.auth {
            if case .tokenFile(let path) = auth.mode, !path.isEmpty { entries.append((auth.name, path)) }
        }
        if let name = command["--auth"] {
            guard let entry = entries.first(where: { $0.name == name }) else {
                throw wrong("\(file.path) has no `auth` entry `\(name)` of mode `token-file`\(hint(file))")
            }
            return file.absolute(entry.path)
        }
        guard let first = entries.first else {
            throw wrong(
                "\(file.path) has no `auth` entry of mode `token-file`\(hint(file)); name a file by --file PATH"
            )
        }
        guard entries.allSatisfy({ $0.path == first.path }) else {
            let names = entries.map(\.name).joined(separator: ", ")
            throw wrong("\(file.path) has several token files; choose by --auth NAME: \(names)")
        }
        return file.absolute(first.path)
    }

    private static func hint(_ file: ConfigFile) -> String {
        file.hasErrors ? " that can be read; `headgate check` says what is wrong with it" : ""
    }

    private static func wrong(_ message: String) -> CommandLineError {
        CommandLineError(message: message, exitCode: ExitCode.failure)
    }
}
