import Testing

@testable import Proxy

// Covers LedgerBucket.swift, LedgerBucket+Log.swift, LedgerBucket+Slots.swift, Reservation.swift

private let alice = LimitSubject.test(1)

@Suite(.tags(.fast)) struct LedgerWindowTests {
    /// Every kind of slots: the length of its window, and of a sub-window.
    private static let windows: [(LimitMeasure.Unit, LimitMeasure.Period, length: UInt64, step: UInt64)] = [
        (.requests, .hour, hour, minute), (.requests, .day, day, 24 * minute),
        (.tokens, .second, second, 16_666_667), (.inputTokens, .minute, minute, second),
        (.outputTokens, .hour, hour, minute), (.money, .day, day, 24 * minute),
    ]

    @Test(arguments: windows.indices)
    func `what is settled counts for the window and at most one sub-window more`(kind: Int) {
        let (unit, period, length, step) = LedgerWindowTests.windows[kind]
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, unit, period, max: 3)
        let start = 100 * step
        for (now, expected) in [
            (start, LimitRefusal.Reason?.none), (start + step / 2, nil), (start + 2 * step, nil),
            (start + 3 * step, .full(wait: 58 * step)), (start + 61 * step - 1, .full(wait: 1)),
            (start + 61 * step, nil), (start + 61 * step, nil),
            (start + 61 * step, .full(wait: 2 * step)), (start + 63 * step, nil),
        ] {
            #expect(ledger.use(measure, at: now) == expected, "\(unit) \(period) at \(now)")
        }
        #expect(step * 60 >= length && step * 60 < length + 60)
        let stands = ledger.peek(measure: measure, subject: alice, max: 3, at: .both(start + 63 * step))
        #expect(stands == (3, 59 * step, 61 * step))
    }

    @Test func `a month is the calendar's, UTC`() {
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, .money, .month, max: 100)
        // 28 February 2024, and the leap day after it.
        let start: UInt64 = 1_709_078_400 * second
        #expect(ledger.use(measure, 60, at: start) == nil)
        #expect(ledger.use(measure, 50, at: start + day) == .full(wait: day))
        #expect(ledger.use(measure, 40, at: start + 2 * day - 1) == nil)
        #expect(ledger.use(measure, 1, at: start + 2 * day - 1) == .full(wait: 1))
        #expect(ledger.use(measure, 100, at: start + 2 * day) == nil)
        #expect(ledger.use(measure, 1, at: start + 2 * day) == .full(wait: 31 * day))
        #expect(ledger.use(measure, 101, at: start + 2 * day) == .tooLarge)
    }

    @Test func `what is reserved never leaves by time, and nobody knows when it does`() {
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, .tokens, .minute, max: 100)
        let reservation = Reservation.one(measure, alice, 60)
        #expect(ledger.use(measure, 30, at: 0) == nil)
        #expect(ledger.reserve(reservation, at: .both(0)) == nil)
        #expect(ledger.take(measure, 20, at: 0) == .full(wait: 61 * second))
        #expect(ledger.take(measure, 41, at: 0) == .full(wait: 0))
        #expect(ledger.take(measure, 50, at: 90 * second) == .full(wait: 0))
        reservation[0].actual = 100
        ledger.settle(reservation, at: .both(100 * second))
        #expect(ledger.take(measure, 1, at: 100 * second) == .full(wait: 61 * second))
        #expect(measure.worstOvershoot == 0)
    }

    @Test func `an exchange that comes to more than it reserved leaves a debt`() {
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, .tokens, .minute, max: 100)
        let reservation = Reservation.one(measure, alice, 60)
        #expect(ledger.reserve(reservation, at: .both(0)) == nil)
        let more = LimitCharge(inputTokens: 20, outputTokens: 70)
        reservation[0].growsInAnyCase = false
        #expect(ledger.grow(reservation, to: more, force: false, at: .both(0)) == nil)
        #expect(reservation[0].reserved == 90)
        #expect(ledger.grow(reservation, to: LimitCharge(), force: false, at: .both(0)) == nil)
        let tooMuch = LimitCharge(outputTokens: 101)
        #expect(ledger.grow(reservation, to: tooMuch, force: false, at: .both(0)) == 0)
        #expect(reservation[0].reserved == 90)
        #expect(ledger.grow(reservation, to: tooMuch, force: true, at: .both(0)) == nil)
        #expect(reservation[0].reserved == 101 && measure.worstOvershoot == 1)
        reservation[0].actual = 250
        ledger.settle(reservation, at: .both(0))
        #expect(measure.worstOvershoot == 150)
        #expect(ledger.take(measure, 1, at: 0) == .full(wait: 61 * second))
    }

    @Test func `no number that an upstream names is too large to be booked`() {
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, .tokens, .minute, max: .max)
        for _ in 0..<3 {
            let reservation = Reservation.one(measure, alice, 1 << 61)
            #expect(ledger.reserve(reservation, at: .both(0)) == nil)
            let all = LimitCharge(outputTokens: .max)
            #expect(ledger.grow(reservation, to: all, force: true, at: .both(0)) == nil)
            reservation[0].actual = .max
            ledger.settle(reservation, at: .both(0))
        }
        #expect(ledger.peek(measure: measure, subject: alice, max: 1, at: .both(0)).used == 1 << 62)
        #expect(ledger.take(measure, 1, at: minute + second) == nil)
    }

    @Test func `a limit that is lowered holds at once, one that is raised too`() {
        let ledger = Ledger.small()
        func measure(_ max: UInt64) -> LimitMeasure { .test(1, .requests, .second, max: max) }
        for now in UInt64(0)..<5 { #expect(ledger.take(measure(5), at: now) == nil) }
        #expect(ledger.take(measure(2), at: 50) == .full(wait: second - 47))
        #expect(ledger.take(measure(8), at: 50) == nil)
    }

    @Test func `a limit that is edited to be kept in another way refills nothing`() {
        let ledger = Ledger.small()
        func measure(_ max: UInt64) -> LimitMeasure { .test(1, .requests, .minute, max: max) }
        let half = second / 2
        for turn in UInt64(0)..<5 { #expect(ledger.take(measure(5), at: turn * half) == nil) }
        // As slots of a second each.
        #expect(ledger.take(measure(20_000), at: 3 * second) == nil)
        #expect(ledger.peek(measure: measure(1), subject: alice, max: 1, at: .both(3 * second)).used == 6)
        // As a log again: each as late as it may have been.
        #expect(ledger.take(measure(6), at: 3 * second) == .full(wait: 58 * second - 1))
        #expect(ledger.take(measure(6), at: 61 * second - 2) == .full(wait: 1))
        #expect(ledger.take(measure(6), at: 61 * second - 1) == nil)
        #expect(ledger.take(measure(6), at: 61 * second - 1) == nil)
        #expect(ledger.take(measure(6), at: 61 * second - 1) == .full(wait: second))
    }

    @Test func `a request is taken back wherever it is kept by then`() {
        for (before, after) in [(UInt64(5), UInt64(5)), (20_000, 20_000), (5, 20_000), (20_000, 5)] {
            let ledger = Ledger.small()
            let measure = LimitMeasure.test(1, .requests, .minute, max: before)
            #expect(ledger.take(measure, at: second / 4) == nil)
            let held = Reservation.one(measure)
            #expect(ledger.reserve(held, at: .both(second / 2)) == nil)
            #expect(ledger.take(measure, at: 5 * second) == nil)
            let edited = LimitMeasure.test(1, .requests, .minute, max: after)
            #expect(ledger.take(edited, at: 6 * second) == nil)
            ledger.withdraw(held, at: .both(7 * second))
            #expect(ledger.peek(measure: edited, subject: alice, max: 1, at: .both(8 * second)).used == 3)
        }
    }

    @Test func `a shadow limit refuses nobody, counts whom it would, and its log has an end`() {
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, .requests, .minute, max: 2, isShadow: true)
        for turn in UInt64(0)..<10_050 { #expect(ledger.take(measure, at: turn) == nil) }
        #expect(measure.shadowed == 10_048 && measure.refused == 0)
        let stands = ledger.peek(measure: measure, subject: alice, max: 2, at: .both(20_000))
        #expect(stands.used == 10_050)
        #expect(ledger.take(measure, at: 2 * minute) == nil && measure.shadowed == 10_048)
    }
}
