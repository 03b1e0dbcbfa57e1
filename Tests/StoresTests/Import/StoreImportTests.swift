// Covers StoreImport.swift, StoreImport+ClientKeys.swift, Store+Import.swift, CheckedUser.swift
import Glibc
import Testing

@testable import Stores

private let hash = "$2b$04$" + String(repeating: "a", count: 53)
private let uuid = "0a1b2c3d-0000-4000-8000-00000000abcd"

private func user(_ id: String, _ name: String?, _ edit: (inout ImportedUser) -> Void = { _ in })
    -> ImportedUser
{
    var user = ImportedUser(sourceID: id)
    user.username = name
    user.passwordHash = hash
    edit(&user)
    return user
}

private func clientKey(
    _ owner: String, _ key: String, _ edit: (inout ImportedClientKey) -> Void = { _ in }
) -> ImportedClientKey {
    var made = ImportedClientKey(
        ownerID: owner, sourceID: "k", name: "app", key: Secret(key), isActive: true, expiry: .never,
        usageCount: 0)
    edit(&made)
    return made
}

private func records(
    _ users: [ImportedUser], _ upstreamKeys: [(String, String, String)] = [],
    _ clientKeys: [ImportedClientKey] = []
) -> ImportedRecords {
    var records = ImportedRecords()
    records.users = users
    records.upstreamKeys = upstreamKeys.map {
        ImportedUpstreamKey(ownerID: $0.0, name: $0.1, key: Secret($0.2), createdAt: 10, updatedAt: 20)
    }
    records.clientKeys = clientKeys
    return records
}

extension TestStore {
    fileprivate func take(_ records: ImportedRecords, replaces: Bool = false, isTrial: Bool = false)
        throws -> [String]
    {
        let report = try store.importRecords(
            records, replaces: replaces, passwordCostMax: 13, isTrial: isTrial)
        return report.items.map { "\($0.name) \($0.outcome.rawValue)" }
    }
}

private func sealed() throws -> Store.Options {
    Store.Options(atRest: .sealed(try MasterKey(MasterKey.generate())))
}

private let oldKey = "ws_" + String(repeating: "k", count: 32)

@Test func `users and their keys are made once, and a trial makes none`() throws {
    let test = try TestStore(try sealed())
    let all = records(
        [user("1", "ann") { $0.createdAt = 5 }, user("2", "bob") { $0.isActive = false }],
        [("1", "gpt-4", "sk-first"), ("1", "gpt-4", "sk-last"), ("2", "openai/gpt", "sk-bob")],
        [clientKey("1", oldKey)])
    let made = [
        "ann made", "bob made", "ann: gpt-4 made", "bob: openai/gpt made", "ann: ws_kkkkkkkk... made",
    ]
    let before = try test.query("SELECT * FROM sqlite_sequence")
    #expect(try test.take(all, isTrial: true) == made)
    #expect(try test.store.users().isEmpty && test.query("SELECT * FROM sqlite_sequence") == before)
    #expect(try test.take(all) == made)
    let ann = try #require(try test.store.user(.username("ann")))
    #expect(ann.createdAt == 5 && ann.isActive && ann.hasPassword)
    #expect(try test.store.user(.username("bob"))?.isActive == false, "S3-06")
    #expect(try test.store.revealUpstreamKey(user: ann.id, name: "gpt-4")?.text == "sk-last", "S3-04")
    #expect(try test.store.upstreamKeys(user: ann.id).map(\.createdAt) == [10])
    let rows = try test.query("SELECT hex(key_encrypted) FROM upstream_keys")
    #expect(rows.allSatisfy { !$0.contains("736B2D") }, "S3-28")
    let key = try #require(try test.store.key(digest: sha256(Array(oldKey.utf8))))
    #expect(key.shownPrefix == "ws_kkkkkkkk" && key.userID == ann.id && key.state(at: test.now) == .active)
    let again = try test.take(all)
    #expect(again == made.map { $0.replacing(" made", with: " present") })
}

