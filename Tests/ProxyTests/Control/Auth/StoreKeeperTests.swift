import CLinux
import Glibc
import Synchronization
import Testing

@testable import Proxy
@testable import Stores

/// A store on disk with one user, the keeper that the daemon has, and another connection as the command line
/// has it.
private final class Scene {
    let folder = TemporaryFolder()
    let keeper: StoreKeeper
    let other: Store
    let user: User
    let callers = CallerIndex()
    let mailbox: Mailbox

    init(acceptsKeys: Bool = true, acceptsSessions: Bool = true) throws {
        let path = folder.path + "/main.db"
        try Store.prepare(path)
        other = try Store(opening: path, options: Store.Options())
        user = try other.createUser(NewUser(username: "ann"))
        mailbox = try Mailbox()
        let mailboxes = Mailboxes()
        mailboxes.use([mailbox])
        keeper = try StoreKeeper(
            path: path, options: Store.Options(), passwordCost: 4, display: "main.db", mailboxes: mailboxes)
        try keeper.start(migrates: false)
        let audience = KeyAudience(callers, acceptsKeys: acceptsKeys, acceptsSessions: acceptsSessions)
        try keeper.attach(audience).get()
    }

    deinit { keeper.stop() }

    func makeKey(_ kind: ClientKey.Kind = .key, expiresAt: Int64? = nil, limit: Int? = nil) throws -> (
        key: ClientKey, digest: KeyDigest
    ) {
        let made = try other.createKey(
            NewClientKey(
                userID: user.id, kind: kind, name: "one", prefix: "hg_", expiresAt: expiresAt,
                requestsPerMinute: limit, models: limit == nil ? [] : ["m"]))
        return (made.key, KeyDigest(sha256(made.credential.reveal())))
    }

    func state(_ digest: KeyDigest) -> Caller.State? { callers.find(digest)?.state }

    var hasCut: Bool {
        mailbox.takeAll().contains { if case .cutRevoked = $0 { true } else { false } }
    }
}

private func now() -> Int64 { Int64(headgate_realtime_ns() / 1_000_000_000) }

@Test func `a key made by another process is known within a second, with all that it may`() throws {
    let scene = try Scene()
    let began = headgate_monotonic_ns()
    let (key, digest) = try scene.makeKey(expiresAt: 4_000_000_000, limit: 7)
    #expect(eventually { scene.state(digest) == .active })
    #expect(headgate_monotonic_ns() - began < 1_000_000_000)
    let caller = try #require(scene.callers.find(digest))
    #expect(caller.keyID == key.id && caller.userID == scene.user.id)
    #expect(caller.label.text == "ann/one")
    #expect(caller.requestsPerMinute == 7)
    #expect(caller.models?.names == [Array("m".utf8)])
    #expect(caller.notAfter == 4_000_000_000_000_000_000)
}

@Test func `a revocation changes the caller that exchanges hold, and is posted`() throws {
    let scene = try Scene()
    let (key, digest) = try scene.makeKey()
    #expect(eventually { scene.state(digest) == .active })
    let held = scene.callers.find(digest)
    #expect(!scene.hasCut)
    try scene.other.revokeKey(key.id)
    #expect(eventually { held?.state == .revoked })
    #expect(scene.callers.find(digest) === held)
    #expect(eventually { scene.hasCut })
}

@Test func `a user who is disabled takes all keys along, and gets them back`() throws {
    let scene = try Scene()
    let (_, digest) = try scene.makeKey()
    #expect(eventually { scene.state(digest) == .active })
    try scene.other.setActive(scene.user.id, false)
    #expect(eventually { scene.state(digest) == .disabled })
    try scene.other.setActive(scene.user.id, true)
    #expect(eventually { scene.state(digest) == .active })
    try scene.other.deleteUser(scene.user.id)
    #expect(eventually { scene.state(digest) == nil })
}

@Test func `a revocation in the future takes effect when it is due`() throws {
    let scene = try Scene()
    let (key, digest) = try scene.makeKey()
    let due = now() + 2
    try scene.other.revokeKey(key.id, at: due)
    #expect(eventually { scene.state(digest) == .active })
    let held = scene.callers.find(digest)
    #expect(eventually { held?.state == .revoked })
    #expect(now() >= due)
    #expect(eventually { scene.hasCut })
}

@Test func `an entry takes the kinds that it says`() throws {
    let scene = try Scene(acceptsKeys: false)
    let (_, key) = try scene.makeKey(.key)
    let (_, session) = try scene.makeKey(.session)
    #expect(eventually { scene.state(session) == .active })
    #expect(scene.state(key) == nil)
}

