import CLinux
import Glibc
import Stores
import Testing

@testable import Proxy

/// A token file and its source, running.
private final class Scene {
    let folder = TemporaryFolder()
    let callers = CallerIndex()
    let mailbox: Mailbox
    let source: TokenFileSource

    init(_ content: String?) throws {
        if let content { folder.write("tokens.json", content) }
        mailbox = try Mailbox()
        let mailboxes = Mailboxes()
        mailboxes.use([mailbox])
        source = try TokenFileSource(
            path: folder.path + "/tokens.json", display: "tokens.json", callers: callers,
            mailboxes: mailboxes)
        try source.start()
    }

    deinit { source.stop() }

    func state(_ token: String) -> Caller.State? { callers.find(digest(token))?.state }

    func replace(_ content: String) {
        rename(folder.write("new", content), folder.path + "/tokens.json")
    }

    var hasCut: Bool {
        mailbox.takeAll().contains { if case .cutRevoked = $0 { true } else { false } }
    }
}

private func digest(_ token: String) -> KeyDigest { KeyDigest(sha256(Array(token.utf8))) }

private func entry(_ token: String, active: Bool = true) -> String {
    #""\#(token)": {"name": "n \#(token)", "created_at": "2025-11-26T10:30:00", "last_used": null, "#
        + #""active": \#(active)}"#
}

@Test func `tokens are known from the first reading on, revoked ones as such`() throws {
    let scene = try Scene("{\(entry("sk-a")), \(entry("sk-b", active: false))}")
    #expect(scene.state("sk-a") == .active)
    #expect(scene.state("sk-b") == .revoked)
    #expect(scene.state("sk-c") == nil)
    #expect(scene.callers.find(digest("sk-a"))?.label.text == "n sk-a")
    #expect(scene.source.state.entryCount == 2)
    #expect(!scene.callers.isDoubted)
}

@Test func `a revocation counts while somebody holds the lock and uses wait to be written`() throws {
    let scene = try Scene("{\(entry("sk-a")), \(entry("sk-b"))}")
    let path = scene.folder.path + "/tokens.json"
    let lock = open(path + ".lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX) == 0)
    let used = try #require(scene.callers.find(digest("sk-a")))
    // The thread looks each second, at first after one; then it would wait for the lock.
    let began = headgate_monotonic_ns()
    #expect(
        eventually {
            scene.callers.noteUse(of: used, at: 9_000_000_000)
            return headgate_monotonic_ns() - began > 1_500_000_000
        })
    let edited = headgate_monotonic_ns()
    scene.replace("{\(entry("sk-a", active: false)), \(entry("sk-b"))}")
    #expect(eventually { scene.state("sk-a") == .revoked })
    #expect(headgate_monotonic_ns() - edited < 1_000_000_000)
    #expect(flock(lock, LOCK_UN) == 0)
    #expect(
        eventually {
            (try? TokenFileEditor(path: path).read())?.entries.contains { $0.lastUsed != nil } ?? false
        })
}

@Test func `an edit counts at once, by rename and in place, and a revocation is posted`() throws {
    let scene = try Scene("{\(entry("sk-a"))}")
    let known = scene.callers.find(digest("sk-a"))
    scene.replace("{\(entry("sk-a")), \(entry("sk-b"))}")
    #expect(eventually { scene.state("sk-b") == .active })
    #expect(scene.callers.find(digest("sk-a")) === known)
    #expect(!scene.hasCut)
    scene.folder.write("tokens.json", "{\(entry("sk-a", active: false)), \(entry("sk-b"))}")
    #expect(eventually { known?.state == .revoked })
    #expect(eventually { scene.hasCut })
    scene.replace("{\(entry("sk-b"))}")
    #expect(eventually { scene.state("sk-a") == nil })
}

@Test func `a file that cannot be read keeps what is known and is in doubt until it can`() throws {
    let scene = try Scene("{\(entry("sk-a"))}")
    scene.replace("{\"half")
    #expect(eventually { scene.callers.isDoubted })
    #expect(scene.state("sk-a") == .active)
    #expect(eventually { scene.source.state.problem != nil })
    scene.replace("{\(entry("sk-a"))}")
    #expect(eventually { !scene.callers.isDoubted })
    #expect(eventually { scene.source.state.problem == nil })
}

