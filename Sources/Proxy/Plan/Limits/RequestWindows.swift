/// When requests of each subject were admitted: a sliding window, exact over all workers. Refused requests do
/// not count.
///
/// Sharded by subject, one lock each, held for one admission.
///
/// Cost: at most 8 bytes for each request that a subject may have within its window, and about 50 for the
/// subject. Subjects whose requests have all left the window are forgotten as others come.
final class RequestWindows: Sendable {
    typealias Subject = LimitSubject

    enum Verdict: Equatable {
        case admitted(remaining: Int)
        /// Nanoseconds until one more would be admitted; never 0.
        case refused(wait: UInt64)
    }

    private static let shardCount = 64
    private let shards: [Locked<RequestLogTable>]

    init() { shards = (0..<RequestWindows.shardCount).map { _ in Locked(RequestLogTable()) } }

    /// Admits and counts the request, or refuses it, in one step.
    /// - Parameters:
    ///   - max: requests within any `window`; at least 1.
    ///   - window: nanoseconds.
    ///   - now: monotonic nanoseconds.
    func admit(_ subject: Subject, max: Int, window: UInt64, now: UInt64) -> Verdict {
        shard(subject).withLock { $0.admit(subject, max: max, window: window, now: now) }
    }

    /// Takes back the newest admission of the subject: the request was refused for another reason.
    func withdraw(_ subject: Subject) { shard(subject).withLock { $0.withdraw(subject) } }

    /// Subjects that are remembered.
    var count: Int { shards.reduce(0) { $0 + $1.withLock { $0.count } } }

    private func shard(_ subject: Subject) -> Locked<RequestLogTable> {
        shards[Int(truncatingIfNeeded: subject.mixed & UInt64(RequestWindows.shardCount - 1))]
    }
}
