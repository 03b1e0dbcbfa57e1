import Synchronization

/// What every subject has used of every limit, in the whole process; outlives generations, so that a reload
/// never refills.
///
/// Sharded by subject: the measures of one caller are under one lock. Whoever needs several shards locks them
/// in the order of their numbers. No clock inside, no call that waits but for the locks.
///
/// The invariant, whenever a reservation is admitted: what is settled within the window and what is reserved
/// come to no more than the limit. What an exchange uses above what it reserved is booked all the same, and
/// blocks later ones until it has left the window.
///
/// Cost: about 75 bytes for a subject's measure, 8 more for each request that is logged or 16 for each
/// sub-window with something in it; at most two locks and no allocation for most exchanges. Two buckets are
/// looked at for each entry that is reserved, and forgotten if nothing of them counts: what is remembered stays
/// within about twice what counts.
final class Ledger: Sendable {
    let subjectsMax: Int
    let shardCount: Int
    nonisolated(unsafe) let shards: UnsafeMutablePointer<LedgerShard>
    let seed: LedgerSeed
    let buckets = Atomic<Int>(0)
    /// The shard whose changes are taken next.
    let changesFrom = Atomic<Int>(0)

    /// - Parameters:
    ///   - subjectsMax: a subject counts once for each of its measures.
    ///   - shardCount: a power of two.
    init(subjectsMax: Int = 4_000_000, shardCount: Int = 256, seed: LedgerSeed = .random()) {
        precondition(shardCount > 0 && shardCount & (shardCount - 1) == 0, "shards are a power of two")
        self.subjectsMax = subjectsMax
        self.shardCount = shardCount
        self.seed = seed
        shards = .allocate(capacity: shardCount)
        for index in 0..<shardCount {
            (shards + index).initialize(to: LedgerShard(seed: seed))
            shards[index].prepare()
        }
    }

    deinit {
        for index in 0..<shardCount { shards[index].destroy() }
        shards.deallocate()
    }

    /// Books every entry or none.
    ///
    /// On success `used`, `nextIn`, `emptyIn` and `admittedAt` of each entry are filled in, and the reservation
    /// is held. If it is refused, `used` and the waits say how the subjects stand without it, and the refusal
    /// counts once, with the measure that is reported.
    ///
    /// - Returns: nil: admitted.
    func reserve(_ reservation: Reservation, at time: LimitTime) -> LimitRefusal? {
        precondition(!reservation.isHeld, "what is held cannot be reserved again")
        let set = locate(reservation)
        lock(set, at: time)
        defer { unlock(set) }
        forget(reservation)
        if let refusal = check(reservation) ?? makeRoom(reservation) {
            refuse(reservation, refusal)
            return refusal
        }
        for index in 0..<reservation.count { book(reservation.entries + index) }
        reservation.isHeld = true
        return nil
    }

    /// What `reserve` would say: before a body is read, with the entries alone that are known by then. Books
    /// nothing; a refusal counts, since it ends the exchange.
    func probe(_ reservation: Reservation, at time: LimitTime) -> LimitRefusal? {
        let set = locate(reservation)
        lock(set, at: time)
        defer { unlock(set) }
        guard let refusal = check(reservation) else { return nil }
        refuse(reservation, refusal)
        return refusal
    }

    /// An exchange that runs has come to more than was reserved: raises `reserved` of tokens and money to what
    /// `charge` comes to; never lowers it.
    ///
    /// - Parameter force: true: in any case (a debt). False: all or none.
    /// - Returns: an entry that is enforced and would go over its limit, though it must not
    ///   (`growsInAnyCase`): nothing was raised. nil: all was.
    func grow(_ reservation: Reservation, to charge: LimitCharge, force: Bool, at time: LimitTime) -> Int? {
        precondition(reservation.isHeld, "only what is held can grow")
        var set = ShardSet()
        for index in 0..<reservation.count where growth(reservation.entries + index, charge) > 0 {
            set.insert(reservation.entries[index].shard)
        }
        guard set.count > 0 else { return nil }
        lock(set, at: time)
        defer { unlock(set) }
        if !force, let usedUp = entryWithoutRoom(reservation, for: charge) { return usedUp }
        for index in 0..<reservation.count { grow(reservation.entries + index, charge) }
        return nil
    }

    /// The end: what was reserved is released, and `actual` of tokens and money is booked as of now. Requests
    /// stay.
    func settle(_ reservation: Reservation, at time: LimitTime) {
        precondition(reservation.isHeld, "only what is held can be settled")
        reservation.isHeld = false
        var set = ShardSet()
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            if entry.pointee.unit != .requests, entry.pointee.isBooked { set.insert(entry.pointee.shard) }
        }
        guard set.count > 0 else { return }
        lock(set, at: time)
        defer { unlock(set) }
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            if entry.pointee.unit != .requests, entry.pointee.isBooked { settle(entry) }
        }
    }

    /// As though it had never been: requests are taken back as well.
    func withdraw(_ reservation: Reservation, at time: LimitTime) {
        precondition(reservation.isHeld, "only what is held can be withdrawn")
        reservation.isHeld = false
        var set = ShardSet()
        for index in 0..<reservation.count { set.insert(reservation.entries[index].shard) }
        lock(set, at: time)
        defer { unlock(set) }
        for index in 0..<reservation.count where reservation.entries[index].isBooked {
            withdraw(reservation.entries + index)
        }
    }

    /// Finds the shard of each entry.
    @inline(__always)
    private func locate(_ reservation: Reservation) -> ShardSet {
        var set = ShardSet()
        assert(reservation.hasNoEntryTwice, "a subject has each measure once")
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            let hash = seed.hash(entry.pointee.subject)
            entry.pointee.hash = hash
            entry.pointee.shard = shard(hash)
            set.insert(entry.pointee.shard)
        }
        return set
    }

    @inline(__always)
    func shard(_ hash: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: hash) & UInt32(truncatingIfNeeded: shardCount &- 1)
    }

    @inline(__always)
    private func lock(_ set: ShardSet, at time: LimitTime) {
        for index in 0..<set.count { shards[set[index]].lock(at: time) }
    }

    @inline(__always)
    private func unlock(_ set: ShardSet) {
        for index in 0..<set.count { shards[set[index]].unlock() }
    }

    @inline(__always)
    private func forget(_ reservation: Reservation) {
        var forgotten = 0
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            let shard = shards + Int(entry.pointee.shard)
            for _ in 0..<2
            where shard.pointee.table.forgetNext(shard.pointee.clock, except: entry.pointee.subject) {
                forgotten &+= 1
            }
        }
        if forgotten > 0 { buckets.wrappingSubtract(forgotten, ordering: .relaxed) }
    }
}
