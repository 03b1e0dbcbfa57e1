/// Decides which hash runs when, and which is refused at once because it would wait too long. Pure: no
/// thread and no clock; `HashPool` reports what happens.
///
/// Addresses take turns: the second hash of one comes after the first of every other. So whoever floods the
/// queue keeps nobody waiting for longer than one hash.
///
/// A hash is never refused while a thread has nothing to do. Else it must be expected to be done within
/// `doneWithin` in that order, by the average of the hashes before it; and one address has no more than
/// `waitingPerAddressMax` in the queue.
struct HashQueue<Job: Sendable>: Sendable {
    /// Nanoseconds. Why: with what the network and the store take, an answer is there within a second.
    static var doneWithin: UInt64 { 800_000_000 }
    /// Nanoseconds after which a job that has waited and not begun is not worth beginning: the estimate was
    /// wrong.
    static var overdueAfter: UInt64 { 900_000_000 }
    static var waitingPerAddressMax: Int { 4 }
    /// Until the first hash was measured.
    static var durationGuess: UInt64 { 100_000_000 }

    enum Admission: Equatable {
        case queued
        /// Seconds until there may be room.
        case refused(retryAfterSeconds: Int)
    }

    struct Taken {
        let job: Job
        /// It has waited too long: refuse it now instead of hashing.
        let isOverdue: Bool
    }

    private struct Entry: Sendable {
        let job: Job
        let source: HashSource
        let since: UInt64
        let turn: UInt64
    }

    let threads: Int
    private(set) var running = 0
    /// Nanoseconds of a hash, newer ones counting more.
    private(set) var duration = HashQueue.durationGuess
    private var hasMeasured = false
    /// As they came.
    private var waiting: [Entry] = []
    /// Of the job that was begun last.
    private var turn: UInt64 = 0
    /// Of sources that have had the current turn, or wait for a later one.
    private var lastTurns: [HashSource: UInt64] = [:]
    private var waitingBySource: [HashSource: Int] = [:]

    /// - Precondition: `threads` is at least 1.
    init(threads: Int) {
        precondition(threads >= 1, "somebody has to hash")
        self.threads = threads
    }

    /// When the first of those that wait becomes overdue; nil: nobody waits.
    var nextOverdueAt: UInt64? { waiting.first.map { $0.since + Self.overdueAfter } }

    /// - Parameter now: monotonic nanoseconds, as everywhere here.
    mutating func admit(_ job: Job, from source: HashSource, now: UInt64) -> Admission {
        let turn = max(self.turn, lastTurns[source].map { $0 + 1 } ?? 0)
        let ahead = running + waiting.count { $0.turn <= turn }
        let isIdle = running + waiting.count < threads
        let hasRoom =
            expectedNanoseconds(ahead: ahead + 1) <= Self.doneWithin
            && waitingBySource[source, default: 0] < Self.waitingPerAddressMax
        guard isIdle || hasRoom else { return .refused(retryAfterSeconds: secondsUntilRoom) }
        waiting.append(Entry(job: job, source: source, since: now, turn: turn))
        waitingBySource[source, default: 0] += 1
        lastTurns[source] = turn
        return .queued
    }

    /// A thread has time. What it is given counts as running until `finished`, overdue or not.
    mutating func take(now: UInt64) -> Taken? {
        // Of those with the same turn, the first: `min` keeps the order.
        guard let index = waiting.indices.min(by: { waiting[$0].turn < waiting[$1].turn }) else { return nil }
        let entry = removeWaiting(at: index)
        turn = max(turn, entry.turn)
        lastTurns = lastTurns.filter { $0.value >= turn }
        running += 1
        // Why the average: a job that cannot end in time any more need not begin either. An idle pool has
        // nothing to make up for.
        let hasWaited = now - min(now, entry.since)
        let isLate = hasWaited > duration && hasWaited + duration > Self.overdueAfter
        return Taken(job: entry.job, isOverdue: isLate || hasWaited > Self.overdueAfter)
    }

    /// Takes out those that have waited too long, although no thread has time to tell them.
    mutating func takeOverdue(now: UInt64) -> [Job] {
        var jobs: [Job] = []
        while let next = nextOverdueAt, next <= now { jobs.append(removeWaiting(at: 0).job) }
        return jobs
    }

    private mutating func removeWaiting(at index: Int) -> Entry {
        let entry = waiting.remove(at: index)
        let left = waitingBySource[entry.source, default: 1] - 1
        waitingBySource[entry.source] = left > 0 ? left : nil
        return entry
    }

    /// - Parameter nanoseconds: how long the hash took; nil: it was not begun.
    mutating func finished(nanoseconds: UInt64?) {
        running -= 1
        guard let nanoseconds else { return }
        duration = hasMeasured ? (duration * 7 + nanoseconds) / 8 : nanoseconds
        hasMeasured = true
    }

    /// For those that will not run any more.
    mutating func takeRest() -> [Job] {
        defer {
            waiting = []
            waitingBySource = [:]
            lastTurns = [:]
        }
        return waiting.map(\.job)
    }

    /// Until so many, those that run among them, are done.
    private func expectedNanoseconds(ahead count: Int) -> UInt64 {
        duration * UInt64(count) / UInt64(threads)
    }

    private var secondsUntilRoom: Int {
        let wait = expectedNanoseconds(ahead: running + waiting.count)
        return max(1, Int((wait + 999_999_999) / 1_000_000_000))
    }
}

/// Whom a hash is for, as far as fairness goes: one IPv4 address, or the /64 that a site has of IPv6.
struct HashSource: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    init(_ address: PeerAddress) {
        high = address.high
        // IPv4 stands mapped below `::ffff:0:0/96`.
        low = address.high == 0 && address.low >> 32 == 0xFFFF ? address.low : 0
    }
}
