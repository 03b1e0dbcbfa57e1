// Covers TokenFileEditor.swift, FileReplacement.swift
import Glibc
import Testing

@testable import Stores

private func content(_ path: String) throws -> String {
    String(decoding: try readFile(path, limitBytes: 1 << 20), as: UTF8.self)
}

private func status(_ path: String) -> stat {
    var found = stat()
    #expect(lstat(path, &found) == 0, "\(path)")
    return found
}

private func mode(_ path: String) -> mode_t { status(path).st_mode & 0o7777 }

private func names(_ folder: String) -> [String] {
    var names: [String] = []
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

private let token = "sk-" + String(repeating: "0f", count: 32)
private let old = """
    {"\(token)": {"name": "web", "created_at": "2025-11-26T10:30:00", "last_used": null, "active": true}}
    """
private let digest = sha256(Array(token.utf8))

@Test func `a token is made in a folder of its own that only we may enter`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.path + "/data/api_tokens.json")
    #expect(try editor.read() == nil)
    #expect(names(folder.path) == [], "reading makes nothing")
    let made = try editor.create(name: "my-app")
    let text = String(decoding: made.token.reveal(), as: UTF8.self)
    #expect(text.wholeMatch(of: /sk-[0-9a-f]{64}/) != nil, "S0-02")
    #expect(made.entry.digest == sha256(made.token.reveal()))
    #expect(made.entry.name == "my-app" && made.entry.isActive && made.entry.lastUsed == nil)
    #expect(made.entry.createdAt.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/) != nil, "S0-10")
    #expect(try editor.read()?.entries == [made.entry])
    #expect(mode(folder.path + "/data") == 0o700)
    #expect(mode(editor.path) == 0o600)
    #expect(names(folder.path + "/data") == ["api_tokens.json", "api_tokens.json.lock"])
    #expect(!(try content(editor.path)).contains(text.dropFirst(15)), "C19")
}

@Test func `revoked stays, deleted goes, others are untouched`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.path + "/t.json")
    let first = try editor.create(name: "same")
    let second = try editor.create(name: "same")
    #expect(try editor.revoke(prefix: first.entry.shownPrefix + "...").isActive == false)
    #expect(try editor.read()?.entries.map(\.isActive) == [false, true])
    #expect(try editor.revoke(prefix: first.entry.shownPrefix).isActive == false, "twice is once")
    #expect(try editor.delete(prefix: first.entry.shownPrefix).key == first.entry.key)
    #expect(try editor.read()?.entries == [second.entry])
    #expect(throws: TokenFileError.notFound(prefix: first.entry.shownPrefix)) {
        _ = try editor.delete(prefix: first.entry.shownPrefix)
    }
}

@Test func `nothing is made for what cannot be found`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.path + "/data/t.json")
    #expect(throws: TokenFileError.notFound(prefix: "sk-1")) { _ = try editor.revoke(prefix: "sk-1") }
    #expect(try editor.mergeLastUsed([digest: 1]) == nil)
    #expect(names(folder.path) == [])
}

@Test func `owner, group and mode are kept`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.write("t.json", old))
    chmod(editor.path, 0o640)
    // Others than root have no other owner to give.
    let isRoot = geteuid() == 0
    if isRoot { chown(editor.path, 1234, 4321) }
    let before = status(editor.path)
    _ = try editor.revoke(prefix: "sk-0f")
    let after = status(editor.path)
    #expect(after.st_ino != before.st_ino)
    #expect(after.st_mode == before.st_mode && after.st_uid == before.st_uid && after.st_gid == before.st_gid)
    let lock = status(editor.path + ".lock")
    #expect(lock.st_mode & 0o777 == 0o640 && lock.st_uid == before.st_uid)
}

@Test func `what root makes belongs to the owner of its folder`() throws {
    guard geteuid() == 0 else { return }
    let folder = TemporaryFolder()
    chown(folder.path, 1234, 4321)
    let editor = TokenFileEditor(path: folder.path + "/data/t.json")
    _ = try editor.create(name: "x")
    for path in [folder.path + "/data", editor.path, editor.path + ".lock"] {
        #expect(status(path).st_uid == 1234 && status(path).st_gid == 4321)
    }
    #expect(mode(editor.path) == 0o600)
}

