import Glibc
import JSON
import Proxy
import Stores

/// `headgate db init|check|backup|migrate|import`
enum DatabaseCommand {
    static let subVerbs = [
        SubVerb("init", options: ["--no-admin", "--default-admin", "--print-key"], run: initialize),
        SubVerb("check", run: check),
        SubVerb("backup", "PATH", count: 1...1, run: backUp),
        SubVerb("migrate", run: migrate),
        importVerb,
    ]

    static let help = """
        usage: headgate db init
               headgate db check
               headgate db backup PATH
               headgate db migrate
               headgate db import PATH

        Looks after the database of a store, with the daemon running or not.

        `init` makes the file, for its owner alone, and where the config file has `encryption_key: {file: PATH}`
        and no file is there, a master key in it. Where there are no users yet, it makes `admin` and prints a
        random password, once. Doing it again changes nothing.
        Secrets of `auth` with `create: true` that are missing are made, too.
        `check` looks for damage, for sealed keys that the master key does not open or only a previous one, and
        at who may read the file. `backup` makes a whole copy while everything runs; the master key is not in it.
        `migrate` brings a database of an older headgate up to date, which `headgate run` does too.
        `import` takes over the users and keys of another program: PATH is an SQLite file with a table of users
        (id, username, hashed_password by bcrypt) and one of their keys (user_id, model_name, api_key), a folder
        with users.json and api_keys.json, or one such file. Passwords and keys go on working; upstream keys are
        encrypted on the way. It is all done or nothing, and doing it again changes nothing: what is there
        already stays, and what differs from it is told. Who has another password here, or is disabled in one
        of both, gets no keys from there. The source is only read, also while its program runs; where it has
        a `-wal`, SQLite may make a `-shm` beside it.
        Passwords of more than 72 bytes, which other programs cut off, have to be set anew.

          --no-admin          init: make no user
          --default-admin     init: make `admin` with the password `admin123`, if there is no `admin`
          --print-key         init: print a new master key, do nothing else
          --dry-run           import: change nothing, only say what would be done
          --replace           import: take the source's password or upstream key where it differs, and where
                              users or keys of clients differ, the stricter of both
        \(StoreCommand.optionsHelp)

        exit: 0 done or nothing wrong, 1 not, 2 wrong command line
        """

    // MARK: init

    private static func initialize(_ command: CommandLineArguments) -> Int32 {
        guard !command.has("--print-key") else {
            Terminal.print(String(decoding: MasterKey.generate().reveal(), as: UTF8.self))
            return ExitCode.success
        }
        return StoreCommand.perform(command) { target in
            guard !(command.has("--no-admin") && command.has("--default-admin")) else {
                throw CommandLineError(message: "`--no-admin` and `--default-admin` exclude each other")
            }
            try PrivateFile.prepareFolder(of: target.path)
            let before = try Store.prepare(target.path)
            let store = try target.open()
            defer { store.close() }
            let key = try prepareMasterKey(target, store)
            let secrets = try makeSecrets(target)
            let admin = try makeAdmin(command, store, target)
            let made = before.map { "\(target.path) is there, schema \($0)" } ?? "made \(target.path)"
            let lines =
                [
                    made, key.made.map { "made the master key in \($0); keep a copy elsewhere" },
                ] + secrets.map { "made \($0), with a random secret" } + [admin?.line]
            let remarks = [admin?.remark, key.remark].compactMap { $0 }
            return StoreCommand.Outcome(
                lines.compactMap { $0 }.joined(separator: "\n"),
                remark: remarks.isEmpty ? nil : remarks.joined(separator: "\n")
            ) { json in
                json.member("path", target.path)
                json.member("schema", Int64(Store.schemaVersion))
                json.member("created", before == nil)
                json.member("master_key_file", key.made)
                json.member("admin_password", admin?.password)
            }
        }
    }

    /// - Returns: the file that was made, and what there is to say about the key.
    private static func prepareMasterKey(
        _ target: StoreTarget, _ store: Store
    ) throws -> (made: String?, remark: String?) {
        switch target.masterKey() {
        case .plain, .found: return (nil, nil)
        case .notSet:
            guard target.named != nil else { return (nil, nil) }
            return (
                nil,
                "no `encryption_key` is set: upstream keys of users cannot be stored; `headgate db init --print-key` "
                    + "makes one"
            )
        case .unusable(let why):
            return (nil, "`encryption_key`: \(why); `headgate db init --print-key` makes one")
        case .fileMissing(let path):
            // Why: what is sealed opens with the old one alone.
            if let id = try store.masterKeyIDs().first {
                throw StoreError.cannotSeal(
                    "\(path) is not there, and the database holds keys that are sealed with master key \(id): put "
                        + "it back")
            }
            return (try PrivateFile.create(path, holding: MasterKey.generate()) ? path : nil, nil)
        }
    }

