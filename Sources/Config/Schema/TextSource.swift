/// Text that may be a secret: written out (after `${…}`), or a typed reference read by the gateway at load.
public enum TextSource: Equatable, Sendable {
    case literal(String)
    /// `{env: NAME}`
    case environment(String)
    /// `{file: path}`: the file's content without one trailing newline. Watched.
    case file(String)
    /// `{credential: name}`: `$CREDENTIALS_DIRECTORY/name` (systemd).
    case credential(String)
}
