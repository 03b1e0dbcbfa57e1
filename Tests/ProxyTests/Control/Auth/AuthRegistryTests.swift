import Config
import Glibc
import Stores
import Testing

@testable import Proxy

/// A registry and the folder of its configuration.
private final class Scene {
    let folder = TemporaryFolder()
    let mailbox: Mailbox
    let registry: AuthRegistry
    private(set) var said: [String] = []

    init() throws {
        mailbox = try Mailbox()
        let mailboxes = Mailboxes()
        mailboxes.use([mailbox])
        registry = AuthRegistry(mailboxes: mailboxes)
    }

    deinit { registry.stop() }

    /// Prepares a configuration with these entries of `auth`, all of them asked by one route.
    func prepare(_ auth: String, names: String, more: String = "", trigger: Reload.Trigger = .request) throws
        -> AuthSet
    {
        let text = """
            version: 1
            env_file: .env
            listeners: { one: unix:\(folder.path)/one.sock }
            auth: { \(auth) }
            \(more)
            routes: [{ path: /, auth: [\(names)], respond: { text: x } }]
            """
        let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
        let loaded = try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))")
        let set = registry.prepare(loaded, outcome.places, trigger: trigger)
        said = set.diagnostics.map(\.message)
        return set
    }

    func serve(_ auth: String, names: String, more: String = "", trigger: Reload.Trigger = .request) throws {
        registry.commit(try prepare(auth, names: names, more: more, trigger: trigger))
        registry.retire()
    }
}

private func digest(_ key: String) -> KeyDigest { KeyDigest(sha256(Array(key.utf8))) }

private let shared = "shared: { mode: env-key, variables: HG_TEST_KEY, on_revoke: cut }"

@Test func `an entry that means the same keeps its callers over a reload`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "HG_TEST_KEY=a\n")
    try scene.serve(shared, names: "shared", trigger: .start)
    let before = try #require(scene.registry.served.entries["shared"])
    try scene.serve("other: { mode: none }, " + shared, names: "shared")
    #expect(scene.registry.served.entries["shared"] === before)
    #expect(scene.registry.served.plans["shared"]?.callers === before.callers)
    #expect(scene.registry.served.entries["other"] != nil)
}

@Test func `a changed key counts from the commit on, and takes nothing before`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "HG_TEST_KEY=a\n")
    try scene.serve(shared, names: "shared", trigger: .start)
    let old = try #require(scene.registry.served.entries["shared"]?.callers)
    let held = old.find(digest("a"))
    scene.folder.write(".env", "HG_TEST_KEY=b\n")
    let set = try scene.prepare(shared, names: "shared")
    #expect(old.find(digest("a")) != nil && old.find(digest("b")) == nil)
    #expect(held?.state == .active)
    scene.registry.commit(set)
    #expect(scene.registry.served.plans["shared"]?.callers.find(digest("b")) != nil)
    #expect(held?.state == .active, "until every worker has the new generation")
    scene.registry.retire()
    #expect(held?.state == .revoked)
    let cuts = scene.mailbox.takeAll().count { if case .cutRevoked = $0 { true } else { false } }
    #expect(cuts == 1)
}

@Test func `a preparation that is thrown away changes nothing`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "HG_TEST_KEY=a\n")
    try scene.serve(shared, names: "shared", trigger: .start)
    scene.folder.write(".env", "HG_TEST_KEY=b\n")
    let before = scene.registry.served.entries["shared"]
    scene.registry.discard(
        try scene.prepare("apps: { mode: token-file, file: t.json }, " + shared, names: "shared"))
    #expect(scene.registry.served.entries["shared"] === before)
    #expect(scene.registry.served.entries["apps"] == nil)
    #expect(before?.callers.find(digest("a"))?.state == .active)
}

private let both =
    "shared: { mode: env-key, variables: [HG_TEST_KEY, HG_TEST_OTHER], match: any, on_revoke: cut }"

@Test func `a key that goes with a later reload is revoked for who came in before`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "HG_TEST_KEY=a\nHG_TEST_OTHER=b\n")
    try scene.serve(both, names: "shared", trigger: .start)
    // As an exchange would.
    let plan = try #require(scene.registry.served.plans["shared"])
    let held = try #require(plan.callers.find(digest("a")))
    scene.folder.write(".env", "HG_TEST_KEY=a\n")
    try scene.serve(both, names: "shared")
    #expect(scene.registry.served.plans["shared"]?.callers !== plan.callers)
    #expect(scene.registry.served.plans["shared"]?.callers.find(digest("a")) === held)
    _ = scene.mailbox.takeAll()
    scene.folder.write(".env", "\n")
    try scene.serve(both, names: "shared")
    #expect(held.state == .revoked)
    #expect(scene.mailbox.takeAll().contains { if case .cutRevoked = $0 { true } else { false } })
}