@Test func `what differs stays and is told, until it is to be replaced`() throws {
    let test = try TestStore(try sealed())
    _ = try test.take(records([user("1", "ann")], [("1", "gpt", "sk-ours")]))
    let other = "$2b$04$" + String(repeating: "b", count: 53)
    let theirs = records([user("1", "ann") { $0.passwordHash = other }], [("1", "gpt", "sk-theirs")])
    #expect(try test.take(theirs) == ["ann conflict", "ann: gpt left_out"])
    let same = records([user("1", "ann")], [("1", "gpt", "sk-theirs")])
    #expect(try test.take(same) == ["ann present", "ann: gpt conflict"])
    let ann = try #require(try test.store.user(.username("ann")))
    #expect(try test.store.revealUpstreamKey(user: ann.id, name: "gpt")?.text == "sk-ours")
    #expect(try test.take(theirs, replaces: true) == ["ann replaced", "ann: gpt replaced"])
    #expect(try test.store.revealUpstreamKey(user: ann.id, name: "gpt")?.text == "sk-theirs")
    #expect(try test.store.passwordHash(of: .username("ann"))?.hash == other)
    #expect(try test.take(theirs, replaces: true) == ["ann present", "ann: gpt present"])
}

@Test func `who has another password here may be somebody else and gets no keys`() throws {
    let test = try TestStore(try sealed())
    let other = "$2b$04$" + String(repeating: "b", count: 53)
    _ = try test.store.createUser(NewUser(username: "ann", passwordHash: other))
    _ = try test.user("bob")
    let all = records(
        [user("1", "ann"), user("2", "bob")], [("1", "gpt", "sk-1"), ("2", "gpt", "sk-2")],
        [clientKey("1", oldKey)])
    #expect(
        try test.take(all) == [
            "ann conflict", "bob conflict", "ann: gpt left_out", "bob: gpt left_out",
            "ann: ws_kkkkkkkk... left_out",
        ])
    #expect(try test.store.allUpstreamKeys().isEmpty && test.store.keys(ofUser: nil).isEmpty)
    #expect(
        try test.take(all, replaces: true) == [
            "ann replaced", "bob replaced", "ann: gpt made", "bob: gpt made", "ann: ws_kkkkkkkk... made",
        ])
}

@Test func `a number of the source is nobody's number here`() throws {
    let test = try TestStore(Store.Options(userIDs: .integer, atRest: .plain))
    #expect(try test.user("ours").publicID == "1")
    let orphans = records([], [("1", "gpt", "sk-1")], [clientKey("1", oldKey)])
    let report = try test.store.importRecords(
        orphans, replaces: true, passwordCostMax: 13, isTrial: false)
    #expect(report.items.map(\.name) == ["?: gpt", "?: ws_kkkkkkkk..."])
    for item in report.items {
        #expect(item.outcome == .leftOut && item.reason == "its user is neither there nor here")
    }
    #expect(try test.store.allUpstreamKeys().isEmpty && test.store.keys(ofUser: nil).isEmpty)
}

@Test func `records without an id, or with the same one, lend their keys to nobody`() throws {
    let test = try TestStore(try sealed())
    let all = records(
        [user("", "ann"), user("", "bob"), user("7", "cy"), user("7", "dan")],
        [("", "gpt", "sk-1"), ("7", "gpt", "sk-2")], [clientKey("", oldKey), clientKey("7", oldKey + "2")])
    #expect(
        try test.take(all) == [
            "ann made", "bob made", "cy conflict", "dan conflict", "?: gpt left_out", "?: gpt left_out",
            "?: ws_kkkkkkkk... left_out", "?: ws_kkkkkkkk... left_out",
        ])
    #expect(try test.store.users().map(\.username) == ["ann", "bob"])
    #expect(try test.store.allUpstreamKeys().isEmpty && test.store.keys(ofUser: nil).isEmpty)
}

