import Config
import Glibc
import Stores

/// A configuration with everything that it names read in.
struct LoadedConfig {
    let config: GatewayConfig
    /// Folder that relative paths start from.
    let folder: String
    /// The typed references of the file, resolved.
    let secrets: [SecretSource: Secret]
    /// PEM of the trusted authorities, by the path as written.
    let authorities: [String: [UInt8]]
    /// What `public_key`, `jwks` and `ca` of `auth` name, by the path as written.
    let keyFiles: [String: [UInt8]]
    /// The variables of the process and of `env_file`.
    let environment: Environment

    /// - Precondition: the text stands in a place whose references the loader resolves.
    func secret(_ text: TextSource) -> Secret {
        if case .literal(let literal) = text { return Secret(literal) }
        guard let source = LoadedConfig.source(of: text, in: folder), let secret = secrets[source] else {
            preconditionFailure("the loader refuses a configuration whose references do not resolve")
        }
        return secret
    }

    /// nil: the text is written out in the file.
    static func source(of text: TextSource, in folder: String) -> SecretSource? {
        switch text {
        case .literal: nil
        case .environment(let name): .environment(name)
        case .file(let path): .file(Path.absolute(path, in: folder))
        case .credential(let name): .credential(name)
        }
    }

    /// nil: not a file, and not a variable.
    static func source(of key: KeySourceConfig, in folder: String) -> SecretSource? {
        switch key {
        case .database: nil
        case .file(let path): source(of: TextSource.file(path), in: folder)
        case .environment(let name): .environment(name)
        case .credential(let name): .credential(name)
        case .provision(let provision): source(of: provision.key, in: folder)
        }
    }
}

/// What one look at the files gave.
struct LoadOutcome {
    /// nil: `diagnostics` holds at least one error.
    let loaded: LoadedConfig?
    let diagnostics: [Diagnostic]
    /// Everything that was read, whether the outcome is good or not: what has to be watched.
    let inputs: InputFiles
    /// For diagnostics that come later, such as an address in use.
    let places: DiagnosticPlaces
}

/// Where the keys of a file stand, for problems that show only when its wishes are carried out.
struct DiagnosticPlaces {
    let file: String
    let document: ConfigDocument?

    func error(_ path: [ConfigStep], _ message: String) -> Diagnostic { diagnostic(.error, path, message) }
    func warning(_ path: [ConfigStep], _ message: String) -> Diagnostic {
        diagnostic(.warning, path, message)
    }

    private func diagnostic(_ severity: Diagnostic.Severity, _ path: [ConfigStep], _ message: String)
        -> Diagnostic
    {
        document?.diagnostic(severity, at: path, message)
            ?? Diagnostic(file: file, line: 1, column: 1, severity: severity, message: message)
    }
}

/// Reads the config file and all that it names. Blocks on local files; neither binds nor resolves.
struct ConfigLoader {
    /// As it was given: what messages show.
    let displayPath: String
    let absolutePath: String
    /// What the command line sets.
    let settings: [ConfigSetting]
    /// Files with `create` that are missing are made; else it is taken that they are there.
    var createsFiles = false
    /// What the file holds, where somebody has read it already; nil: it is read.
    private(set) var text: [UInt8]?

    /// - Parameter folder: absolute; that of the file.
    init(text: [UInt8], display: String, folder: String, settings: [ConfigSetting] = []) {
        displayPath = display
        absolutePath = Path.absolute(Path.name(of: display), in: folder)
        self.settings = settings
        self.text = text
    }

    init(path: String, settings: [ConfigSetting] = [], createsFiles: Bool = false) {
        displayPath = path
        absolutePath = ConfigLoader.absolute(path)
        self.settings = settings
        self.createsFiles = createsFiles
    }

    /// That of the config file.
    var folder: String { Path.folder(of: absolutePath) }

    /// The folder that relative paths in the file start from.
    func folder(_ relativeTo: RelativeToConfig) -> String {
        switch relativeTo {
        case .configFile: folder
        case .workingDirectory: ConfigLoader.workingDirectory ?? ""
        }
    }

