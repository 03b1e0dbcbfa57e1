import Testing

@testable import Proxy

// Covers Ledger+Control.swift, BucketState.swift

private let alice = LimitSubject.test(1)
private let bob = LimitSubject.test(2)
private let daily = LimitMeasure.test(1, .money, .day, max: 100)
private let monthly = LimitMeasure.test(2, .money, .month, max: 1000)
private let byMinute = LimitMeasure.test(3, .tokens, .minute, max: 1000)

/// 1000 days after 1970.
private let start = 1000 * day

@Suite(.tags(.fast)) struct LedgerControlTests {
    @Test func `what has changed is told once, as it is then, and only what is durable`() {
        let ledger = Ledger()
        #expect(ledger.takeChanges(max: 10) == [])
        let running = Reservation()
        for measure in [daily, monthly, byMinute] { running.add(measure, alice, amount: 5) }
        #expect(ledger.reserve(running, at: .both(start)) == nil)
        #expect(ledger.use(daily, 7, alice, at: start) == nil)
        var states = ledger.takeChanges(max: 10).sorted { $0.measureID < $1.measureID }
        let slot = BucketState.Slot(index: 60_000, amount: 7)
        #expect(
            states == [
                BucketState(measureID: 1, period: .day, subject: alice, slots: [slot], reserved: 5),
                BucketState(measureID: 2, period: .month, subject: alice, slots: [], reserved: 5),
            ])
        #expect(ledger.takeChanges(max: 10) == [])
        for index in 0..<3 { running[index].actual = 9 }
        ledger.settle(running, at: .both(start + hour))
        states = ledger.takeChanges(max: 10).sorted { $0.measureID < $1.measureID }
        #expect(states[0].slots == [slot, BucketState.Slot(index: 60_002, amount: 9)])
        #expect(states[1].slots == [BucketState.Slot(index: 32, amount: 9)])
        #expect(states.map(\.reserved) == [0, 0])
    }

    @Test func `many changes are told in parts`() {
        let ledger = Ledger()
        for number in UInt64(0)..<100 { #expect(ledger.use(daily, 1, .test(number), at: start) == nil) }
        var subjects: Set<LimitSubject> = []
        while true {
            let states = ledger.takeChanges(max: 7)
            for state in states { #expect(subjects.insert(state.subject).inserted) }
            if states.count < 7 { break }
        }
        #expect(subjects.count == 100)
        // Of those forgotten before anybody asked nothing is told; once somebody asks, all is told first.
        for number in UInt64(0)..<50 { #expect(ledger.use(daily, 1, .test(number), at: start) == nil) }
        for number in UInt64(200)..<900 {
            #expect(ledger.use(byMinute, 1, .test(number), at: 3 * start) == nil)
        }
        var told = 0
        while case let states = ledger.takeChanges(max: 20), !states.isEmpty { told += states.count }
        #expect(told == 50)
    }

    @Test func `what is restored counts, what was reserved counts as used now`() {
        let ledger = Ledger()
        let slots = [
            BucketState.Slot(index: 59_939, amount: 50), BucketState.Slot(index: 59_940, amount: 20),
            BucketState.Slot(index: 59_999, amount: 30),
        ]
        #expect(ledger.use(daily, 3, bob, at: start) == nil)
        ledger.restore(
            [
                BucketState(measureID: 1, period: .day, subject: alice, slots: slots, reserved: 0),
                BucketState(measureID: 1, period: .day, subject: bob, slots: slots, reserved: 40),
                BucketState(
                    measureID: 2, period: .month, subject: alice, slots: [.init(index: 31, amount: 4)],
                    reserved: 6),
            ], at: .both(start))
        // The oldest slot has left by now.
        #expect(ledger.peek(measure: daily, subject: alice, max: 100, at: .both(start)).used == 50)
        #expect(ledger.peek(measure: daily, subject: bob, max: 100, at: .both(start)).used == 93)
        #expect(ledger.peek(measure: monthly, subject: alice, max: 100, at: .both(start)).used == 6)
        #expect(ledger.take(daily, 51, alice, at: start) == .full(wait: 24 * minute))
        let states = ledger.takeChanges(max: 10).sorted { $0.measureID < $1.measureID }
        #expect(states.map(\.subject) == [bob, alice] && states.map(\.reserved) == [0, 0])
        #expect(states[0].slots.map(\.index) == [59_940, 59_999, 60_000])
        #expect(states[0].slots.map(\.amount) == [20, 30, 43])
    }

    @Test func `a calendar that was wrong and is set back opens nothing, and does not close for ever`() {
        let ledger = Ledger()
        let wrong = start + 400 * day
        #expect(ledger.use(daily, 60, alice, at: wrong) == nil)
        #expect(ledger.use(monthly, 1000, alice, at: wrong) == nil)
        let right = LimitTime(monotonic: wrong, realtime: start)
        #expect(
            ledger.peek(measure: daily, subject: alice, max: 100, at: right) == (
                60, 61 * 24 * minute, 61 * 24 * minute
            ))
        #expect(ledger.peek(measure: monthly, subject: alice, max: 100, at: right).used == 1000)
        let later = LimitTime(monotonic: wrong, realtime: start + 2 * day)
        #expect(ledger.peek(measure: daily, subject: alice, max: 100, at: later).used == 0)
        // Of a store, written while the calendar was wrong.
        let state = BucketState(
            measureID: 1, period: .day, subject: bob, slots: [.init(index: 84_000, amount: 9)], reserved: 0)
        ledger.restore([state], at: later)
        #expect(ledger.takeChanges(max: 10).contains { $0.subject == bob && $0.slots[0].index == 60_120 })
    }
}
