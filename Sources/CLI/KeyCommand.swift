import JSON
import Proxy
import Stores

/// `headgate key set|unset|list|rotate-master`, and what looks for keys (`KeyCommand+Sources.swift`).
enum KeyCommand {
    static let subVerbs =
        [
            SubVerb(
                "set", "--user USER | --shared",
                options: KeyOwner.options + ["--name=", "--source=", "--upstream="], run: set),
            SubVerb(
                "unset", "--user USER | --shared | --all",
                options: KeyOwner.options + ["--all", "--name=", "--upstream="], run: unset),
            SubVerb("list", options: KeyOwner.options + ["--all"], run: list),
            SubVerb("rotate-master", run: rotateMaster),
        ] + sourceVerbs

    static let help = """
        usage: headgate key set --user USER | --shared
               headgate key unset --user USER | --shared | --all
               headgate key list
               headgate key rotate-master
               headgate key sync --user USER
               headgate key ensure --user USER
               headgate key validate [--user USER | --shared]
               headgate key provision --user USER

        Keeps the keys that requests go to upstreams with, in a store, with the daemon running or not; it
        follows within a second. A key belongs to a user or is shared by all callers, and has a name: a model,
        UPSTREAM/MODEL, an upstream, or `default`. A request takes the first of these that its user has, else
        the first that is shared.

        `set` reads the key from standard input, or asks for it at the terminal without showing it; one of the
        same name is replaced. `unset` deletes one, or without --name all, so that the next source of the chain
        counts again. `list` shows where keys come from and their last four characters.

        `sync` does what a login does: it finds the user's key in the sources of the upstream's `key`, in order,
        writes it into the database where `remember` says so, and has one made where there is none. `ensure
        --validate` asks the upstream about it too; `validate` does nothing else, and without an owner takes a
        key from standard input; `provision` has a new key made. Environment variables are those of this command.

        `rotate-master` encrypts every key with the store's `encryption_key`, while everything runs; doing it
        again, or after it was stopped, is harmless. Before: put the new master key into the config file, the
        old one into `previous_encryption_keys`, and reload. After: take the old one out.

          --user USER         username, e-mail address or id of the owner
          --shared            the keys that all callers share
          --all               unset, list: those of every user and the shared ones (list: the default)
          --name NAME         set: which key (default: the upstream's name); unset: only that one
          --upstream NAME     whose key (default: the only one whose `key` names a `database`)
          --validate          ensure: ask the upstream whether it takes the key
          --source SOURCE     set: where it comes from, for people (default `manual`)
        \(StoreCommand.optionsHelp)

        exit: 0 done, 1 not, 2 wrong command line
        """

    // MARK: set, unset

    private static func set(_ command: CommandLineArguments) -> Int32 {
        withStore(command) { store, target in
            let owner = try KeyOwner(command, in: store, allowsAll: false)
            let name = try StoreCommand.checked(
                try keyName(command, target), "name of a key", .name(max: 256))
            let source = try StoreCommand.checked(
                command["--source"] ?? "manual", "source of a key", .name(max: 64))
            let key = try readKey(for: target.upstream)
            let stored = try store.setUpstreamKey(
                user: owner.userID, name: name, key: key, source: source)
            let mask = KeyMask.text(key)
            return StoreCommand.Outcome(
                "set key `\(Terminal.printable(name))` of \(owner.shownName): \(mask)"
            ) { json in
                json.key("set")
                write(StoredKey(stored, key: .success(key)), [owner], &json)
            }
        }
    }

    /// From standard input or the terminal, without what was pasted along.
    /// - Throws: it cannot be one of this upstream.
    static func readKey(for upstream: KeyTarget.Upstream?) throws(CommandLineError) -> Secret {
        let typed = try SecretInput.read("key").reveal()
        let text = String(decoding: typed, as: UTF8.self).trimmingBlanks
        let rule = TextRule.upstreamKey(
            prefix: upstream?.chain.prefix ?? "", lengthMin: upstream?.chain.lengthMin ?? 1)
        guard rule.accepts(text) else {
            // Why not quoted: it may be one, nearly.
            throw SecretInput.wrong("invalid key format: the key must be \(rule.wanted)")
        }
        return Secret(text)
    }

    private static func keyName(
        _ command: CommandLineArguments, _ target: KeyTarget
    ) throws(CommandLineError) -> String {
        if let name = command["--name"] ?? target.upstream?.config.name { return name }
        let choices = target.candidates.joined(separator: ", ")
        throw CommandLineError(
            message: "`headgate key \(command.subVerb ?? "")` needs --name NAME"
                + (choices.isEmpty ? "" : " or --upstream NAME, one of: \(choices)"))
    }

    private static func unset(_ command: CommandLineArguments) -> Int32 {
        withStore(command, opensKeys: false) { store, target in
            let owner = try KeyOwner(command, in: store, allowsAll: true)
            let name =
                command["--name"] ?? (command["--upstream"] == nil ? nil : target.upstream?.config.name)
            let count = try delete(owner, name, in: store)
            let what = name.map { " `\(Terminal.printable($0))`" } ?? ""
            guard count > 0 || name == nil else {
                throw StoreError.notFound("key\(what) of \(owner.shownName)")
            }
            let keys = count == 1 ? "1 key" : "\(count) keys"
            return StoreCommand.Outcome("deleted \(keys)\(what) of \(owner.shownName)") { json in
                json.member("deleted", Int64(count))
            }
        }
    }

    private static func delete(_ owner: KeyOwner, _ name: String?, in store: Store) throws(StoreError) -> Int
    {
        guard let name else {
            switch owner {
            case .user(let user): return try store.deleteUpstreamKeys(user: user.id)
            case .shared: return try store.deleteUpstreamKeys(user: nil)
            case .all: return try store.deleteAllUpstreamKeys()
            }
        }
        return try store.transaction { () throws(StoreError) -> Int in
            var count = 0
            for key in try keys(of: owner, in: store) where key.name == name {
                if try store.deleteUpstreamKey(user: key.userID, name: name) { count += 1 }
            }
            return count
        }
    }

    static func keys(of owner: KeyOwner, in store: Store) throws(StoreError) -> [UpstreamKey] {
        switch owner {
        case .user(let user): try store.upstreamKeys(user: user.id)
        case .shared: try store.upstreamKeys(user: nil)
        case .all: try store.allUpstreamKeys()
        }
    }

    // MARK: The frame

    /// The store is open.
    /// - Parameter opensKeys: it seals and opens keys, as far as the config file says with what.
    static func withStore(
        _ command: CommandLineArguments, opensKeys: Bool = true,
        _ body: (Store, KeyTarget) throws -> StoreCommand.Outcome
    ) -> Int32 {
        StoreCommand.perform(command, target: KeyTarget.init) { target in
            let store = try opensKeys ? target.store.openSealed() : target.store.open()
            defer { store.close() }
            return try body(store, target)
        }
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        let isBlank: (Character) -> Bool = { $0.isWhitespace }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
