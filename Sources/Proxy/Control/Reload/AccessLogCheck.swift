import Config
import Glibc

/// Whether the file of `access_log` can be written to. Records that have nowhere to go would be missed only
/// when somebody looks for them.
struct AccessLogCheck {
    /// As written; nil: there is no file to look at.
    private let path: String?
    private let absolutePath: String
    private let places: DiagnosticPlaces

    private static let key: [ConfigStep] = [.key("access_log"), .key("to")]

    init(_ loaded: LoadedConfig, _ places: DiagnosticPlaces) {
        self.places = places
        switch loaded.config.accessLog?.destination {
        case .file(let path):
            self.path = path
            absolutePath = Path.absolute(path, in: loaded.folder)
        case .stdout, nil:
            path = nil
            absolutePath = ""
        }
    }

    /// For a start or a reload: opens the file, which makes it where it is missing.
    func errors() -> [Diagnostic] {
        guard let path, let code = LogFile.errorOfOpening(absolutePath) else { return [] }
        return [places.error(AccessLogCheck.key, "cannot open \(path): \(String(cString: strerror(code)))")]
    }

    /// For `check`, which makes nothing, and may run as another user or on another machine.
    func warnings() -> [Diagnostic] {
        guard let path else { return [] }
        if AccessLogCheck.isDirectory(absolutePath) {
            return [places.warning(AccessLogCheck.key, "\(path) is a directory, not a file")]
        }
        // The root's folder is the empty path.
        let folder = Path.folder(of: absolutePath)
        guard !folder.isEmpty, !AccessLogCheck.isDirectory(folder) else { return [] }
        return [places.warning(AccessLogCheck.key, "the directory of \(path) does not exist")]
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