    func load() -> LoadOutcome {
        var reading = ConfigReading(loader: self)
        var loaded = reading.run()
        // Why a second time: a file with a mistake makes nothing, wherever the mistake stands.
        if createsFiles, reading.wantsFiles, !reading.hasErrors {
            reading = ConfigReading(loader: self, makesFiles: true)
            loaded = reading.run()
        }
        return LoadOutcome(
            loaded: reading.hasErrors ? nil : loaded, diagnostics: reading.diagnostics,
            inputs: reading.inputs,
            places: DiagnosticPlaces(file: displayPath, document: reading.document))
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = workingDirectory else { return path }
        let rest = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return folder + "/" + rest
    }

    /// As it was when it was first asked for: a folder that is gone later must not become another one.
    /// nil: somebody had removed it before.
    static let workingDirectory: String? = {
        guard let folder = getcwd(nil, 0) else { return nil }
        defer { free(folder) }
        return String(cString: folder)
    }()
}

/// One run of the loader.
private struct ConfigReading {
    let loader: ConfigLoader
    var inputs = InputFiles()
    var diagnostics: [Diagnostic] = []
    var document: ConfigDocument?
    /// Where relative paths start from.
    private var folder: String

    private var places: DiagnosticPlaces { DiagnosticPlaces(file: loader.displayPath, document: document) }

    /// Files with `create` that are missing are made.
    private let makesFiles: Bool
    /// There are such files.
    private(set) var wantsFiles = false
    var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    init(loader: ConfigLoader, makesFiles: Bool = false) {
        self.loader = loader
        self.makesFiles = makesFiles
        folder = loader.folder
    }

    mutating func run() -> LoadedConfig? {
        guard let bytes = readConfigFile() else { return nil }
        let parsed = ConfigDocument.parse(
            bytes, file: loader.displayPath, settings: loader.settings)
        diagnostics += parsed.diagnostics
        guard let document = parsed.document else { return nil }
        self.document = document
        folder = loader.folder(document.relativeTo)
        if document.relativeTo == .workingDirectory, ConfigLoader.workingDirectory == nil {
            note([.key("relative_to")], "the working directory is not there any more")
            return nil
        }
        let environment = readEnvironment(document.environmentFiles)
        let draft = document.draft { environment[$0] }
        diagnostics += draft.diagnostics
        // Why of a draft: what is missing is told in one run with all else.
        guard let config = draft.config else { return nil }
        let secrets = readSecrets(of: config, in: environment)
        let authorities = readAuthorities(of: config)
        let keyFiles = readKeyFiles(of: config)
        watchKeySources(of: config, in: environment)
        return LoadedConfig(
            config: config, folder: folder, secrets: secrets, authorities: authorities,
            keyFiles: keyFiles, environment: environment)
    }

    private mutating func readConfigFile() -> [UInt8]? {
        if let text = loader.text { return text }
        switch inputs.read(loader.absolutePath) {
        case .success(let bytes): return bytes
        case .failure(let error):
            diagnostics.append(places.error([], "cannot read \(loader.displayPath): \(error)"))
            return nil
        }
    }

    private mutating func readEnvironment(_ configs: [EnvironmentFileConfig]) -> Environment {
        var files: [EnvironmentFile] = []
        for (index, config) in configs.enumerated() {
            let path = config.path
            switch inputs.read(Path.absolute(path, in: folder)) {
            case .success(let bytes):
                let file = EnvironmentFile(bytes)
                files.append(file)
                warnIfReadable(
                    path, configs.count > 1 ? [.key("env_file"), .index(index)] : [.key("env_file")])
                for problem in file.problems {
                    diagnostics.append(
                        Diagnostic(
                            file: path, line: problem.line, column: 1, severity: .error,
                            message: "the line \(problem.message)"))
                }
            case .failure(.missing) where config.isOptional: break
            case .failure(let error):
                let steps: [ConfigStep] = [.key("env_file")] + (configs.count > 1 ? [.index(index)] : [])
                diagnostics.append(places.error(steps, "cannot read \(path): \(error)"))
            }
        }
        return Environment(process: Environment.ofProcess(), files: files)
    }

    /// Where a typed reference stands, and what it leads to.
    private struct Reference {
        let text: TextSource
        let path: [ConfigStep]
        /// It becomes the value of a header field.
        var isField = false
        /// Bytes that it has at least.
        var bytesMin = 0
        /// Made where its file is missing.
        var made: Made?

