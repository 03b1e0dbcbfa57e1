import Glibc

/// Changes a token file: lock, read, change, write aside, rename. Blocks: for control threads and commands.
///
/// The lock is `flock(2)` on `NAME.lock` in the same folder, which stays there: the file itself is another
/// one after each change. Whoever reads sees the old file or the new one, whole. Owner, group and mode are
/// kept; a new file is 0600 and, made by root, belongs to whoever owns its folder. Where the path is a link,
/// what it leads to is replaced.
public struct TokenFileEditor: Sendable {
    public let path: String
    /// How long another process may hold the lock. Default 5 s.
    let lockMilliseconds: Int

    public init(path: String, lockMilliseconds: Int = 5000) {
        self.path = path
        self.lockMilliseconds = lockMilliseconds
    }

    /// A missing file has no entries: nil.
    /// - Throws: `.unreadable`, `.malformed`.
    public func read() throws(TokenFileError) -> TokenFile? {
        try parsed(try TokenFileEditor.content(path))
    }

    static func content(_ path: String) throws(TokenFileError) -> [UInt8]? {
        do throws(FileReadError) {
            return try readFile(path, limitBytes: TokenFile.limitBytes)
        } catch {
            guard error != .missing else { return nil }
            throw .unreadable(path: path, error)
        }
    }

    /// - Parameter name: any text without control characters; it need not be unique.
    /// - Returns: the token, told here once, and its entry.
    public func create(name: String) throws(TokenFileError) -> (token: Secret, entry: TokenFile.Entry) {
        guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw .nameInvalid
        }
        let token = "sk-" + RandomText.hex(32)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let createdAt = tokenFileTime(Int64(now.tv_sec))
        var entry: TokenFile.Entry?
        _ = try change { (file) throws(TokenFileError) in
            entry = try file.append(token: token, name: name, createdAt: createdAt)
        }
        guard let entry else { preconditionFailure("a change that is made makes its entry") }
        return (Secret(token), entry)
    }

    /// By the beginning of a token; dots at its end are ignored. One that is revoked already stays so.
    /// - Throws: nothing or several match, the prefix is empty.
    public func revoke(prefix: String) throws(TokenFileError) -> TokenFile.Entry {
        try changeOne(prefix) { file, index in file.set("active", .bool(false), at: index) }
    }

    /// - Returns: the entry that is gone.
    public func delete(prefix: String) throws(TokenFileError) -> TokenFile.Entry {
        try changeOne(prefix) { file, index in
            let entry = file.entries[index]
            file.remove(at: index)
            return entry
        }
    }

    /// Puts digests in the place of tokens that stand in clear. They go on being accepted.
    ///
    /// Why no copy of the old file is kept: it would hold them in clear.
    /// - Parameter isTrial: nothing is written.
    /// - Returns: the entries that it concerns, as they are afterwards. Where there is nothing to do, nothing
    ///   is written, and no file is made.
    public func migrate(isTrial: Bool = false) throws(TokenFileError) -> [TokenFile.Entry] {
        guard var trial = try read() else { return [] }
        var hashed = trial.hashTokens()
        guard !isTrial, !hashed.isEmpty else { return hashed }
        _ = try change { (file) throws(TokenFileError) in hashed = file.hashTokens() }
        return hashed
    }

    /// What a write has left behind.
    public struct Written: Equatable, Sendable {
        /// SHA-256 of the content.
        public let digest: [UInt8]
    }

    /// Merged into entries that still exist, where it is later than what they say; nothing is written where
    /// nothing changes, and no file is made.
    /// - Parameter uses: digest to seconds since 1970.
    /// - Returns: nil: nothing was written.
    public func mergeLastUsed(_ uses: [[UInt8]: Int64]) throws(TokenFileError) -> Written? {
        guard !uses.isEmpty, try read() != nil else { return nil }
        return try change { (file) throws(TokenFileError) in
            for (index, entry) in file.entries.enumerated() {
                guard let seconds = uses[entry.digest] else { continue }
                let time = tokenFileTime(seconds)
                // Why a digit: `Never` is later than any time.
                if let last = entry.lastUsed, last.first?.isNumber == true, last >= time { continue }
                _ = file.set("last_used", .string(time), at: index)
            }
        }
    }

    // MARK: Steps

    private func changeOne(
        _ prefix: String, _ body: (inout TokenFile, Int) -> TokenFile.Entry
    ) throws(TokenFileError) -> TokenFile.Entry {
        var entry: TokenFile.Entry?
        // Why before: nobody waits for a lock, and no folder is made, for what cannot be found.
        guard let file = try read() else { throw .notFound(prefix: TokenFile.shown(prefix: prefix)) }
        _ = try file.index(ofPrefix: prefix)
        _ = try change { (file) throws(TokenFileError) in
            entry = body(&file, try file.index(ofPrefix: prefix))
        }
        guard let entry else { preconditionFailure("a change that is made names its entry") }
        return entry
    }

    /// - Returns: nil: nothing was changed and so nothing written.
    private func change(
        _ body: (inout TokenFile) throws(TokenFileError) -> Void
    ) throws(TokenFileError) -> Written? {
        let replacement = try FileReplacement(path, lockMilliseconds: lockMilliseconds)
        let before = try parsed(try replacement.read()) ?? TokenFile()
        var after = before
        try body(&after)
        guard after != before else { return nil }
        let bytes = after.serialized
        try replacement.write(bytes)
        return Written(digest: sha256(bytes))
    }

    private func parsed(_ bytes: [UInt8]?) throws(TokenFileError) -> TokenFile? {
        guard let bytes else { return nil }
        return try TokenFile(bytes)
    }
}

/// As the file has it: local time to the second, without zone (`2025-11-26T10:30:00`).
func tokenFileTime(_ secondsSince1970: Int64) -> String {
    var seconds = time_t(secondsSince1970)
    var local = tm()
    localtime_r(&seconds, &local)
    func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = [padded(local.tm_year + 1900, 4), padded(local.tm_mon + 1, 2), padded(local.tm_mday, 2)]
    let time = [padded(local.tm_hour, 2), padded(local.tm_min, 2), padded(local.tm_sec, 2)]
    return date.joined(separator: "-") + "T" + time.joined(separator: ":")
}
