import Testing

@testable import Proxy

@Test func `what is more than may wait is dropped, and all else is done`() {
    let pool = FetchPool(threadsMax: 2, waitingMax: 5)
    let isHeld = Locked(true)
    let counts = Locked((begun: 0, done: 0, dropped: 0))
    func add() {
        pool.perform(
            FetchPool.Job(
                work: {
                    counts.withLock { $0.begun += 1 }
                    #expect(eventually { !isHeld.withLock { $0 } })
                    counts.withLock { $0.done += 1 }
                }, dropped: { counts.withLock { $0.dropped += 1 } }))
    }
    add()
    add()
    #expect(eventually { counts.withLock { $0.begun } == 2 })
    for _ in 0..<8 { add() }
    #expect(counts.withLock { $0.dropped } == 3)
    isHeld.withLock { $0 = false }
    #expect(eventually { counts.withLock { $0.done } == 7 })
    // Threads that have ended begin anew.
    add()
    #expect(eventually { counts.withLock { $0.done } == 8 })
}
