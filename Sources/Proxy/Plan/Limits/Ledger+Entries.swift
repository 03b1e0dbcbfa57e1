import Synchronization

/// What is done with one entry, while its shard is locked.
extension Ledger {
    typealias EntryPointer = UnsafeMutablePointer<Reservation.Entry>

    /// Finds each bucket, and the refusal that has to be waited for longest.
    @inline(__always)
    func check(_ reservation: Reservation) -> LimitRefusal? {
        var refused = -1
        var longest: UInt64 = 0
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            guard let wait = wait(entry), !entry.pointee.isShadow else { continue }
            if refused < 0 || wait > longest {
                refused = index
                longest = wait
            }
        }
        guard refused >= 0 else { return nil }
        return LimitRefusal(entry: refused, reason: longest == .max ? .tooLarge : .full(wait: longest))
    }

    /// Nanoseconds until there is room; nil: there is; `.max`: there never will be.
    @inline(__always)
    private func wait(_ entry: EntryPointer) -> UInt64? {
        let shard = shards + Int(entry.pointee.shard)
        let index = shard.pointee.table.find(
            entry.pointee.subject, entry.pointee.measureID, hash: entry.pointee.hash)
        entry.pointee.bucket = Int32(truncatingIfNeeded: index)
        let amount = entry.pointee.reserved
        let max = entry.pointee.max
        guard index >= 0 else { return amount <= max ? nil : .max }
        let bucket = shard.pointee.table[index]
        let window = shard.pointee.clock.window(of: entry.pointee.period)
        bucket.pointee.expire(window)
        let kind = LedgerBucket.kind(unit: entry.pointee.unit, period: entry.pointee.period, max: max)
        if bucket.pointee.kind != kind { turn(bucket, into: kind, window) }
        guard amount <= max else { return .max }
        let used = bucket.pointee.used
        guard used > max &- amount else { return nil }
        return bucket.pointee.wait(for: used &- (max &- amount), window)
    }

    /// The limit was edited, and its amounts are kept in another way.
    private func turn(
        _ bucket: UnsafeMutablePointer<LedgerBucket>, into kind: LedgerBucket.Kind, _ window: LimitWindow
    ) {
        switch kind {
        case .log: bucket.pointee.turnIntoLog(window)
        case .slots: bucket.pointee.turnIntoSlots(window)
        case .concurrent: break
        }
    }

    /// Counts the subjects that are new; the refusal if they are too many.
    @inline(__always)
    func makeRoom(_ reservation: Reservation) -> LimitRefusal? {
        var first = -1
        var missing = 0
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            guard entry.pointee.bucket < 0, !entry.pointee.isShadow else { continue }
            if first < 0 { first = index }
            missing &+= 1
        }
        guard missing > 0, !hasRoom(forBuckets: missing) else { return nil }
        return LimitRefusal(entry: first, reason: .tooManySubjects)
    }

    private func hasRoom(forBuckets count: Int) -> Bool {
        if buckets.wrappingAdd(count, ordering: .relaxed).newValue <= subjectsMax { return true }
        buckets.wrappingSubtract(count, ordering: .relaxed)
        return false
    }

    func refuse(_ reservation: Reservation, _ refusal: LimitRefusal) {
        reservation.entries[refusal.entry].measure.figures.refused.wrappingAdd(1, ordering: .relaxed)
        for index in 0..<reservation.count { describe(reservation.entries + index) }
    }

    /// Says how the subject stands.
    @inline(__always)
    private func describe(_ entry: EntryPointer) {
        guard entry.pointee.bucket >= 0 else {
            entry.pointee.used = 0
            entry.pointee.nextIn = 0
            entry.pointee.emptyIn = 0
            return
        }
        let shard = shards + Int(entry.pointee.shard)
        let bucket = shard.pointee.table[Int(entry.pointee.bucket)]
        let resets = bucket.pointee.resets(shard.pointee.clock.window(of: entry.pointee.period))
        entry.pointee.used = bucket.pointee.used
        entry.pointee.nextIn = resets.nextIn
        entry.pointee.emptyIn = resets.emptyIn
    }

    @inline(__always)
    func book(_ entry: EntryPointer) {
        let shard = shards + Int(entry.pointee.shard)
        if entry.pointee.isShadow, !bookShadow(entry) { return }
        if entry.pointee.bucket < 0 { entry.pointee.bucket = Int32(truncatingIfNeeded: create(entry)) }
        let index = Int(entry.pointee.bucket)
        let bucket = shard.pointee.table[index]
        entry.pointee.isBooked = true
        if entry.pointee.unit == .requests {
            entry.pointee.admittedAt = bucket.pointee.settle(
                entry.pointee.reserved, shard.pointee.clock.window(of: entry.pointee.period))
        } else {
            entry.pointee.reserved = bucket.pointee.reserve(entry.pointee.reserved)
        }
        mark(entry, index)
        describe(entry)
    }

    /// Counts what would have been refused. False: there is no room for another subject.
    private func bookShadow(_ entry: EntryPointer) -> Bool {
        let index = Int(entry.pointee.bucket)
        let used = index < 0 ? 0 : shards[Int(entry.pointee.shard)].table[index].pointee.used
        let hasRoom = index >= 0 || hasRoom(forBuckets: 1)
        let amount = entry.pointee.reserved
        if !hasRoom || amount > entry.pointee.max || used > entry.pointee.max - amount {
            entry.pointee.measure.figures.shadowed.wrappingAdd(1, ordering: .relaxed)
        }
        entry.pointee.isBooked = hasRoom
        if !hasRoom { describe(entry) }
        return hasRoom
    }

    /// The number of a new bucket, which is counted already.
    private func create(_ entry: EntryPointer) -> Int {
        let kind = LedgerBucket.kind(
            unit: entry.pointee.unit, period: entry.pointee.period, max: entry.pointee.max)
        let bucket = LedgerBucket(
            subject: entry.pointee.subject, measureID: entry.pointee.measureID, kind: kind,
            period: entry.pointee.period)
        return shards[Int(entry.pointee.shard)].table.insert(bucket, hash: entry.pointee.hash)
    }

    @inline(__always)
    private func mark(_ entry: EntryPointer, _ index: Int) {
        guard entry.pointee.period == .day || entry.pointee.period == .month else { return }
        shards[Int(entry.pointee.shard)].table.markChanged(index)
    }

    /// By how much `reserved` is to be raised.
    @inline(__always)
    func growth(_ entry: EntryPointer, _ charge: LimitCharge) -> UInt64 {
        guard entry.pointee.isMetered, entry.pointee.isBooked else { return 0 }
        let amount = entry.pointee.measure.amount(of: charge)
        return amount > entry.pointee.reserved ? amount &- entry.pointee.reserved : 0
    }

    /// The first entry that would go over its limit, and may not.
    func entryWithoutRoom(_ reservation: Reservation, for charge: LimitCharge) -> Int? {
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            guard !entry.pointee.isShadow, !entry.pointee.growsInAnyCase else { continue }
            let growth = growth(entry, charge)
            guard growth > 0 else { continue }
            let used = use(entry).pointee.used
            guard growth <= entry.pointee.max, used <= entry.pointee.max - growth else { return index }
        }
        return nil
    }

    func grow(_ entry: EntryPointer, _ charge: LimitCharge) {
        let growth = growth(entry, charge)
        guard growth > 0 else { return }
        let bucket = use(entry)
        entry.pointee.reserved &+= bucket.pointee.reserve(growth)
        mark(entry, Int(entry.pointee.bucket))
        noteOvershoot(entry, bucket)
    }

    /// The bucket of an entry that was booked, with what counts now. Made again where it was forgotten: nothing
    /// was reserved.
    @inline(__always)
    private func use(_ entry: EntryPointer) -> UnsafeMutablePointer<LedgerBucket> {
        let shard = shards + Int(entry.pointee.shard)
        var index = shard.pointee.table.find(
            entry.pointee.subject, entry.pointee.measureID, hash: entry.pointee.hash)
        if index < 0 {
            buckets.wrappingAdd(1, ordering: .relaxed)
            index = create(entry)
        }
        entry.pointee.bucket = Int32(truncatingIfNeeded: index)
        let bucket = shard.pointee.table[index]
        bucket.pointee.expire(shard.pointee.clock.window(of: entry.pointee.period))
        return bucket
    }

    @inline(__always)
    func settle(_ entry: EntryPointer) {
        let bucket = use(entry)
        bucket.pointee.release(entry.pointee.reserved)
        guard entry.pointee.isMetered else { return }
        let clock = shards[Int(entry.pointee.shard)].clock
        _ = bucket.pointee.settle(entry.pointee.actual, clock.window(of: entry.pointee.period))
        mark(entry, Int(entry.pointee.bucket))
        noteOvershoot(entry, bucket)
    }

    func withdraw(_ entry: EntryPointer) {
        let bucket = use(entry)
        if entry.pointee.unit == .requests {
            let clock = shards[Int(entry.pointee.shard)].clock
            bucket.pointee.takeBack(
                admittedAt: entry.pointee.admittedAt, clock.window(of: entry.pointee.period))
        } else {
            bucket.pointee.release(entry.pointee.reserved)
        }
        mark(entry, Int(entry.pointee.bucket))
    }

    @inline(__always)
    private func noteOvershoot(_ entry: EntryPointer, _ bucket: UnsafeMutablePointer<LedgerBucket>) {
        guard bucket.pointee.used > entry.pointee.max, !entry.pointee.isShadow else { return }
        entry.pointee.measure.figures.worstOvershoot.max(
            bucket.pointee.used - entry.pointee.max, ordering: .relaxed)
    }
}
