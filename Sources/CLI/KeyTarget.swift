import Config
import Proxy
import Stores

/// What a command about upstream keys means: a store, and the upstream whose chain of keys asks it.
struct KeyTarget {
    let store: StoreTarget
    /// nil: none was named, and there are several or none.
    let upstream: Upstream?
    /// Upstreams that might have been named.
    let candidates: [String]

    struct Upstream {
        let config: UpstreamConfig
        let chain: KeyChainConfig
    }

    /// `--upstream`, else the only one with a chain that asks a database, of `--store` if that is given.
    init(_ command: CommandLineArguments) throws(CommandLineError) {
        guard command["--db"] == nil, let file = try ConfigFile.find(command) else {
            guard command["--upstream"] == nil else {
                throw CommandLineError(message: "`--upstream` needs a config file, `--db` has none")
            }
            store = try StoreTarget(command)
            upstream = nil
            candidates = []
            return
        }
        let storeName = command["--store"]
        let known = KeyTarget.chains(of: file).filter { upstream in
            storeName.map { upstream.chain.store == $0 } ?? (upstream.chain.store != nil)
        }
        candidates = known.map(\.config.name)
        if let name = command["--upstream"] {
            upstream = try KeyTarget.upstream(name, in: file)
            guard known.contains(where: { $0.config.name == name }) else {
                throw CommandLineError(
                    message: "the keys of upstream `\(name)` come from no store"
                        + (storeName.map { " `\($0)`" } ?? ""),
                    exitCode: ExitCode.failure)
            }
        } else {
            upstream = KeyTarget.choose(known, for: command["--name"])
        }
        let name = storeName ?? upstream?.chain.store
        // Why an empty name: it stands for the only store.
        store = try StoreTarget(name == "" ? nil : name, in: file)
    }

    /// An upstream with a chain, whether a database is in it or not.
    static func upstream(_ name: String, in file: ConfigFile) throws(CommandLineError) -> Upstream {
        if let found = chains(of: file).first(where: { $0.config.name == name }) { return found }
        let isKnown = file.config.upstreams.contains { $0.name == name }
        let why =
            isKnown
            ? "upstream `\(name)` has no `key` with `first_of` in \(file.path)"
            : "\(file.path) has no upstream `\(name)`"
        let names = chains(of: file).map(\.config.name).joined(separator: ", ")
        throw CommandLineError(
            message: why + (names.isEmpty ? "" : " (with `first_of`: \(names))"),
            exitCode: ExitCode.failure)
    }

    fileprivate static func chains(of file: ConfigFile) -> [Upstream] {
        file.config.upstreams.compactMap { config in
            guard case .chain(let chain) = config.key else { return nil }
            return Upstream(config: config, chain: chain)
        }
    }

    /// Of several, the one that a key of this name is for: `openai`, `openai/gpt-4`.
    private static func choose(_ known: [Upstream], for name: String?) -> Upstream? {
        guard known.count > 1 else { return known.first }
        return known.first { upstream in
            name == upstream.config.name || name?.hasPrefix(upstream.config.name + "/") ?? false
        }
    }
}

extension KeyTarget {
    /// An upstream with a chain of keys, which need not have a database.
    struct Chain {
        let upstream: Upstream
        let file: ConfigFile

        init(_ upstream: Upstream, in file: ConfigFile) {
            self.upstream = upstream
            self.file = file
        }

        /// The one that the first word or `--upstream` names, else the only one.
        init(_ command: CommandLineArguments) throws(CommandLineError) {
            guard command["--db"] == nil, let file = try ConfigFile.find(command) else {
                throw CommandLineError(message: "there is no config file; name one by -c FILE")
            }
            self.file = file
            if let name = command.operands.first ?? command["--upstream"] {
                upstream = try KeyTarget.upstream(name, in: file)
                return
            }
            let known = KeyTarget.chains(of: file)
            guard let first = known.first, known.count == 1 else {
                let names = known.map(\.config.name).joined(separator: ", ")
                throw CommandLineError(
                    message: names.isEmpty
                        ? "\(file.path) has no upstream whose `key` has `first_of`"
                        : "several upstreams have `first_of`; choose by --upstream NAME: \(names)",
                    exitCode: names.isEmpty ? ExitCode.failure : ExitCode.usage)
            }
            upstream = first
        }

        /// The chain, to be worked on.
        func open() throws(CommandLineError) -> UpstreamKeyChain {
            let name = upstream.config.name
            do throws(FileReadError) {
                let chain = try UpstreamKeyChain(upstream: name, of: file.config, folder: file.folder)
                guard let chain else { throw .missing }
                return chain
            } catch {
                throw SecretInput.wrong(
                    "upstream `\(name)`: cannot read \(upstream.config.tls.ca ?? ""): \(error)")
            }
        }

        /// Of the chain's database, whether its master key can be had or not; nil: it has none.
        func openStore() -> Result<Store, StoreError>? {
            guard let name = upstream.chain.store else { return nil }
            do {
                let target = try StoreTarget(name.isEmpty ? nil : name, in: file)
                let previous = target.previousMasterKeys().keys
                return .success(try target.open(masterKey: target.masterKey(), previous: previous))
            } catch let error as StoreError {
                return .failure(error)
            } catch { return .failure(.failed("\(error)")) }
        }
    }
}
