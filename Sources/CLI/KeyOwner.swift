import Stores

/// Whose upstream keys a command is about.
enum KeyOwner {
    case user(User)
    /// Those that all callers share.
    case shared
    /// Of every user, and the shared ones.
    case all

    static let options = ["--user=", "--shared"]

    /// - Parameters:
    ///   - allowsAll: `--all` is one of the choices.
    ///   - fallback: where nothing is said; nil: that is wrong.
    init(
        _ command: CommandLineArguments, in store: Store, allowsAll: Bool, otherwise fallback: KeyOwner? = nil
    ) throws {
        let word = command["--user"]
        let given = [word != nil, command.has("--shared"), command.has("--all")].count { $0 }
        let choices = "--user USER" + (allowsAll ? ", --shared or --all" : " or --shared")
        guard given <= 1 else { throw CommandLineError(message: "only one of \(choices) can be given") }
        if let word {
            self = .user(try StoreCommand.user(word, in: store))
        } else if command.has("--shared") {
            self = .shared
        } else if command.has("--all") {
            self = .all
        } else if let fallback {
            self = fallback
        } else {
            let verb = command.subVerb ?? ""
            throw CommandLineError(message: "`headgate key \(verb)` needs \(choices)")
        }
    }

    /// What follows "of".
    var shownName: String {
        switch self {
        case .user(let user): Terminal.printable(user.shownName)
        case .shared: "all callers"
        case .all: "everybody"
        }
    }

    /// nil: shared.
    /// - Precondition: it is not `all`.
    var userID: Int64? {
        switch self {
        case .user(let user): user.id
        case .shared: nil
        case .all: preconditionFailure("nobody in particular")
        }
    }
}