@Test func `an entry that means something else goes on counting where it was`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "HG_TEST_KEY=a\n")
    try scene.serve(both, names: "shared", trigger: .start)
    let before = try #require(scene.registry.served.plans["shared"])
    scene.folder.write(".env", "HG_TEST_KEY=b\n")
    try scene.serve(both, names: "shared")
    let after = try #require(scene.registry.served.plans["shared"])
    #expect(after.callers !== before.callers)
    #expect(after.ownMeasure.id == before.ownMeasure.id && after.ownMeasure.id > 0)
    #expect(after.ownMeasure.figures === before.ownMeasure.figures)
    try scene.serve("shared: { mode: token-file, file: t.json }", names: "shared")
    #expect(scene.registry.served.plans["shared"]?.ownMeasure.id == before.ownMeasure.id)
}

private let unset = "shared: { mode: env-key, variables: HG_TEST_KEY, when_unconfigured: allow }"

@Test(arguments: [
    (Reload.Trigger.start, true), (.signal, true), (.request, true), (.file, false),
])
func `nobody configured opens a route when that is asked, never on a change of a file`(
    trigger: Reload.Trigger, opens: Bool
) throws {
    let scene = try Scene()
    scene.folder.write(".env", "\n")
    let set = try scene.prepare(unset, names: "shared", trigger: trigger)
    #expect(set.open == (opens ? ["shared"] : []))
    #expect(scene.said.contains { $0.contains("EVERYBODY IS LET IN") } == opens)
}

@Test func `a route that stands open asks nobody, one with another entry asks all`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "\n")
    let route = { (set: AuthSet, names: [String]) -> [AuthPlan] in
        let text =
            "version: 1\nlisteners: { one: unix:/tmp/x }\nauth: { a: { mode: none } }\n"
            + "routes: [{ path: /, auth: a, respond: { text: x } }]"
        var route = ConfigDocument.parse(Array(text.utf8), file: "x").document?.draft { _ in nil }.config?
            .routes[0]
        route?.auth = names
        return route.map { set.plans(of: $0) } ?? []
    }
    let set = try scene.prepare(unset + ", apps: { mode: token-file, file: t.json }", names: "shared, apps")
    let open = route(set, ["shared"])
    guard open.count == 1, case .open(ignoresCredentials: true) = open[0].mode else {
        Issue.record("the route does not stand open")
        return
    }
    let both = route(set, ["shared", "apps"])
    #expect(both.map(\.name) == ["shared", "apps"])
    for plan in both { if case .open = plan.mode { Issue.record("\(plan.name) lets everybody in") } }
}

@Test func `what stood open closes on a change of a file and does not open again`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "\n")
    try scene.serve(unset, names: "shared", trigger: .start)
    #expect(scene.registry.served.open == ["shared"])
    scene.folder.write(".env", "HG_TEST_KEY=a\n")
    try scene.serve(unset, names: "shared", trigger: .file)
    #expect(scene.registry.served.open == [])
    scene.folder.write(".env", "\n")
    try scene.serve(unset, names: "shared", trigger: .file)
    #expect(scene.registry.served.open == [])
    try scene.serve(unset, names: "shared", trigger: .signal)
    #expect(scene.registry.served.open == ["shared"])
}

private let members = "members: { mode: user-keys, store: main }"

@Test func `a store stays open over reloads, and its entry keeps its callers`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "\n")
    try Store.prepare(scene.folder.path + "/main.db")
    let stores = "stores: { main: main.db }"
    try scene.serve(members, names: "members", more: stores, trigger: .start)
    #expect(scene.said == [])
    let (store, entry) = (scene.registry.served.stores["main"], scene.registry.served.entries["members"])
    #expect(store != nil && entry != nil)
    try scene.serve(members, names: "members", more: stores)
    #expect(scene.registry.served.stores["main"] === store)
    #expect(scene.registry.served.entries["members"] === entry)
    try scene.serve(
        members, names: "members", more: "stores: { main: { sqlite: main.db, user_ids: integer } }")
    #expect(scene.registry.served.stores["main"] !== store)
    #expect(store?.keeper.perform { _ in } == false, "the old one was stopped")
}

@Test func `users are told apart by their store, and entries without one have none`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "HG_TEST_KEY=a\n")
    for name in ["main", "other"] { try Store.prepare("\(scene.folder.path)/\(name).db") }
    let auth =
        shared
        + ", one: { mode: user-keys, store: main }, two: { mode: user-keys, store: main, accept: keys }, "
        + "three: { mode: user-keys, store: other }"
    let stores = "stores: { main: main.db, other: other.db }"
    try scene.serve(auth, names: "shared, one, two, three", more: stores, trigger: .start)
    let plans = scene.registry.served.plans
    let base = try #require(plans["one"]).userSubjectBase
    #expect(base == LimitSubject(name: scene.folder.path + "/main.db"))
    #expect(plans["two"]?.userSubjectBase == base && plans["three"]?.userSubjectBase != base)
    #expect(plans["shared"]?.userSubjectBase == .everybody)
    #expect(Set(plans.values.map(\.ownMeasure.id)).count == 4)
}

