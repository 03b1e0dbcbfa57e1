import JSON
import Proxy
import Stores

/// `headgate explain request`, `headgate explain key`
enum ExplainCommand {
    static let requestVerb = "request"

    static let subVerbs = [
        SubVerb(requestVerb, "REQUEST_ID", count: 1...1, options: ["--admin="], run: request),
        SubVerb("key", "UPSTREAM", count: 1...1, options: ["--user=", "--model="], run: key),
    ]

    static let help = """
        usage: headgate explain request REQUEST_ID
               headgate explain key UPSTREAM

        Says why something is as it is; changes nothing.

        `request` asks the running headgate what became of a request: which route, whom it was from, which
        limit was nearest, where it went and why once more, how it was answered. The id is what the answer has
        in `X-Request-Id`; the last 20,000 requests or so are remembered, also with `access_log: off`. The word
        `request` may be left out: `headgate explain REQUEST_ID`.

          --admin PATH        the admin socket; without it, where `headgate help` says

        `key`, with the daemon running or not, looks into each source of the upstream's keys, in order, and says which one requests go out with
        and why. Keys are shown by their last four characters. Environment variables are those of this command,
        not those of a running headgate; files are as they are now.

          --user USER         as for this user: username, e-mail address or id (default: nobody in particular)
          --model MODEL       as for a request for this model
        \(Verb.configHelp)
        \(Verb.setHelp)
          --json              the outcome as one JSON object

        exit: 0 explained, 1 not, 2 wrong command line
        """

    private static func request(_ command: CommandLineArguments) -> Int32 {
        let path = "/exchanges/" + escaped(command.operands[0]) + (command.isJSON ? "" : ".txt")
        return AdminCommand.perform(command, "GET", path) { answer in
            if command.isJSON || answer.status == 200 {
                Terminal.print(answer.body)
            } else {
                Terminal.printError("headgate: \(answer.body)")
            }
            return answer.status == 200 ? 0 : 1
        }
    }

    /// As one segment of a path: request ids may hold `/`, and what ends in `.txt` would mean something else.
    private static func escaped(_ id: String) -> String {
        let plain = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        return id.utf8.map { byte in
            if plain.contains(byte) { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }.joined()
    }

    private static let note =
        "environment variables are those of this command, not those of a running headgate"

    private static func key(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.perform(command, target: KeyTarget.Chain.init) { chain in
            let store = chain.openStore()
            defer { if case .success(let store) = store { store.close() } }
            let user = try command["--user"].map { try StoreCommand.user($0, in: try opened(store, chain)) }
            let query = KeyQuery(user: user, model: command["--model"])
            let resolution = try chain.open().explain(query, in: store)
            return StoreCommand.Outcome(Terminal.printableLines(resolution.text), remark: "(\(note))") {
                json in
                json.member("user_id", user?.publicID)
                json.member("user", user?.shownName)
                json.member("model", query.model)
                json.key("resolution")
                resolution.write(to: &json)
                json.member("note", note)
            }
        }
    }

    private static func opened(_ store: Result<Store, StoreError>?, _ chain: KeyTarget.Chain) throws -> Store
    {
        guard let store else {
            throw CommandLineError(
                message:
                    "the keys of upstream `\(chain.upstream.config.name)` are not by user: no `database`",
                exitCode: ExitCode.failure)
        }
        return try store.get()
    }
}
