/// When which endpoint is asked: each `every`, a little early now and then, so that they spread; no more than
/// `runningMax` at once.
///
/// Pure: times come in as monotonic nanoseconds, chance as a fraction.
struct HealthCheckSchedule {
    static let runningMax = 16
    /// Nanoseconds within which those that are new are first asked: what is dead is to be known soon.
    static let firstWithin: UInt64 = 1_000_000_000

    private struct Entry {
        var every: UInt64
        var nextAt: UInt64
        var isRunning = false
        var isNew = true
    }

    private var entries: [HealthCheck.Key: Entry] = [:]
    /// Of those that have been taken out meanwhile as well.
    private(set) var running = 0

    /// From now on these. Those that stay keep their time, unless they are to be asked sooner.
    /// - Parameter chance: 0 to 1, one for each that is new.
    mutating func keep(_ wanted: [HealthCheck.Key: UInt64], now: UInt64, chance: () -> Double) {
        entries = entries.filter { wanted[$0.key] != nil }
        for (key, every) in wanted {
            guard let known = entries[key] else {
                let within = Double(min(every, HealthCheckSchedule.firstWithin))
                entries[key] = Entry(
                    every: every, nextAt: now.addingSaturating(UInt64(within * fraction(chance()))))
                continue
            }
            entries[key]?.every = every
            entries[key]?.nextAt = min(known.nextAt, now.addingSaturating(every))
        }
    }

    /// Those that are to be asked now, the longest overdue first. Each ends with `finished`.
    mutating func takeDue(now: UInt64) -> [HealthCheck.Key] {
        let due = entries.filter { !$0.value.isRunning && $0.value.nextAt <= now }
            .sorted { $0.value.nextAt < $1.value.nextAt }
            .prefix(HealthCheckSchedule.runningMax - running).map(\.key)
        for key in due { entries[key]?.isRunning = true }
        running += due.count
        return due
    }

    /// - Parameter chance: 0 to 1; takes up to a tenth off the pause, of the first one up to half.
    /// - Returns: false: nobody wants to know any more.
    mutating func finished(_ key: HealthCheck.Key, now: UInt64, chance: Double) -> Bool {
        running -= 1
        guard let entry = entries[key], entry.isRunning else { return false }
        let most = Double(entry.every) * (entry.isNew ? 0.5 : 0.1)
        let pause = entry.every - min(entry.every, UInt64(most * fraction(chance)))
        entries[key] = Entry(every: entry.every, nextAt: now.addingSaturating(pause), isNew: false)
        return true
    }

    /// When `takeDue` has something to give again; nil: not before one of those that run has finished, or
    /// never.
    var nextAt: UInt64? {
        guard running < HealthCheckSchedule.runningMax else { return nil }
        return entries.values.filter { !$0.isRunning }.map(\.nextAt).min()
    }

    private func fraction(_ chance: Double) -> Double { min(max(chance, 0), 1) }
}
