// Covers Store+Ledger.swift, LedgerRecords.swift
import Testing

@testable import Stores

private let measure = "per-key/usd_per_day/by=key"

private func row(
    _ number: UInt64, measure: String = measure, slots: [(UInt64, UInt64)] = [(7, 9)], reserved: UInt64 = 0,
    expiresAt: Int64 = 1_900_000_000
) -> LedgerRow {
    LedgerRow(
        measure: measure, subject: LedgerSubject(high: number, low: .max - number),
        state: LedgerState(
            slots: slots.map { LedgerState.Slot(index: $0.0, amount: $0.1) }, reserved: reserved),
        expiresAt: expiresAt)
}

@Suite struct StoreLedgerTests {
    @Test func `what was put is found by its measure, and replaced by what is put later`() throws {
        let test = try TestStore()
        let other = row(1, measure: "per-key/usd_per_month/by=key", reserved: 5)
        try test.store.putLedger([row(1), row(2, slots: [(1, 2), (3, .max)], reserved: .max), other])
        #expect(
            try test.store.ledger(of: measure) == [
                row(1), row(2, slots: [(1, 2), (3, .max)], reserved: .max),
            ]
        )
        #expect(try test.store.ledger(of: other.measure) == [other])
        #expect(try test.store.ledger(of: "none") == [])
        try test.store.putLedger([row(2, slots: [(4, 1)]), row(3)])
        #expect(try test.store.ledger(of: measure) == [row(1), row(2, slots: [(4, 1)]), row(3)])
        try test.store.putLedger([])
        #expect(try test.query("SELECT max(updated_at) FROM ledger") == ["\(test.now)"])
    }

    @Test func `what holds nothing any more goes`() throws {
        let test = try TestStore()
        try test.store.putLedger([row(1), row(2, slots: []), row(3, slots: [(1, 0)])])
        #expect(try test.store.ledger(of: measure) == [row(1)])
        try test.store.putLedger([row(1, slots: [(7, 0)])])
        #expect(try test.query("SELECT count(*) FROM ledger") == ["0"])
        try test.store.putLedger([row(1, slots: [], reserved: 1)])
        #expect(try test.store.ledger(of: measure) == [row(1, slots: [], reserved: 1)])
    }

    @Test func `what has expired is not found, and is deleted in bounded steps`() throws {
        let test = try TestStore()
        try test.store.putLedger((0..<25).map { row($0, expiresAt: test.now + 10) })
        try test.store.putLedger([row(99, expiresAt: test.now + 11)])
        #expect(try test.store.ledger(of: measure).count == 26)
        #expect(try test.store.forgetExpiredLedger() == 0)
        test.now += 10
        #expect(try test.store.ledger(of: measure) == [row(99, expiresAt: test.now + 1)])
        #expect(try test.store.forgetExpiredLedger(max: 20) == 20)
        #expect(try test.store.forgetExpiredLedger(max: 20) == 5)
        #expect(try test.store.forgetExpiredLedger(max: 20) == 0)
        #expect(try test.query("SELECT count(*) FROM ledger") == ["1"])
    }

    @Test func `a subject keeps every bit`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let subject = LedgerSubject(high: random.next(), low: random.next())
            #expect(LedgerSubject(subject.bytes) == subject)
        }
        #expect(
            LedgerSubject(high: 0x0102_0304_0506_0708, low: 9).bytes == [
                1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9,
            ])
        #expect(LedgerSubject([1, 2]) == nil)
    }

    @Test(arguments: [
        ("x''", "its state is empty"),
        ("x'02'", "its state has the form 2, which this headgate does not know"),
        ("zeroblob(9)", "its state has the form 0, which this headgate does not know"),
        ("x'01'", "its state breaks off"), ("x'0180'", "its state breaks off"),
        ("x'01000105'", "its state breaks off"), ("x'010500ff'", "its state goes on behind its end"),
        ("x'01ffffffffffffffffff02'", "a number in its state is too large"),
        ("x'01ffffffffffffffffff81'", "a number in its state is too large"),
        ("x'01008108'", "its state has 1025 parts, which is too many"),
        ("x'01000205010001'", "the parts of its state are not in order"),
        ("x'010002ffffffffffffffffff01010201'", "the parts of its state are not in order"),
    ])
    func `a state that no headgate has written is told, with what to do`(state: String, fault: String) throws
    {
        let test = try TestStore()
        try test.store.putLedger([row(1), row(2)])
        try test.query("UPDATE ledger SET state = CAST(\(state) AS BLOB) WHERE subject = x'\(key(2))'")
        let deletion = "DELETE FROM ledger WHERE measure = '\(measure)' AND subject = X'\(key(2))'"
        #expect(
            throws: StoreError.corrupt(
                "what is used up of \(measure) by the subject X'\(key(2))' cannot be read: \(fault); "
                    + "to forget it: sqlite3 \(test.path) \"\(deletion)\"")
        ) { try test.store.ledger(of: measure) }
        try test.query(deletion)
        #expect(try test.store.ledger(of: measure) == [row(1)])
    }

    private func key(_ number: UInt64) -> String { lowercaseHex(row(number).subject.bytes) }

    @Test func `every byte of a state counts, and it is as small as it can be`() throws {
        let state = row(1, slots: [(1, 2), (UInt64.max, UInt64.max)], reserved: 300).state
        #expect(
            state.bytes == [1, 0xAC, 2, 2, 1, 2, 0xFE] + Array(repeating: 0xFF, count: 8) + [1]
                + Array(repeating: 0xFF, count: 9) + [1])
        #expect(try LedgerState(state.bytes) == state)
        for count in 1..<state.bytes.count {
            #expect(throws: LedgerState.Fault.cutShort) { try LedgerState(Array(state.bytes.prefix(count))) }
        }
        #expect(throws: LedgerState.Fault.rest) { try LedgerState(state.bytes + [0]) }
    }

    @Test func `what was written is read, whatever the numbers`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let slots = (0..<Int.random(in: 0...70)).map { _ in
                (random.next() >> UInt64.random(in: 0...63), random.next() >> UInt64.random(in: 0...63))
            }
            let state = row(1, slots: slots, reserved: random.next() >> UInt64.random(in: 0...63)).state
            #expect(try LedgerState(state.bytes) == state)
        }
    }

    @Test func `the counts of a month share a page with others`() throws {
        let test = try TestStore()
        let slots = (0..<61).map { (900_000 + UInt64($0), 250_000_000_000 + UInt64($0)) }
        let before = try #require(try test.store.database.integer("PRAGMA page_count"))
        try test.store.putLedger((0..<1000).map { row($0, slots: slots) })
        let after = try #require(try test.store.database.integer("PRAGMA page_count"))
        #expect(after - before < 300, "\(after - before) pages for 1000 rows")
    }

    @Test func `slots are kept in order, each index once`() throws {
        let slots: [(UInt64, UInt64)] = [(5, 1), (3, .max), (5, 2), (3, 1), (4, 7)]
        let state = row(1, slots: slots).state
        #expect(state == row(1, slots: [(3, .max), (4, 7), (5, 3)]).state)
        #expect(try LedgerState(state.bytes) == state)
    }

    @Test func `the ledger is no change of users and keys`() throws {
        let test = try TestStore()
        let before = try test.store.keyChanges(since: nil)
        try test.store.putLedger([row(1)])
        try test.store.putLedger([row(1, slots: [])])
        #expect(try test.store.keyChanges(since: before.version).version == before.version)
        #expect(try test.query("SELECT count(*) FROM changes") == ["0"])
    }

    @Test func `a batch that has no room leaves what was there`() throws {
        let test = try TestStore()
        try test.store.putLedger([row(1)])
        let pages = try test.store.database.integer("PRAGMA page_count") ?? 0
        try test.store.database.script("PRAGMA max_page_count = \(pages)")
        #expect(throws: StoreError.diskFull) {
            try test.store.putLedger((1..<1000).map { row($0, reserved: 1) })
        }
        #expect(try test.store.ledger(of: measure) == [row(1)])
    }
}
