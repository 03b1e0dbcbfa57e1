import Stores

/// What the files of a configuration held when they were read: the config file itself and everything it
/// names. Two equal values mean that a reload would change nothing.
struct InputFiles: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        /// SHA-256, so that no secret has to be kept for the comparison.
        case digest([UInt8])
        case missing
        case unreadable(FileReadError)
    }

    /// By absolute path.
    private(set) var contents: [String: Content] = [:]
    /// Something besides files is to be decided anew.
    var asksAnew = false

    var paths: [String] { contents.keys.sorted() }
    /// A file that was there when `other` was read is not; nil: a file at all.
    func hasLost(since other: InputFiles?) -> Bool {
        contents.contains { $0.value == .missing && other?.contents[$0.key] != .missing }
    }

    /// Any file that a configuration may name is at most this large.
    static let limitBytes = 16 << 20

    init() {}

    /// Reads the files again.
    init(reading paths: some Sequence<String>) {
        for path in paths { _ = read(path) }
    }

    /// Reads a file and remembers what it held.
    mutating func read(_ path: String) -> Result<[UInt8], FileReadError> {
        do throws(FileReadError) {
            let bytes = try readFile(path, limitBytes: InputFiles.limitBytes)
            contents[path] = .digest(sha256(bytes))
            return .success(bytes)
        } catch {
            contents[path] = error == .missing ? .missing : .unreadable(error)
            return .failure(error)
        }
    }
}

/// Paths in the file are relative to the file's folder.
enum Path {
    static func absolute(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") ? path : folder + "/" + path
    }

    /// The folder of an absolute path, without the slash at its end; "" for the root.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }

    static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }
}
