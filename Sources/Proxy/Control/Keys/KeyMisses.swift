/// Who has no key, so that each of their requests does not look into every source, nor say so in the log.
/// Any thread.
final class KeyMisses: Sendable {
    struct Asker: Hashable, Sendable {
        let key: KeyIndex.Key
        /// Had keys, which were all refused.
        let hasRefused: Bool
    }

    /// Nanoseconds after which the sources are asked again.
    static let freshNanoseconds: UInt64 = 1_000_000_000
    static let askersMax = 10_000

    private let until = Locked<[Asker: UInt64]>([:])

    /// - Parameter now: monotonic nanoseconds.
    func isFresh(_ asker: Asker, now: UInt64) -> Bool {
        until.withLock { $0[asker].map { now < $0 } ?? false }
    }

    /// - Returns: whether that is news.
    func note(_ asker: Asker, now: UInt64) -> Bool {
        until.withLock { until in
            if until.count >= KeyMisses.askersMax { until = [:] }
            return until.updateValue(now + KeyMisses.freshNanoseconds, forKey: asker) == nil
        }
    }

    func forget(users: [Int64]) {
        until.withLock { until in
            guard !until.isEmpty else { return }
            let users = Set(users)
            until = until.filter { !users.contains($0.key.key.userID) }
        }
    }

    func forgetAll() { until.withLock { $0 = [:] } }
}
