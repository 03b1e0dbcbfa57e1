import Glibc

/// A part of the ledger under one lock. The C calls are `pthread_mutex_lock(3)` and
/// `pthread_mutex_unlock(3)`.
///
/// Lies in memory that the ledger allocates, and is never copied: threads wait for its mutex by address.
struct LedgerShard {
    private var mutex = pthread_mutex_t()
    var clock = LedgerClock()
    var table: LedgerTable
    /// The counts were handed over: see `Ledger.freeze`.
    var isFrozen = false

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
        if clock.advance(to: time) { redate() }
    }

    @inline(never)
    private mutating func redate() { table.redateAll(clock) }

    /// The time is that of the last one who had it.
    mutating func lock() { pthread_mutex_lock(&mutex) }

    @inline(__always)
    mutating func unlock() { pthread_mutex_unlock(&mutex) }
}
