/// The buckets of one shard, found by open addressing with linear probing.
///
/// Buckets lie in pages of 64, which never move: a bucket stays where it is until `forgetNext`, which puts
/// the last one into the gap. All memory is managed by hand and freed by `deallocate`.
///
/// Cost: about 75 bytes for a subject, with its bucket.
struct LedgerTable {
    private static let pageShift = 6
    private static let pageBuckets = 1 << pageShift

    /// Buckets are numbered from 0 without a gap.
    private(set) var count = 0
    private var pages: UnsafeMutablePointer<UnsafeMutablePointer<LedgerBucket>>
    private var pageCount = 0
    private var pageCapacity = 4
    /// Number of a bucket plus one; 0 for a free place. 2 to the power of 64 - `placeShift`.
    private var places: UnsafeMutablePointer<UInt32>
    private var placeShift: UInt64 = 60
    /// The bucket that is looked at next.
    private var hand = 0
    /// The durable buckets that have changed.
    private var changed: UnsafeMutablePointer<UnsafeMutablePointer<LedgerBucket>>
    private(set) var changedCount = 0
    private var changedCapacity = 4
    /// Somebody takes the changes: then a bucket is kept until its last one was taken.
    var isWatched = false
    private let seed: LedgerSeed

    init(seed: LedgerSeed) {
        self.seed = seed
        pages = .allocate(capacity: pageCapacity)
        places = .allocate(capacity: 1 << (64 - 60))
        places.initialize(repeating: 0, count: 1 << (64 - 60))
        changed = .allocate(capacity: changedCapacity)
    }

    func deallocate() {
        for index in 0..<count { self[index].pointee.freeRing() }
        for page in 0..<pageCount { pages[page].deallocate() }
        pages.deallocate()
        places.deallocate()
        changed.deallocate()
    }

    subscript(_ index: Int) -> UnsafeMutablePointer<LedgerBucket> {
        @inline(__always) get {
            pages[index &>> LedgerTable.pageShift] + (index & (LedgerTable.pageBuckets &- 1))
        }
    }

    /// Nil: there is none.
    /// - Parameter hash: `LedgerSeed.hash` of the subject.
    @inline(__always)
    func find(
        _ subject: LimitSubject, _ measureID: UInt32, hash: UInt64
    ) -> UnsafeMutablePointer<LedgerBucket>? {
        var place = home(hash, measureID)
        let mask = placeCount &- 1
        while true {
            let index = Int(places[place]) &- 1
            guard index >= 0 else { return nil }
            let bucket = self[index]
            if bucket.pointee.measureID == measureID, bucket.pointee.subject == subject { return bucket }
            place = (place &+ 1) & mask
        }
    }

    /// - Precondition: it is not there.
    mutating func insert(_ bucket: LedgerBucket, hash: UInt64) -> UnsafeMutablePointer<LedgerBucket> {
        if (count + 1) * 4 > placeCount * 3 { rehash(shift: placeShift - 1) }
        if count == pageCount * LedgerTable.pageBuckets { addPage() }
        var place = home(hash, bucket.measureID)
        while places[place] != 0 { place = (place + 1) & (placeCount - 1) }
        places[place] = UInt32(count + 1)
        self[count].initialize(to: bucket)
        count += 1
        return self[count - 1]
    }

    /// Looks at the next bucket, and forgets it if nothing of it counts. Buckets are elsewhere then.
    @inline(__always)
    mutating func forgetNext(_ clock: LedgerClock) -> Bool {
        guard count > 0 else { return false }
        hand = hand &+ 1 < count ? hand &+ 1 : 0
        let bucket = self[hand]
        guard bucket.pointee.isOver(at: clock) else { return false }
        if isWatched, bucket.pointee.changedAt > 0 { return false }
        forget(hand)
        return true
    }

    mutating func redateAll(_ clock: LedgerClock) {
        for index in 0..<count {
            let bucket = self[index]
            bucket.pointee.redate(clock.window(of: bucket.pointee.period))
            if bucket.pointee.period == .day || bucket.pointee.period == .month { markChanged(bucket) }
        }
    }

