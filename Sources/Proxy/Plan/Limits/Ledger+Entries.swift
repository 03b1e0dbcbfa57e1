import Synchronization

/// What is done with one entry, while its shard is locked.
extension Ledger {
    typealias EntryPointer = UnsafeMutablePointer<Reservation.Entry>
    typealias BucketPointer = UnsafeMutablePointer<LedgerBucket>

    /// Finds each bucket, and the refusal that has to be waited for longest. The entries say how their
    /// subjects will stand if they are admitted.
    @inline(__always)
    func check(_ reservation: Reservation) -> LimitRefusal? {
        var refused = -1
        var longest: UInt64 = 0
        var index = 0
        while index < reservation.count {
            let entry = reservation.entries + index
            if let wait = wait(entry), !entry.pointee.isShadow, refused < 0 || wait > longest {
                refused = index
                longest = wait
            }
            index &+= 1
        }
        guard refused >= 0 else { return nil }
        return LimitRefusal(entry: refused, reason: longest == .max ? .tooLarge : .full(wait: longest))
    }

    /// Nanoseconds until there is room; nil: there is; `.max`: there never will be.
    @inline(__always)
    private func wait(_ entry: EntryPointer) -> UInt64? {
        let shard = entry.pointee.shard.unsafelyUnwrapped
        let amount = entry.pointee.reserved
        let max = entry.pointee.max
        guard
            let bucket = shard.pointee.table.find(
                entry.pointee.subject, entry.pointee.measureID, hash: entry.pointee.hash)
        else {
            entry.pointee.bucket = nil
            describeFirst(entry)
            return amount <= max ? nil : .max
        }
        entry.pointee.bucket = bucket
        if bucket.pointee.kind != entry.pointee.kind { turn(entry, bucket) }
        if bucket.pointee.kind == .log {
            let window = shard.pointee.clock.logWindow(of: entry.pointee.period)
            bucket.pointee.expire(window)
            entry.pointee.emptyIn = window.length
            entry.pointee.nextIn =
                bucket.pointee.count > 0
                ? bucket.pointee.time(0) &+ window.length &- window.now : window.length
        } else if bucket.pointee.kind == .slots {
            let window = shard.pointee.clock.window(of: entry.pointee.period)
            bucket.pointee.expire(window)
            let ofNow = window.wait(until: window.end(of: window.current))
            entry.pointee.emptyIn = ofNow
            entry.pointee.nextIn =
                bucket.pointee.count > 0
                ? window.wait(until: window.end(of: bucket.pointee.slot(0).index)) : ofNow
        }
        let used = bucket.pointee.used
        entry.pointee.used = used &+ min(amount, LedgerBucket.sumMax)
        guard amount > max || used > max &- amount else { return nil }
        return amount > max ? .max : waitForRoom(entry, bucket, used &- (max &- amount))
    }

    @inline(never)
    private func waitForRoom(_ entry: EntryPointer, _ bucket: BucketPointer, _ need: UInt64) -> UInt64 {
        let clock = entry.pointee.shard.unsafelyUnwrapped.pointee.clock
        return bucket.pointee.wait(for: need, clock.window(of: entry.pointee.period))
    }

    /// The limit was edited, and its amounts are kept in another way.
    @inline(never)
    private func turn(_ entry: EntryPointer, _ bucket: BucketPointer) {
        let window = entry.pointee.shard.unsafelyUnwrapped.pointee.clock.window(of: entry.pointee.period)
        bucket.pointee.expire(window)
        switch entry.pointee.kind {
        case .log: bucket.pointee.turnIntoLog(window)
        case .slots: bucket.pointee.turnIntoSlots(window)
        case .concurrent: break
        }
    }

    /// How a subject stands of which nothing is known, once it is admitted.
    @inline(never)
    private func describeFirst(_ entry: EntryPointer) {
        let window = entry.pointee.shard.unsafelyUnwrapped.pointee.clock.window(of: entry.pointee.period)
        let wait: UInt64
        switch entry.pointee.kind {
        case .log: wait = window.length
        case .slots: wait = window.wait(until: window.end(of: window.current))
        case .concurrent: wait = 0
        }
        entry.pointee.used = min(entry.pointee.reserved, LedgerBucket.sumMax)
        entry.pointee.nextIn = wait
        entry.pointee.emptyIn = wait
    }

    /// Counts the subjects that are new; the refusal if they are too many.
    @inline(__always)
    func makeRoom(_ reservation: Reservation) -> LimitRefusal? {
        var index = 0
        while index < reservation.count {
            if reservation.entries[index].bucket == nil { return makeRoomForNew(reservation) }
            index &+= 1
        }
        return nil
    }

    @inline(never)
    private func makeRoomForNew(_ reservation: Reservation) -> LimitRefusal? {
        var first = -1
        var missing = 0
        for index in 0..<reservation.count {
            let entry = reservation.entries + index
            guard entry.pointee.bucket == nil, !entry.pointee.isShadow else { continue }
            if first < 0 { first = index }
            missing += 1
        }
        guard missing > 0, !hasRoom(forBuckets: missing) else { return nil }
        return LimitRefusal(entry: first, reason: .tooManySubjects)
    }

    private func hasRoom(forBuckets count: Int) -> Bool {
        if buckets.wrappingAdd(count, ordering: .relaxed).newValue <= subjectsMax { return true }
        buckets.wrappingSubtract(count, ordering: .relaxed)
        return false
    }

    /// Counts the refusal, and has the entries say how their subjects stand without it.
    @inline(never)
    func refuse(_ reservation: Reservation, _ refusal: LimitRefusal) {
        reservation.entries[refusal.entry].measure.figures.refused.wrappingAdd(1, ordering: .relaxed)
        for index in 0..<reservation.count { describe(reservation.entries + index) }
    }

