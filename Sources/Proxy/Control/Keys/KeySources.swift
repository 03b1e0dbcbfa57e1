import Config
import Stores

/// The sources of one upstream's chain. Reads them when it is asked, in order: what changes there needs no
/// reload to count. Blocks on local files and on the store.
struct KeySources: Sendable {
    let upstream: String
    let chain: KeyChainConfig
    /// Folder that relative paths start from.
    let folder: String
    /// As written; later ones win, the process's own variables win over all.
    let environmentFiles: [EnvironmentFileConfig]
    /// Where keys are made; empty: nowhere.
    let provisionURL: String
    /// What the process was started with.
    var processEnvironment: @Sendable () -> [String: String] = { Environment.ofProcess() }

    var format: KeyFormat { KeyFormat(prefix: chain.prefix ?? "", lengthMin: chain.lengthMin) }

    /// - Parameters:
    ///   - store: of the chain's database; nil: it has none.
    ///   - held: a key that was made and could be written nowhere.
    func look(
        for query: KeyQuery, in store: Result<Store, StoreError>?, held: Secret? = nil
    ) -> KeyResolution {
        let variables = readEnvironment()
        let findings = chain.sources.flatMap { source -> [KeyResolution.Finding] in
            switch source {
            case .database(let name): database(name, query, store)
            case .file(let path): [file(path)]
            case .environment(let name): [variable(name, variables)]
            case .credential(let name): [credential(name, variables.environment)]
            case .provision(let provision): [self.provision(provision, variables.environment, held)]
            }
        }
        return KeyResolution(upstream: upstream, findings: findings)
    }

    /// What lets a request for a new key in; nil: not configured, so that there is no such source.
    func provisioningKey() -> Secret? {
        guard let provision = chain.provision,
            let key = try? provisioningKey(provision, readEnvironment().environment).get()
        else { return nil }
        return KeyFormat().accepts(key) ? key : nil
    }

    // MARK: - The database

    private func database(
        _ name: String, _ query: KeyQuery, _ store: Result<Store, StoreError>?
    ) -> [KeyResolution.Finding] {
        let owners: [Int64?] = (query.user.map { [$0.id] } ?? []) + [nil]
        var findings: [KeyResolution.Finding] = []
        for owner in owners {
            for row in query.names(for: upstream) {
                let place = "\(name): \(owner == nil ? "shared " : "")`\(row)`"
                do throws(StoreError) {
                    let opened = try (store ?? .failure(.failed("it is not open"))).get()
                    guard let found = try opened.upstreamKey(user: owner, among: [row]) else { continue }
                    findings.append(self.found(.database, "database", place, found.1, found.0))
                } catch {
                    findings.append(
                        KeyResolution.Finding(
                            .database, "database", at: place, .unreadable(error.description)))
                    // Why no further: the one that could not be read may be the one that counts.
                    return findings
                }
            }
        }
        return findings.isEmpty
            ? [KeyResolution.Finding(.database, "database", at: name, .absent)] : findings
    }

    private func found(
        _ kind: KeyResolution.Kind, _ source: String, _ place: String, _ key: Secret,
        _ row: UpstreamKey? = nil
    ) -> KeyResolution.Finding {
        let isGood = format.accepts(key)
        return KeyResolution.Finding(
            kind, source, at: place, isGood ? .shadowed : .badFormat, key: isGood ? key : nil, row: row)
    }

    // MARK: - Files and variables

    /// The variables, and what is wrong with the files that they come from.
    private struct Variables {
        var environment: Environment
        var problem: String?
    }

    private func readEnvironment() -> Variables {
        var files: [EnvironmentFile] = []
        var problem: String?
        for config in environmentFiles {
            do throws(FileReadError) {
                let bytes = try readFile(absolute(config.path), limitBytes: EnvironmentFile.limitBytes)
                files.append(EnvironmentFile(bytes))
            } catch {
                if error == .missing, config.isOptional { continue }
                problem = "\(config.path): \(error)"
            }
        }
        return Variables(
            environment: Environment(process: processEnvironment(), files: files), problem: problem)
    }

    private func absolute(_ path: String) -> String { Path.absolute(path, in: folder) }

