/// `key.first_of`: sources of keys in the order in which they are asked, and what holds for all of them.
///
/// Variables of a chain may be unset and its files may be missing: such a source has no key, and the next one
/// is asked. What is wrong with one is told while the gateway runs.
public struct KeyChainConfig: Equatable, Sendable {
    /// Never empty; `database` and `provision` at most once each.
    public var sources: [KeySourceConfig]
    /// `remember: database`: what another source gave a user is written into the chain's database. Default
    /// false.
    public var remembers: Bool
    /// What every key must begin with, else its source is passed over; nil: anything.
    public var prefix: String?
    /// Least bytes of a key, likewise. Default 1.
    public var lengthMin: Int
}

public enum KeySourceConfig: Equatable, Sendable {
    /// Keys of users, and those of everybody, in an entry of `stores`.
    case database(store: String)
    /// The file's content without one trailing newline. Relative to where `relative_to` says. Watched.
    case file(String)
    /// A variable, by its name.
    case environment(String)
    /// `$CREDENTIALS_DIRECTORY/name` (systemd).
    case credential(String)
    /// The upstream itself makes a key for a user.
    case provision(ProvisionConfig)
}

extension KeyChainConfig {
    /// nil: there is no `first_of`, or it could not be read.
    init?(_ node: MappingReader) {
        let sources = node.optional(
            "first_of", .list(.mapping(KeySourceConfig.init), nonEmpty: true),
            "Sources of keys, each asked where those before it have none.")
        remembers = node.value(
            "remember", .word([("off", false), ("database", true)]), default: "off",
            "`database`: what another source gave a user is written into the chain's database.")
        prefix = node.optional(
            "prefix", .claimText,
            "What every key must begin with, else its source is passed over. Default: anything.")
        lengthMin = node.value(
            "min_length", .integer(1...4096), default: "1",
            "Least bytes of a key; the source of a shorter one is passed over.")
        guard let sources else { return nil }
        self.sources = sources
    }

    /// Name of the entry of `stores` that keys of users come from; nil: none does.
    public var store: String? {
        for case .database(let store) in sources { return store }
        return nil
    }

    public var provision: ProvisionConfig? {
        for case .provision(let provision) in sources { return provision }
        return nil
    }
}

extension KeySourceConfig {
    init(_ node: MappingReader) {
        let store = node.optional(
            "database", .name, "Entry of `stores`: keys of users, then those of everybody.")
        let text = TextSource.references(node, .naming(.variableName))
        let provision = node.optional(
            "provision", .mapping(ProvisionConfig.init), "The upstream makes a key for a user who has none.")
        node.requireOne(of: ["database"] + TextSource.referenceKeys + ["provision"])
        if let store {
            self = .database(store: store)
        } else if let provision {
            self = .provision(provision)
        } else {
            switch text {
            case .file(let path): self = .file(path)
            case .environment(let name): self = .environment(name)
            case .credential(let name): self = .credential(name)
            case .literal, nil: self = .database(store: "")
            }
        }
    }
}
