// Covers Store+MasterKeys.swift
import Testing

@testable import Stores

@Suite struct StoreMasterKeysTests {
    private let old = MasterKey.generate()
    private let new = MasterKey.generate()

    private func options(_ current: Secret, previous: Secret...) throws -> Store.Options {
        Store.Options(
            atRest: .sealed(try MasterKey(current)), previousMasterKeys: try previous.map(MasterKey.init))
    }

    private func id(_ key: Secret) throws -> String { try MasterKey(key).id }

    /// A store with so many keys, sealed with the old one; every third is shared.
    private func filled(_ count: Int) throws -> TestStore {
        let test = try TestStore(try options(old))
        let user = try test.user()
        for number in 0..<count {
            try test.store.setUpstreamKey(
                user: number % 3 == 0 ? nil : user.id, name: "n\(number)", key: Secret("key \(number)"),
                source: "manual")
        }
        return test
    }

    /// Every key, opened; nil: it cannot be.
    private func opened(_ store: Store) throws -> [String?] {
        try store.allUpstreamKeys().map { key in
            try? store.revealUpstreamKey(user: key.userID, name: key.name)?.text
        }
    }

    @Test func `a previous master key opens what it sealed, and seals nothing new`() throws {
        let test = try filled(2)
        let store = try test.other(try options(new, previous: MasterKey.generate(), old))
        #expect(try opened(store) == ["key 0", "key 1"])
        #expect(try opened(try test.other(try options(new))) == [nil, nil])
        try store.setUpstreamKey(user: nil, name: "n2", key: Secret("key 2"), source: "manual")
        #expect(try opened(store) == ["key 0", "key 1", "key 2"])
        #expect(try opened(try test.other(try options(new))) == [nil, nil, "key 2"])
        #expect(try Set(store.masterKeyIDs()) == [id(old), id(new)])
        #expect(
            try store.check() == [
                "2 upstream keys are sealed with previous master key \(id(old)); `headgate key rotate-master` "
                    + "seals anew"
            ])
    }

    @Test func `sealing anew goes in steps, is told once, and changes nothing but the seal`() throws {
        let test = try filled(5)
        try test.other(Store.Options(atRest: .plain)).setUpstreamKey(
            user: nil, name: "plain", key: Secret("key 5"), source: "manual")
        let before = try test.store.allUpstreamKeys()
        let store = try test.other(try options(new, previous: old))
        #expect(try store.countUpstreamKeysToReseal() == 6)
        var counts: [Int] = []
        var step = Resealing(last: 0, isComplete: false)
        while !step.isComplete {
            step = try store.resealUpstreamKeys(after: step.last, limit: 4)
            counts.append(step.resealedCount)
            #expect(step.unopened == [])
        }
        #expect(counts == [4, 2])
        #expect(try store.countUpstreamKeysToReseal() == 0)
        #expect(try store.allUpstreamKeys() == before)
        let alone = try test.other(try options(new))
        #expect(try opened(alone) == (0...5).map { "key \($0)" })
        #expect(try alone.masterKeyIDs() == [id(new)])
        #expect(try alone.check() == [])
        let again = try alone.resealUpstreamKeys(limit: 4)
        #expect(again == Resealing(last: 0, isComplete: true))
    }

    @Test func `what no master key opens is named and stays, and does not hold up the others`() throws {
        let test = try filled(3)
        try test.query("UPDATE upstream_keys SET key_encrypted = x'01' WHERE name = 'n0'")
        let lost = MasterKey.generate()
        try test.other(try options(lost)).setUpstreamKey(
            user: nil, name: "lost", key: Secret("key 3"), source: "manual")
        let store = try test.other(try options(new, previous: old))
        let step = try store.resealUpstreamKeys(limit: 100)
        #expect(step.resealedCount == 2 && step.isComplete)
        #expect(step.unopened.map(\.name) == ["n0", "lost"])
        #expect(step.unopened[1].reason.contains(try id(lost)))
        #expect(try Set(store.masterKeyIDs()) == [id(old), id(new), id(lost)])
        #expect(try opened(try test.other(try options(lost))).last == "key 3")
        #expect(try store.countUpstreamKeysToReseal() == 2)
    }

    @Test func `whoever stops in the middle leaves every key open to both, and goes on`() throws {
        let test = try filled(6)
        let store = try test.other(try options(new, previous: old))
        _ = try store.resealUpstreamKeys(limit: 2)
        // What a machine that stops now finds on its disk later: the step has not been committed.
        let crashed = test.folder.path + "/crashed.db"
        try store.transaction { () throws(StoreError) in
            let step = try store.resealUpstreamKeys(limit: 2)
            #expect(step.resealedCount == 2)
            for ending in ["", "-wal"] {
                let copied = try? Shell(["cp", test.path + ending, crashed + ending]).finish().code
                #expect(copied == 0)
            }
        }
        let found = try Store(opening: crashed, options: try options(new, previous: old))
        #expect(try opened(found) == (0..<6).map { "key \($0)" })
        #expect(try found.countUpstreamKeysToReseal() == 4)
        #expect(try found.resealUpstreamKeys(limit: 10).resealedCount == 4)
        #expect(
            try opened(try Store(opening: crashed, options: try options(new))) == (0..<6).map { "key \($0)" })
    }

    @Test func `a step that fails leaves all of its keys as they were`() throws {
        let test = try filled(4)
        try test.query(
            """
            CREATE TRIGGER full BEFORE UPDATE ON upstream_keys WHEN NEW.name = 'n2' BEGIN
                SELECT RAISE(ABORT, 'no room');
            END
            """)
        let store = try test.other(try options(new, previous: old))
        #expect(throws: StoreError.self) { try store.resealUpstreamKeys(limit: 10) }
        #expect(try store.masterKeyIDs() == [id(old)])
        #expect(try opened(store) == (0..<4).map { "key \($0)" })
    }

    @Test func `another who sets keys meanwhile loses none`() throws {
        let test = try filled(4)
        let store = try test.other(try options(new, previous: old))
        let step = try store.resealUpstreamKeys(limit: 2)
        try test.store.setUpstreamKey(user: nil, name: "n0", key: Secret("newer"), source: "manual")
        _ = try store.resealUpstreamKeys(after: step.last, limit: 10)
        #expect(try opened(store) == ["newer", "key 1", "key 2", "key 3"])
        #expect(try store.countUpstreamKeysToReseal() == 1, "the next run finds it")
    }

    @Test(arguments: [Store.Options.AtRest.plain, .refused])
    func `without a current master key nothing is sealed anew`(atRest: Store.Options.AtRest) throws {
        let test = try filled(1)
        let store = try test.other(
            Store.Options(atRest: atRest, previousMasterKeys: [try MasterKey(old)]))
        #expect(try opened(store) == ["key 0"])
        for ask in [
            { _ = try store.resealUpstreamKeys(limit: 1) }, { _ = try store.countUpstreamKeysToReseal() },
        ] as [() throws -> Void] {
            #expect {
                try ask()
            } throws: { error in
                guard case .cannotSeal = error as? StoreError else { return false }
                return true
            }
        }
    }
}