@Test func `what has ended there is told, and replace takes the stricter of both`() throws {
    let test = try TestStore()
    let now = test.now
    func source(
        _ isActive: Bool, _ end: Int64?, _ limit: Int64?, isUserActive: Bool = true
    ) -> ImportedRecords {
        let key = clientKey("1", oldKey) {
            $0.isActive = isActive
            $0.expiry = end.map { ImportedClientKey.Expiry.at(now + $0) } ?? .never
            $0.requestsPerMinute = limit
        }
        return records([user("1", "ann") { $0.isActive = isUserActive }], [], [key])
    }
    func key() throws -> ClientKey { try #require(try test.store.keys(ofUser: nil).first) }
    func outcome(_ source: ImportedRecords, replaces: Bool = false) throws -> String? {
        try test.take(source, replaces: replaces).last?.split(separator: " ").last.map { String($0) }
    }
    #expect(try outcome(source(true, 100, 60)) == "made" && outcome(source(true, 100, 60)) == "present")
    for theirs in [
        source(true, 50, 60), source(true, nil, 60), source(true, 100, 30), source(false, 100, 60),
    ] {
        #expect(try outcome(theirs) == "conflict")
    }
    #expect(try key().expiresAt == now + 100 && key().requestsPerMinute == 60)
    #expect(try outcome(source(true, 50, 90), replaces: true) == "replaced")
    #expect(try key().expiresAt == now + 50 && key().requestsPerMinute == 60)
    #expect(try outcome(source(true, nil, nil), replaces: true) == "present", "it is stricter here")
    #expect(try key().expiresAt == now + 50 && key().requestsPerMinute == 60)
    #expect(try outcome(source(false, 50, 30), replaces: true) == "replaced")
    #expect(try key().state(at: now) == .revoked && key().requestsPerMinute == 30)
    #expect(try outcome(source(true, 50, 30)) == "conflict", "it is revoked here")
    #expect(try outcome(source(true, 50, 30), replaces: true) == "present")
    #expect(try key().state(at: now) == .revoked)

    let disabled = source(false, 50, 30, isUserActive: false)
    #expect(try test.take(disabled) == ["ann conflict", "ann: ws_kkkkkkkk... left_out"])
    #expect(try test.store.users().map(\.isActive) == [true])
    #expect(
        try test.take(disabled, replaces: true) == ["ann replaced", "ann: ws_kkkkkkkk... present"])
    #expect(try test.take(source(false, 50, 30)).first == "ann conflict")
    #expect(try test.take(source(false, 50, 30), replaces: true).first == "ann present")
    #expect(try test.store.users().map(\.isActive) == [false])
}

@Test func `a master key that opens nothing here seals nothing more`() throws {
    let test = try TestStore(try sealed())
    _ = try test.take(records([user("1", "ann")], [("1", "gpt", "sk-1")]))
    let wrong = try test.other(try sealed())
    let more = records([user("2", "bob")], [("2", "gpt", "sk-2")])
    for isTrial in [true, false] {
        #expect {
            _ = try wrong.importRecords(more, replaces: false, passwordCostMax: 13, isTrial: isTrial)
        } throws: { error in
            "\(error)".hasSuffix("opens none of them: put the right one back")
        }
    }
    #expect(try test.store.users().count == 1)
    let report = try wrong.importRecords(
        records([user("2", "bob")]), replaces: false, passwordCostMax: 13, isTrial: false)
    #expect(report.count(.user, .made) == 1, "who brings no upstream keys needs none")
}

@Test func `a trial waits for no writer and keeps none waiting`() throws {
    let test = try TestStore(try sealed())
    let all = records([user("1", "ann")], [("1", "gpt", "sk-1")])
    let shell = try Shell(["sqlite3", "-batch", test.path])
    shell.say("BEGIN IMMEDIATE; SELECT 'held';")
    #expect(shell.hear() == "held\n")
    #expect(try test.take(all, isTrial: true) == ["ann made", "ann: gpt made"])
    shell.say("COMMIT;")
    #expect(shell.finish().code == 0)
    #expect(try test.store.users().isEmpty)
}

