import Glibc
import Testing

@testable import Proxy

@Suite struct ExchangeCensusTests {
    /// Has the control thread's part in it, until there are so many answers.
    private func turn(_ pool: WorkerPool, _ census: ExchangeCensus, until isEnough: () -> Bool) -> Bool {
        eventually {
            pool.bell.silence()
            census.workersMoved()
            return isEnough()
        }
    }

    @Test func `without workers the answer is there at once`() throws {
        let census = ExchangeCensus(workers: try WorkerPool(), loop: try ControlLoop())
        var answers: [RunningExchanges] = []
        census.take { answers.append($0) }
        #expect(answers.count == 1 && answers[0].count == 0 && answers[0].isComplete)
    }

    @Test func `everybody who asks is answered once, when all workers have answered`() throws {
        let pool = try WorkerPool()
        let loop = try ControlLoop()
        try pool.start(count: 3, bodyBytesMax: 1 << 20)
        let census = ExchangeCensus(workers: pool, loop: loop)
        var answers = 0
        for _ in 0..<5 { census.take { if $0.isComplete { answers += 1 } } }
        #expect(turn(pool, census) { answers == 5 })
        #expect(!loop.isRunning(.censusOverdue))
        #expect(pool.handles.allSatisfy { handle in handle.census.withLock { $0 == nil } })
        census.timedOut()
        #expect(answers == 5)
        pool.post(.drain(deadline: 0))
        #expect(turn(pool, census) { pool.haveFinished })
        census.take { _ in answers += 1 }
        #expect(answers == 6, "who has finished is not waited for")
    }

    @Test func `who is late is not waited for, and the answer says so`() throws {
        let pool = try WorkerPool()
        let loop = try ControlLoop()
        try pool.start(count: 1, bodyBytesMax: 1 << 20)
        let census = ExchangeCensus(workers: pool, loop: loop)
        var complete: [Bool] = []
        census.take { complete.append($0.isComplete) }
        // Control has not heard of the answer.
        if complete.isEmpty { census.timedOut() }
        #expect(complete == [false] || complete == [true])
        #expect(!loop.isRunning(.censusOverdue))
        pool.post(.drain(deadline: 0))
        #expect(turn(pool, census) { pool.haveFinished })
    }
}