        enum Made {
            case signingSecret
            /// Only as long as the database is missing, too: what is sealed there opens with the old key.
            /// - Parameter isCreated: by a start; else `headgate db init` makes both, and says so.
            case masterKey(ofStore: String, isCreated: Bool)
        }
    }

    private func references(of config: GatewayConfig) -> [Reference] {
        var references: [Reference] = []
        for route in config.routes {
            let lists = [
                ("request_headers", route.requestHeaders.set),
                ("response_headers", route.responseHeaders.set),
            ]
            for (key, assignments) in lists {
                for assignment in assignments {
                    let path: [ConfigStep] = [
                        .key("routes"), .index(route.index), .key(key), .key("set"), .key(assignment.name),
                    ]
                    references.append(Reference(text: assignment.value, path: path, isField: true))
                }
            }
        }
        if let admin = config.admin {
            let path: [ConfigStep] = [.key("admin"), .key("token")]
            references.append(Reference(text: admin.token, path: path, bytesMin: AdminConfig.tokenMin))
        }
        for header in config.telemetry?.headers ?? [] {
            let path: [ConfigStep] = [.key("telemetry"), .key("headers"), .key(header.name)]
            references.append(Reference(text: header.value, path: path, isField: true))
        }
        for store in config.stores {
            let path: [ConfigStep] = [.key("stores"), .key(store.name)]
            if let key = store.encryptionKey {
                references.append(
                    Reference(
                        text: key, path: path + [.key("encryption_key")],
                        made: .masterKey(ofStore: store.path, isCreated: store.isCreated)))
            }
            for (index, key) in store.previousEncryptionKeys.enumerated() {
                let place = path + [.key("previous_encryption_keys"), .index(index)]
                references.append(Reference(text: key, path: place))
            }
        }
        for upstream in config.upstreams {
            let path: [ConfigStep] = [.key("upstreams"), .key(upstream.name), .key("key")]
            switch upstream.key {
            case .one(let text)?: references.append(Reference(text: text, path: path, isField: true))
            case .anyOf(let keys)?:
                references += keys.enumerated().map { index, key in
                    let place = path + [.key("any_of"), .index(index)]
                    return Reference(text: key.source, path: place, isField: true)
                }
            // Why not: those may be missing, and are read while the gateway runs.
            case .chain?, nil: break
            }
        }
        for auth in config.auth {
            guard case .jwt(let jwt) = auth.mode, case .secret(let text) = jwt.key else { continue }
            let path: [ConfigStep] = [.key("auth"), .key(auth.name), .key("secret")]
            references.append(
                Reference(text: text, path: path, made: jwt.isSecretCreated ? .signingSecret : nil))
        }
        return references
    }

    private mutating func readSecrets(of config: GatewayConfig, in environment: Environment) -> [SecretSource:
        Secret]
    {
        var secrets: [SecretSource: Secret] = [:]
        for reference in references(of: config) {
            guard !isStandIn(reference.text),
                let source = LoadedConfig.source(of: reference.text, in: folder),
                secrets[source] == nil
            else { continue }
            do throws(SecretError) {
                let made = makeMissing(reference, source)
                if let path = source.path(in: environment) { _ = inputs.read(path) }
                let secret = if let made { made } else { try source.resolve(in: environment) }
                secrets[source] = secret
                if reference.isField, !isFieldValue(secret.reveal()) {
                    note(reference.path, "the value holds a line break or another control character")
                }
                if secret.reveal().count < reference.bytesMin {
                    note(reference.path, "must be at least \(reference.bytesMin) bytes long")
                }
            } catch {
                note(reference.path, error.description)
            }
        }
        return secrets
    }