@Test func `a link stays, what it leads to is replaced`() throws {
    let folder = TemporaryFolder()
    mkdir(folder.path + "/real", 0o755)
    let real = folder.write("real/t.json", old)
    let path = folder.path + "/link.json"
    symlink("real/hop.json", path)
    symlink("t.json", folder.path + "/real/hop.json")
    _ = try TokenFileEditor(path: path).revoke(prefix: "sk-0f")
    #expect(status(path).st_mode & S_IFMT == S_IFLNK)
    #expect(try TokenFileEditor(path: real).read()?.entries[0].isActive == false)
    #expect(names(folder.path + "/real") == ["hop.json", "t.json", "t.json.lock"])
    unlink(real)
    _ = try TokenFileEditor(path: path).create(name: "new")
    #expect(try TokenFileEditor(path: real).read()?.entries.count == 1)
}

@Test(arguments: ["", "{", "[]", "{\"sk-secret-0123456789\": 1}"])
func `a file that is none is told of and left alone`(text: String) throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.write("t.json", text))
    for body in [
        { _ = try editor.read() }, { _ = try editor.create(name: "x") },
        { _ = try editor.revoke(prefix: "sk-") }, { _ = try editor.mergeLastUsed([digest: 1]) },
    ] as [() throws -> Void] {
        let error = #expect(throws: TokenFileError.self) { try body() }
        #expect(error?.description.contains("secret") == false)
    }
    #expect(try content(editor.path) == text)
}

@Test func `what cannot be read or written says so`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.path)
    #expect(throws: TokenFileError.unreadable(path: folder.path, .failed(errno: EISDIR))) {
        _ = try editor.read()
    }
    let file = folder.write("file", "x")
    let below = TokenFileEditor(path: file + "/t.json")
    let error = #expect(throws: TokenFileError.self) { _ = try below.create(name: "x") }
    #expect(
        error == .notWritten(path: file + "/t.json", "Not a directory")
            || error?.description.contains("cannot read") == true)
    let deep = TokenFileEditor(path: folder.path + "/a/b/t.json")
    #expect(throws: TokenFileError.notWritten(path: deep.path, "No such file or directory")) {
        _ = try deep.create(name: "x")
    }
    #expect(FileReplacement.failure("t", EROFS).description == "cannot write t: the file system is read-only")
    #expect(FileReplacement.failure("t", EBUSY).description.contains("mount its folder"))
}

@Test func `a lock is not a way to other files`() throws {
    let folder = TemporaryFolder()
    symlink(folder.path + "/elsewhere", folder.path + "/t.json.lock")
    let editor = TokenFileEditor(path: folder.path + "/t.json")
    #expect(throws: TokenFileError.self) { _ = try editor.create(name: "x") }
    #expect(names(folder.path) == ["t.json.lock"])
}

@Test(arguments: ["a\nb", "\u{1B}[2J", "\0", "x\u{7F}", "\u{85}"])
func `a name without control characters is taken, another is not`(name: String) throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.path + "/t.json")
    #expect(throws: TokenFileError.nameInvalid) { _ = try editor.create(name: name) }
    for good in ["", "production web-app", "john's \"dev\" é ☃"] {
        #expect(try editor.create(name: good).entry.name == good)
        #expect(try editor.read()?.entries.last?.name == good)
    }
}

// MARK: Others at work

@Test func `who holds the lock is waited for, not for ever`() throws {
    let folder = TemporaryFolder()
    let path = folder.write("t.json", old)
    let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    #expect(flock(lock, LOCK_EX) == 0)
    let editor = TokenFileEditor(path: path, lockMilliseconds: 30)
    #expect(throws: TokenFileError.locked(path: path)) { _ = try editor.revoke(prefix: "sk-0f") }
    #expect(try editor.read()?.entries[0].isActive == true, "readers do not wait")
    close(lock)
    #expect(try editor.revoke(prefix: "sk-0f").isActive == false)
}

@Test func `many at once lose nothing`() async throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.path + "/data/t.json", lockMilliseconds: 60_000)
    let made = try await withThrowingTaskGroup(of: TokenFile.Entry.self) { group in
        for index in 0..<40 { group.addTask { try editor.create(name: "\(index)").entry } }
        return try await group.reduce(into: []) { $0.append($1) }
    }
    let entries = try #require(try editor.read()).entries
    #expect(Set(entries.map(\.key)) == Set(made.map(\.key)))
    #expect(entries.count == 40)
    #expect(names(folder.path + "/data") == ["t.json", "t.json.lock"])
}

// MARK: C37, C38

@Test func `uses are merged into entries that are there`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.write("t.json", old))
    let gone = sha256([1])
    let seconds: Int64 = 1_764_153_000
    let written = try #require(try editor.mergeLastUsed([digest: seconds, gone: seconds]))
    #expect(written.digest == sha256(try readFile(editor.path, limitBytes: 1 << 20)), "known by its content")
    let entries = try #require(try editor.read()).entries
    #expect(entries.map(\.lastUsed) == [tokenFileTime(seconds)])
    #expect(entries.map(\.key) == [token])
}

