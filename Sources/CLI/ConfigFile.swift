import Config
import Glibc
import Proxy
import Stores

/// A config file as commands see it that work on what it names, with the daemon running or not.
///
/// Why a draft: a secret that only the daemon's environment holds must not keep anybody from making a token.
struct ConfigFile {
    /// As it was given.
    let path: String
    let config: GatewayConfig
    /// Nothing is said about them here: `headgate check` does.
    let hasErrors: Bool
    let environment: Environment
    /// Folder that relative paths start from.
    let folder: String

    /// - Returns: nil: none is named, and at the usual places there is none.
    static func find(_ command: CommandLineArguments) throws(CommandLineError) -> ConfigFile? {
        guard let path = command.config ?? ConfigPath.defaults.first(where: { access($0, F_OK) == 0 }) else {
            return nil
        }
        return try ConfigFile(path, settings: command.settings)
    }

    /// - Parameter settings: what `--set` says of it.
    init(_ path: String, settings: [ConfigSetting] = []) throws(CommandLineError) {
        self.path = path
        let parsed = ConfigDocument.parse(try ConfigFile.read(path), file: path, settings: settings)
        guard let document = parsed.document else {
            throw CommandLineError(
                message: "\(path) cannot be read:\n" + renderReport(parsed.diagnostics),
                exitCode: ExitCode.failure)
        }
        folder = ConfigFile.folder(of: path, document.relativeTo)
        var files: [EnvironmentFile] = []
        var hasErrors = false
        for config in document.environmentFiles {
            // Why not refused: often only the daemon may read it. What wants its variables will say so.
            let file = ConfigFile.absolute(config.path, in: folder)
            switch Result(catching: { () throws(FileReadError) in
                try readFile(file, limitBytes: EnvironmentFile.limitBytes)
            }) {
            case .success(let bytes): files.append(EnvironmentFile(bytes))
            case .failure(.missing) where config.isOptional: break
            case .failure: hasErrors = true
            }
        }
        let environment = Environment(process: Environment.ofProcess(), files: files)
        self.environment = environment
        let draft = document.draft { environment[$0] }
        self.hasErrors = hasErrors || draft.hasErrors
        guard let config = draft.config else {
            throw CommandLineError(
                message: "\(path) cannot be read:\n" + renderReport(draft.diagnostics),
                exitCode: ExitCode.failure)
        }
        self.config = config
    }

    private static func folder(of path: String, _ relativeTo: RelativeToConfig) -> String {
        switch relativeTo {
        case .configFile:
            path.lastIndex(of: "/").map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
        case .workingDirectory: "."
        }
    }

    /// Of a path in the file.
    func absolute(_ path: String) -> String { ConfigFile.absolute(path, in: folder) }

    private static func absolute(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") ? path : folder + "/" + path
    }

    private static func read(_ path: String) throws(CommandLineError) -> [UInt8] {
        do throws(FileReadError) {
            return try readFile(path, limitBytes: 16 << 20)
        } catch {
            throw CommandLineError(message: "cannot read \(path): \(error)", exitCode: ExitCode.failure)
        }
    }
}
