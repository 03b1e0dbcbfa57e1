import Config

/// `headgate check`: everything that a start or a reload would find wrong, without binding and without asking
/// for names.
public struct ConfigCheck {
    public let diagnostics: [Diagnostic]
    /// `2 listeners, 7 routes, 3 upstreams`; nil where the file is no configuration.
    public let summary: String?

    public var isGood: Bool { !diagnostics.contains { $0.severity == .error } }

    /// - Parameter settings: what `--set` says of the file.
    public init(path: String, settings: [ConfigSetting] = []) {
        let trial = ConfigTrial(ConfigLoader(path: path, settings: settings))
        diagnostics = trial.diagnostics
        summary = trial.outcome.loaded.map { loaded in
            let config = loaded.config
            return "\(counted(config.listeners.count, "listener")), "
                + "\(counted(config.routes.count, "route")), \(counted(config.upstreams.count, "upstream"))"
        }
    }
}
