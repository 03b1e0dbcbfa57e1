// Covers StoreImport.swift, Store+Import.swift, CheckedUser.swift
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
    #expect(try test.take(theirs) == ["ann conflict", "ann: gpt conflict"])
    let ann = try #require(try test.store.user(.username("ann")))
    #expect(try test.store.revealUpstreamKey(user: ann.id, name: "gpt")?.text == "sk-ours")
    #expect(try test.take(theirs, replaces: true) == ["ann replaced", "ann: gpt replaced"])
    #expect(try test.store.revealUpstreamKey(user: ann.id, name: "gpt")?.text == "sk-theirs")
    #expect(try test.store.passwordHash(of: .username("ann"))?.hash == other)
    #expect(try test.take(theirs, replaces: true) == ["ann present", "ann: gpt present"])
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
