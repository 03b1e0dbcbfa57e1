import Config
import Glibc
import JSON
import Proxy
import Stores

/// `headgate apikey create|list|revoke|rotate`
enum APIKeyCommand {
    static let subVerbs = [
        SubVerb(
            "create", "--user USER",
            options: ["--user=", "--name=", "--expires=", "--limit=", "--models=", "--auth="],
            run: create),
        SubVerb("list", options: ["--user=", "--sessions"], run: list),
        SubVerb("revoke", "PREFIX|ID", count: 1...1, run: revoke),
        SubVerb("rotate", "PREFIX|ID", count: 1...1, options: ["--overlap="], run: rotate),
    ]

    static let help = """
        usage: headgate apikey create --user USER
               headgate apikey list
               headgate apikey revoke PREFIX|ID
               headgate apikey rotate PREFIX|ID

        Keeps the keys of users in a store, with the daemon running or not; it follows within a second.
        A new key is shown once, alone on standard output: the store holds its SHA-256. PREFIX is the beginning
        of one key, as `list` shows it. `rotate` makes a key like the old one, which goes on for the overlap; a
        key that expires lives as long again.

          --user USER         create, list: username, e-mail address or id of the owner
          --name NAME         create: what the key is for (default `default`)
          --expires WHEN      create: 30d, 12h, 90m; 2027-01-31 or 2027-01-31T12:00:00Z (default: never)
          --limit RPM         create: requests per minute of this key, in place of the configured ones
          --models A,B        create: models that it may use (default: all)
          --auth NAME         create: the `user-keys` entry that says what keys begin with, if there are several
          --overlap TIME      rotate: how long the old key goes on (default 24h; 0s ends it now)
          --sessions          list: the sessions of logins too
        \(StoreCommand.optionsHelp)

        exit: 0 done, 1 not, 2 wrong command line
        """

    // MARK: Verbs