@Test(arguments: ["Never", "", "None", "2001-01-01T00:00:00.5"])
func `a use is later than whatever is no time, or an earlier one`(last: String) throws {
    let folder = TemporaryFolder()
    let text = old.replacing("\"last_used\": null", with: "\"last_used\": \"\(last)\"")
    let editor = TokenFileEditor(path: folder.write("t.json", text))
    #expect(try editor.mergeLastUsed([digest: 1_764_153_000]) != nil)
    #expect(try editor.read()?.entries[0].lastUsed == tokenFileTime(1_764_153_000))
}

@Test func `nothing is written where nothing changes`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.write("t.json", old))
    _ = try editor.mergeLastUsed([digest: 1_764_153_000])
    let before = status(editor.path)
    let quiet: [[[UInt8]: Int64]] = [
        [:], [digest: 1_764_153_000], [digest: 1_700_000_000], [sha256([1]): 1_764_153_000],
    ]
    for uses in quiet {
        #expect(try editor.mergeLastUsed(uses) == nil)
    }
    #expect(status(editor.path).st_ino == before.st_ino)
    #expect(try editor.mergeLastUsed([digest: 1_764_153_001]) != nil)
}

@Test func `a use of a token that was deleted meanwhile does not bring it back`() throws {
    let folder = TemporaryFolder()
    let editor = TokenFileEditor(path: folder.write("t.json", old))
    _ = try editor.delete(prefix: "sk-0f")
    #expect(try editor.mergeLastUsed([digest: 1_764_153_000]) == nil)
    #expect(try editor.read()?.entries == [])
    unlink(editor.path)
    #expect(try editor.mergeLastUsed([digest: 1_764_153_000]) == nil)
    #expect(try editor.read() == nil)
}

@Test func `times are local, to the second, without zone`() {
    let seconds: Int64 = 1_764_153_009
    var now = time_t(seconds)
    var local = tm()
    localtime_r(&now, &local)
    var buffer = [CChar](repeating: 0, count: 64)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &local)
    #expect(
        tokenFileTime(seconds)
            == String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    #expect(tokenFileTime(0).count == 19)
}

/// C19
@Test func `tokens in clear become digests, and nothing else changes`() throws {
    let folder = TemporaryFolder()
    let kept = "sha256:" + lowercaseHex(sha256(Array("other".utf8)))
    let text = """
        {"\(token)": {"name": "web", "active": true, "created_at": "2025-11-26T10:30:00.5", "note": [1]},
         "\(kept)": {"name": "ci", "active": false},
         "sk-short": {"name": "old", "active": false, "prefix": "sk-short"}}
        """
    let editor = TokenFileEditor(path: folder.write("t.json", text))
    chmod(editor.path, 0o640)
    let before = try #require(try editor.read()).entries
    #expect(try editor.migrate(isTrial: true).map(\.name) == ["web", "old"])
    #expect(try content(editor.path) == text, "a trial writes nothing")
    #expect(names(folder.path) == ["t.json"], "and takes no lock")
    let hashed = try editor.migrate()
    #expect(hashed.map(\.shownPrefix) == [String(token.prefix(15)), "sk-s"])
    let after = try content(editor.path)
    #expect(!after.contains(token.dropFirst(15)) && !after.contains("sk-short"))
    #expect(after.contains("\"note\": [") && after.contains("\"2025-11-26T10:30:00.5\""))
    let entries = try #require(try editor.read()).entries
    #expect(entries.map(\.digest) == before.map(\.digest), "each is accepted as before, in the same order")
    #expect(entries.map(\.isActive) == [true, false, false] && entries.map(\.name) == ["web", "ci", "old"])
    #expect(entries.allSatisfy { $0.key.hasPrefix("sha256:") } && entries[1].key == kept)
    #expect(mode(editor.path) == 0o640)
    #expect(try editor.revoke(prefix: token).name == "web", "known by its prefix and as a whole")
    let inode = status(editor.path).st_ino
    #expect(try editor.migrate() == [])
    #expect(status(editor.path).st_ino == inode, "nothing to do writes nothing")
}

@Test func `a token file that is not there has nothing to migrate`() throws {
    let folder = TemporaryFolder()
    #expect(try TokenFileEditor(path: folder.path + "/data/t.json").migrate() == [])
    #expect(names(folder.path) == [])
    let broken = TokenFileEditor(path: folder.write("b.json", "{"))
    #expect(throws: TokenFileError.self) { _ = try broken.migrate(isTrial: true) }
}
