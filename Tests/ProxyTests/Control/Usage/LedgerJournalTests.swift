// Covers LedgerJournal.swift, Ledger+Rewriting.swift
import Glibc
import Testing

@testable import Proxy
@testable import Stores

private let daily = UsageScene.measures[0]
private let monthly = UsageScene.measures[1]
private let perMinute = UsageScene.measures[2]

@Suite struct LedgerJournalTests {
    @Test func `what was settled is there after a restart, for whom it was`() throws {
        let folder = TemporaryFolder()
        do {
            let scene = try UsageScene(folder)
            _ = scene.ledger.use(daily, 40, .test(1), at: scene.now)
            _ = scene.ledger.use(daily, 50, .test(2), at: scene.now)
            _ = scene.ledger.use(monthly, 60, .test(1), at: scene.now)
            _ = scene.ledger.use(perMinute, 70, .test(1), at: scene.now)
            scene.writer.stop()
            scene.keeper.stop()
        }
        let scene = try UsageScene(folder)
        #expect(scene.used(daily) == 40 && scene.used(daily, .test(2)) == 50)
        #expect(scene.used(monthly) == 60)
        #expect(scene.used(perMinute) == 0)
        #expect(scene.ledger.use(daily, 961, at: scene.now) != nil)
        #expect(scene.ledger.use(daily, 960, at: scene.now) == nil)
    }

    @Test func `after a crash what was reserved at the last write counts as used`() throws {
        let folder = TemporaryFolder()
        let crashed = try UsageScene(folder)
        let reservation = Reservation.one(daily, .test(1), 300)
        #expect(crashed.ledger.reserve(reservation, at: .both(crashed.now)) == nil)
        _ = crashed.ledger.use(daily, 40, .test(1), at: crashed.now)
        #expect(eventually { (try? crashed.ledgerRows(1).first?.state.reserved) == 300 })
        // Neither settled nor stopped: nobody writes for it any more.
        try crashed.use(nil)
        reservation[0].actual = 100
        let scene = try UsageScene(folder)
        #expect(scene.used(daily) == 340)
        scene.writer.stop()
        scene.keeper.stop()
        #expect(try scene.ledgerRows(1).map(\.state.reserved) == [0])
        #expect(try scene.ledgerRows(1).first?.state.slots.map(\.amount).reduce(0, +) == 340)
        crashed.ledger.settle(reservation, at: .both(crashed.now))
    }

    @Test func `counts are read once in a process, however often it reloads`() throws {
        let folder = TemporaryFolder()
        do {
            let scene = try UsageScene(folder)
            _ = scene.ledger.use(daily, 40, at: scene.now)
            scene.writer.stop()
        }
        let scene = try UsageScene(folder)
        #expect(scene.used(daily) == 40)
        try scene.use(scene.keeper)
        try scene.use(nil)
        try scene.use(scene.keeper)
        #expect(scene.used(daily) == 40)
    }

    @Test func `a measure that a reload brings has its counts before the reload is served`() throws {
        let folder = TemporaryFolder()
        do {
            let scene = try UsageScene(folder)
            _ = scene.ledger.use(monthly, 60, at: scene.now)
            scene.writer.stop()
        }
        let scene = try UsageScene(folder, isStarted: false)
        try scene.use(scene.keeper, [daily])
        #expect(scene.used(monthly) == 0)
        let setting = try scene.writer.prepare(store: scene.keeper, measures: [daily, monthly]).get()
        #expect(scene.used(monthly) == 0, "a reload that fails has changed nothing")
        scene.writer.commit(setting)
        #expect(scene.used(monthly) == 60)
    }

    @Test func `what a store holds from before is added to what was counted without it`() throws {
        let folder = TemporaryFolder()
        do {
            let scene = try UsageScene(folder)
            _ = scene.ledger.use(daily, 40, at: scene.now)
            scene.writer.stop()
        }
        let scene = try UsageScene(folder, isStarted: false)
        try scene.use(nil)
        _ = scene.ledger.use(daily, 5, at: scene.now)
        try scene.use(scene.keeper)
        #expect(scene.used(daily) == 45)
        try scene.writer.start([scene.handle])
        scene.writer.stop()
        #expect(try scene.ledgerRows(1).first?.state.slots.map(\.amount).reduce(0, +) == 45)
    }