@Test(arguments: [false, true])
func `a revocation reaches who came in before an edit of the store or of the entry`(editsStore: Bool) throws {
    let scene = try Scene()
    scene.folder.write(".env", "\n")
    let path = scene.folder.path + "/main.db"
    try Store.prepare(path)
    let store = try Store(opening: path, options: Store.Options())
    defer { store.close() }
    let user = try store.createUser(NewUser(username: "ann"))
    let made = try store.createKey(NewClientKey(userID: user.id, name: "one", prefix: "hg_"))
    let session = NewClientKey(userID: user.id, kind: .session, name: "login", prefix: "hgs_")
    let other = try store.createKey(session)
    try scene.serve(members, names: "members", more: "stores: { main: main.db }", trigger: .start)
    let plan = try #require(scene.registry.served.plans["members"])
    let held = try #require(plan.callers.find(KeyDigest(sha256(made.credential.reveal()))))
    let login = try #require(plan.callers.find(KeyDigest(sha256(other.credential.reveal()))))
    if editsStore {
        let edited = "stores: { main: { sqlite: main.db, password_cost: 5 } }"
        try scene.serve(members, names: "members", more: edited)
    } else {
        let edited = "members: { mode: user-keys, store: main, accept: keys }"
        try scene.serve(edited, names: "members", more: "stores: { main: main.db }")
    }
    #expect(scene.registry.served.plans["members"]?.callers !== plan.callers)
    #expect(held.state == .active)
    #expect(login.state == (editsStore ? .active : .revoked), "sessions are not taken any more")
    try store.setActive(user.id, false)
    #expect(eventually { held.state == .disabled })
    #expect(
        eventually { scene.mailbox.takeAll().contains { if case .cutRevoked = $0 { true } else { false } } })
}

@Test(arguments: [
    ("stores: { main: none.db }", "stores.main.sqlite: "),
    (
        "stores: { main: { sqlite: main.db, encryption_key: { env: HG_TEST_KEY } } }",
        "stores.main.encryption_key"
    ),
    (
        """
        stores: { main: { sqlite: main.db, encryption_key: { env: HG_TEST_MASTER },
            previous_encryption_keys: [{ env: HG_TEST_KEY }] } }
        """,
        "stores.main.previous_encryption_keys"
    ),
])
func `a store that cannot be had is an error at its key`(stores: String, problem: String) throws {
    let scene = try Scene()
    let master = String(repeating: "0", count: 64)
    scene.folder.write(".env", "HG_TEST_KEY=tooshort\nHG_TEST_MASTER=\(master)\n")
    try Store.prepare(scene.folder.path + "/main.db")
    let set = try scene.prepare(members, names: "members", more: stores, trigger: .start)
    defer { scene.registry.discard(set) }
    #expect(!set.isGood)
    #expect(scene.said.contains { $0.hasPrefix(problem) }, "\(scene.said)")
    #expect(!scene.said.joined().contains("tooshort"))
}

@Test func `what a previous master key has sealed is opened after a reload that names it`() throws {
    let scene = try Scene()
    let (old, new) = (MasterKey.generate(), MasterKey.generate())
    func text(_ key: Secret) -> String { String(decoding: key.reveal(), as: UTF8.self) }
    scene.folder.write(".env", "HG_TEST_OLD=\(text(old))\nHG_TEST_NEW=\(text(new))\n")
    let path = scene.folder.path + "/main.db"
    try Store.prepare(path)
    let store = try Store(opening: path, options: Store.Options(atRest: .sealed(try MasterKey(old))))
    try store.setUpstreamKey(user: nil, name: "x", key: Secret("k"), source: "manual")
    func keeper(_ more: String) throws -> StoreKeeper {
        let stores = "stores: { main: { sqlite: main.db, encryption_key: { env: HG_TEST_NEW }\(more) } }"
        try scene.serve(members, names: "members", more: stores, trigger: .start)
        return try #require(scene.registry.served.stores["main"]?.keeper)
    }
    func revealed(_ keeper: StoreKeeper) -> String? {
        let found: Result<String?, StoreError> = keeper.ask { opened in
            let key = try? opened.get().revealUpstreamKey(user: nil, name: "x")
            return .success(key.map { String(decoding: $0.reveal(), as: UTF8.self) })
        }
        return (try? found.get()) ?? nil
    }
    let first = try keeper("")
    #expect(revealed(first) == nil)
    let second = try keeper(", previous_encryption_keys: [{ env: HG_TEST_OLD }]")
    #expect(second !== first && revealed(second) == "k")
    #expect(try keeper(", previous_encryption_keys: [{ env: HG_TEST_OLD }]") === second)
}

@Test func `a key file that is none is an error at its key`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "\n")
    scene.folder.write("pub.pem", "nothing\n")
    let set = try scene.prepare(
        "staff: { mode: jwt, algorithms: [RS256], public_key: pub.pem }", names: "staff", trigger: .start)
    #expect(!set.isGood)
    #expect(scene.said.contains { $0.hasPrefix("auth.staff.public_key: ") }, "\(scene.said)")
}

@Test func `files of secrets that others can read are told of`() throws {
    let scene = try Scene()
    scene.folder.write(".env", "\n")
    chmod(scene.folder.write("t.json", "{}"), 0o640)
    _ = try scene.prepare("apps: { mode: token-file, file: t.json }", names: "apps")
    #expect(scene.said.contains { $0.contains("t.json can be read by others (mode 640)") }, "\(scene.said)")
}
