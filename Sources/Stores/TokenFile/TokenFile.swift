import JSON

/// A file of client tokens: one JSON object from token to `{"name", "created_at", "last_used", "active"}`.
///
/// Older files have the token itself as the key; entries made here have `sha256:` and the digest in hex, and
/// a `prefix` to know them by. Both are read. What else stands in an entry is kept, and so is all order.
public struct TokenFile: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        /// As in the file: the token, or `sha256:…`.
        public var key: String
        /// SHA-256 of the token.
        public var digest: [UInt8]
        /// First 15 characters of the token, and never more than half of it.
        public var shownPrefix: String
        public var name: String
        /// As in the file; empty: it does not say.
        public var createdAt: String
        /// As in the file; nil: never.
        public var lastUsed: String?
        /// False as well where the file does not say `true`.
        public var isActive: Bool
    }
    /// In the order of the file.
    public private(set) var entries: [Entry] = []
    private var members: [JSONValue.Member] = []

    /// Bytes of a file.
    public static let limitBytes = 16 << 20
    private static let hashMark = "sha256:"
    private static let shownCount = 15

    /// Without any entry.
    init() {}

    /// - Throws: `.malformed`, with a message that quotes no token: no JSON object, an entry that is none,
    ///   one token twice.
    public init(_ bytes: [UInt8]) throws(TokenFileError) {
        let tree: JSONValue
        do throws(JSONError) {
            tree = try JSONValue.parse(bytes, limitBytes: TokenFile.limitBytes)
        } catch {
            throw .malformed(error.description)
        }
        guard case .object(let members) = tree else { throw .malformed("is no JSON object of tokens") }
        var digests: Set<[UInt8]> = []
        for (index, member) in members.enumerated() {
            guard let entry = Entry(member) else {
                throw .malformed("has an entry that is none (number \(index + 1))")
            }
            guard digests.insert(entry.digest).inserted else {
                throw .malformed("has a token twice (number \(index + 1))")
            }
            entries.append(entry)
        }
        self.members = members
    }

    /// As it goes to the disk.
    var serialized: [UInt8] {
        var writer = JSONWriter(indent: 2)
        writer.value(.object(members))
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    // MARK: Changes

    /// - Parameter createdAt: as it goes into the file.
    mutating func append(token: String, name: String, createdAt: String) throws(TokenFileError) -> Entry {
        let fields: [JSONValue.Member] = [
            .init("name", .string(name)), .init("created_at", .string(createdAt)), .init("last_used", .null),
            .init("active", .bool(true)), .init("prefix", .string(TokenFile.shown(ofToken: token))),
        ]
        let key = TokenFile.hashMark + lowercaseHex(sha256(Array(token.utf8)))
        let member = JSONValue.Member(key, .object(fields))
        guard let entry = Entry(member) else { preconditionFailure("an entry of ours is one") }
        members.append(member)
        entries.append(entry)
        return entry
    }

    /// - Returns: the entry as it is now.
    mutating func set(_ field: String, _ value: JSONValue, at index: Int) -> Entry {
        var fields = members[index].value.members ?? []
        if let position = fields.firstIndex(where: { $0.key == field }) {
            fields[position] = .init(field, value)
        } else {
            fields.append(.init(field, value))
        }
        members[index] = .init(members[index].key, .object(fields))
        guard let entry = Entry(members[index]) else { preconditionFailure("an entry stays one") }
        entries[index] = entry
        return entry
    }

    /// Puts digests in the place of tokens that stand in clear; all else of the entries stays.
    /// - Returns: the entries that it concerns, in the order of the file, as they are now.
    mutating func hashTokens() -> [Entry] {
        var hashed: [Entry] = []
        for (index, entry) in entries.enumerated() where !entry.isHashed {
            let key = TokenFile.hashMark + lowercaseHex(entry.digest)
            members[index] = .init(key, members[index].value)
            hashed.append(set("prefix", .string(TokenFile.shown(ofToken: entry.key)), at: index))
        }
        return hashed
    }

    mutating func remove(at index: Int) {
        members.remove(at: index)
        entries.remove(at: index)
    }

    // MARK: Prefixes

    /// The one entry whose token (or whole key in the file) begins so. A whole token is never ambiguous.
    ///
    /// Of a hashed token only its shown prefix and the whole of it are known.
    /// - Parameter prefix: dots at its end are ignored: `list` shows them.
    /// - Throws: `.emptyPrefix`, `.notFound`, `.ambiguous`.
    func index(ofPrefix prefix: String) throws(TokenFileError) -> Int {
        let wanted = TokenFile.trimmed(prefix)
        guard !wanted.isEmpty else { throw .emptyPrefix }
        let digest = sha256(Array(wanted.utf8))
        if let exact = entries.firstIndex(where: { $0.digest == digest }) { return exact }
        let found = entries.indices.filter { index in
            let beginnings = [entries[index].key, entries[index].storedPrefix(members[index])]
            return beginnings.contains { $0.utf8.starts(with: wanted.utf8) }
        }
        guard let first = found.first else { throw .notFound(prefix: TokenFile.shown(prefix: prefix)) }
        guard found.count == 1 else {
            throw .ambiguous(
                prefix: TokenFile.shown(prefix: prefix),
                matches: found.map { "\(entries[$0].shownPrefix)... (\(entries[$0].name))" })
        }
        return first
    }

    /// What was typed, as messages show it: not a whole token.
    public static func shown(prefix: String) -> String {
        let text = trimmed(prefix)
        return text.count > shownCount + 1 ? text.prefix(shownCount) + "..." : text
    }

    private static func trimmed(_ prefix: String) -> String {
        var text = Substring(prefix)
        for mark in ["...", "…"] where text.hasSuffix(mark) { text = text.dropLast(mark.count) }
        return String(text)
    }

    static func shown(ofToken token: String) -> String {
        String(token.prefix(min(shownCount, token.count / 2)))
    }

    fileprivate static func digest(ofKey key: String) -> [UInt8]? {
        guard key.hasPrefix(hashMark) else { return key.isEmpty ? nil : sha256(Array(key.utf8)) }
        let digest = hexBytes(key.dropFirst(hashMark.count))
        return digest?.count == 32 ? digest : nil
    }
}

extension TokenFile.Entry {
    /// nil: not an entry.
    fileprivate init?(_ member: JSONValue.Member) {
        guard let digest = TokenFile.digest(ofKey: member.key), member.value.members != nil else {
            return nil
        }
        key = member.key
        self.digest = digest
        name = member.value["name"]?.text ?? ""
        createdAt = member.value["created_at"]?.text ?? ""
        lastUsed = member.value["last_used"]?.text
        isActive = member.value["active"]?.bool == true
        shownPrefix = ""
        let stored = storedPrefix(member)
        shownPrefix = isHashed ? String(stored.prefix(15)) : TokenFile.shown(ofToken: key)
    }

    fileprivate var isHashed: Bool { key.utf8.count == 71 && key.hasPrefix("sha256:") }

    /// What is known of the beginning of the token; for hashed ones without any, of the key.
    fileprivate func storedPrefix(_ member: JSONValue.Member) -> String {
        guard isHashed else { return key }
        let stored = member.value["prefix"]?.text ?? ""
        return stored.isEmpty ? key : stored
    }
}
