import Glibc
import JSON
import Proxy
import Stores

/// `headgate plan [FILE] [--json] [--exit-code]`
enum PlanCommand {
    static let help = """
        usage: headgate plan [FILE]

        Says what a reload would change: listeners, routes, upstreams, limits and all else, and for each
        change which running requests, callers, connections and counts it touches. The running headgate reads
        the file as it would for a reload, with its own environment; it binds nothing, asks nobody and changes
        nothing. Whether an address is free, and whether names resolve, shows only at the reload.

        FILE is read by this command and sent; without it, the running headgate reads its own file again.
        Relative paths in it start from its folder.

        \(Verb.configHelp)
        \(Verb.adminHelp)
          --json              the outcome as one JSON object
          --exit-code         3 where a reload would change something

        exit: 0 the file can be served, 1 it cannot (the problems are printed as `check` does), or nothing
        answers, 2 wrong command line
        """

    /// With `--exit-code`.
    static let changesCode: Int32 = 3

    static func run(_ command: CommandLineArguments) -> Int32 {
        do throws(CommandLineError) {
            let given = try command.operands.first.map(read)
            let path = "/plan" + (command.isJSON ? "" : ".txt") + (given?.query ?? "")
            return AdminCommand.perform(command, "POST", path, body: given?.bytes ?? []) { answer in
                show(answer, command)
            }
        } catch {
            Terminal.printError("headgate: \(error.message)")
            return error.exitCode
        }
    }

    private static func show(_ answer: AdminClient.Answer, _ command: CommandLineArguments) -> Int32 {
        let isGood = answer.status == 200
        if command.isJSON || isGood { Terminal.print(answer.body) } else { Terminal.printError(answer.body) }
        guard isGood, command.has("--exit-code") else { return isGood ? 0 : 1 }
        return changesSomething(answer.body, isJSON: command.isJSON) ? changesCode : 0
    }

    /// Text ends its first line so where there is nothing: warnings may stand before it.
    private static func changesSomething(_ body: String, isJSON: Bool) -> Bool {
        isJSON
            ? body.contains("\"result\":\"changes\"")
            : !body.split(separator: "\n").contains {
                $0.contains(": a reload changes nothing of generation")
            }
    }

    // MARK: - The file

    private struct Given {
        let bytes: [UInt8]
        /// Says where it stands, for messages and for relative paths in it.
        let query: String
    }

    private static func read(_ path: String) throws(CommandLineError) -> Given {
        let bytes: [UInt8]
        do throws(FileReadError) {
            bytes = try readFile(path, limitBytes: fileBytesMax)
        } catch {
            throw CommandLineError(message: "cannot read \(path): \(error)", exitCode: ExitCode.failure)
        }
        let folder = folder(of: path)
        return Given(bytes: bytes, query: "?file=\(escaped(path))&folder=\(escaped(folder))")
    }

    /// More is no configuration: the daemon says so.
    private static let fileBytesMax = 4 << 20

    /// Absolute: the daemon runs elsewhere.
    private static func folder(of path: String) -> String {
        let folder = path.lastIndex(of: "/").map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
        guard let resolved = realpath(folder, nil) else { return folder }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// For a query (RFC 3986 §2.1).
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            let scalar = UnicodeScalar(byte)
            if byte < 0x80,
                scalar.properties.isAlphabetic || "0123456789-._~/".unicodeScalars.contains(scalar)
            {
                escaped.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return escaped
    }
}