    private static func create(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, target in
            guard let name = command["--user"] else {
                throw CommandLineError(message: "`headgate apikey create` needs --user USER")
            }
            let expiresAt = try command["--expires"].map { try parsedExpiry($0) }
            let limit = try command["--limit"].map { try parsedLimit($0) }
            let models = try command["--models"].map { try parsedModels($0) } ?? []
            let prefix = try keyPrefix(command, target)
            let user = try StoreCommand.user(name, in: store)
            let keyName = try StoreCommand.checked(
                command["--name"] ?? "default", "name of a key", .name(max: 100))
            let new = NewClientKey(
                userID: user.id, name: keyName, prefix: prefix, expiresAt: expiresAt,
                requestsPerMinute: limit, models: models)
            let (key, credential) = try store.createKey(new)
            return told(
                key, credential, user,
                "Key `\(Terminal.printable(key.name))` of \(Terminal.printable(user.shownName)), "
                    + ending(key) + ". It is not shown again.")
        }
    }

    private static func list(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, _ in
            let owner = try command["--user"].map { try StoreCommand.user($0, in: store) }
            let users = Dictionary(uniqueKeysWithValues: try store.users().map { ($0.id, $0) })
            let keys = try store.keys(ofUser: owner?.id).filter {
                $0.kind == .key || command.has("--sessions")
            }
            let now = Int64(time(nil))
            let rows = keys.map { row($0, users[$0.userID], now) }
            let heading = [
                "KEY", "NAME", "USER", "STATUS", "CREATED", "EXPIRES", "LAST USED", "USES",
            ]
            return StoreCommand.Outcome(keys.isEmpty ? "no keys" : StoreCommand.table(heading, rows)) {
                json in
                json.key("keys")
                json.beginArray()
                for key in keys {
                    json.beginObject()
                    write(key, users[key.userID], now, &json)
                    json.endObject()
                }
                json.endArray()
            }
        }
    }

    private static func row(_ key: ClientKey, _ user: User?, _ now: Int64) -> [String] {
        [
            key.shownPrefix + "...", key.kind == .session ? "\(key.name) (session)" : key.name,
            user?.shownName ?? "-", status(key, user, now), UTCTime.text(key.createdAt),
            key.expiresAt.map(UTCTime.text) ?? "never", key.lastUsedAt.map(UTCTime.text) ?? "Never",
            String(key.usageCount),
        ]
    }

    private static func revoke(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, _ in
            let named = try store.key(named: command.operands[0])
            try store.revokeKey(named.id)
            let key = try store.key(named: named.publicID)
            let user = try store.user(.id(key.userID))
            let owner = Terminal.printable(user?.shownName ?? "-")
            return StoreCommand.Outcome(
                "revoked \(key.shownPrefix)... (`\(Terminal.printable(key.name))` of \(owner))"
            ) { json in
                json.key("revoked")
                json.beginObject()
                write(key, user, Int64(time(nil)), &json)
                json.endObject()
            }
        }
    }

    private static func rotate(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, _ in
            let given = command["--overlap"] ?? "24h"
            guard let overlap = UTCTime.durationSeconds(given) else {
                throw CommandLineError(message: "`--overlap` takes a time such as 24h or 0s, not `\(given)`")
            }
            let old = try store.key(named: command.operands[0])
            let (key, credential) = try store.rotateKey(old.id, overlapSeconds: overlap)
            let replaced = try store.key(named: old.publicID)
            guard let user = try store.user(.id(key.userID)) else { throw StoreError.notFound("such user") }
            let end = replaced.revokedAt.map {
                overlap > 0 ? "is accepted until \(UTCTime.text($0))" : "is revoked"
            }
            return told(
                key, credential, user,
                "Key `\(Terminal.printable(key.name))` of \(Terminal.printable(user.shownName)), \(ending(key)). "
                    + "It is not shown again. The old one, \(old.shownPrefix)..., \(end ?? "stays").",
                replacing: replaced)
        }
    }

    // MARK: What is told

    private static func told(
        _ key: ClientKey, _ credential: Secret, _ user: User, _ remark: String,
        replacing old: ClientKey? = nil
    ) -> StoreCommand.Outcome {
        let text = String(decoding: credential.reveal(), as: UTF8.self)
        return StoreCommand.Outcome(text, remark: remark) { json in
            let now = Int64(time(nil))
            json.member("api_key", text)
            write(key, user, now, &json)
            guard let old else { return }
            json.key("replaces")
            json.beginObject()
            write(old, user, now, &json)
            json.endObject()
        }
    }

    private static func ending(_ key: ClientKey) -> String {
        key.expiresAt.map { "valid until \(UTCTime.text($0))" } ?? "valid until it is revoked"
    }

    private static func status(_ key: ClientKey, _ user: User?, _ now: Int64) -> String {
        switch key.state(at: now) {
        case .revoked: "revoked"
        case .expired: "expired"
        case .active: user?.isActive == true ? (key.revokedAt == nil ? "active" : "ending") : "user disabled"
        }
    }

    private static func write(_ key: ClientKey, _ user: User?, _ now: Int64, _ json: inout JSONWriter) {
        json.member("key_id", key.publicID)
        json.member("prefix", key.shownPrefix)
        json.member("kind", key.kind.rawValue)
        json.member("name", key.name)
        json.member("user_id", user?.publicID)
        json.member("user", user?.shownName)
        json.member("status", status(key, user, now))
        json.member("created_at", time: key.createdAt)
        json.member("expires_at", time: key.expiresAt)
        json.member("revoked_at", time: key.revokedAt)
        json.member("last_used_at", time: key.lastUsedAt)
        json.member("usage_count", key.usageCount)
        json.member("requests_per_minute", number: key.requestsPerMinute.map(Int64.init))
        json.key("models")
        json.beginArray()
        for model in key.models { json.value(model) }
        json.endArray()
    }

    // MARK: What was typed

    private static func parsedExpiry(_ text: String) throws(CommandLineError) -> Int64 {
        let now = Int64(time(nil))
        guard let end = UTCTime.durationSeconds(text).map({ now + $0 }) ?? UTCTime.seconds(text) else {
            throw CommandLineError(
                message: "`--expires` takes a time such as 30d or a date such as 2027-01-31, not `\(text)`")
        }
        guard end > now else {
            throw CommandLineError(message: "`--expires \(text)`: such a key would have expired already")
        }
        return end
    }

    private static func parsedLimit(_ text: String) throws(CommandLineError) -> Int {
        guard let limit = Int(text), (1...1_000_000).contains(limit) else {
            throw CommandLineError(
                message: "`--limit` takes requests per minute, 1 to 1000000, not `\(text)`")
        }
        return limit
    }

    private static func parsedModels(_ text: String) throws(CommandLineError) -> [String] {
        let models = text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            String(name.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        guard models.allSatisfy(TextRule.name(max: 256).accepts) else {
            throw CommandLineError(
                message: "`--models` takes names with commas between them, not `\(Terminal.printable(text))`")
        }
        return models
    }

    /// What new keys begin with, as the `user-keys` entries of the store say.
    private static func keyPrefix(
        _ command: CommandLineArguments, _ target: StoreTarget
    ) throws(CommandLineError) -> String {
        guard let named = target.named else {
            guard command["--auth"] == nil else {
                throw CommandLineError(message: "`--auth` needs a config file, `--db` has none")
            }
            return prefixDefault
        }
        var entries: [(name: String, prefix: String)] = []
        for auth in named.file.config.auth {
            // Why also an empty name: it stands for the only store.
            if case .userKeys(let keys) = auth.mode, ["", named.config.name].contains(keys.store) {
                entries.append((auth.name, keys.prefix))
            }
        }
        if let name = command["--auth"] {
            guard let entry = entries.first(where: { $0.name == name }) else {
                throw CommandLineError(
                    message:
                        "\(named.file.path) has no `auth` entry `\(name)` of mode `user-keys` for this store",
                    exitCode: ExitCode.failure)
            }
            return entry.prefix
        }
        guard let first = entries.first else { return prefixDefault }
        guard entries.allSatisfy({ $0.prefix == first.prefix }) else {
            let names = entries.map { "\($0.name) (\($0.prefix)…)" }.joined(separator: ", ")
            throw CommandLineError(
                message: "keys begin differently; choose by --auth NAME: \(names)", exitCode: ExitCode.failure
            )
        }
        return first.prefix
    }

    private static let prefixDefault = "hg_"
}
