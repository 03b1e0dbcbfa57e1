import Config
import Glibc

/// Whether the file of `access_log` can be written to. Records that have nowhere to go would be missed only
/// when somebody looks for them.
struct AccessLogCheck {
    /// As written; nil: there is no file to look at.
    private let path: String?
    private let absolutePath: String
    private let isJournal: Bool
    private let places: DiagnosticPlaces

    private static let key: [ConfigStep] = [.key("access_log"), .key("to")]

    init(_ loaded: LoadedConfig, _ places: DiagnosticPlaces) {
        self.places = places
        isJournal = loaded.config.accessLog?.destination == .journal
        switch loaded.config.accessLog?.destination {
        case .file(let path):
            self.path = path
            absolutePath = Path.absolute(path, in: loaded.folder)
        case .stdout, .journal, nil:
            path = nil
            absolutePath = ""
        }
    }

    /// For a start or a reload: opens the file, which makes it where it is missing.
    func errors() -> [Diagnostic] {
        if let problem = journalProblem { return [places.error(AccessLogCheck.key, problem)] }
        guard let path, let code = LogFile.errorOfOpening(absolutePath) else { return [] }
        return [places.error(AccessLogCheck.key, "cannot open \(path): \(String(cString: strerror(code)))")]
    }

    /// For `check`, which makes nothing, and may run as another user or on another machine.
    func warnings() -> [Diagnostic] {
        if let problem = journalProblem { return [places.warning(AccessLogCheck.key, problem)] }
        guard let path else { return [] }
        if AccessLogCheck.isDirectory(absolutePath) {
            return [places.warning(AccessLogCheck.key, "\(path) is a directory, not a file")]
        }
        // The root's folder is the empty path.
        let folder = Path.folder(of: absolutePath)
        guard !folder.isEmpty, !AccessLogCheck.isDirectory(folder) else { return [] }
        return [places.warning(AccessLogCheck.key, "the directory of \(path) does not exist")]
    }

    /// What is wrong with the journal, where records go there.
    private var journalProblem: String? {
        guard isJournal, access(JournalLog.path, W_OK) != 0 else { return nil }
        return "there is no journal at \(JournalLog.path): \(String(cString: strerror(errno)))"
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
