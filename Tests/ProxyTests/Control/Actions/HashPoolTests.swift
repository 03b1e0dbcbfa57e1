import CLinux
import Glibc
import Synchronization
import Testing

@testable import Proxy

private let address = PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 1, isUnix: false)

/// Of the calling thread.
private func niceness() -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }

private func other(_ number: UInt64) -> PeerAddress {
    PeerAddress(high: 0, low: 0xFFFF_0A00_0000 | number, port: 1, isUnix: false)
}

/// What became of jobs, and when.
private final class Outcomes: Sendable {
    let done = Locked<[UInt64]>([])
    let overdue = Locked<[UInt64]>([])

    func job(_ work: @escaping @Sendable () -> Void) -> HashPool.Job {
        HashPool.Job { [self] in
            work()
            return { [self] in done.withLock { $0.append(headgate_monotonic_ns()) } }
        } overdue: { [self] in
            overdue.withLock { $0.append(headgate_monotonic_ns()) }
        }
    }

    var doneCount: Int { done.withLock { $0.count } }
    var overdueCount: Int { overdue.withLock { $0.count } }
}

@Suite struct HashPoolTests {
    @Test func `jobs run on threads of low priority`() {
        let pool = HashPool(threads: 1)
        let outcomes = Outcomes()
        let priority = Locked<Int32?>(nil)
        let job = outcomes.job {
            let nice = niceness()
            priority.withLock { $0 = nice }
        }
        #expect(pool.perform(for: address, job) == nil)
        #expect(eventually { outcomes.doneCount == 1 })
        #expect(priority.withLock { $0 } == 19)
        #expect(niceness() != 19)
    }

    @Test func `500 jobs at once use the second that there is, and each is answered within it`() throws {
        let pool = HashPool(threads: 1)
        let outcomes = Outcomes()
        let refused = Atomic(0)
        let start = headgate_monotonic_ns()
        let threads = try (0..<4).map { thread in
            try TestThread {
                for number in 0..<125 {
                    let from = number % 5 == 0 ? other(UInt64(thread * 1000 + number)) : address
                    let job = outcomes.job { poll(nil, 0, 50) }
                    if pool.perform(for: from, job) != nil { refused.add(1, ordering: .relaxed) }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(
            eventually {
                outcomes.doneCount + outcomes.overdueCount + refused.load(ordering: .relaxed) == 500
            })
        // 50 ms each: 17 fit.
        #expect(outcomes.doneCount >= 10)
        let slowest = (outcomes.done.withLock { $0 } + outcomes.overdue.withLock { $0 }).max() ?? .max
        #expect(slowest - start < 1_000_000_000)
    }

    @Test func `whoever waits for a thread that is held up is told in time, and so is who comes then`() {
        let pool = HashPool(threads: 1)
        let (held, outcomes) = (Locked(true), Outcomes())
        defer { held.withLock { $0 = false } }
        let isRunning = Atomic(false)
        let holding = outcomes.job {
            isRunning.store(true, ordering: .releasing)
            while held.withLock({ $0 }) { poll(nil, 0, 1) }
        }
        #expect(pool.perform(for: address, holding) == nil)
        #expect(eventually { isRunning.load(ordering: .acquiring) })
        let start = headgate_monotonic_ns()
        let came = start - 300_000_000
        #expect(pool.perform(for: other(1), outcomes.job {}) == nil)
        #expect(pool.perform(for: other(2), arrival: came, outcomes.job {}) == nil)
        #expect(eventually { outcomes.overdueCount == 2 })
        let ends = outcomes.overdue.withLock { $0 }
        #expect(ends[0] - came >= 900_000_000 && ends[0] - came < 1_100_000_000)
        #expect(ends[1] - start >= 900_000_000 && ends[1] - start < 1_100_000_000)
        // The one that holds the thread up was begun at once: it is let finish.
        held.withLock { $0 = false }
        #expect(eventually { outcomes.doneCount == 1 })
        #expect(outcomes.overdueCount == 2)
    }

    @Test func `jobs of a pool that goes are told`() {
        let (held, outcomes) = (Locked(true), Outcomes())
        var pool: HashPool? = HashPool(threads: 1)
        let isRunning = Atomic(false)
        let holding = outcomes.job {
            isRunning.store(true, ordering: .releasing)
            while held.withLock({ $0 }) { poll(nil, 0, 1) }
        }
        #expect(pool?.perform(for: address, holding) == nil)
        #expect(eventually { isRunning.load(ordering: .acquiring) })
        for _ in 0..<2 { #expect(pool?.perform(for: address, outcomes.job {}) == nil) }
        pool = nil
        #expect(outcomes.overdueCount == 2)
        held.withLock { $0 = false }
        #expect(eventually { outcomes.doneCount == 1 })
    }
}
