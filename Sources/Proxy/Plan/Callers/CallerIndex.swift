import Synchronization

/// The callers of one entry of `auth:`, findable by the digest of their credential. Outlives generations, as
/// long as the entry means the same source: an unchanged entry keeps its index over a reload.
///
/// Workers look up, control changes single entries in place: a revocation is there for the next look-up on
/// every worker. Sharded by digest, one lock each, held for one look-up or one change and never across a call
/// that could block.
final class CallerIndex: Sendable {
    /// `max_stale` in nanoseconds: how long the source may be in doubt before unknown credentials are
    /// answered 503 instead of 401.
    let maxStale = Atomic<UInt64>(0)
    /// Monotonic nanoseconds since when the source cannot be read or is not what it should be; 0: it is fine.
    let inDoubtSince = Atomic<UInt64>(0)

    /// Whom a change has to reach as well.
    let former = FormerCallers()

    /// A caller of this index was used since control last looked: what saves it looking at everybody.
    private let isUsed = Atomic<Bool>(false)

    private static let shardCount = 64
    private let shards: [Locked<CallerTable>]

    init() {
        shards = (0..<CallerIndex.shardCount).map { _ in Locked(CallerTable()) }
    }

    /// Worker. nil: nobody has this credential.
    func find(_ digest: KeyDigest) -> Caller? {
        shard(digest).withLock { $0.find(digest) }
    }

    /// Control: puts the caller in, in place of one with the same digest.
    func put(_ caller: Caller) { shard(caller.digest).withLock { $0.put(caller) } }

    /// Control.
    @discardableResult
    func remove(_ digest: KeyDigest) -> Caller? { shard(digest).withLock { $0.remove(digest) } }

    /// Worker: `caller` of this index was let in. `time` is nanoseconds since 1970.
    func noteUse(of caller: Caller, at time: UInt64) {
        caller.noteUse(at: time)
        if !isUsed.load(ordering: .relaxed) { isUsed.store(true, ordering: .releasing) }
    }

    /// Control: whether `forEach` can find uses, asked before looking.
    func takeIsUsed() -> Bool { isUsed.exchange(false, ordering: .acquiring) }

    var count: Int { shards.reduce(0) { $0 + $1.withLock { $0.count } } }

    /// Control: everybody, shard by shard; changes made meanwhile may or may not be seen.
    func forEach(_ body: (Caller) -> Void) {
        // Why `places`: as long as nobody changes the shard meanwhile, taking hold of them copies nothing.
        for shard in shards { for case let caller? in shard.withLock({ $0.places }) { body(caller) } }
    }

    /// Worker: unknown credentials must not be told that they are wrong.
    /// - Parameter now: monotonic nanoseconds.
    func isInDoubt(now: UInt64) -> Bool {
        let since = inDoubtSince.load(ordering: .relaxed)
        return since != 0 && now >= since + maxStale.load(ordering: .relaxed)
    }

    private func shard(_ digest: KeyDigest) -> Locked<CallerTable> {
        shards[Int(truncatingIfNeeded: digest.words.3) & (CallerIndex.shardCount - 1)]
    }
}
