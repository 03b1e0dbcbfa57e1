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

@Suite struct HashPoolTests {
    @Test func `jobs run on threads of low priority`() {
        let pool = HashPool(threads: 1)
        let priority = Locked<Int32?>(nil)
        #expect(
            pool.perform(for: address) { turn in
                guard case .run = turn else { return }
                let nice = niceness()
                priority.withLock { $0 = nice }
            } == nil)
        #expect(eventually { priority.withLock { $0 } != nil })
        #expect(priority.withLock { $0 } == 19)
        #expect(niceness() != 19)
    }

    @Test func `each of 500 jobs at once is answered within a second`() throws {
        let pool = HashPool(threads: 1)
        let ends = Locked<[UInt64]>([])
        let runs = Atomic(0)
        let start = headgate_monotonic_ns()
        let threads = try (0..<4).map { thread in
            try TestThread {
                for number in 0..<125 {
                    let from = number % 5 == 0 ? other(UInt64(thread * 1000 + number)) : address
                    let refused = pool.perform(for: from) { turn in
                        if case .run = turn {
                            runs.add(1, ordering: .relaxed)
                            poll(nil, 0, 50)
                        }
                        ends.withLock { $0.append(headgate_monotonic_ns()) }
                    }
                    if refused != nil { ends.withLock { $0.append(headgate_monotonic_ns()) } }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(eventually { ends.withLock { $0.count } == 500 })
        let slowest = ends.withLock { $0.max() } ?? .max
        #expect(slowest - start < 1_000_000_000)
        #expect(runs.load(ordering: .relaxed) >= 5)
    }

    @Test func `a job that no thread comes for is told within a second`() {
        let pool = HashPool(threads: 1)
        let held = Locked(true)
        let isRunning = Atomic(false)
        #expect(
            pool.perform(for: address) { _ in
                isRunning.store(true, ordering: .releasing)
                while held.withLock({ $0 }) { poll(nil, 0, 1) }
            } == nil)
        #expect(eventually { isRunning.load(ordering: .acquiring) })
        let told = Locked<UInt64?>(nil)
        let start = headgate_monotonic_ns()
        #expect(
            pool.perform(for: other(1)) { turn in
                guard case .overdue = turn else { return }
                told.withLock { $0 = headgate_monotonic_ns() }
            } == nil)
        #expect(eventually { told.withLock { $0 } != nil })
        #expect((told.withLock { $0 } ?? .max) - start < 1_200_000_000)
        held.withLock { $0 = false }
    }

    @Test func `jobs of a pool that goes are told`() {
        let held = Locked(true)
        let overdue = Atomic(0)
        var pool: HashPool? = HashPool(threads: 1)
        let isRunning = Atomic(false)
        #expect(
            pool?.perform(for: address) { _ in
                isRunning.store(true, ordering: .releasing)
                while held.withLock({ $0 }) { poll(nil, 0, 1) }
            } == nil)
        #expect(eventually { isRunning.load(ordering: .acquiring) })
        for _ in 0..<2 {
            let refused = pool?.perform(for: address) { turn in
                if case .overdue = turn { overdue.add(1, ordering: .relaxed) }
            }
            #expect(refused == nil)
        }
        pool = nil
        #expect(overdue.load(ordering: .relaxed) == 2)
        held.withLock { $0 = false }
    }
}