    @Test func `counts that cannot be read are told, and nothing is changed`() throws {
        let scene = try UsageScene(isStarted: false)
        try scene.other.putLedger([
            LedgerRow(
                measure: "test/1", subject: LedgerSubject(high: 7, low: 1),
                state: LedgerState(slots: [], reserved: 5), expiresAt: .max)
        ])
        try scene.other.database.run("UPDATE ledger SET state = x'09'")
        let broken = scene.writer.prepare(store: scene.keeper, measures: UsageScene.measures)
        guard case .failure(let problem) = broken else {
            Issue.record("a row that nobody can read was read")
            return
        }
        let text = problem.description
        #expect(
            text.hasPrefix(
                "what is used up already of limits cannot be read from main.db: the database is damaged"))
        #expect(text.contains("test/1") && text.contains("X'00000000000000070000000000000001'"), "\(text)")
        #expect(scene.used(daily) == 0)
        try scene.other.database.run("DELETE FROM ledger")
        #expect(throws: Never.self) { try scene.use(scene.keeper) }
    }

    @Test func `amounts from times to come, or beyond all bounds, do no harm`() throws {
        let scene = try UsageScene(isStarted: false)
        let slots = [
            LedgerState.Slot(index: 1, amount: 5), .init(index: .max - 1, amount: .max),
            .init(index: .max, amount: .max),
        ]
        try scene.other.putLedger(
            ["test/1", "test/2"].map { measure in
                LedgerRow(
                    measure: measure, subject: LedgerSubject(high: 7, low: 1),
                    state: LedgerState(slots: slots, reserved: .max), expiresAt: .max)
            })
        try scene.use(scene.keeper)
        #expect(scene.used(daily) > 1000 && scene.used(monthly) > 1000)
        #expect(scene.ledger.use(daily, 1, at: scene.now) != nil)
    }

    @Test func `counts are kept as long as they count`() throws {
        let scene = try UsageScene()
        _ = scene.ledger.use(daily, 40, at: scene.now)
        _ = scene.ledger.use(monthly, 40, at: scene.now)
        scene.writer.stop()
        let second = Int64(scene.now / 1_000_000_000)
        let ends = try #require(try scene.ledgerRows(1).first?.expiresAt)
        #expect((86_400...88_000).contains(ends - second))
        let month = CalendarMonth(at: scene.now)
        #expect(try scene.ledgerRows(2).first?.expiresAt == Int64(month.ends / 1_000_000_000) + 1)
    }

    @Test func `what has expired is deleted`() throws {
        let scene = try UsageScene(isStarted: false)
        try scene.other.putLedger([
            LedgerRow(
                measure: "gone", subject: LedgerSubject(high: 1, low: 1),
                state: LedgerState(slots: [], reserved: 5), expiresAt: 1)
        ])
        func count() throws -> Int64? { try scene.other.database.integer("SELECT count(*) FROM ledger") }
        #expect(try count() == 1)
        try scene.use(scene.keeper)
        try scene.writer.start([scene.handle])
        #expect(eventually { (try? count()) == 0 })
    }

    @Test func `a transaction takes so many counts, and the rest in the next`() {
        let ledger = Ledger.small()
        var journal = LedgerJournal(ledger)
        journal.know(UsageScene.measures)
        for number: UInt64 in 0..<100 {
            _ = ledger.use(daily, number + 1, .test(number), at: 5 * day)
            _ = ledger.use(perMinute, 1, .test(number), at: 5 * day)
        }
        let first = journal.take(max: 60, now: 5 * day)
        #expect(first.count >= 60 && first.count < 100)
        journal.giveBack(first)
        #expect(journal.hasWaiting)
        #expect(journal.take(now: 5 * day) == first)
        let rest = journal.take(now: 5 * day)
        #expect(first.count + rest.count == 100)
        #expect(Set((first + rest).map(\.subject)).count == 100)
        #expect(journal.take(now: 5 * day) == [])
        ledger.markAllChanged()
        #expect(journal.take(now: 5 * day).count == 100)
    }
}
