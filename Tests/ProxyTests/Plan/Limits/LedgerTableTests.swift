import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct LedgerTableTests {
    @Test func `who is forgotten, found again and who stays are told apart`() {
        var random = SeededGenerator(seed: 3)
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, .requests, .second, max: 1)
        var last: [UInt64: UInt64] = [:]
        for step in UInt64(0)..<10_000 {
            let low = UInt64.random(in: 0..<300, using: &random)
            let now = step * second / 500
            let isFree = last[low].map { $0 + second <= now } ?? true
            #expect((ledger.take(measure, 1, .test(low), at: now) == nil) == isFree, "step \(step)")
            if isFree { last[low] = now }
        }
        #expect(ledger.subjectCount <= 300)
    }

    @Test func `whoever comes no more is forgotten, and what is reserved is not`() {
        let ledger = Ledger()
        let measure = LimitMeasure.test(1, .requests, .second, max: 2)
        let running = LimitMeasure.test(2, .concurrent, .none, max: 1)
        let held = (UInt64(0)..<10).map { Reservation.one(running, .test($0)) }
        for reservation in held { #expect(ledger.reserve(reservation, at: .both(0)) == nil) }
        for round in UInt64(0)..<30 {
            for number in UInt64(0)..<1000 {
                _ = ledger.take(measure, 1, .test(1000 + round * 1000 + number), at: round * 2 * second)
            }
            #expect(ledger.subjectCount <= 2200, "round \(round)")
        }
        for number in UInt64(0)..<10 {
            #expect(ledger.take(running, 1, .test(number), at: minute) == .full(wait: 0))
        }
        for reservation in held { ledger.settle(reservation, at: .both(minute)) }
        #expect(ledger.take(running, 1, .test(3), at: minute) == nil)
    }

    @Test func `a subject with one request costs less than 100 bytes`() {
        #expect(MemoryLayout<LedgerBucket>.size == 64)
        // With its place in a table that is at least three eighths full: 75 in all.
        #expect(MemoryLayout<LedgerBucket>.stride + 4 * 8 / 3 < 100)
        var bucket = LedgerBucket(subject: .test(1), measureID: 1, kind: .log, period: .minute)
        var clock = LedgerClock()
        _ = clock.advance(to: .both(minute))
        let loggedAt = bucket.log(clock.logWindow(of: .minute))
        #expect(loggedAt == minute)
        #expect(bucket.capacity == 0 && bucket.count == 1)
        for _ in 0..<299 { _ = bucket.log(clock.logWindow(of: .minute)) }
        #expect(bucket.capacity == 511)
        // A large ring is given back when nothing is in it.
        _ = clock.advance(to: .both(2 * minute))
        bucket.expire(clock.logWindow(of: .minute))
        #expect(bucket.capacity == 0 && bucket.used == 0 && bucket.isOver(at: clock))
    }

    @Test func `a ledger that is full takes no new subject until others have left`() {
        let ledger = Ledger.small(subjectsMax: 3)
        let measure = LimitMeasure.test(1, .requests, .second, max: 2)
        let shadow = LimitMeasure.test(2, .requests, .second, max: 2, isShadow: true)
        for number in UInt64(0)..<3 { #expect(ledger.take(measure, 1, .test(number), at: 0) == nil) }
        #expect(ledger.take(measure, 1, .test(4), at: 0) == .tooManySubjects)
        #expect(measure.refused == 1)
        #expect(ledger.take(measure, 1, .test(2), at: 0) == nil)
        // A shadow limit refuses nobody, and keeps nothing of whom there is no room for.
        let reservation = Reservation.one(shadow, .test(5))
        #expect(ledger.reserve(reservation, at: .both(0)) == nil && shadow.shadowed == 1)
        ledger.withdraw(reservation, at: .both(0))
        #expect(ledger.subjectCount == 3)
        for number in UInt64(10)..<20 { _ = ledger.take(measure, 1, .test(number), at: 2 * second) }
        #expect(ledger.take(measure, 1, .test(20), at: 4 * second) == nil && ledger.subjectCount <= 3)
    }

    @Test func `tokens of which none were reserved are booked though their subject was forgotten`() {
        let ledger = Ledger.small()
        let measure = LimitMeasure.test(1, .tokens, .minute, max: 10)
        let reservation = Reservation.one(measure, .test(1), 0)
        #expect(ledger.reserve(reservation, at: .both(0)) == nil)
        for number in UInt64(2)..<9 { #expect(ledger.take(measure, 1, .test(number), at: 0) == nil) }
        reservation[0].actual = 11
        ledger.settle(reservation, at: .both(0))
        #expect(ledger.take(measure, 1, .test(1), at: 0) == .full(wait: 61 * second))
        #expect(measure.worstOvershoot == 1)
    }
}