@Test func `what is not as it was is said of each`() throws {
    let test = try TestStore(try sealed())
    let all = records(
        [user("1", "ann") { $0.isActive = nil }], [("1", "gpt", "sk-1"), ("1", "gpt", "sk-2")],
        [
            clientKey("1", oldKey) { $0.isActive = nil },
            clientKey("1", "api_" + oldKey) {
                $0.requestsPerMinute = .max
                $0.usageCount = .max
            },
        ])
    let report = try test.store.importRecords(
        all, replaces: false, passwordCostMax: 13, keyPrefixes: ["ws_"], isTrial: false)
    let reasons = report.items.map { $0.reason ?? "" }
    let beginnings = [
        "disabled: its `is_active` is empty", "the newest of 2 there",
        "revoked: its `is_active` is empty", "lets nobody in: keys have to begin with `ws_`",
    ]
    for (reason, beginning) in zip(reasons, beginnings) { #expect(reason.hasPrefix(beginning), "\(reason)") }
    #expect(reasons.count == 4 && reasons[3].contains("16777215 a minute"))
    let keys = try test.store.keys(ofUser: nil)
    #expect(keys.map(\.requestsPerMinute) == [nil, 16_777_215])
    #expect(keys.map(\.usageCount) == [0, 1_000_000_000_000_000])
    #expect(try test.take(all).map { $0.hasSuffix(" present") } == [true, true, true, true])
}

@Test func `nobody gets the keys of somebody else with one of their names`() throws {
    let test = try TestStore(try sealed())
    _ = try test.store.createUser(NewUser(username: "ann", telegramID: "1"))
    _ = try test.store.createUser(NewUser(username: "bob", email: "bob@example.com"))
    let all = records(
        [
            user("1", "ann") { $0.telegramID = "2" }, user("2", "Bob"),
            user("3", "cy") { $0.email = "BOB@example.com" },
            user("4", "bob") { $0.telegramID = "1" },
        ], [("1", "gpt", "sk-1"), ("2", "gpt", "sk-2")], [clientKey("3", oldKey), clientKey("9", oldKey)])
    #expect(
        try test.take(all) == [
            "ann conflict", "Bob conflict", "cy conflict", "bob conflict", "ann: gpt left_out",
            "Bob: gpt left_out", "cy: ws_kkkkkkkk... left_out", "?: ws_kkkkkkkk... left_out",
        ])
    #expect(try test.store.users().count == 2 && test.store.allUpstreamKeys().isEmpty)
    let known = records([user("5", "ann") { $0.passwordHash = nil }], [], [clientKey("5", oldKey)])
    #expect(try test.take(known) == ["ann present", "ann: ws_kkkkkkkk... made"])
    let taken = records([user("6", "bob") { $0.passwordHash = nil }], [], [clientKey("6", oldKey)])
    #expect(try test.take(taken) == ["bob present", "bob: ws_kkkkkkkk... conflict"])
}

@Test func `what no store can have is left out, with the reason`() throws {
    let test = try TestStore(try sealed())
    let all = records(
        [
            user("1", "a/b"), user("2", "nul\0"), user("3", nil),
            user("4", String(repeating: "x", count: 9000)),
            user("5", "ok") {
                $0.email = "none"
                $0.passwordHash = "$argon2id$x"
            },
            user("6", "slow") { $0.passwordHash = "$2b$15$" + String(repeating: "a", count: 53) },
        ],
        [("5", "gpt", "sk with blanks"), ("5", "", "sk-x"), ("5", "old", "gAAAAABm"), ("5", "nul", "sk\0x")],
        [
            clientKey("5", "short"), clientKey("5", oldKey) { $0.expiry = .unreadable },
            clientKey("5", oldKey + "é"),
        ])
    let report = try test.store.importRecords(all, replaces: false, passwordCostMax: 13, isTrial: false)
    #expect(report.count(.user, .leftOut) == 4 && report.count(.user, .made) == 2)
    #expect(report.count(.upstreamKey, .leftOut) == 4 && report.count(.clientKey, .leftOut) == 3)
    #expect(report.items.allSatisfy { $0.reason?.isEmpty == false })
    #expect(report.items.first { $0.name == "ok" }?.reason?.contains("not bcrypt") == true)
    #expect(report.items.first { $0.name == "slow" }?.reason?.contains("password_cost") == true)
    #expect(try test.store.user(.username("ok"))?.hasPassword == false)
    #expect(try test.store.keys(ofUser: nil).isEmpty && test.store.allUpstreamKeys().isEmpty)
}