    /// Files of `secret` with `create` that are missing.
    /// - Returns: those that were made.
    private static func makeSecrets(_ target: StoreTarget) throws -> [String] {
        guard let file = target.named?.file else { return [] }
        var made: [String] = []
        for auth in file.config.auth {
            guard case .jwt(let jwt) = auth.mode, jwt.isSecretCreated, case .secret(.file(let path)) = jwt.key
            else { continue }
            let absolute = file.absolute(path)
            if try PrivateFile.create(absolute, holding: MasterKey.generate()) { made.append(absolute) }
        }
        return made
    }

    private struct Admin {
        var line: String
        var remark: String?
        /// Made at random, to be told.
        var password: String?
    }

    private static func makeAdmin(
        _ command: CommandLineArguments, _ store: Store, _ target: StoreTarget
    ) throws -> Admin? {
        func create(_ password: String) throws {
            let hash = PasswordHash.make(Array(password.utf8), cost: target.passwordCost)
            _ = try store.createUser(NewUser(username: "admin", passwordHash: hash))
        }
        if command.has("--default-admin") {
            guard try store.user(.username("admin")) == nil else { return nil }
            try create("admin123")
            return Admin(
                line: "made the user admin with the password admin123",
                remark: "everybody knows this password: change it by `headgate user passwd admin`")
        }
        guard !command.has("--no-admin"), try store.users().isEmpty else { return nil }
        let password = randomPassword()
        try create(password)
        return Admin(
            line: "made the user admin with the password \(password)",
            remark: "the password is not shown again; `headgate user passwd admin` changes it",
            password: password)
    }

    /// 119 bits, without letters and digits that look alike.
    private static func randomPassword() -> String {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        return String((0..<20).map { _ in alphabet[Int.random(in: alphabet.indices)] })
    }

    // MARK: check, backup, migrate

    private static func check(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.perform(command) { target in
            let masterKey = target.masterKey()
            var findings: [String] = []
            switch masterKey {
            case .plain, .notSet, .found: break
            case .fileMissing(let path): findings.append("`encryption_key`: \(path) is not there")
            case .unusable(let why): findings.append("`encryption_key`: \(why)")
            }
            findings += target.previousMasterKeys().problems
            findings += try self.findings(target, masterKey)
            let good = "ok: \(target.path), schema \(Store.schemaVersion)"
            return StoreCommand.Outcome(
                findings.isEmpty ? good : findings.joined(separator: "\n"),
                code: findings.isEmpty ? ExitCode.success : ExitCode.failure
            ) { json in
                json.member("path", target.path)
                json.member("ok", findings.isEmpty)
                json.key("findings")
                json.beginArray()
                for finding in findings { json.value(finding) }
                json.endArray()
            }
        }
    }

    private static func findings(
        _ target: StoreTarget, _ masterKey: StoreTarget.MasterKeySetting
    ) throws(StoreError) -> [String] {
        do throws(StoreError) {
            let store = try target.open(
                masterKey: masterKey, previous: target.previousMasterKeys().keys)
            defer { store.close() }
            return try store.check()
        } catch .corrupt(let detail) {
            return ["\(target.path) is damaged: \(detail)"]
        }
    }

    private static func backUp(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.withStore(command) { store, target in
            let path = command.operands[0]
            try store.backUp(to: path)
            return StoreCommand.Outcome("copied \(target.path) to \(path)") { json in
                json.member("path", target.path)
                json.member("backup", path)
            }
        }
    }

    private static func migrate(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.perform(command) { target in
            guard access(target.path, F_OK) == 0 else { throw StoreError.missing(path: target.path) }
            let before = try Store.prepare(target.path) ?? 0
            let now = Store.schemaVersion
            let text = before == now ? "has schema \(now) already" : "was schema \(before), is schema \(now)"
            return StoreCommand.Outcome("\(target.path) \(text)") { json in
                json.member("path", target.path)
                json.member("from", Int64(before))
                json.member("to", Int64(now))
            }
        }
    }
}
