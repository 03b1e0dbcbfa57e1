import JSON
import Proxy
import Stores

/// `headgate key sync|ensure|validate|provision`: the chain of an upstream's keys, by hand.
extension KeyCommand {
    static let sourceVerbs = [
        SubVerb("sync", "--user USER", options: ["--user=", "--upstream="], run: sync),
        SubVerb(
            "ensure", "--user USER", options: ["--user=", "--upstream=", "--validate"], run: ensure),
        SubVerb(
            "validate", "[--user USER | --shared]", options: KeyOwner.options + ["--upstream="],
            run: validate),
        SubVerb("provision", "--user USER", options: ["--user=", "--upstream="], run: provision),
    ]

    private static func sync(_ command: CommandLineArguments) -> Int32 {
        withManager(command) { manager, store in
            let outcome = manager.sync(try user(command, in: store), in: store)
            return told(outcome, isDone: outcome.key != nil) { json in
                json.member("synced", outcome.isSynced)
            }
        }
    }

    private static func ensure(_ command: CommandLineArguments) -> Int32 {
        withManager(command) { manager, store in
            let validates = command.has("--validate")
            let outcome = manager.ensure(
                try user(command, in: store), validates: validates, in: store)
            let isDone = validates ? outcome.isValid == true : outcome.key != nil
            return told(outcome, isDone: isDone) { json in write(isValid: outcome.isValid, &json) }
        }
    }

    private static func provision(_ command: CommandLineArguments) -> Int32 {
        withManager(command) { manager, store in
            let outcome = try manager.provision(try user(command, in: store), in: store)
            return told(outcome, isDone: outcome.key != nil) { json in
                json.member("synced", outcome.isSynced)
            }
        }
    }

    /// Of a user, of all callers, or what stands on standard input.
    private static func validate(_ command: CommandLineArguments) -> Int32 {
        guard command["--user"] != nil || command.has("--shared") else {
            return StoreCommand.perform(command, target: KeyTarget.Chain.init) { chain in
                verdict(try chain.manager().validate(try readKey(for: chain.upstream)))
            }
        }
        return withManager(command) { manager, store in
            let query =
                switch try KeyOwner(command, in: store, allowsAll: false) {
                case .user(let user): KeyQuery(user: user)
                case .shared, .all: KeyQuery()
                }
            return verdict(manager.validate(for: query, in: store))
        }
    }

    private static func verdict(_ outcome: KeyManager.Outcome) -> StoreCommand.Outcome {
        told(outcome, isDone: outcome.isValid == true) { json in write(isValid: outcome.isValid, &json) }
    }

    // MARK: The frame

    private static func withManager(
        _ command: CommandLineArguments,
        _ body: (KeyManager, Store) throws -> StoreCommand.Outcome
    ) -> Int32 {
        withStore(command) { store, target in
            guard let upstream = target.upstream, let file = target.store.named?.file else {
                let choices = target.candidates.joined(separator: ", ")
                throw CommandLineError(
                    message: choices.isEmpty
                        ? "there is no upstream whose `key` has `first_of` with a `database`"
                        : "several upstreams have keys of users; choose by --upstream NAME: \(choices)",
                    exitCode: choices.isEmpty ? ExitCode.failure : ExitCode.usage)
            }
            return try body(try KeyTarget.Chain(upstream, in: file).manager(), store)
        }
    }

    private static func user(_ command: CommandLineArguments, in store: Store) throws -> User {
        guard let name = command["--user"] else {
            throw CommandLineError(message: "`headgate key \(command.subVerb ?? "")` needs --user USER")
        }
        return try StoreCommand.user(name, in: store)
    }

    // MARK: What is told

    /// What was done for people, the outcome as lines of `name: value` or as one object.
    private static func told(
        _ outcome: KeyManager.Outcome, isDone: Bool, _ more: @escaping (inout JSONWriter) -> Void
    ) -> StoreCommand.Outcome {
        let mask = outcome.key.map(KeyMask.text)
        let valid = outcome.isValid.map { $0 ? "valid" : "not valid" }
        let words = [mask, outcome.source.map { "source: \($0)" }, outcome.isSynced ? "synced" : nil, valid]
        var text = words.compactMap { $0 }.joined(separator: ", ")
        if let error = outcome.error { text += (text.isEmpty ? "" : ": ") + Terminal.printable(error) }
        let lines = outcome.lines.map(Terminal.printable)
        return StoreCommand.Outcome(
            text, remark: lines.isEmpty ? nil : lines.joined(separator: "\n"),
            code: isDone ? ExitCode.success : ExitCode.failure
        ) { json in
            json.member("key", mask)
            json.member("source", outcome.source)
            more(&json)
            json.member("error", outcome.error)
        }
    }

    private static func write(isValid: Bool?, _ json: inout JSONWriter) {
        guard let isValid else {
            json.key("valid")
            return json.null()
        }
        json.member("valid", isValid)
    }
}
