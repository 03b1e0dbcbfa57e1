/// A file of client tokens: one JSON object from token to `{"name", "created_at", "last_used", "active"}`.
///
/// Older files have the token itself as the key; entries made here have `sha256:` and the digest in hex, and a
/// `prefix` to know them by. Both are read.
public struct TokenFile: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        /// As in the file: the token, or `sha256:…`.
        public var key: String
        public var digest: [UInt8]
        /// First 12 characters of the token.
        public var shownPrefix: String
        public var name: String
        /// As in the file.
        public var createdAt: String
        /// As in the file; nil: never.
        public var lastUsed: String?
        public var isActive: Bool
    }
    /// In the order of the file.
    public var entries: [Entry]

    /// - Throws: a message that quotes no token.
    public init(_ bytes: [UInt8]) throws(TokenFileError) { fatalError("not yet") }
}

public struct TokenFileError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Changes a token file: lock (`flock(2)` on a file beside it), read, change, write aside, rename. Owner,
/// group and mode of the file are kept.
public struct TokenFileEditor: Sendable {
    public let path: String
    public init(path: String) { self.path = path }

    /// A missing file has no entries.
    public func read() throws(TokenFileError) -> TokenFile? { fatalError("not yet") }
    /// - Returns: the token, told here once, and its entry.
    public func create(name: String) throws(TokenFileError) -> (token: Secret, entry: TokenFile.Entry) {
        fatalError("not yet")
    }
    /// By the beginning of a token; a trailing `...` is ignored.
    /// - Throws: nothing or several match, the prefix is empty.
    public func revoke(prefix: String) throws(TokenFileError) -> TokenFile.Entry { fatalError("not yet") }
    public func delete(prefix: String) throws(TokenFileError) -> TokenFile.Entry { fatalError("not yet") }

    /// What a write of ours leaves behind, by which a watcher knows it for ours.
    public struct Written: Equatable, Sendable {
        /// SHA-256 of the content.
        public let digest: [UInt8]
    }
    /// Merged into entries that still exist; nothing is written where nothing changes.
    /// - Parameter uses: digest to seconds since 1970.
    /// - Returns: nil: nothing was written.
    public func mergeLastUsed(_ uses: [[UInt8]: Int64]) throws(TokenFileError) -> Written? {
        fatalError("not yet")
    }
}
