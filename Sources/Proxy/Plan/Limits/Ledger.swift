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
/// sub-window with something in it; one lock and no allocation for most exchanges. Each admission looks at a
/// bucket in turn, one with new subjects at two for each entry, and forgets those that nothing counts of:
/// what is remembered stays within about twice what counts.
final class Ledger: Sendable {
    let subjectsMax: Int
    let shardCount: Int
    nonisolated(unsafe) let shards: UnsafeMutablePointer<LedgerShard>
    let seed: LedgerSeed
    let buckets = Atomic<Int>(0)
    /// The shard whose changes are taken next.
    let changesFrom = Atomic<Int>(0)
    /// Of a frozen ledger.
    let keeper = Locked<(any LedgerKeeper)?>(nil)

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
    /// On success `used`, `nextIn`, `emptyIn` and `admittedAt` of each entry are filled in, and the
    /// reservation is held. If it is refused, `used` and the waits say how the subjects stand without it, and
    /// the refusal counts once, with the measure that is reported.
    ///
    /// - Returns: nil: admitted.
    func reserve(_ reservation: Reservation, at time: LimitTime) -> LimitRefusal? {
        precondition(!reservation.isHeld, "what is held cannot be reserved again")
        lockAll(reservation, at: time)
        if isFrozen(reservation) {
            unlock(reservation)
            return reserveElsewhere(reservation, at: time)
        }
        var refusal = check(reservation) ?? makeRoom(reservation)
        if let first = refusal, first.reason == .tooManySubjects {
            forget(reservation)
            refusal = check(reservation) ?? makeRoom(reservation)
        }
        if let refusal {
            refuse(reservation, refusal)
            unlock(reservation)
            return refusal
        }
        var hasNew = false
        var entry = reservation.entries
        let end = entry + reservation.count
        while entry < end {
            if book(entry) { hasNew = true }
            entry += 1
        }
        reservation.isHeld = true
        if hasNew { forget(reservation) } else { forgetOne(reservation) }
        unlock(reservation)
        return nil
    }

    /// What `reserve` would say: before a body is read, with the entries alone that are known by then. Books
    /// nothing; a refusal counts, since it ends the exchange.
    func probe(_ reservation: Reservation, at time: LimitTime) -> LimitRefusal? {
        lockAll(reservation, at: time)
        if isFrozen(reservation) {
            unlock(reservation)
            return probeElsewhere(reservation, at: time)
        }
        defer { unlock(reservation) }
        guard let refusal = check(reservation) else { return nil }
        refuse(reservation, refusal)
        return refusal
    }

    /// An exchange that runs has come to more than was reserved: raises `reserved` of tokens and money to
    /// what `charge` comes to; never lowers it.
    ///
    /// - Parameter force: true: in any case (a debt). False: all or none.
    /// - Returns: an entry that is enforced and would go over its limit, though it must not
    ///   (`growsInAnyCase`): nothing was raised. nil: all was.
    func grow(_ reservation: Reservation, to charge: LimitCharge, force: Bool, at time: LimitTime) -> Int? {
        precondition(reservation.isHeld, "only what is held can grow")
        reservation.shardCount = 0
        for index in 0..<reservation.count where growth(reservation.entries + index, charge) > 0 {
            need(reservation.entries + index, reservation)
        }
        guard reservation.shardCount > 0 else { return nil }
        lock(reservation, at: time)
        if isFrozen(reservation) {
            unlock(reservation)
            return growElsewhere(reservation, to: charge, force: force, at: time)
        }
        defer { unlock(reservation) }
        if !force, let usedUp = entryWithoutRoom(reservation, for: charge) { return usedUp }
        for index in 0..<reservation.count { grow(reservation.entries + index, charge) }
        return nil
    }

    /// The end: what was reserved is released, and `actual` of tokens and money is booked as of now. Requests
    /// stay.
    func settle(_ reservation: Reservation, at time: LimitTime) {
        precondition(reservation.isHeld, "only what is held can be settled")
        reservation.isHeld = false
        reservation.shardCount = 0
        var entry = reservation.entries
        let end = entry + reservation.count
        while entry < end {
            if entry.pointee.ends { need(entry, reservation) }
            entry += 1
        }
        guard reservation.shardCount > 0 else { return }
        lock(reservation, at: time)
        if isFrozen(reservation) {
            unlock(reservation)
            return settleElsewhere(reservation, at: time)
        }
        entry = reservation.entries
        while entry < end {
            if entry.pointee.ends { settle(entry) }
            entry += 1
        }
        unlock(reservation)
    }

