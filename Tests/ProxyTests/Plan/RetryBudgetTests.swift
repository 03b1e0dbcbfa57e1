import Testing

@testable import Proxy

private let start: UInt64 = 1_000 * second

@Suite(.tags(.fast)) struct RetryBudgetTests {
    /// How many of a great many repetitions at that moment get through.
    private func taken(_ budget: RetryBudget, at now: UInt64) -> Int {
        (0..<500).count { _ in budget.take(now: now) }
    }

    @Test(
        arguments: [
            (0, 1000, 0), (20, 0, 0), (20, 4, 0), (20, 5, 1), (20, 100, 20), (20, 500, 100),
            (20, 1_000_000, 100), (100, 7, 7), (1, 99, 0), (1, 100, 1), (-5, 100, 0),
        ] as [(Int, Int, Int)])
    func `requests add their part of a token, up to a bound, and ten a second are free`(
        percent: Int, requests: Int, taken: Int
    ) {
        let budget = RetryBudget(percent: percent)
        for _ in 0..<requests { budget.noteRequest() }
        #expect(self.taken(budget, at: start) == taken + 10)
        #expect(
            budget.figures == RetryBudget.Figures(taken: UInt64(taken) + 10, refused: 490 - UInt64(taken)))
    }

    @Test func `what is free comes back with time, a tenth of a second each`() {
        let budget = RetryBudget(percent: 20)
        #expect(taken(budget, at: start) == 10)
        #expect(taken(budget, at: start + second / 10 - 1) == 0)
        #expect(taken(budget, at: start + second / 10) == 1)
        #expect(taken(budget, at: start + second / 2) == 4)
        #expect(taken(budget, at: start + 100 * second) == 10)
        // Another worker's clock may be a little behind.
        #expect(taken(budget, at: start + 99 * second) == 0)
    }

    @Test func `another percentage holds at once, and keeps what there is`() {
        let budget = RetryBudget(percent: 100)
        for _ in 0..<10 { budget.noteRequest() }
        budget.setPercent(50)
        for _ in 0..<10 { budget.noteRequest() }
        #expect(taken(budget, at: start) == 25)
        budget.setPercent(0)
        for _ in 0..<1000 { budget.noteRequest() }
        #expect(taken(budget, at: start) == 0)
    }

    @Test func `times at the end of all time trap nothing`() {
        let budget = RetryBudget(percent: 0)
        #expect(budget.take(now: 0))
        _ = budget.take(now: .max)
        _ = budget.take(now: .max)
        _ = budget.take(now: 0)
    }

    @Test(arguments: UInt64(1)...40)
    func `it is what a plain model says`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let percent = Int.random(in: 0...100, using: &random)
        let budget = RetryBudget(percent: percent)
        var (tokens, free, now) = (0, UInt64(10) * 100_000_000, start)
        for step in 0..<2000 {
            let passed = UInt64.random(in: 0...80_000_000, using: &random)
            now += passed
            free = min(free + passed, second)
            if Int.random(in: 0..<3, using: &random) == 0 {
                let expected = free >= 100_000_000 || tokens >= 100
                if free >= 100_000_000 { free -= 100_000_000 } else if expected { tokens -= 100 }
                #expect(budget.take(now: now) == expected, "seed \(seed), step \(step)")
            } else {
                budget.noteRequest()
                tokens = min(tokens + percent, 10_000)
            }
        }
    }

    @Test func `many workers at once take no more than there is`() async {
        let budget = RetryBudget(percent: 20)
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    // 4 · 500 requests of a fifth of a token each, and twice as many who want one.
                    (0..<1000).count { round in
                        if round % 2 == 0 { budget.noteRequest() }
                        return budget.take(now: start)
                    }
                }
            }
            return await group.reduce(0, +)
        }
        let rest = (0..<500).count { _ in budget.take(now: start) }
        #expect(taken + rest == 400 + 10)
        #expect(budget.figures == RetryBudget.Figures(taken: 410, refused: 4500 - 410))
    }
}
