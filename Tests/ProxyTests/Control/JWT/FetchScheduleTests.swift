import Testing

@testable import Proxy

private let nsPerSecond: UInt64 = 1_000_000_000

@Test func `a set is fetched at once, and then after each refresh`() {
    var schedule = FetchSchedule(refresh: 3600 * nsPerSecond)
    #expect(schedule.nextAt == 0)
    schedule.succeeded(now: 100 * nsPerSecond, chance: 0)
    #expect(schedule.nextAt == 3700 * nsPerSecond)
    schedule.succeeded(now: 100 * nsPerSecond, chance: 1)
    #expect(schedule.nextAt == 3340 * nsPerSecond)
}

@Test func `pauses grow while it fails, up to a minute, and begin anew`() {
    var schedule = FetchSchedule(refresh: 3600 * nsPerSecond)
    let pauses = (0..<9).map { _ in
        schedule.failed(now: 0, chance: 0)
        return schedule.nextAt / nsPerSecond
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    schedule.succeeded(now: 0, chance: 0)
    schedule.failed(now: 0, chance: 1)
    #expect(schedule.nextAt == nsPerSecond / 2)
}

@Test func `a pause is never longer than the refresh`() {
    var schedule = FetchSchedule(refresh: 5 * nsPerSecond)
    for _ in 0..<5 { schedule.failed(now: 0, chance: 0) }
    #expect(schedule.nextAt == 5 * nsPerSecond)
}

@Test func `a key that is wanted is looked for at once, but once in ten seconds`() {
    var schedule = FetchSchedule(refresh: 3600 * nsPerSecond)
    schedule.succeeded(now: 0, chance: 0)
    let first = schedule.force(now: 20 * nsPerSecond)
    #expect(first)
    #expect(schedule.nextAt == 20 * nsPerSecond)
    schedule.failed(now: 21 * nsPerSecond, chance: 0)
    let (early, late) = (schedule.force(now: 30 * nsPerSecond - 1), schedule.force(now: 30 * nsPerSecond))
    #expect(!early && late)
}
