import JSON
import Proxy
import Stores

/// `headgate user add|list|disable|enable|delete|passwd`
enum UserCommand {
    static let subVerbs = [
        SubVerb(
            "add", "NAME", count: 1...1,
            options: ["--email=", "--telegram-id=", "--password-stdin", "--no-password"], run: add),
        SubVerb("list", run: list),
        SubVerb("disable", "USER", count: 1...1) { setActive($0, false) },
        SubVerb("enable", "USER", count: 1...1) { setActive($0, true) },
        SubVerb("delete", "USER", count: 1...1, run: delete),
        SubVerb("passwd", "USER", count: 1...1, options: ["--password-stdin"], run: changePassword),
    ]

    static let help = """
        usage: headgate user add NAME
               headgate user list
               headgate user disable USER
               headgate user enable USER
               headgate user delete USER
               headgate user passwd USER

        Keeps the users of a store, with the daemon running or not; it follows within a second. USER is a
        username, an e-mail address or an id. A NAME with `@` is the e-mail address too, unless another is
        given. Whoever is disabled cannot log in, and no key or token of theirs is accepted. `delete` removes a
        user with all keys, sessions and stored upstream keys. `passwd` ends the user's sessions.

        The password is asked for at the terminal, without showing it.

          --email ADDRESS     add: the e-mail address
          --telegram-id ID    add: the telegram id
          --password-stdin    add, passwd: take the password from the first line of standard input
          --no-password       add: a user who cannot log in, but may have keys
        \(StoreCommand.optionsHelp)

        exit: 0 done, 1 not, 2 wrong command line
        """

    private static func add(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, target in
            let name = try checkedName(command.operands[0])
            let address = command["--email"] ?? (TextRule.email.accepts(name) ? name : nil)
            var new = NewUser(
                username: name,
                email: try address.map { try StoreCommand.checked($0, "e-mail address", .email) },
                telegramID: try command["--telegram-id"].map {
                    try StoreCommand.checked($0, "telegram id", .telegramID)
                })
            if command.has("--no-password") {
                guard !command.has("--password-stdin") else {
                    throw CommandLineError(
                        message: "`--password-stdin` and `--no-password` exclude each other")
                }
            } else {
                new.passwordHash = try newHash(command, target)
            }
            let user = try store.createUser(new)
            return StoreCommand.Outcome("added \(Terminal.printable(user.shownName)), id \(user.publicID)") {
                user.write(&$0)
            }
        }
    }

    private static func list(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, _ in
            let users = try store.users()
            let rows = users.map { user in
                [
                    user.publicID, user.username ?? "-", user.email ?? "-", user.telegramID ?? "-",
                    user.isActive ? "active" : "disabled", user.hasPassword ? "yes" : "no",
                    UTCTime.text(user.createdAt),
                ]
            }
            let heading = ["ID", "USERNAME", "EMAIL", "TELEGRAM", "STATUS", "PASSWORD", "CREATED"]
            return StoreCommand.Outcome(users.isEmpty ? "no users" : StoreCommand.table(heading, rows)) {
                json in
                json.key("users")
                json.beginArray()
                for user in users {
                    json.beginObject()
                    user.write(&json)
                    json.endObject()
                }
                json.endArray()
            }
        }
    }

    private static func setActive(_ command: CommandLineArguments, _ isActive: Bool) -> Int32 {
        change(command, isActive ? "enabled" : "disabled") { store, user in
            try store.setActive(user.id, isActive)
        }
    }

    private static func delete(_ command: CommandLineArguments) -> Int32 {
        change(command, "deleted") { store, user in try store.deleteUser(user.id) }
    }

    private static func change(
        _ command: CommandLineArguments, _ done: String, _ body: (Store, User) throws -> Void
    ) -> Int32 {
        StoreCommand.withStore(command) { store, _ in
            let user = try StoreCommand.user(command.operands[0], in: store)
            try body(store, user)
            // Why not from `user`: a change moves `updated_at`; one who is deleted is shown for the last
            // time.
            let after = try store.user(.id(user.id)) ?? user
            return StoreCommand.Outcome("\(done) \(Terminal.printable(user.shownName))") { json in
                json.key(done)
                json.beginObject()
                after.write(&json)
                json.endObject()
            }
        }
    }

    private static func changePassword(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, target in
            let user = try StoreCommand.user(command.operands[0], in: store)
            let hash = try newHash(command, target)
            let sessions = try store.transaction { () throws(StoreError) -> Int in
                try store.setPasswordHash(user.id, hash)
                return try store.endSessions(ofUser: user.id)
            }
            let ended = sessions == 1 ? "1 session" : "\(sessions) sessions"
            return StoreCommand.Outcome(
                "changed the password of \(Terminal.printable(user.shownName)); \(ended) ended"
            ) { json in
                json.member("id", user.publicID)
                json.member("ended_sessions", Int64(sessions))
            }
        }
    }

    private static func newHash(_ command: CommandLineArguments, _ target: StoreTarget) throws -> String {
        let password = try PasswordInput.read(command)
        return PasswordHash.make(password.reveal(), cost: target.passwordCost)
    }

    private static let nameRule = TextRule.username(1...64)

    /// Why an address too: it is the e-mail address then.
    private static func checkedName(_ text: String) throws(CommandLineError) -> String {
        guard !TextRule.email.accepts(text) else { return text }
        return try StoreCommand.checked(text, "name", nameRule, or: "an e-mail address")
    }
}
