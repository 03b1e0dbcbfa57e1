import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct LedgerRaceTests {
    @Test func `of many threads that want one subject, as many as the limit come in within any window`() async
    {
        let ledger = Ledger()
        let measure = LimitMeasure.test(1, .requests, .second, max: 100)
        for round in UInt64(0)..<20 {
            let admitted = Locked(0)
            await withTaskGroup(of: Void.self) { group in
                for thread in UInt64(0)..<4 {
                    group.addTask {
                        // All within one window, each with its own idea of the time.
                        for turn in UInt64(0)..<60 {
                            let now = (round + 1) * 2 * second + (turn * 7 + thread) * 1000
                            guard ledger.take(measure, at: now) == nil else { continue }
                            admitted.withLock { $0 += 1 }
                        }
                    }
                }
            }
            #expect(admitted.withLock { $0 } == 100, "round \(round)")
        }
    }

    @Test func `what runs at once never exceeds the limit, whoever locks first`() async {
        let ledger = Ledger(shardCount: 8)
        let running = LimitMeasure.test(1, .concurrent, .none, max: 3)
        let tokens = LimitMeasure.test(2, .tokens, .hour, max: 1_000_000)
        let now = LimitTime.both(second)
        let inside = Locked(0)
        let most = Locked(0)
        await withTaskGroup(of: Void.self) { group in
            for thread in UInt64(0)..<4 {
                group.addTask {
                    let reservation = Reservation()
                    for turn in UInt64(0)..<500 {
                        reservation.reset()
                        reservation.add(running, .test(0), amount: 1)
                        // The subjects in the opposite order of the other threads'.
                        let first = (turn &* 7) % 16 + 1
                        let order = thread % 2 == 0 ? [first, first + 1] : [first + 1, first]
                        for subject in order { reservation.add(tokens, .test(subject), amount: 3) }
                        guard ledger.reserve(reservation, at: now) == nil else { continue }
                        let count = inside.withLock {
                            $0 += 1
                            return $0
                        }
                        most.withLock { $0 = max($0, count) }
                        for index in 1...2 { reservation[index].actual = 2 }
                        inside.withLock { $0 -= 1 }
                        if turn % 5 == 0 {
                            ledger.withdraw(reservation, at: now)
                        } else {
                            ledger.settle(reservation, at: now)
                        }
                    }
                }
            }
            group.addTask { for _ in 0..<50 { _ = ledger.takeChanges(max: 10) } }
        }
        #expect(most.withLock { $0 } <= 3)
        #expect(ledger.peek(measure: running, subject: .test(0), max: 3, at: now).used == 0)
        let used = (UInt64(1)...17).map {
            ledger.peek(measure: tokens, subject: .test($0), max: 1, at: now).used
        }
        #expect(used.allSatisfy { $0 % 2 == 0 } && used.reduce(0, +) > 0)
    }
}
