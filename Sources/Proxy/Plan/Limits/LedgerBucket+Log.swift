/// A log of requests: when each was admitted that still counts.
extension LedgerBucket {
    @inline(__always)
    private var times: UnsafeMutablePointer<UInt64> { ring.assumingMemoryBound(to: UInt64.self) }

    /// When a request was admitted; 0 is the oldest.
    @inline(__always)
    func time(_ index: Int) -> UInt64 { capacity == 0 ? word : times[place(index)] }

    @inline(__always)
    mutating func expireLog(_ window: LimitWindow) {
        while count > 0, time(0) &+ window.length <= window.now {
            settled &-= 1
            dropFirst()
        }
    }

    /// Returns the time that was written.
    @inline(__always)
    mutating func log(_ window: LimitWindow) -> UInt64 {
        // Why: a shadow limit admits any number, and its log must end somewhere.
        guard count < LimitMeasure.loggedMax else {
            logAsSlot(window.whole)
            return window.now
        }
        append(window.now, length: window.length)
        return window.now
    }

    /// A request that was admitted earlier, in another process. In the order of their times.
    mutating func log(at time: UInt64, _ window: LimitWindow) {
        guard kind == .log, count < LimitMeasure.loggedMax else { return }
        append(time, length: window.length)
    }

    @inline(never)
    private mutating func logAsSlot(_ window: LimitWindow) {
        turnIntoSlots(window)
        add(1, to: window.current, window)
    }

    @inline(__always)
    private mutating func append(_ time: UInt64, length: UInt64) {
        if count == 0, capacity == 0 {
            word = time
        } else {
            if count >= capacity { growLog() }
            times[place(Int(count))] = time
        }
        count &+= 1
        settled &+= 1
        endsAt = time &+ length
    }

    /// A log that was slots since has the request at a later time of the same sub-window.
    mutating func unlog(_ admittedAt: UInt64, _ window: LimitWindow) {
        var index = Int(count) - 1
        while index >= 0, time(index) > admittedAt { index -= 1 }
        if index >= 0, time(index) == admittedAt {
            remove(index)
        } else if index + 1 < count, time(index + 1) / window.step == admittedAt / window.step {
            remove(index + 1)
        }
    }

    private mutating func remove(_ index: Int) {
        for later in index + 1..<max(Int(count), index + 1) { times[place(later - 1)] = times[place(later)] }
        count -= 1
        settled -= 1
    }

    @inline(never)
    private mutating func growLog() {
        let grown = grownCapacity
        let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: Int(grown))
        for index in 0..<Int(count) { memory[index] = time(index) }
        freeRing()
        word = UInt64(UInt(bitPattern: memory))
        capacity = grown
    }

    /// The limit is raised above what is logged.
    mutating func turnIntoSlots(_ window: LimitWindow) {
        var slots = LedgerBucket(subject: subject, measureID: measureID, kind: .slots, period: period)
        for index in 0..<Int(count) { slots.add(1, to: time(index) / window.step, window) }
        take(slots)
    }

    /// The limit is lowered to what is logged. Each request counts as late as it may have been.
    ///
    /// Why only half of what a log may hold: a shadow limit's would be turned back at once.
    mutating func turnIntoLog(_ window: LimitWindow) {
        guard settled <= LimitMeasure.loggedMax / 2 else { return }
        var log = LedgerBucket(subject: subject, measureID: measureID, kind: .log, period: period)
        for index in 0..<Int(count) {
            let slot = slot(index)
            let time = min((slot.index + 1) * window.step - 1, window.now)
            for _ in 0..<slot.amount { log.append(time, length: window.length) }
        }
        take(log)
    }

    /// The items of the other, which gives them up.
    private mutating func take(_ other: LedgerBucket) {
        freeRing()
        kind = other.kind
        first = other.first
        count = other.count
        capacity = other.capacity
        settled = other.settled
        endsAt = max(endsAt, other.endsAt)
        word = other.word
    }
}