@Test func `a file that stays away has its tokens refused, and is no doubt`() throws {
    let scene = try Scene("{\(entry("sk-a"))}")
    let known = scene.callers.find(digest("sk-a"))
    unlink(scene.source.path)
    #expect(eventually { scene.state("sk-a") == nil })
    #expect(known?.state == .revoked)
    #expect(!scene.callers.isDoubted)
    #expect(scene.source.isUnconfigured(isNew: false))
    scene.folder.write("tokens.json", "{\(entry("sk-a"))}")
    #expect(eventually { scene.state("sk-a") == .active })
}

@Test func `a folder that does not exist yet is waited for`() throws {
    let scene = try Scene("{}")
    unlink(scene.source.path)
    let callers = CallerIndex()
    let path = scene.folder.path + "/data/tokens.json"
    let source = try TokenFileSource(
        path: path, display: "data/tokens.json", callers: callers, mailboxes: Mailboxes())
    try source.start()
    defer { source.stop() }
    #expect(source.state.standing == .gone)
    mkdir(scene.folder.path + "/data", 0o700)
    scene.folder.write("data/tokens.json", "{\(entry("sk-a"))}")
    #expect(eventually { callers.find(digest("sk-a")) != nil })
}

@Test func `a token twice in a file, in clear and by its digest, is doubted as a whole`() throws {
    let hex = digest("sk-a").bytes.map { byte in
        let digits = Array("0123456789abcdef")
        return "\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
    }.joined()
    let scene = try Scene("{\(entry("sk-a")), \(entry("sha256:\(hex)", active: false))}")
    #expect(scene.state("sk-a") == nil)
    #expect(scene.callers.isDoubted)
}

@Test func `when a token was used is written back, and that is no change`() throws {
    let scene = try Scene("{\(entry("sk-a")), \(entry("sk-b"))}")
    let known = try #require(scene.callers.find(digest("sk-a")))
    scene.callers.noteUse(of: known, at: 1_764_153_000_000_000_000)
    let editor = TokenFileEditor(path: scene.source.path)
    func lastUsed(_ token: String) -> String? {
        let bytes = (try? readFile(scene.source.path, limitBytes: 1 << 20)) ?? []
        return (try? TokenFile(bytes))?.entries.first { $0.digest == digest(token).bytes }?.lastUsed
    }
    #expect(eventually { lastUsed("sk-a") != nil })
    #expect(lastUsed("sk-b") == nil)
    #expect(scene.callers.find(digest("sk-a")) === known)
    let before = FileSignature(scene.source.path)
    scene.source.stop()
    #expect(FileSignature(scene.source.path) == before, "nothing is written where nothing was used")
    #expect(try editor.read()?.entries.count == 2)
}

@Test func `a folder that cannot be written into hurts nobody`() throws {
    let scene = try Scene("{\(entry("sk-a"))}")
    chmod(scene.folder.path, 0o500)
    defer { chmod(scene.folder.path, 0o700) }
    scene.callers.noteUse(of: try #require(scene.callers.find(digest("sk-a"))), at: 1)
    scene.source.stop()
    #expect(scene.state("sk-a") == .active)
    #expect(!scene.callers.isDoubted)
}

@Test(arguments: [
    ("{}", true), ("{\(entry("sk-b", active: false))}", false), ("{", false), ("", false), (nil, true),
])
func `unconfigured is a file without any entry, and never one that cannot be read`(
    content: String?, isUnconfigured: Bool
) throws {
    let scene = try Scene(content)
    #expect(scene.source.isUnconfigured(isNew: true) == isUnconfigured)
    #expect(scene.source.isUnconfiguredNow == isUnconfigured)
}

@Test func `a known file that is missing is unconfigured once it has stayed away`() throws {
    let scene = try Scene("{\(entry("sk-a"))}")
    unlink(scene.source.path)
    #expect(!scene.source.isUnconfigured(isNew: false), "it may come back in a moment")
    #expect(eventually { scene.source.isUnconfigured(isNew: false) })
}
