/// Why a store did not do what it was asked.
public enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No file at the path.
    case missing(path: String)
    /// Somebody else holds it, longer than the busy timeout.
    case locked
    case diskFull
    case readOnly
    case permissionDenied(path: String)
    /// Not an SQLite file, or one whose pages do not fit together.
    case corrupt(String)
    /// Written by a headgate that knows more.
    case schemaTooNew(found: Int, known: Int)
    /// `db migrate` has to be run; the daemon does that itself at start.
    case schemaTooOld(found: Int, known: Int)
    /// An SQLite file of something else.
    case notAStore(path: String)
    /// `field`: `username`, `email`, `telegram_id`.
    case duplicate(field: String)
    case notFound(String)
    /// Several match; their prefixes.
    case ambiguous([String])
    /// There is no master key, or not the one that this was sealed with.
    case cannotSeal(String)
    /// By a rule of the table, or one that somebody has added.
    case refused(String)
    case failed(String)

    /// Trying again later may help, and what is known already stays good.
    public var isTransient: Bool {
        switch self {
        case .locked, .diskFull, .readOnly, .permissionDenied, .missing, .corrupt, .failed: true
        case .schemaTooNew, .schemaTooOld, .notAStore, .duplicate, .notFound, .ambiguous, .cannotSeal,
            .refused:
            false
        }
    }

    public var description: String {
        switch self {
        case .missing(let path): "\(path): no such file; `headgate db init` makes it"
        case .locked: "the database is locked by another process"
        case .diskFull: "the disk is full"
        case .readOnly: "the database is read-only"
        case .permissionDenied(let path): "\(path): permission denied"
        case .corrupt(let detail): "the database is damaged: \(detail)"
        case .schemaTooNew(let found, let known):
            "the database has schema \(found), this headgate knows \(known): use a newer headgate"
        case .schemaTooOld(let found, let known):
            "the database has schema \(found), this headgate needs \(known): run `headgate db migrate`"
        case .notAStore(let path): "\(path) is an SQLite file, but not one of headgate's"
        case .duplicate(let field): "\(field) is taken"
        case .notFound(let what): "no \(what)"
        case .ambiguous(let prefixes): "several match: \(prefixes.joined(separator: ", "))"
        case .cannotSeal(let why): why
        case .refused(let detail), .failed(let detail): detail
        }
    }
}
