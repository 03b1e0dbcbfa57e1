extension Ledger {
    /// Everything that a store may hold counts as changed: there is another store, which knows nothing of it.
    func markAllChanged() {
        for index in 0..<shardCount {
            let shard = shards + index
            shard.pointee.lock()
            for number in 0..<shard.pointee.table.count {
                let bucket = shard.pointee.table[number]
                switch bucket.pointee.period {
                case .day, .month: shard.pointee.table.markChanged(bucket)
                case .second, .minute, .hour, .none: break
                }
            }
            shard.pointee.unlock()
        }
    }
}
