import Glibc
import JSON
import Proxy
import Stores

/// The frame of the commands that work on a store: `user`, `apikey`, `key`, `db` and `usage`.
enum StoreCommand {
    static let options = ["-c=", "--config=", "--set=", "--json", "--store=", "--db="]

    static let optionsHelp = """
        \(Verb.configHelp)
        \(Verb.setHelp)
          --store NAME        the entry of `stores`, where the config file has several
          --db PATH           the database itself, without a config file
          --json              the outcome as one JSON object
        """

    /// What goes to the terminal, and the exit code.
    struct Outcome {
        /// For programs too: goes to standard output.
        var text: String
        /// For people alone: goes to standard error.
        var remark: String?
        var code: Int32 = ExitCode.success
        /// Members of the one object of `--json`.
        var members: (inout JSONWriter) -> Void

        init(
            _ text: String, remark: String? = nil, code: Int32 = ExitCode.success,
            members: @escaping (inout JSONWriter) -> Void
        ) {
            self.text = text
            self.remark = remark
            self.code = code
            self.members = members
        }
    }

    static func perform(
        _ command: CommandLineArguments, _ body: (StoreTarget) throws -> Outcome
    ) -> Int32 {
        perform(command, target: StoreTarget.init, body)
    }

    /// - Parameter target: what is meant, where the command finds it in a way of its own.
    static func perform<Target>(
        _ command: CommandLineArguments,
        target: (CommandLineArguments) throws(CommandLineError) -> Target,
        _ body: (Target) throws -> Outcome
    ) -> Int32 {
        do {
            let outcome = try body(try target(command))
            if command.isJSON {
                printJSON(outcome.members)
            } else {
                if !outcome.text.isEmpty { Terminal.print(outcome.text) }
                if let remark = outcome.remark { Terminal.printError(remark) }
            }
            return outcome.code
        } catch let error as CommandLineError where error.exitCode == ExitCode.usage {
            Terminal.printError("headgate: \(error.message)")
            return error.exitCode
        } catch {
            // Why not all of it made printable: what a config file has wrong takes several lines.
            let message = (error as? CommandLineError)?.message ?? Terminal.printable("\(error)")
            if command.isJSON {
                printJSON { $0.member("error", message) }
            } else {
                Terminal.printError("headgate: \(message)")
            }
            return ExitCode.failure
        }
    }

    /// Like `perform`, with the store open.
    static func withStore(
        _ command: CommandLineArguments, _ body: (Store, StoreTarget) throws -> Outcome
    ) -> Int32 {
        perform(command) { target in
            let store = try target.open()
            defer { store.close() }
            return try body(store, target)
        }
    }

    private static func printJSON(_ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter(indent: 2)
        json.beginObject()
        members(&json)
        json.endObject()
        Terminal.print(json.text)
    }

    /// - Parameters:
    ///   - what: what the text is.
    ///   - alternative: what it may be besides, as the caller has found out already that it is not.
    static func checked(
        _ text: String, _ what: String, _ rule: TextRule, or alternative: String? = nil
    ) throws(CommandLineError) -> String {
        guard !rule.accepts(text) else { return text }
        let wanted = rule.wanted + (alternative.map { ", or \($0)" } ?? "")
        throw CommandLineError(
            message: "the \(what) must be \(wanted), not `\(Terminal.printable(text))`",
            exitCode: ExitCode.failure)
    }

    /// By username, e-mail address or id.
    static func user(_ word: String, in store: Store) throws -> User {
        let byName = try store.user(.login(word))
        let byID = try store.user(.publicID(word))
        guard let user = byName ?? byID else {
            throw CommandLineError(message: "no user `\(word)`", exitCode: ExitCode.failure)
        }
        guard byID == nil || byID == user else {
            throw CommandLineError(
                message:
                    "`\(word)` is the name of one user and the id of another; name the one you mean otherwise",
                exitCode: ExitCode.failure)
        }
        return user
    }

    /// Rows under a heading, columns aligned, as far as the text goes.
    /// - Parameter numbersFrom: the first of the columns that are aligned to the right.
    static func table(_ heading: [String], _ rows: [[String]], numbersFrom: Int = .max) -> String {
        let lines = [heading] + rows.map { $0.map(Terminal.printable) }
        let widths = heading.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            var text = ""
            for (column, (cell, width)) in zip(line, widths).enumerated() {
                let padding = String(repeating: " ", count: width - cell.count)
                text += (column < numbersFrom ? cell + padding : padding + cell) + "  "
            }
            while text.last == " " { text.removeLast() }
            return text
        }.joined(separator: "\n")
    }
}

extension JSONWriter {
    /// A time as ISO 8601 in UTC; nil: `null`.
    mutating func member(_ name: String, time: Int64?) {
        member(name, time.map(UTCTime.text))
    }

    mutating func member(_ name: String, number: Int64?) {
        guard let number else {
            key(name)
            return null()
        }
        member(name, number)
    }
}

extension User {
    /// What people call the user.
    var shownName: String { username ?? email ?? telegramID.map { "telegram \($0)" } ?? publicID }

    func write(_ json: inout JSONWriter) {
        json.member("id", publicID)
        json.member("username", username)
        json.member("email", email)
        json.member("telegram_id", telegramID)
        json.member("is_active", isActive)
        json.member("has_password", hasPassword)
        json.member("created_at", time: createdAt)
        json.member("updated_at", time: updatedAt)
    }
}