    private func file(_ path: String) -> KeyResolution.Finding {
        let name = Path.name(of: path)
        do throws(FileReadError) {
            let bytes = try readFile(absolute(path), limitBytes: SecretSource.limitBytes)
            let key = KeyFormat.trimmed(bytes)
            guard !key.isEmpty else { return KeyResolution.Finding(.file, name, at: path, .absent) }
            return found(.file, name, path, Secret(key))
        } catch {
            let state: KeyResolution.State =
                error == .missing ? .absent : .unreadable(error.description)
            return KeyResolution.Finding(.file, name, at: path, state)
        }
    }

    private func variable(_ name: String, _ variables: Variables) -> KeyResolution.Finding {
        let source = "environment"
        if let value = variables.environment[name] {
            let key = KeyFormat.trimmed(Array(value.utf8))
            if !key.isEmpty { return found(.environment, source, name, Secret(key)) }
        }
        // Why only here: a variable of the process needs no file.
        let isSet = variables.environment[name] != nil
        let state: KeyResolution.State =
            variables.problem.map { isSet ? .absent : .unreadable($0) } ?? .absent
        return KeyResolution.Finding(.environment, source, at: name, state)
    }

    private func credential(_ name: String, _ environment: Environment) -> KeyResolution.Finding {
        switch KeySources.resolve(.credential(name), environment) {
        case .success(let key?):
            return found(.credential, "credential", name, key)
        case .success(nil): return KeyResolution.Finding(.credential, "credential", at: name, .absent)
        case .failure(let error):
            return KeyResolution.Finding(
                .credential, "credential", at: name, .unreadable(error.description))
        }
    }

    // MARK: - Keys that are made

    private func provision(
        _ provision: ProvisionConfig, _ environment: Environment, _ held: Secret?
    ) -> KeyResolution.Finding {
        let source = KeySources.provisioned
        if let held { return found(.provision, source, provisionURL, held) }
        let state: KeyResolution.State
        switch provisioningKey(provision, environment) {
        case .success(let key?): state = KeyFormat().accepts(key) ? .ready : .badFormat
        case .success(nil): state = .absent
        case .failure(let error): state = .unreadable(error.description)
        }
        return KeyResolution.Finding(.provision, source, at: provisionURL, state)
    }

    static let provisioned = "auto-provisioned"

    private func provisioningKey(
        _ provision: ProvisionConfig, _ environment: Environment
    ) -> Result<Secret?, SecretError> {
        if case .literal(let text) = provision.key { return .success(Secret(text)) }
        guard let source = LoadedConfig.source(of: provision.key, in: folder) else { return .success(nil) }
        return KeySources.resolve(source, environment)
    }

    /// Without white space around it. What is not there is nil: a source need not have a key.
    private static func resolve(
        _ source: SecretSource, _ environment: Environment
    ) -> Result<Secret?, SecretError> {
        do throws(SecretError) {
            let key = KeyFormat.trimmed(try source.resolve(in: environment).reveal())
            return .success(key.isEmpty ? nil : Secret(key))
        } catch {
            switch error {
            case .variableMissing, .variableEmpty, .fileEmpty, .noCredentialsDirectory,
                .fileUnreadable(_, .missing):
                return .success(nil)
            case .fileUnreadable, .credentialNameInvalid: return .failure(error)
            }
        }
    }

    // MARK: - For reloads

    /// SHA-256 of what each source outside the database holds now, the key that makes keys among them: where
    /// it changes, all that was found is looked for anew.
    func contentDigests() -> [[UInt8]] {
        let environment = readEnvironment().environment
        return chain.sources.map { source in
            switch source {
            case .database: []
            case .file(let path): digest(of: file(path))
            case .environment(let name): sha256(Array((environment[name] ?? "").utf8))
            case .credential(let name): digest(of: credential(name, environment))
            case .provision(let provision):
                sha256((try? provisioningKey(provision, environment).get()).map { $0.reveal() } ?? [])
            }
        }
    }

    private func digest(of finding: KeyResolution.Finding) -> [UInt8] {
        finding.key.map { sha256($0.reveal()) } ?? Array(finding.state.name.utf8)
    }
}
