/// `log_level`: which lines about itself the process writes to stderr. Default `info`.
public enum LogLevelConfig: String, Equatable, Sendable, CaseIterable {
    /// As `info`: there are no lines below it.
    case debug
    case info, warning, error
    /// Only what ends the process.
    case critical
}
