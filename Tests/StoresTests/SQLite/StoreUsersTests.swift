// Covers Store+Users.swift
import Testing

@testable import Stores

@Suite struct StoreUsersTests {
    @Test func `a user is found by all that people know it by`() throws {
        let test = try TestStore()
        let user = try test.store.createUser(
            NewUser(username: "Ann", email: "Ann@Example.org", telegramID: "77", passwordHash: "$2b$x"))
        _ = try test.user("other")
        let lookups: [UserLookup] = [
            .id(user.id), .publicID(user.publicID), .username("Ann"), .email("ann@example.ORG"),
            .telegramID("77"), .login("Ann"), .login("ann@example.org"),
        ]
        for lookup in lookups { #expect(try test.store.user(lookup) == user, "\(lookup)") }
        #expect(user.isActive && user.hasPassword)
        #expect(user.createdAt == test.now && user.updatedAt == test.now)
        #expect(try test.store.passwordHash(of: .username("Ann"))?.hash == "$2b$x")
    }

    @Test func `usernames are exact, and nobody is found by what is not there`() throws {
        let test = try TestStore()
        _ = try test.user("Ann")
        #expect(try test.store.user(.username("ann")) == nil)
        #expect(try test.store.user(.login("")) == nil)
        #expect(try test.store.user(.email("Ann")) == nil)
        #expect(try test.store.user(.id(99)) == nil)
    }

    /// S3-02, S3-13, S4-22.
    @Test(arguments: [
        (NewUser(username: "ann"), "username"), (NewUser(username: "ANN"), "username"),
        (NewUser(email: "ANN@x.org"), "email"),
        (NewUser(username: "b", telegramID: "7"), "telegram_id"),
        (NewUser(username: "ann@X.org"), "username"), (NewUser(username: "c", email: "ann"), "email"),
    ])
    func `what names a user names only one`(new: NewUser, field: String) throws {
        let test = try TestStore()
        _ = try test.store.createUser(NewUser(username: "ann", email: "ann@x.org", telegramID: "7"))
        #expect(throws: StoreError.duplicate(field: field)) { try test.store.createUser(new) }
        #expect(try test.store.users().count == 1)
    }

    @Test func `a username may be the user's own address`() throws {
        let test = try TestStore()
        let new = NewUser(username: "a@b.org", email: "a@b.org")
        let user = try test.store.createUser(new)
        #expect(try test.store.user(.login("a@b.org")) == user)
        #expect(throws: StoreError.duplicate(field: "email")) { try test.store.createUser(new) }
    }

    @Test func `a user without any name is refused`() throws {
        let test = try TestStore()
        #expect(throws: StoreError.self) { try test.store.createUser(NewUser(passwordHash: "x")) }
        #expect(try test.store.users() == [])
    }

    /// S1-04, C22.
    @Test func `public ids have the form that the file names`() throws {
        let forms: [(Store.Options.UserIDs, Regex<Substring>)] = [
            (.uuid, /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/),
            (.objectid, /[0-9a-f]{24}/), (.integer, /1/),
        ]
        for (form, pattern) in forms {
            let test = try TestStore(Store.Options(userIDs: form))
            let user = try test.user()
            #expect(user.publicID.wholeMatch(of: pattern) != nil, "\(user.publicID)")
            #expect(try test.store.user(.publicID(user.publicID)) == user)
        }
    }

    @Test func `a user is disabled, enabled and given a password`() throws {
        let test = try TestStore()
        let user = try test.user()
        #expect(!user.hasPassword)
        test.now += 5
        try test.store.setActive(user.id, false)
        #expect(try test.store.user(.id(user.id))?.isActive == false)
        #expect(try test.store.user(.id(user.id))?.updatedAt == test.now)
        #expect(try test.store.user(.id(user.id))?.createdAt == test.now - 5)
        try test.store.setActive(user.id, true)
        #expect(try test.store.user(.id(user.id))?.isActive == true)
        try test.store.setPasswordHash(user.id, "$2b$new")
        #expect(try test.store.passwordHash(of: .id(user.id))?.hash == "$2b$new")
        #expect(throws: StoreError.notFound("such user")) { try test.store.setActive(9, true) }
        #expect(throws: StoreError.notFound("such user")) { try test.store.setPasswordHash(9, "x") }
    }

    @Test func `whatever a user had goes with the user`() throws {
        let test = try TestStore(Store.Options(atRest: .plain))
        let user = try test.user()
        let stays = try test.user("ben")
        _ = try test.key(user)
        _ = try test.key(stays)
        for owner in [user, stays] {
            _ = try test.store.setUpstreamKey(
                user: owner.id, name: "gpt", key: Secret("k"), source: "manual")
        }
        try test.store.deleteUser(user.id)
        #expect(try test.store.keys(ofUser: nil).map(\.userID) == [stays.id])
        #expect(try test.store.upstreamKeys(user: user.id) == [])
        #expect(try test.store.upstreamKeys(user: stays.id).count == 1)
        #expect(throws: StoreError.notFound("such user")) { try test.store.deleteUser(user.id) }
        // An id is never given twice.
        #expect(try test.user("new").id > stays.id)
    }

    @Test func `several changes are made together or not at all`() throws {
        let test = try TestStore()
        #expect(throws: StoreError.duplicate(field: "username")) {
            try test.store.transaction { () throws(StoreError) in
                let user = try test.store.createUser(NewUser(username: "one"))
                _ = try test.store.createKey(NewClientKey(userID: user.id, name: "k", prefix: "hg_"))
                _ = try test.store.createUser(NewUser(username: "one"))
            }
        }
        #expect(try test.store.users() == [])
        #expect(try test.store.keys(ofUser: nil) == [])
    }
}