@Test func `uses are written back, also those left at the stop`() throws {
    let scene = try Scene()
    let (key, digest) = try scene.makeKey()
    #expect(eventually { scene.state(digest) == .active })
    let caller = try #require(scene.callers.find(digest))
    for second: UInt64 in 1...3 { scene.callers.noteUse(of: caller, at: second * 1_000_000_000) }
    func count() -> Int64? {
        (try? scene.other.keys(ofUser: scene.user.id))?.first { $0.id == key.id }?.usageCount
    }
    #expect(eventually { count() == 3 })
    scene.callers.noteUse(of: caller, at: 9_000_000_000)
    scene.keeper.stop()
    #expect(count() == 4)
    #expect(try scene.other.keys(ofUser: nil).first?.lastUsedAt == 9)
}

@Test func `a store that goes keeps what is known, is doubted, and recovers by itself`() throws {
    let scene = try Scene()
    let (_, digest) = try scene.makeKey()
    #expect(eventually { scene.state(digest) == .active })
    let held = scene.callers.find(digest)
    let path = scene.keeper.path
    rename(path, path + ".away")
    #expect(eventually { scene.callers.isDoubted })
    #expect(scene.state(digest) == .active)
    #expect(scene.keeper.problem != nil)
    rename(path + ".away", path)
    #expect(eventually { !scene.callers.isDoubted })
    #expect(scene.keeper.problem == nil)
    #expect(scene.callers.find(digest) === held)
}

@Test func `another database in its place is read whole`() throws {
    let scene = try Scene()
    let (_, digest) = try scene.makeKey()
    #expect(eventually { scene.state(digest) == .active })
    let copy = scene.folder.path + "/new.db"
    try Store.prepare(copy)
    let next = try Store(opening: copy, options: Store.Options())
    let user = try next.createUser(NewUser(username: "bob"))
    let made = try next.createKey(NewClientKey(userID: user.id, name: "two", prefix: "hg_"))
    next.close()
    for end in ["-wal", "-shm"] { unlink(scene.keeper.path + end) }
    rename(copy, scene.keeper.path)
    #expect(eventually { scene.state(KeyDigest(sha256(made.credential.reveal()))) == .active })
    #expect(eventually { scene.state(digest) == nil })
}

@Test func `a store that is not there is an error that names the command that makes it`() throws {
    let folder = TemporaryFolder()
    let keeper = try StoreKeeper(
        path: folder.path + "/none.db", options: Store.Options(), passwordCost: 4)
    try keeper.start(migrates: true)
    defer { keeper.stop() }
    let opened = keeper.ask { opened in opened.map { _ in true } }
    guard case .failure(let error) = opened else {
        Issue.record("opened a store that does not exist")
        return
    }
    #expect(error.description.contains("headgate db init"))
}

@Test func `jobs run in order, and none is taken after the stop`() throws {
    let scene = try Scene()
    let order = Locked<[Int]>([])
    for number in 0..<100 { #expect(scene.keeper.perform { _ in order.withLock { $0.append(number) } }) }
    scene.keeper.stop()
    #expect(order.withLock { $0 } == Array(0..<100))
    #expect(!scene.keeper.perform { _ in })
}

@Test func `a lock of another process keeps one writer waiting, and no reader`() throws {
    let scene = try Scene()
    let user = scene.user.id
    let refused = Locked(0)
    let read = Locked<UInt64?>(nil)
    try scene.other.transaction { () throws(StoreError) in
        let began = headgate_monotonic_ns()
        for _ in 0..<20 {
            #expect(
                scene.keeper.performPromptly { opened in
                    do throws(StoreError) {
                        try opened.get().setActive(user, true)
                    } catch {
                        if error == .locked { refused.withLock { $0 += 1 } }
                    }
                })
        }
        #expect(
            scene.keeper.performPromptly { opened in
                guard (try? opened.get().user(.id(user))) != nil else { return }
                read.withLock { $0 = headgate_monotonic_ns() }
            })
        #expect(eventually { read.withLock { $0 } != nil })
        #expect(refused.withLock { $0 } == 20)
        #expect((read.withLock { $0 } ?? .max) - began < 700_000_000)
    }
    let isWritten = Locked(false)
    #expect(
        scene.keeper.performPromptly { opened in
            guard (try? opened.get().setActive(user, false)) != nil else { return }
            isWritten.withLock { $0 = true }
        })
    #expect(eventually { isWritten.withLock { $0 } })
}