    private func describe(_ entry: EntryPointer) {
        guard let bucket = entry.pointee.bucket else {
            entry.pointee.used = 0
            entry.pointee.nextIn = 0
            entry.pointee.emptyIn = 0
            return
        }
        let clock = entry.pointee.shard.unsafelyUnwrapped.pointee.clock
        let resets = bucket.pointee.resets(clock.window(of: entry.pointee.period))
        entry.pointee.used = bucket.pointee.used
        entry.pointee.nextIn = resets.nextIn
        entry.pointee.emptyIn = resets.emptyIn
    }

    /// True: its bucket is new.
    @inline(__always)
    func book(_ entry: EntryPointer) -> Bool {
        let shard = entry.pointee.shard.unsafelyUnwrapped
        if entry.pointee.isShadow, !bookShadow(entry) { return false }
        let isNew = entry.pointee.bucket == nil
        if isNew { entry.pointee.bucket = create(entry) }
        let bucket = entry.pointee.bucket.unsafelyUnwrapped
        entry.pointee.isBooked = true
        if bucket.pointee.kind == .log {
            entry.pointee.admittedAt = bucket.pointee.log(
                shard.pointee.clock.logWindow(of: entry.pointee.period))
            return isNew
        }
        if entry.pointee.unit == .requests {
            let window = shard.pointee.clock.window(of: entry.pointee.period)
            bucket.pointee.add(entry.pointee.reserved, to: window.current, window)
            entry.pointee.admittedAt = window.now
        } else {
            entry.pointee.reserved = bucket.pointee.reserve(entry.pointee.reserved)
        }
        mark(entry, bucket)
        return isNew
    }

    /// Counts what would have been refused. False: there is no room for another subject.
    @inline(never)
    private func bookShadow(_ entry: EntryPointer) -> Bool {
        let hasRoom = entry.pointee.bucket != nil || hasRoom(forBuckets: 1)
        if !hasRoom || entry.pointee.used > entry.pointee.max {
            entry.pointee.measure.figures.shadowed.wrappingAdd(1, ordering: .relaxed)
        }
        entry.pointee.isBooked = hasRoom
        return hasRoom
    }

    /// A new bucket, which is counted already.
    @inline(never)
    private func create(_ entry: EntryPointer) -> BucketPointer {
        let bucket = LedgerBucket(
            subject: entry.pointee.subject, measureID: entry.pointee.measureID, kind: entry.pointee.kind,
            period: entry.pointee.period)
        return entry.pointee.shard.unsafelyUnwrapped.pointee.table.insert(bucket, hash: entry.pointee.hash)
    }

    @inline(__always)
    private func mark(_ entry: EntryPointer, _ bucket: BucketPointer) {
        guard entry.pointee.period == .day || entry.pointee.period == .month else { return }
        entry.pointee.shard.unsafelyUnwrapped.pointee.table.markChanged(bucket)
    }

    /// By how much `reserved` is to be raised.
    @inline(__always)
    func growth(_ entry: EntryPointer, _ charge: LimitCharge) -> UInt64 {
        guard entry.pointee.unit.isSpending, entry.pointee.isBooked else { return 0 }
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
        mark(entry, bucket)
        noteOvershoot(entry, bucket)
    }

    /// The bucket of an entry that was booked, with what counts now.
    private func use(_ entry: EntryPointer) -> BucketPointer {
        let bucket = find(entry)
        let clock = entry.pointee.shard.unsafelyUnwrapped.pointee.clock
        bucket.pointee.expire(clock.window(of: entry.pointee.period))
        return bucket
    }

    /// The bucket of an entry that was booked. Made again where it was forgotten: nothing was reserved.
    @inline(__always)
    private func find(_ entry: EntryPointer) -> BucketPointer {
        let shard = entry.pointee.shard.unsafelyUnwrapped
        let found = shard.pointee.table.find(
            entry.pointee.subject, entry.pointee.measureID, hash: entry.pointee.hash)
        if let found { return found }
        buckets.wrappingAdd(1, ordering: .relaxed)
        return create(entry)
    }

    @inline(__always)
    func settle(_ entry: EntryPointer) {
        let bucket = find(entry)
        bucket.pointee.release(entry.pointee.reserved)
        guard entry.pointee.unit.isSpending else { return }
        let window = entry.pointee.shard.unsafelyUnwrapped.pointee.clock.window(of: entry.pointee.period)
        if !bucket.pointee.addToNewest(entry.pointee.actual, window) {
            bucket.pointee.expire(window)
            bucket.pointee.add(entry.pointee.actual, to: window.current, window)
        }
        mark(entry, bucket)
        if bucket.pointee.used > entry.pointee.max { noteOvershoot(entry, bucket) }
    }

    func withdraw(_ entry: EntryPointer) {
        let bucket = use(entry)
        if entry.pointee.unit == .requests {
            let clock = entry.pointee.shard.unsafelyUnwrapped.pointee.clock
            bucket.pointee.takeBack(
                admittedAt: entry.pointee.admittedAt, clock.window(of: entry.pointee.period))
        } else {
            bucket.pointee.release(entry.pointee.reserved)
        }
        mark(entry, bucket)
    }

    @inline(never)
    private func noteOvershoot(_ entry: EntryPointer, _ bucket: BucketPointer) {
        let clock = entry.pointee.shard.unsafelyUnwrapped.pointee.clock
        bucket.pointee.expire(clock.window(of: entry.pointee.period))
        guard bucket.pointee.used > entry.pointee.max, !entry.pointee.isShadow else { return }
        entry.pointee.measure.figures.worstOvershoot.max(
            bucket.pointee.used - entry.pointee.max, ordering: .relaxed)
    }
}
