/// When requests of each subject were admitted: a sliding window, exact over all workers. Refused requests do
/// not count.
final class RequestWindows: Sendable {
    /// A subject as 128 bits: an address, or half a digest.
    struct Subject: Hashable, Sendable {
        let high: UInt64
        let low: UInt64
    }

    enum Verdict: Equatable {
        case admitted(remaining: Int)
        /// Nanoseconds until one more would be admitted; never 0.
        case refused(wait: UInt64)
    }

    private let shards: [Locked<[Subject: [UInt64]]>]

    init() { shards = (0..<64).map { _ in Locked([:]) } }

    /// Admits and counts the request, or refuses it, in one step.
    /// - Parameter now: monotonic nanoseconds.
    func admit(_ subject: Subject, max: Int, window: UInt64, now: UInt64) -> Verdict {
        let shard = shards[Int(truncatingIfNeeded: (subject.high ^ subject.low) & 63)]
        return shard.withLock { log in
            var times = (log[subject] ?? []).filter { $0 + window > now }
            guard times.count < max else { return .refused(wait: times[0] + window - now) }
            times.append(now)
            log[subject] = times
            return .admitted(remaining: max - times.count)
        }
    }
}
