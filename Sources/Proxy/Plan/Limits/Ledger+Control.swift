import Synchronization

/// What control asks of the ledger.
extension Ledger {
    /// States that are copied under one lock, which workers wait for.
    private static let changesAtOnce = 32

    /// Buckets that are remembered: subjects, once for each of their measures.
    var subjectCount: Int { buckets.load(ordering: .relaxed) }

    /// The durable buckets (by day and month) that have changed since they were last returned here, as they
    /// are now. Fewer than `max`: no other had changed when it was called.
    func takeChanges(max: Int) -> [BucketState] {
        // Whoever has them now writes them.
        guard !isFrozen else { return [] }
        var states: [BucketState] = []
        var index = changesFrom.load(ordering: .relaxed)
        for _ in 0..<shardCount {
            takeChanges(of: shards + index, max: max, into: &states)
            if states.count >= max { break }
            index = index + 1 < shardCount ? index + 1 : 0
        }
        changesFrom.store(index, ordering: .relaxed)
        return states
    }

    /// All that had changed when the lock was first taken: what changes meanwhile may have to wait for the
    /// next call, lest this one never end.
    private func takeChanges(
        of shard: UnsafeMutablePointer<LedgerShard>, max: Int, into states: inout [BucketState]
    ) {
        shard.pointee.lock()
        shard.pointee.table.isWatched = true
        var left = min(max - states.count, shard.pointee.table.changedCount)
        while left > 0 {
            for _ in 0..<min(left, Ledger.changesAtOnce) where shard.pointee.table.changedCount > 0 {
                states.append(shard.pointee.table.takeChanged(shard.pointee.clock))
            }
            left -= min(left, Ledger.changesAtOnce)
            shard.pointee.unlock()
            shard.pointee.lock()
        }
        shard.pointee.unlock()
    }

    /// Adds what a store remembers to what is there. What was reserved when the process ended counts as
    /// settled now: nobody knows what its exchanges came to. A bucket that is not as it was remembered has
    /// changed.
    func restore(_ states: [BucketState], at time: LimitTime) {
        for state in states {
            let hash = seed.hash(state.subject)
            let shard = shard(hash)
            shard.pointee.lock(at: time)
            restore(state, hash: hash, shard)
            shard.pointee.unlock()
        }
    }

    private func restore(_ state: BucketState, hash: UInt64, _ shard: UnsafeMutablePointer<LedgerShard>) {
        let found = shard.pointee.table.find(state.subject, state.measureID, hash: hash)
        let bucket =
            found
            ?? {
                let fresh = LedgerBucket(
                    subject: state.subject, measureID: state.measureID, kind: .slots, period: state.period)
                buckets.wrappingAdd(1, ordering: .relaxed)
                return shard.pointee.table.insert(fresh, hash: hash)
            }()
        let window = shard.pointee.clock.window(of: state.period)
        bucket.pointee.expire(window)
        var differs = found != nil || state.reserved > 0
        for slot in state.slots where slot.index >= window.oldest {
            // The calendar was set back while nobody looked: what was used was used by now.
            if slot.index > window.current { differs = true }
            bucket.pointee.add(slot.amount, to: min(slot.index, window.current), window)
        }
        bucket.pointee.add(state.reserved, to: window.current, window)
        if differs { shard.pointee.table.markChanged(bucket) }
    }

    /// How a subject stands, without using anything: settled and reserved, nanoseconds until some of it comes
    /// back, and until all has; as `reserve` fills it in.
    func peek(
        measure: LimitMeasure, subject: LimitSubject, max: UInt64, at time: LimitTime
    ) -> (used: UInt64, nextIn: UInt64, emptyIn: UInt64) {
        let hash = seed.hash(subject)
        let shard = shard(hash)
        shard.pointee.lock(at: time)
        defer { shard.pointee.unlock() }
        guard let bucket = shard.pointee.table.find(subject, measure.id, hash: hash) else { return (0, 0, 0) }
        let window = shard.pointee.clock.window(of: measure.period)
        bucket.pointee.expire(window)
        let resets = bucket.pointee.resets(window)
        return (bucket.pointee.used, resets.nextIn, resets.emptyIn)
    }
}
