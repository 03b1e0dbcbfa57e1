import Synchronization

/// What is known of callers' keys for one upstream: filled by control when it is asked, emptied when a source
/// has changed. Bounded: at the bound it begins anew. Outlives generations, as long as the upstream's `key`
/// means the same.
final class KeyIndex: Sendable {
    /// Callers and models, for whom an answer is kept.
    static let entriesMax = 100_000

    struct Key: Hashable, Sendable {
        /// Row of the user in the chain's store; 0: nobody in particular.
        let userID: Int64
        /// `LimitSubject` of the model's name; `.everybody` where keys are not by model.
        let model: LimitSubject
    }

    private struct State: Sendable {
        var sets: [Key: KeySet] = [:]
        /// Grows with each change: an answer to a question of before it is not kept.
        var version: UInt64 = 0
    }
    private static let shardCount = 16
    private let shards: [Locked<State>]

    init() { shards = (0..<KeyIndex.shardCount).map { _ in Locked(State()) } }

    /// Worker.
    func find(_ key: Key) -> KeySet? { shard(key).withLock { $0.sets[key] } }

    /// Control, before it looks into its sources: for `put`.
    func version(for key: Key) -> UInt64 { shard(key).withLock { $0.version } }

    /// Control. Not kept where something has changed since `version` was asked for.
    func put(_ set: KeySet, for key: Key, version: UInt64) {
        shard(key).withLock { state in
            guard state.version == version else { return }
            if state.sets.count >= KeyIndex.entriesMax / KeyIndex.shardCount { state.sets = [:] }
            state.sets[key] = set
        }
    }

    /// Control: what is known of these users is not true any more.
    func forget(users: [Int64]) {
        for user in users {
            shards[KeyIndex.place(of: user)].withLock { state in
                state.version += 1
                state.sets = state.sets.filter { $0.key.userID != user }
            }
        }
    }

    /// Control: of nobody.
    func forgetAll() {
        for shard in shards {
            shard.withLock { state in
                state.version += 1
                state.sets = [:]
            }
        }
    }

    private func shard(_ key: Key) -> Locked<State> { shards[KeyIndex.place(of: key.userID)] }

    private static func place(of user: Int64) -> Int {
        Int(truncatingIfNeeded: user) & (shardCount - 1)
    }
}