    /// Makes the file of a secret with `create` that has none.
    /// - Returns: what stands for it where nothing is made; nil: the file decides.
    private mutating func makeMissing(_ reference: Reference, _ source: SecretSource) -> Secret? {
        guard let made = reference.made, case .file(let path) = source, FileSignature.isMissing(path)
        else { return nil }
        let secret = MasterKey.generate()
        if case .masterKey(let store, let isCreated) = made {
            guard FileSignature.isMissing(Path.absolute(store, in: folder)) else { return nil }
            // What is said of the database says it all.
            guard isCreated else { return secret }
        }
        wantsFiles = true
        guard makesFiles else { return secret }
        do throws(StoreError) {
            if try PrivateFile.create(path, holding: secret) {
                Log.info("made \(path), with a random secret")
            }
        } catch {
            note(reference.path, "cannot make the file: \(error)")
            return secret
        }
        return nil
    }

    private mutating func readAuthorities(of config: GatewayConfig) -> [String: [UInt8]] {
        var authorities: [String: [UInt8]] = [:]
        for upstream in config.upstreams {
            guard let path = upstream.tls.ca, authorities[path] == nil else { continue }
            switch inputs.read(Path.absolute(path, in: folder)) {
            case .success(let bytes):
                authorities[path] = bytes
                // Why not always: without verification the file is not looked into.
                guard !upstream.tls.insecureSkipVerify else { continue }
                if let problem = TLSContexts.problem(inAuthorities: bytes) {
                    note(steps(upstream), "\(path): \(problem)")
                }
            case .failure(let error): note(steps(upstream), "cannot read \(path): \(error)")
            }
        }
        return authorities
    }

    private mutating func readKeyFiles(of config: GatewayConfig) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for auth in config.auth {
            guard case .jwt(let jwt) = auth.mode else { continue }
            for (key, path) in jwt.files where !path.isEmpty {
                let steps: [ConfigStep] = [.key("auth"), .key(auth.name), .key(key)]
                switch inputs.read(Path.absolute(path, in: folder)) {
                case .success(let bytes):
                    files[path] = bytes
                    if key == "ca", let problem = TLSContexts.problem(inAuthorities: bytes) {
                        note(steps, "\(path): \(problem)")
                    }
                case .failure(let error): note(steps, "cannot read \(path): \(error)")
                }
            }
        }
        return files
    }

    /// What chains of keys read while the gateway runs: a change of it is to be seen at once, and what is
    /// missing is no error.
    private mutating func watchKeySources(of config: GatewayConfig, in environment: Environment) {
        for upstream in config.upstreams {
            guard case .chain(let chain)? = upstream.key else { continue }
            for (index, source) in chain.sources.enumerated() {
                let steps: [ConfigStep] = [
                    .key("upstreams"), .key(upstream.name), .key("key"), .key("first_of"), .index(index),
                ]
                guard let reference = LoadedConfig.source(of: source, in: folder),
                    let path = reference.path(in: environment)
                else { continue }
                _ = inputs.read(path)
                guard case .file(let written) = source else { continue }
                warnIfReadable(written, steps + [.key("file")])
            }
        }
    }

    private func steps(_ upstream: UpstreamConfig) -> [ConfigStep] {
        [.key("upstreams"), .key(upstream.name), .key("tls"), .key("ca")]
    }

    /// What stands in a draft for a reference that could not be read.
    private func isStandIn(_ text: TextSource) -> Bool {
        switch text {
        case .literal(let text), .environment(let text), .file(let text), .credential(let text): text.isEmpty
        }
    }

    private mutating func note(_ path: [ConfigStep], _ message: String) {
        guard diagnostics.count < ConfigReading.diagnosticsMax else { return }
        diagnostics.append(places.error(path, message))
    }

    private mutating func warnIfReadable(_ path: String, _ steps: [ConfigStep]) {
        let absolute = Path.absolute(path, in: folder)
        guard let mode = SecretFileMode.readableByOthers(absolute) else { return }
        diagnostics.append(places.warning(steps, SecretFileMode.warning(path, mode)))
    }

    /// Twice what the text of the file alone can give: these must show even beside masses of warnings.
    private static let diagnosticsMax = 2000
}

extension JWTConfig {
    /// Files that it names, as written, by their keys.
    fileprivate var files: [(key: String, path: String)] {
        let authorities = ca.map { [("ca", $0)] } ?? []
        switch key {
        case .secret, .jwksURL: return authorities
        case .publicKey(let path): return [("public_key", path)] + authorities
        case .jwksFile(let path): return [("jwks", path)] + authorities
        }
    }
}
