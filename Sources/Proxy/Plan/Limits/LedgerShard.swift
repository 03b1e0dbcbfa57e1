import Glibc

/// A part of the ledger under one lock. The C calls are `pthread_mutex_lock(3)` and `pthread_mutex_unlock(3)`.
///
/// Lies in memory that the ledger allocates, and is never copied: threads wait for its mutex by address.
struct LedgerShard {
    private var mutex = pthread_mutex_t()
    var clock = LedgerClock()
    var table: LedgerTable

    init(seed: LedgerSeed) { table = LedgerTable(seed: seed) }

    /// Once, where it lies.
    mutating func prepare() {
        let result = pthread_mutex_init(&mutex, nil)
        precondition(result == 0, "pthread_mutex_init failed: errno \(result)")
    }

    mutating func destroy() {
        pthread_mutex_destroy(&mutex)
        table.deallocate()
    }

    @inline(__always)
    mutating func lock(at time: LimitTime) {
        pthread_mutex_lock(&mutex)
        if clock.advance(to: time) { table.redateAll(clock) }
    }

    /// The time is that of the last one who had it.
    mutating func lock() { pthread_mutex_lock(&mutex) }

    @inline(__always)
    mutating func unlock() { pthread_mutex_unlock(&mutex) }
}

/// The shards that one reservation needs: each once, and in the order in which everybody locks them.
struct ShardSet {
    private(set) var count = 0
    private var indices = InlineArray<16, UInt32>(repeating: 0)

    subscript(_ index: Int) -> Int { Int(indices[index]) }

    @inline(__always)
    mutating func insert(_ shard: UInt32) {
        var place = count
        while place > 0, indices[place &- 1] > shard { place &-= 1 }
        if place > 0, indices[place &- 1] == shard { return }
        var later = count
        while later > place {
            indices[later] = indices[later &- 1]
            later &-= 1
        }
        indices[place] = shard
        count &+= 1
    }
}