    /// As though it had never been: requests are taken back as well.
    func withdraw(_ reservation: Reservation, at time: LimitTime) {
        precondition(reservation.isHeld, "only what is held can be withdrawn")
        reservation.isHeld = false
        reservation.shardCount = 0
        for index in 0..<reservation.count { need(reservation.entries + index, reservation) }
        lock(reservation, at: time)
        if isFrozen(reservation) {
            unlock(reservation)
            return withdrawElsewhere(reservation, at: time)
        }
        defer { unlock(reservation) }
        for index in 0..<reservation.count where reservation.entries[index].isBooked {
            withdraw(reservation.entries + index)
        }
    }

    @inline(__always)
    func shard(_ hash: UInt64) -> UnsafeMutablePointer<LedgerShard> {
        shards + Int(truncatingIfNeeded: hash & UInt64(truncatingIfNeeded: shardCount &- 1))
    }
}

/// Locks: each shard once, all in the same order.
extension Ledger {
    /// Finds the shard of each entry, and locks them.
    @inline(__always)
    private func lockAll(_ reservation: Reservation, at time: LimitTime) {
        assert(reservation.hasNoEntryTwice, "a subject has each measure once")
        reservation.shardCount = 0
        var entry = reservation.entries
        let end = entry + reservation.count
        while entry < end {
            let hash = seed.hash(entry.pointee.subject)
            entry.pointee.hash = hash
            entry.pointee.shard = shard(hash)
            need(entry, reservation)
            entry += 1
        }
        lock(reservation, at: time)
    }

    @inline(__always)
    private func need(_ entry: EntryPointer, _ reservation: Reservation) {
        let shard = entry.pointee.shard.unsafelyUnwrapped
        let count = reservation.shardCount
        if count == 0 {
            reservation.shards[0] = shard
            reservation.shardCount = 1
        } else if reservation.shards[count &- 1] != shard {
            insert(shard, reservation)
        }
    }

    @inline(never)
    private func insert(_ shard: UnsafeMutablePointer<LedgerShard>, _ reservation: Reservation) {
        var place = reservation.shardCount
        while place > 0, reservation.shards[place - 1] > shard { place -= 1 }
        if place > 0, reservation.shards[place - 1] == shard { return }
        for later in (place..<reservation.shardCount).reversed() {
            reservation.shards[later + 1] = reservation.shards[later]
        }
        reservation.shards[place] = shard
        reservation.shardCount += 1
    }

    @inline(__always)
    private func lock(_ reservation: Reservation, at time: LimitTime) {
        var shard = reservation.shards
        let end = shard + reservation.shardCount
        while shard < end {
            shard.pointee.pointee.lock(at: time)
            shard += 1
        }
    }

    /// All shards are frozen at once: one tells.
    @inline(__always)
    private func isFrozen(_ reservation: Reservation) -> Bool {
        reservation.shardCount > 0 && reservation.shards[0].pointee.isFrozen
    }

    @inline(__always)
    private func unlock(_ reservation: Reservation) {
        var shard = reservation.shards
        let end = shard + reservation.shardCount
        while shard < end {
            shard.pointee.pointee.unlock()
            shard += 1
        }
    }

    /// The last thing before the locks are let go: buckets move.
    @inline(__always)
    private func forgetOne(_ reservation: Reservation) {
        guard reservation.shardCount > 0 else { return }
        let shard = reservation.shards[0]
        guard shard.pointee.table.forgetNext(shard.pointee.clock) else { return }
        buckets.wrappingSubtract(1, ordering: .relaxed)
    }

    @inline(never)
    private func forget(_ reservation: Reservation) {
        for index in 0..<reservation.count {
            let shard = reservation.entries[index].shard.unsafelyUnwrapped
            for _ in 0..<2 where shard.pointee.table.forgetNext(shard.pointee.clock) {
                buckets.wrappingSubtract(1, ordering: .relaxed)
            }
        }
    }
}
