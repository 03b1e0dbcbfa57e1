/// What one subject has used of one measure.
///
/// Cost: 64 bytes, in which the first admission fits. The ring for more is allocated when it is needed, and
/// grows as far as it must: 8 bytes for each request of a log, 16 for each sub-window that something was used
/// in. The pointer is freed by `freeRing` alone: `LedgerTable` moves buckets about as bits.
struct LedgerBucket {
    enum Kind: UInt8, Sendable {
        /// Of requests: when each was admitted.
        case log
        /// How much was settled in each sub-window.
        case slots
        /// Nothing is ever settled.
        case concurrent
    }

    /// A ring that holds nothing is kept up to this capacity: it will be needed again.
    static let keptCapacityMax: UInt16 = 255
    /// No sum of amounts gets above, so that none can overflow: what a hostile upstream says it used may be
    /// any number.
    static let sumMax: UInt64 = 1 << 62

    let subject: LimitSubject
    let measureID: UInt32
    /// Place in the table's list of changed buckets, plus one; 0: has not changed.
    var changedAt: UInt32 = 0
    var kind: Kind
    let period: LimitMeasure.Period
    /// The ring: `count` items from `first` on, oldest first. Where `capacity` is 0, the only item is in
    /// `word`.
    var first: UInt16 = 0
    var count: UInt16 = 0
    var capacity: UInt16 = 0
    /// By exchanges that run.
    var reserved: UInt64 = 0
    /// All items together.
    var settled: UInt64 = 0
    /// When nothing settled counts any more, by the window's clock; not before.
    var endsAt: UInt64 = 0
    /// The ring's address; or the time of the only request, or the index of the only slot (whose amount is
    /// `settled`).
    var word: UInt64 = 0

    init(subject: LimitSubject, measureID: UInt32, kind: Kind, period: LimitMeasure.Period) {
        self.subject = subject
        self.measureID = measureID
        self.kind = kind
        self.period = period
    }

    /// How a measure's amounts are kept.
    @inline(__always)
    static func kind(unit: LimitMeasure.Unit, period: LimitMeasure.Period, max: UInt64) -> Kind {
        switch unit {
        case .concurrent: .concurrent
        case .requests:
            (period == .second || period == .minute) && max <= LimitMeasure.loggedMax ? .log : .slots
        case .inputTokens, .outputTokens, .tokens, .money: .slots
        }
    }

    /// Never above 2⁶³.
    var used: UInt64 { settled &+ reserved }

    @inline(__always)
    func isOver(at clock: LedgerClock) -> Bool {
        reserved == 0 && endsAt <= clock.now(of: period)
    }

    /// Lets go of what counts no more.
    @inline(__always)
    mutating func expire(_ window: LimitWindow) {
        guard count > 0 else { return }
        if endsAt <= window.now {
            dropAll()
        } else if kind == .log {
            expireLog(window)
        } else {
            expireSlots(window)
        }
    }

    /// Takes back one request that was admitted at a time; nothing where it counts no more.
    mutating func takeBack(admittedAt: UInt64, _ window: LimitWindow) {
        if kind == .log {
            unlog(admittedAt, window)
        } else if let subWindow = window.subWindow(of: admittedAt) {
            removeOne(from: subWindow)
        }
    }

    mutating func release(_ amount: UInt64) {
        precondition(amount <= reserved, "what is released was reserved")
        reserved &-= amount
    }

    /// Returns what was added: all of it, but for `sumMax`.
    @inline(__always)
    mutating func reserve(_ amount: UInt64) -> UInt64 {
        let added = min(amount, LedgerBucket.sumMax &- reserved)
        reserved &+= added
        return added
    }

    /// Nanoseconds until `need` of what is settled has left the window; 0 where less is settled: what is
    /// reserved does not leave by time.
    func wait(for need: UInt64, _ window: LimitWindow) -> UInt64 {
        guard need <= settled else { return 0 }
        switch kind {
        case .log: return window.wait(until: time(Int(need) - 1) &+ window.length)
        case .slots: return waitForSlots(need, window)
        case .concurrent: return 0
        }
    }

    /// Nanoseconds until some of what is used comes back, and until all has. Of what is reserved nobody knows
    /// when it ends: it counts as though it were settled now.
    @inline(__always)
    func resets(_ window: LimitWindow) -> (nextIn: UInt64, emptyIn: UInt64) {
        switch kind {
        case .log:
            guard count > 0 else { return (0, 0) }
            return (
                window.wait(until: time(0) &+ window.length),
                window.wait(until: time(Int(count) &- 1) &+ window.length)
            )
        case .slots: return resetsOfSlots(window)
        case .concurrent: return (0, 0)
        }
    }

    private mutating func dropAll() {
        count = 0
        first = 0
        settled = 0
        if capacity > LedgerBucket.keptCapacityMax { freeRing() }
    }
}

extension LedgerBucket {
    /// Where the item is in the ring.
    @inline(__always)
    func place(_ index: Int) -> Int {
        let place = Int(first) &+ index
        return place < Int(capacity) ? place : place &- Int(capacity)
    }

    @inline(__always)
    var ring: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: UInt(word)).unsafelyUnwrapped
    }

    /// What a full ring grows to. Why odd: the C library's blocks have 8 bytes more than a multiple of 16.
    var grownCapacity: UInt16 { UInt16(min(Int(capacity) * 2 + 1, 32_767) | 3) }

    @inline(__always)
    mutating func dropFirst() {
        count &-= 1
        first = count > 0 && first &+ 1 < capacity ? first &+ 1 : 0
    }

    mutating func freeRing() {
        if capacity > 0 { ring.deallocate() }
        capacity = 0
        first = 0
        word = 0
    }
}
