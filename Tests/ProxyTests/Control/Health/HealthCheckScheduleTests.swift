import Testing

@testable import Proxy

private func key(_ number: Int) -> HealthCheck.Key {
    HealthCheck.Key(upstream: "u", endpoint: number, url: "/")
}

private func keys(_ numbers: ClosedRange<Int>, every: UInt64) -> [HealthCheck.Key: UInt64] {
    Dictionary(uniqueKeysWithValues: numbers.map { (key($0), every) })
}

@Suite(.tags(.fast)) struct HealthCheckScheduleTests {
    @Test func `new ones are asked within a second, wherever chance puts them`() {
        var schedule = HealthCheckSchedule()
        var chances = [0.0, 0.5, 1.0].makeIterator()
        schedule.keep(keys(1...3, every: 10 * second), now: 100) { chances.next() ?? 0 }
        #expect(schedule.takeDue(now: 100).count == 1)
        #expect(schedule.nextAt == 100 + second / 2)
        #expect(schedule.takeDue(now: 100 + second / 2).count == 1)
        #expect(schedule.takeDue(now: 100 + second).count == 1 && schedule.nextAt == nil)
        var soon = HealthCheckSchedule()
        soon.keep(keys(1...1, every: 50), now: 100) { 1 }
        #expect(soon.nextAt == 150)
    }

    @Test func `the first pause is cut by up to half, each later one by up to a tenth`() {
        var schedule = HealthCheckSchedule()
        schedule.keep(keys(1...1, every: 1000), now: 0) { 0 }
        for (now, chance, next) in [(0, 1.0, 500), (500, 1, 1400), (1400, 0, 2400), (2400, 7, 3300)] {
            #expect(schedule.takeDue(now: UInt64(now)) == [key(1)])
            #expect(schedule.takeDue(now: .max - 1000).isEmpty)
            let isWanted = schedule.finished(key(1), now: UInt64(now), chance: chance)
            #expect(isWanted && schedule.nextAt == UInt64(next))
        }
    }

    @Test func `no more run at once than may, and the longest overdue goes first`() {
        var schedule = HealthCheckSchedule()
        var chance = 0.0
        schedule.keep(keys(1...40, every: second), now: 0) {
            chance += 0.01
            return chance
        }
        let first = schedule.takeDue(now: second)
        #expect(first.count == 16 && schedule.running == 16 && schedule.nextAt == nil)
        #expect(schedule.takeDue(now: second).isEmpty)
        let isWanted = schedule.finished(first[0], now: second, chance: 0)
        #expect(isWanted)
        let next = schedule.takeDue(now: 10 * second)
        #expect(next.count == 1 && !first.contains(next[0]))
    }

    @Test func `a reload keeps the times of those that stay`() {
        var schedule = HealthCheckSchedule()
        schedule.keep(keys(1...2, every: 10 * second), now: 0) { 0 }
        for key in schedule.takeDue(now: 0) { _ = schedule.finished(key, now: 0, chance: 0) }
        schedule.keep(keys(2...3, every: 10 * second), now: 4 * second) { 1 }
        #expect(schedule.takeDue(now: 5 * second) == [key(3)])
        #expect(schedule.takeDue(now: 10 * second) == [key(2)])
        // More often from now on.
        _ = schedule.finished(key(2), now: 10 * second, chance: 0)
        schedule.keep(keys(2...2, every: second), now: 11 * second) { 0 }
        #expect(schedule.nextAt == 12 * second)
    }

    @Test func `what is no longer wanted counts until it has ended, and is not looked at`() {
        var schedule = HealthCheckSchedule()
        schedule.keep(keys(1...1, every: second), now: 0) { 0 }
        #expect(schedule.takeDue(now: 0) == [key(1)])
        schedule.keep([:], now: 1) { 0 }
        #expect(schedule.running == 1 && schedule.nextAt == nil)
        schedule.keep(keys(1...1, every: second), now: 2) { 0 }
        let isWanted = schedule.finished(key(1), now: 3, chance: 0)
        #expect(!isWanted && schedule.running == 0 && schedule.nextAt == 2)
    }
}