@Test func `whoever cannot begin soon is told, and control's own jobs wait`() throws {
    let scene = try Scene()
    let hold = Locked(true)
    #expect(scene.keeper.perform { _ in while hold.withLock({ $0 }) { poll(nil, 0, 1) } })
    let began = headgate_monotonic_ns()
    let results = Locked<[Bool]>([])
    let note: StoreKeeper.Job = { opened in
        if case .success = opened {
            results.withLock { $0.append(true) }
        } else {
            results.withLock { $0.append(false) }
        }
    }
    #expect(scene.keeper.performPromptly(note))
    #expect(scene.keeper.perform(note))
    #expect(eventually { headgate_monotonic_ns() - began > StoreKeeper.promptNanoseconds })
    hold.withLock { $0 = false }
    #expect(eventually { results.withLock { $0.count } == 2 })
    #expect(results.withLock { $0 } == [false, true])
}

@Test func `the last uses wait for a lock that is held at the stop`() throws {
    let scene = try Scene()
    let (key, digest) = try scene.makeKey()
    #expect(eventually { scene.state(digest) == .active })
    let caller = try #require(scene.callers.find(digest))
    let keeper = scene.keeper
    var stop: TestThread?
    try scene.other.transaction { () throws(StoreError) in
        scene.callers.noteUse(of: caller, at: 9_000_000_000)
        let began = headgate_monotonic_ns()
        stop = try? TestThread { keeper.stop() }
        #expect(eventually { headgate_monotonic_ns() - began > 600_000_000 })
    }
    try #require(stop).join()
    #expect(try scene.other.keys(ofUser: scene.user.id).first { $0.id == key.id }?.usageCount == 1)
}

@Test func `whoever listens is told of the users that have changed`() throws {
    let scene = try Scene()
    let told = Locked<[Int64]>([])
    #expect(scene.keeper.onUserChanges(told) { users, _ in told.withLock { $0 += users ?? [] } })
    _ = try scene.makeKey()
    try scene.other.setActive(scene.user.id, false)
    #expect(eventually { told.withLock { $0.contains(scene.user.id) } })
}

@Test func `whoever listens while others ask too much is told nevertheless`() throws {
    let scene = try Scene()
    let hold = Locked(true)
    let isHeld = Locked(false)
    #expect(
        scene.keeper.perform { _ in
            isHeld.withLock { $0 = true }
            while hold.withLock({ $0 }) { poll(nil, 0, 1) }
        })
    #expect(eventually { isHeld.withLock { $0 } })
    while scene.keeper.perform({ _ in }) {}
    let told = Locked<[Int64]>([])
    #expect(
        scene.keeper.onUserChanges(told) { users, store in
            guard (try? store.users()) != nil else { return }
            told.withLock { $0 += users ?? [] }
        })
    hold.withLock { $0 = false }
    try scene.other.setActive(scene.user.id, false)
    #expect(eventually { told.withLock { $0.contains(scene.user.id) } })
}

@Test func `a store that cannot be written says so until it can`() throws {
    let scene = try Scene()
    let user = scene.user.id
    func write() {
        let done = scene.keeper.ask { opened in
            do throws(StoreError) {
                let store = try opened.get()
                try store.setActive(user, true)
                return .success(())
            } catch { return .failure(error) }
        }
        if case .failure(let error) = done { #expect(error == .diskFull) }
    }
    write()
    #expect(scene.keeper.writeProblem == nil)
    #expect(scene.keeper.limitPages(to: 1))
    _ = scene.keeper.ask { opened in
        do throws(StoreError) {
            let long = String(repeating: "x", count: 1_000_000)
            return .success(try opened.get().createUser(NewUser(username: long)).id)
        } catch { return .failure(error) }
    }
    #expect(eventually { scene.keeper.writeProblem?.text == "the disk is full" })
    #expect(scene.keeper.problem == nil)
    #expect(scene.keeper.limitPages(to: 1_000_000))
    write()
    #expect(eventually { scene.keeper.writeProblem == nil })
}

/// SQLite's own bound (`PRAGMA max_page_count`) stands in for a disk that is full.
extension StoreKeeper {
    fileprivate func limitPages(to count: Int) -> Bool {
        let done = ask { opened in
            do throws(StoreError) {
                return .success(try opened.get().database.integer("PRAGMA max_page_count = \(count)"))
            } catch { return .failure(error) }
        }
        if case .success = done { return true } else { return false }
    }
}

@Test func `the default password of admin is found out`() throws {
    let scene = try Scene()
    #expect(!DefaultAdminCheck.isDefault(scene.keeper))
    let hash = PasswordHash.make(Array("admin123".utf8), cost: 4)
    let admin = try scene.other.createUser(NewUser(username: "admin", passwordHash: hash))
    #expect(DefaultAdminCheck.isDefault(scene.keeper))
    try scene.other.setPasswordHash(admin.id, PasswordHash.make(Array("better".utf8), cost: 4))
    #expect(!DefaultAdminCheck.isDefault(scene.keeper))
}
