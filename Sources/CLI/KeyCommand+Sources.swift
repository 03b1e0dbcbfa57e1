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
        withChain(command) { chain, store in
            let report = chain.sync(KeyQuery(user: try user(command, in: store)), in: .success(store))
            return told(report, isDone: report.key != nil) { json in
                json.member("synced", report.isSynced)
            }
        }
    }

    private static func ensure(_ command: CommandLineArguments) -> Int32 {
        withChain(command) { chain, store in
            let validates = command.has("--validate")
            var report = chain.sync(
                KeyQuery(user: try user(command, in: store)), in: .success(store), validates: validates)
            if report.key == nil { report.isValid = false }
            let isDone = validates ? report.isValid == true : report.key != nil
            return told(report, isDone: isDone) { json in write(isValid: report.isValid, &json) }
        }
    }

    private static func provision(_ command: CommandLineArguments) -> Int32 {
        withChain(command) { chain, store in
            let report = try chain.provision(try user(command, in: store), in: store)
            return told(report, isDone: report.key != nil) { json in
                json.member("synced", report.isSynced)
            }
        }
    }

    /// Of a user, of all callers, or what stands on standard input.
    private static func validate(_ command: CommandLineArguments) -> Int32 {
        guard command["--user"] != nil || command.has("--shared") else {
            return StoreCommand.perform(command, target: KeyTarget.Chain.init) { target in
                verdict(try target.open().validate(try readKey(for: target.upstream)))
            }
        }
        return withChain(command) { chain, store in
            let query =
                switch try KeyOwner(command, in: store, allowsAll: false) {
                case .user(let user): KeyQuery(user: user)
                case .shared, .all: KeyQuery()
                }
            return verdict(chain.validate(query, in: store))
        }
    }

    private static func verdict(_ report: UpstreamKeyChain.Report) -> StoreCommand.Outcome {
        told(report, isDone: report.isValid == true) { json in write(isValid: report.isValid, &json) }
    }

    // MARK: The frame

    private static func withChain(
        _ command: CommandLineArguments,
        _ body: (UpstreamKeyChain, Store) throws -> StoreCommand.Outcome
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
            return try body(try KeyTarget.Chain(upstream, in: file).open(), store)
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
        _ report: UpstreamKeyChain.Report, isDone: Bool, _ more: @escaping (inout JSONWriter) -> Void
    ) -> StoreCommand.Outcome {
        let mask = report.key.map(KeyMask.text)
        let valid = report.isValid.map { $0 ? "valid" : "not valid" }
        let words = [mask, report.source.map { "source: \($0)" }, report.isSynced ? "synced" : nil, valid]
        var text = words.compactMap { $0 }.joined(separator: ", ")
        if let error = report.error { text += (text.isEmpty ? "" : ": ") + Terminal.printable(error) }
        let lines = report.lines.map(Terminal.printable)
        return StoreCommand.Outcome(
            text, remark: lines.isEmpty ? nil : lines.joined(separator: "\n"),
            code: isDone ? ExitCode.success : ExitCode.failure
        ) { json in
            json.member("key", mask)
            json.member("source", report.source)
            more(&json)
            json.member("error", report.error)
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
