import Config
import Stores

/// Which store a command means: the one of the config file, or a file named by `--db`.
struct StoreTarget {
    /// Of the database.
    let path: String
    /// nil: named by `--db`.
    let named: Named?

    struct Named {
        let file: ConfigFile
        let config: StoreConfig
    }

    /// What the file says about `encryption_key`.
    enum MasterKeySetting {
        /// `at_rest: plain`.
        case plain
        case notSet
        case found(MasterKey)
        /// `{file: PATH}`, and no file is there.
        case fileMissing(path: String)
        case unusable(String)
    }

    init(_ command: CommandLineArguments) throws(CommandLineError) {
        if let path = command["--db"] {
            guard command["--store"] == nil else {
                throw CommandLineError(message: "`--db` and `--store` exclude each other")
            }
            self.init(path: path, named: nil)
            return
        }
        guard let file = try ConfigFile.find(command) else {
            throw StoreTarget.wrong(
                "no config file: neither \(ConfigPath.defaults.joined(separator: " nor ")) is there; name one by "
                    + "-c FILE, or the database by --db PATH")
        }
        try self.init(command["--store"], in: file)
    }

    /// - Parameter name: an entry of `stores`; nil: the only one.
    init(_ name: String?, in file: ConfigFile) throws(CommandLineError) {
        let config = try StoreTarget.choose(name, in: file)
        self.init(path: file.absolute(config.path), named: Named(file: file, config: config))
    }

    private init(path: String, named: Named?) {
        self.path = path
        self.named = named
    }

    private static func choose(_ name: String?, in file: ConfigFile) throws(CommandLineError) -> StoreConfig {
        // Why: what could not be read has an empty stand-in.
        let stores = file.config.stores.filter { !$0.path.isEmpty }
        let hint = file.hasErrors ? " that can be read; `headgate check` says what is wrong with it" : ""
        let names = stores.map(\.name).joined(separator: ", ")
        if let name {
            guard let store = stores.first(where: { $0.name == name }) else {
                let known = names.isEmpty ? "" : " (defined: \(names))"
                throw wrong("\(file.path) has no store `\(name)`\(hint)\(known)")
            }
            return store
        }
        guard let first = stores.first else {
            throw wrong("\(file.path) has no entry of `stores`\(hint); name a database by --db PATH")
        }
        guard stores.count == 1 else {
            throw wrong("\(file.path) has several stores; choose by --store NAME: \(names)")
        }
        return first
    }

    /// Opens the store. What is sealed can be opened only with a master key, which most commands do not need.
    /// - Parameter previous: master keys of before.
    func open(
        masterKey: MasterKeySetting = .notSet, previous: [MasterKey] = []
    ) throws(StoreError) -> Store {
        var options = Store.Options(previousMasterKeys: previous)
        switch named?.config.userIDs {
        case .uuid, nil: options.userIDs = .uuid
        case .objectid: options.userIDs = .objectid
        case .integer: options.userIDs = .integer
        }
        switch masterKey {
        case .plain: options.atRest = .plain
        case .found(let key): options.atRest = .sealed(key)
        case .notSet, .fileMissing, .unusable: options.atRest = .refused
        }
        // Why longer than the daemon waits: a person at a terminal would only type it again.
        options.busyTimeoutMilliseconds = 5000
        return try Store(opening: path, options: options)
    }

    /// bcrypt's cost of new passwords.
    var passwordCost: Int {
        let cost = named?.config.passwordCost ?? PasswordHash.costDefault
        // Why: a draft may hold anything.
        return PasswordHash.costs.contains(cost) ? cost : PasswordHash.costDefault
    }

    func masterKey() -> MasterKeySetting {
        guard let named else { return .notSet }
        guard !named.config.storesPlain else { return .plain }
        guard let text = named.config.encryptionKey else { return .notSet }
        do throws(SecretError) {
            let secret = try resolve(text, in: named.file)
            do throws(StoreError) {
                return .found(try MasterKey(secret))
            } catch {
                return .unusable(error.description)
            }
        } catch .fileUnreadable(let path, .missing) {
            return .fileMissing(path: path)
        } catch {
            return .unusable(error.description)
        }
    }

    /// What `previous_encryption_keys` says, and what is wrong with it.
    func previousMasterKeys() -> (keys: [MasterKey], problems: [String]) {
        guard let named else { return ([], []) }
        var keys: [MasterKey] = []
        var problems: [String] = []
        for text in named.config.previousEncryptionKeys {
            do {
                keys.append(try MasterKey(try resolve(text, in: named.file)))
            } catch { problems.append("`previous_encryption_keys`: \(error)") }
        }
        return (keys, problems)
    }

    /// Opens the store for what seals or opens upstream keys.
    /// - Throws: also where the config file names master keys that cannot be had.
    func openSealed() throws -> Store {
        let setting = masterKey()
        switch setting {
        case .plain, .notSet, .found: break
        case .fileMissing(let path):
            throw StoreError.cannotSeal("`encryption_key`: \(path) is not there; `headgate db init` makes it")
        case .unusable(let why): throw StoreError.cannotSeal("`encryption_key`: \(why)")
        }
        let previous = previousMasterKeys()
        if let problem = previous.problems.first { throw StoreError.cannotSeal(problem) }
        return try open(masterKey: setting, previous: previous.keys)
    }

    private func resolve(_ text: TextSource, in file: ConfigFile) throws(SecretError) -> Secret {
        switch text {
        case .literal(let text): Secret(text)
        case .environment(let name): try SecretSource.environment(name).resolve(in: file.environment)
        case .file(let path): try SecretSource.file(file.absolute(path)).resolve(in: file.environment)
        case .credential(let name): try SecretSource.credential(name).resolve(in: file.environment)
        }
    }

    private static func wrong(_ message: String) -> CommandLineError {
        CommandLineError(message: message, exitCode: 1)
    }
}
