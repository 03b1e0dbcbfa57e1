import Synchronization

/// Handing the counts over to another process, at one moment for all shards.
extension Ledger {
    /// From here on nothing is counted here: whoever comes asks the keeper.
    func freeze(_ keeper: any LedgerKeeper) {
        self.keeper.withLock { $0 = keeper }
        for index in 0..<shardCount { shards[index].lock() }
        for index in 0..<shardCount { shards[index].isFrozen = true }
        for index in 0..<shardCount { shards[index].unlock() }
    }

    /// The hand-over has failed before anybody else counted anything.
    func thaw() {
        for index in 0..<shardCount {
            shards[index].lock()
            shards[index].isFrozen = false
            shards[index].unlock()
        }
        keeper.withLock { $0 = nil }
    }

    var isFrozen: Bool {
        shards[0].lock()
        defer { shards[0].unlock() }
        return shards[0].isFrozen
    }

    /// Every bucket, some at a time. Of a frozen ledger.
    func copyAll(_ take: ([BucketImage]) -> Void) {
        for index in 0..<shardCount {
            let shard = shards + index
            var images: [BucketImage] = []
            shard.pointee.lock()
            for number in 0..<shard.pointee.table.count {
                images += BucketImage.images(of: shard.pointee.table[number].pointee)
            }
            shard.pointee.unlock()
            if !images.isEmpty { take(images) }
        }
    }

    /// Adds what another process has counted. What is reserved stays reserved: it settles that here.
    func insert(_ image: BucketImage, at time: LimitTime) {
        let hash = seed.hash(image.subject)
        let shard = shard(hash)
        shard.pointee.lock(at: time)
        defer { shard.pointee.unlock() }
        let found = shard.pointee.table.find(image.subject, image.measureID, hash: hash)
        let bucket =
            found
            ?? {
                let fresh = LedgerBucket(
                    subject: image.subject, measureID: image.measureID, kind: image.kind, period: image.period
                )
                buckets.wrappingAdd(1, ordering: .relaxed)
                return shard.pointee.table.insert(fresh, hash: hash)
            }()
        _ = bucket.pointee.reserve(image.reserved)
        let window = shard.pointee.clock.window(of: image.period)
        for time in image.times { bucket.pointee.log(at: time, window) }
        for slot in image.slots where slot.index >= window.oldest {
            bucket.pointee.add(slot.amount, to: min(slot.index, window.current), window)
        }
        switch image.period {
        case .day, .month: shard.pointee.table.markChanged(bucket)
        case .second, .minute, .hour, .none: break
        }
    }

    /// Says where the entries of a reservation are kept, which was made in another process.
    func locate(_ reservation: Reservation) {
        for index in 0..<reservation.count {
            let hash = seed.hash(reservation[index].subject)
            reservation[index].hash = hash
            reservation[index].shard = shard(hash)
        }
    }
}

/// What was asked of a frozen ledger.
extension Ledger {
    private var currentKeeper: (any LedgerKeeper)? { keeper.withLock { $0 } }

    @inline(never)
    func reserveElsewhere(_ reservation: Reservation, at time: LimitTime) -> LimitRefusal? {
        guard case .answer(let refusal)? = currentKeeper?.reserve(reservation, at: time) else {
            return reserve(reservation, at: time)
        }
        reservation.isHeld = refusal == nil
        return refusal
    }

    @inline(never)
    func probeElsewhere(_ reservation: Reservation, at time: LimitTime) -> LimitRefusal? {
        guard case .answer(let refusal)? = currentKeeper?.probe(reservation, at: time) else {
            return probe(reservation, at: time)
        }
        return refusal
    }

    @inline(never)
    func growElsewhere(
        _ reservation: Reservation, to charge: LimitCharge, force: Bool, at time: LimitTime
    ) -> Int? {
        guard
            case .answer(let usedUp)? = currentKeeper?.grow(reservation, to: charge, force: force, at: time)
        else { return grow(reservation, to: charge, force: force, at: time) }
        return usedUp
    }

    @inline(never)
    func settleElsewhere(_ reservation: Reservation, at time: LimitTime) {
        guard case .answer? = currentKeeper?.settle(reservation, at: time) else {
            reservation.isHeld = true
            return settle(reservation, at: time)
        }
    }

    @inline(never)
    func withdrawElsewhere(_ reservation: Reservation, at time: LimitTime) {
        guard case .answer? = currentKeeper?.withdraw(reservation, at: time) else {
            reservation.isHeld = true
            return withdraw(reservation, at: time)
        }
    }
}
