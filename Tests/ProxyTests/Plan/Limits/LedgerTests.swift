import Synchronization
import Testing

@testable import Proxy

// Covers Ledger+Entries.swift, LedgerShard.swift

private let alice = LimitSubject.test(1)
private let bob = LimitSubject.test(2)

@Suite(.tags(.fast)) struct LedgerTests {
    /// S4-38, S4-43, C10: it slides, and what was refused is not counted.
    @Test func `as many requests as the limit come in within any window, and the next waits for the oldest`()
    {
        let ledger = Ledger()
        let measure = LimitMeasure.test(1, .requests, .second, max: 3)
        for (now, expected) in [
            (UInt64(100), LimitRefusal.Reason?.none), (110, nil), (150, nil),
            (160, .full(wait: second - 60)), (second + 99, .full(wait: 1)),
            // Refused ones did not count: one place is free as soon as the oldest has left.
            (second + 100, nil), (second + 100, .full(wait: 10)), (second + 111, nil), (5 * second, nil),
        ] {
            #expect(ledger.take(measure, at: now) == expected, "at \(now)")
        }
        #expect(ledger.take(measure, 1, bob, at: 160) == nil)
    }

    @Test func `what is admitted says how its subject stands`() {
        let ledger = Ledger()
        let requests = LimitMeasure.test(1, .requests, .minute, max: 3)
        let tokens = LimitMeasure.test(2, .tokens, .minute, max: 1000)
        let running = LimitMeasure.test(3, .concurrent, .none, max: 2)
        let first = Reservation()
        for (measure, amount) in [(requests, 1), (tokens, 100), (running, 1)] {
            first.add(measure, alice, amount: UInt64(amount))
        }
        #expect(ledger.reserve(first, at: .both(10 * second)) == nil)
        #expect(first.isHeld && first[0].admittedAt == 10 * second)
        #expect((0..<3).map { first[$0].used } == [1, 100, 1])
        #expect((0..<3).map { first[$0].remaining } == [2, 900, 1])
        // What is reserved counts as though it were settled now, in sub-windows of a second.
        #expect((0..<3).map { first[$0].nextIn } == [minute, minute + second, 0])
        #expect((0..<3).map { first[$0].emptyIn } == [minute, minute + second, 0])
        first[1].actual = 70
        ledger.settle(first, at: .both(12 * second))
        #expect(!first.isHeld)
        first.reset()
        for (measure, amount) in [(requests, 1), (tokens, 30), (running, 1)] {
            first.add(measure, alice, amount: UInt64(amount))
        }
        #expect(ledger.reserve(first, at: .both(20 * second)) == nil)
        #expect((0..<3).map { first[$0].used } == [2, 100, 1])
        #expect((0..<3).map { first[$0].nextIn } == [50 * second, 53 * second, 0])
        #expect((0..<3).map { first[$0].emptyIn } == [minute, 61 * second, 0])
        ledger.withdraw(first, at: .both(21 * second))
        let peeked = ledger.peek(measure: tokens, subject: alice, max: 1000, at: .both(21 * second))
        #expect(peeked == (70, 52 * second, 52 * second))
        #expect(ledger.peek(measure: requests, subject: alice, max: 3, at: .both(21 * second)).used == 1)
        #expect(ledger.peek(measure: running, subject: alice, max: 2, at: .both(21 * second)).used == 0)
        #expect(ledger.peek(measure: running, subject: bob, max: 2, at: .both(0)) == (0, 0, 0))
    }

    @Test func `every entry is booked or none, and the one that has to be waited for longest is named`() {
        let ledger = Ledger()
        let bySecond = LimitMeasure.test(1, .requests, .second, max: 1)
        let byMinute = LimitMeasure.test(2, .requests, .minute, max: 1)
        let tokens = LimitMeasure.test(3, .tokens, .minute, max: 100)
        let all = Reservation()
        all.add(tokens, bob, amount: 10)
        all.add(bySecond, alice, amount: 1)
        all.add(byMinute, alice, amount: 1)
        #expect(ledger.use(bySecond, at: second) == nil)
        #expect(ledger.probe(all, at: .both(second)) == LimitRefusal(entry: 1, reason: .full(wait: second)))
        #expect(ledger.use(byMinute, at: second) == nil)
        #expect(ledger.reserve(all, at: .both(second)) == LimitRefusal(entry: 2, reason: .full(wait: minute)))
        #expect(!all.isHeld && all[0].used == 0 && all[1].used == 1 && all[2].nextIn == minute)
        #expect(bySecond.refused == 1 && byMinute.refused == 1 && tokens.refused == 0)
        all[0].reserved = 101
        #expect(ledger.reserve(all, at: .both(second)) == LimitRefusal(entry: 0, reason: .tooLarge))
        #expect(ledger.peek(measure: tokens, subject: bob, max: 100, at: .both(second)).used == 0)
        #expect(ledger.take(tokens, 100, bob, at: second) == nil)
    }
}