    @inline(never)
    private mutating func forget(_ index: Int) {
        let bucket = self[index]
        if bucket.pointee.changedAt > 0 { unmarkChanged(bucket) }
        bucket.pointee.freeRing()
        free(place(of: index))
        let last = count - 1
        if index < last {
            let moved = self[last]
            places[place(of: last)] = UInt32(index + 1)
            if moved.pointee.changedAt > 0 { changed[Int(moved.pointee.changedAt) - 1] = bucket }
            bucket.pointee = moved.pointee
        }
        count = last
        // Why not the last free page: it would be allocated again at once.
        if count + 2 * LedgerTable.pageBuckets <= pageCount * LedgerTable.pageBuckets { removePage() }
        if placeShift < 60, count * 8 < placeCount { rehash(shift: placeShift + 1) }
    }

    private var placeCount: Int { 1 &<< Int(64 &- placeShift) }

    @inline(__always)
    private func home(_ hash: UInt64, _ measureID: UInt32) -> Int {
        Int(truncatingIfNeeded: ((hash ^ UInt64(measureID)) &* 0x9E37_79B9_7F4A_7C15) &>> placeShift)
    }

    private func home(of index: Int) -> Int {
        let bucket = self[index]
        return home(seed.hash(bucket.pointee.subject), bucket.pointee.measureID)
    }

    /// Where the number of a bucket is written.
    private func place(of index: Int) -> Int {
        var place = home(of: index)
        while places[place] != UInt32(index + 1) { place = (place + 1) & (placeCount - 1) }
        return place
    }

    /// Entries behind the gap that probed over it move up.
    private mutating func free(_ freed: Int) {
        let mask = placeCount - 1
        var gap = freed
        var place = freed
        places[gap] = 0
        while true {
            place = (place + 1) & mask
            guard places[place] != 0 else { return }
            let home = home(of: Int(places[place]) - 1)
            guard (place - home) & mask >= (place - gap) & mask else { continue }
            places[gap] = places[place]
            places[place] = 0
            gap = place
        }
    }

    private mutating func rehash(shift: UInt64) {
        places.deallocate()
        placeShift = shift
        places = .allocate(capacity: placeCount)
        places.initialize(repeating: 0, count: placeCount)
        for index in 0..<count {
            var place = home(of: index)
            while places[place] != 0 { place = (place + 1) & (placeCount - 1) }
            places[place] = UInt32(index + 1)
        }
    }

    private mutating func addPage() {
        if pageCount == pageCapacity {
            let grown = UnsafeMutablePointer<UnsafeMutablePointer<LedgerBucket>>
                .allocate(capacity: pageCapacity * 2)
            grown.moveInitialize(from: pages, count: pageCount)
            pages.deallocate()
            pages = grown
            pageCapacity *= 2
        }
        pages[pageCount] = .allocate(capacity: LedgerTable.pageBuckets)
        pageCount += 1
    }

    private mutating func removePage() {
        pageCount -= 1
        pages[pageCount].deallocate()
    }
}

/// What has changed since somebody asked.
extension LedgerTable {
    @inline(__always)
    mutating func markChanged(_ bucket: UnsafeMutablePointer<LedgerBucket>) {
        guard bucket.pointee.changedAt == 0 else { return }
        addChanged(bucket)
    }

    @inline(never)
    private mutating func addChanged(_ bucket: UnsafeMutablePointer<LedgerBucket>) {
        if changedCount == changedCapacity {
            let grown = UnsafeMutablePointer<UnsafeMutablePointer<LedgerBucket>>
                .allocate(capacity: changedCapacity * 2)
            grown.moveInitialize(from: changed, count: changedCount)
            changed.deallocate()
            changed = grown
            changedCapacity *= 2
        }
        changed[changedCount] = bucket
        changedCount += 1
        bucket.pointee.changedAt = UInt32(changedCount)
    }

    /// The bucket that has changed last, as it is now; it counts as unchanged from now on.
    /// - Precondition: there is one.
    mutating func takeChanged(_ clock: LedgerClock) -> BucketState {
        let bucket = changed[changedCount - 1]
        unmarkChanged(bucket)
        bucket.pointee.expire(clock.window(of: bucket.pointee.period))
        return BucketState(
            measureID: bucket.pointee.measureID, period: bucket.pointee.period,
            subject: bucket.pointee.subject,
            slots: (0..<Int(bucket.pointee.count)).map { bucket.pointee.slot($0) },
            reserved: bucket.pointee.reserved)
    }

    private mutating func unmarkChanged(_ bucket: UnsafeMutablePointer<LedgerBucket>) {
        let place = Int(bucket.pointee.changedAt) - 1
        changedCount -= 1
        if place < changedCount {
            changed[place] = changed[changedCount]
            changed[place].pointee.changedAt = UInt32(place + 1)
        }
        bucket.pointee.changedAt = 0
    }
}
