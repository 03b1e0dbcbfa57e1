import JSON
import Proxy
import Stores

/// `headgate explain key`
enum ExplainCommand {
    static let subVerbs = [
        SubVerb("key", "UPSTREAM", count: 1...1, options: ["--user=", "--model="], run: key)
    ]

    static let help = """
        usage: headgate explain key UPSTREAM

        Says why something is as it is, with the daemon running or not; changes nothing.

        `key` looks into each source of the upstream's keys, in order, and says which one requests go out with
        and why. Keys are shown by their last four characters. Environment variables are those of this command,
        not those of a running headgate; files are as they are now.

          --user USER         as for this user: username, e-mail address or id (default: nobody in particular)
          --model MODEL       as for a request for this model
        \(Verb.configHelp)
          --json              the outcome as one JSON object

        exit: 0 explained, 1 not, 2 wrong command line
        """

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
