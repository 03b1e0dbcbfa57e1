/// Decides which hash runs when, and which is refused because it would wait too long. Pure: no thread and no
/// clock; `HashPool` reports what happens.
///
/// Sources take turns: the next job of one comes after the first of each other. Where more wait than can be
/// done within `doneWithin`, the last in that order is refused: whoever floods the queue takes no place from
/// anybody else. A hash is never refused while a thread has nothing to do.
struct HashQueue<Job: Sendable>: Sendable {
    /// Nanoseconds. Why: with what the network and the store take, an answer is there within a second.
    static var doneWithin: UInt64 { 850_000_000 }
    /// Nanoseconds after which a job is refused that is still not done: the estimate was wrong.
    static var overdueAfter: UInt64 { 900_000_000 }
    /// Nanoseconds within which a job counts as begun at once. It may take as long as it takes: waiting for
    /// others is not why.
    static var begunAtOnceWithin: UInt64 { 100_000_000 }
    /// Nanoseconds of a hash until the first one was measured. Why little: who waits in vain is told in time
    /// all the same, who is refused in vain is not helped.
    static var workGuess: UInt64 { 25_000_000 }

    struct Admission {
        /// Seconds until there may be room again; nil: the job will be taken, or told as overdue.
        var retryAfterSeconds: Int?
        /// Those that had been admitted and give way, newest first.
        var givingWay: [Job] = []
    }

    struct Taken {
        let id: UInt64
        let job: Job
    }

    private struct Entry: Sendable {
        let id: UInt64
        let job: Job
        /// When what the hash is for came.
        let arrival: UInt64
        let since: UInt64
    }

    private struct Run: Sendable {
        let entry: Entry
        let begin: UInt64
        /// After that nobody waits any more.
        var deadline: UInt64 {
            begin < entry.since + begunAtOnceWithin ? .max : entry.arrival + overdueAfter
        }
    }

    let threads: Int
    /// Hashes that take a thread's time, awaited or not.
    private(set) var running = 0
    private(set) var waitingCount = 0
    /// Nanoseconds of CPU time that a hash takes, newer ones counting more.
    private(set) var work = HashQueue.workGuess
    /// Nanoseconds that it takes where others take CPU time as well. Why not for admission: a flood slows the
    /// first hashes down, and is over soon.
    private(set) var duration = HashQueue.workGuess
    private var hasMeasured = false
    /// Whose turn it is. Each has something in `waiting`.
    private var order: [HashSource] = []
    private var waiting: [HashSource: [Entry]] = [:]
    /// Running and awaited.
    private var awaited: [UInt64: Run] = [:]
    private var lastID: UInt64 = 0

    /// - Precondition: `threads` is at least 1.
    init(threads: Int) {
        precondition(threads >= 1, "somebody has to hash")
        self.threads = threads
    }

    /// - Parameters:
    ///   - arrival: when what the hash is for came, not after `now`.
    ///   - now: monotonic nanoseconds, as everywhere here.
    mutating func admit(_ job: Job, from source: HashSource, arrival: UInt64, now: UInt64) -> Admission {
        lastID += 1
        let id = lastID
        if waiting[source] == nil { order.append(source) }
        waiting[source, default: []].append(Entry(id: id, job: job, arrival: arrival, since: now))
        waitingCount += 1
        var admission = Admission()
        while running + waitingCount > max(threads, capacity) {
            let last = removeLast()
            guard last.id != id else {
                admission.retryAfterSeconds = secondsUntilRoom
                break
            }
            admission.givingWay.append(last.job)
        }
        return admission
    }

    /// A thread has time. What it is given counts as running until `finished`.
    mutating func take(now: UInt64) -> Taken? {
        // Why passed over: what cannot be done in time any more need not begin. `expire` finds it.
        guard let place = order.firstIndex(where: { isWorthwhile(waiting[$0]?.first, now) }) else {
            return nil
        }
        let source = order.remove(at: place)
        guard let entry = waiting[source]?.removeFirst() else { return nil }
        if waiting[source]?.isEmpty == true { waiting[source] = nil } else { order.append(source) }
        waitingCount -= 1
        running += 1
        awaited[entry.id] = Run(entry: entry, begin: now)
        return Taken(id: entry.id, job: entry.job)
    }

    /// - Parameters:
    ///   - work: nanoseconds of CPU time.
    ///   - duration: nanoseconds from beginning to end.
    /// - Returns: whether somebody still waits for the result.
    mutating func finished(_ id: UInt64, work: UInt64, duration: UInt64) -> Bool {
        running -= 1
        self.work = hasMeasured ? (self.work * 7 + work) / 8 : work
        // Why not the first one as it is: it may have been slowed down by what else began with it, and what
        // waits behind it would be given up.
        self.duration = ((hasMeasured ? self.duration : work) * 7 + duration) / 8
        hasMeasured = true
        return awaited.removeValue(forKey: id) != nil
    }

    /// Those that are overdue, begun or not: nobody waits for them any more.
    mutating func expire(now: UInt64) -> [Job] {
        var jobs: [Job] = []
        for (source, entries) in waiting {
            let left = entries.filter { now < $0.arrival + Self.overdueAfter }
            guard left.count < entries.count else { continue }
            jobs += entries.filter { now >= $0.arrival + Self.overdueAfter }.map(\.job)
            waitingCount -= entries.count - left.count
            waiting[source] = left.isEmpty ? nil : left
            if left.isEmpty { order.removeAll { $0 == source } }
        }
        for (id, run) in awaited where now >= run.deadline {
            jobs.append(run.entry.job)
            awaited[id] = nil
        }
        return jobs
    }

    /// When `expire` will have something; nil: never, as things are.
    var nextDeadline: UInt64? {
        let ofWaiting = waiting.values.joined().lazy.map { $0.arrival + Self.overdueAfter }.min()
        let ofRunning = awaited.values.lazy.map(\.deadline).min()
        guard let earliest = [ofWaiting, ofRunning].compactMap(\.self).min() else { return nil }
        return earliest == .max ? nil : earliest
    }

    /// For those that will not run any more.
    mutating func takeRest() -> [Job] {
        defer {
            (order, waiting, waitingCount) = ([], [:], 0)
        }
        return order.flatMap { waiting[$0] ?? [] }.map(\.job)
    }

    /// How many are done within the bound, those that run among them.
    private var capacity: Int { Int(Self.doneWithin * UInt64(threads) / max(1, work)) }

    private func isWorthwhile(_ entry: Entry?, _ now: UInt64) -> Bool {
        guard let entry else { return false }
        if now < entry.since + Self.begunAtOnceWithin { return true }
        return now + duration * 5 / 4 <= entry.arrival + Self.overdueAfter
    }

    /// The newest of whoever has most, among those the last whose turn it is.
    /// - Precondition: something waits.
    private mutating func removeLast() -> Entry {
        var longest = (place: 0, count: 0)
        for (place, source) in order.enumerated() {
            let count = waiting[source]?.count ?? 0
            if count >= longest.count { longest = (place, count) }
        }
        let source = order[longest.place]
        guard let entry = waiting[source]?.popLast() else { preconditionFailure("nothing waits") }
        if waiting[source]?.isEmpty == true {
            waiting[source] = nil
            order.remove(at: longest.place)
        }
        waitingCount -= 1
        return entry
    }

    private var secondsUntilRoom: Int {
        let wait = work * UInt64(running + waitingCount) / UInt64(threads)
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