@Test func `without a master key nothing at all is imported`() throws {
    let test = try TestStore()
    let all = records([user("1", "ann")], [("1", "gpt", "sk-1")])
    #expect(throws: StoreError.self) { _ = try test.take(all) }
    #expect(try test.store.users().isEmpty)
    let plain = try test.other(Store.Options(atRest: .plain))
    _ = try plain.importRecords(all, replaces: false, passwordCostMax: 13, isTrial: false)
    #expect(try plain.allUpstreamKeys().count == 1)
}

@Test(
    arguments: [
        (Store.Options.UserIDs.uuid, uuid, uuid), (.uuid, uuid.uppercased(), nil), (.uuid, "7", nil),
        (.objectid, "0123456789abcdef01234567", "0123456789abcdef01234567"), (.objectid, uuid, nil),
        (.integer, "7", "7"), (.integer, "0", "1"), (.integer, "99999999999", "1"),
    ] as [(Store.Options.UserIDs, String, String?)])
func `an id of the form that the store gives stays`(
    form: Store.Options.UserIDs, id: String, wanted: String?
) throws {
    let test = try TestStore(Store.Options(userIDs: form))
    _ = try test.take(records([user(id, "ann")]))
    let made = try #require(try test.store.user(.username("ann")))
    #expect(wanted.map { made.publicID == $0 } ?? (made.publicID != id))
    #expect(form != .integer || made.publicID == String(made.id))
}

@Test func `a key comes with its limit, its end, its state and what it was used`() throws {
    let test = try TestStore()
    let ids = records(
        [user(uuid, "ann")], [],
        [
            clientKey(uuid, oldKey + "1") {
                $0.sourceID = uuid
                $0.requestsPerMinute = 60
                $0.expiry = .at(test.now + 10)
                $0.usageCount = 5
                $0.lastUsedAt = 77
                $0.metadata = "{}"
            }, clientKey(uuid, oldKey + "2") { $0.isActive = false },
            clientKey(uuid, oldKey + "3") { $0.name = "a\u{1b}b" },
        ])
    _ = try test.take(ids)
    let keys = try test.store.keys(ofUser: nil)
    #expect(keys.map(\.publicID)[0] == uuid && keys[0].requestsPerMinute == 60)
    #expect(keys[0].usageCount == 5 && keys[0].lastUsedAt == 77)
    #expect(keys.map { $0.state(at: test.now) } == [.active, .revoked, .active])
    #expect(keys[0].state(at: test.now + 10) == .expired && keys[2].name == "default")
    // Keys alone find their users by the ids that these have kept.
    let later = records([], [], [clientKey(uuid, oldKey + "4"), clientKey("0", oldKey + "5")])
    #expect(try test.take(later) == ["ann: ws_kkkkkkkk... made", "?: ws_kkkkkkkk... left_out"])
}

@Test func `the beginning of a key from elsewhere shows less than half of it`() {
    for (key, shown) in [
        (oldKey, "ws_kkkkkkkk"), ("sk-0123456789abcdef", "sk-01234"), ("ws_12345678", "ws_12"),
        ("plainplain_plain_plain", "plainpla"), ("", ""),
    ] { #expect(Credential.shownPrefix(of: key) == shown, "\(key)") }
}
