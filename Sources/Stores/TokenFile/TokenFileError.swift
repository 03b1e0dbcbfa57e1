/// Why a token file could not be read or changed. Its text quotes no token.
public enum TokenFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not such a file: unclear who may come in.
    case malformed(String)
    case unreadable(path: String, FileReadError)
    case notFound(prefix: String)
    /// The tokens that match, as they are shown.
    case ambiguous(prefix: String, matches: [String])
    case emptyPrefix
    case nameInvalid
    /// Somebody else has held it for 5 s.
    case locked(path: String)
    case notWritten(path: String, String)
    /// Somebody who takes no lock has changed it, or taken it away, since it was read.
    case overtaken(path: String)

    public var description: String {
        switch self {
        case .malformed(let what): "the token file \(what)"
        case .unreadable(let path, let error): "cannot read \(path): \(error)"
        case .notFound(let prefix): "No token found starting with '\(prefix)'"
        case .ambiguous(let prefix, let matches):
            "\(matches.count) tokens start with '\(prefix)', say more of one: "
                + matches.joined(separator: ", ")
        case .emptyPrefix: "The prefix is empty: give the beginning of a token, as `list` shows it"
        case .nameInvalid: "A name holds no control characters"
        case .locked(let path): "\(path) is locked by another process"
        case .overtaken(let path): "\(path) was changed meanwhile: try again"
        case .notWritten(let path, let why): "cannot write \(path): \(why)"
        }
    }
}
