/// Slots: how much was settled in each sub-window that counts, only those where something was.
extension LedgerBucket {
    @inline(__always)
    private var slots: UnsafeMutablePointer<BucketState.Slot> {
        ring.assumingMemoryBound(to: BucketState.Slot.self)
    }

    /// 0 is the oldest.
    @inline(__always)
    func slot(_ index: Int) -> BucketState.Slot {
        capacity == 0 ? BucketState.Slot(index: word, amount: settled) : slots[place(index)]
    }

    /// False: the newest is not of the current sub-window, and nothing was added.
    @inline(__always)
    mutating func addToNewest(_ amount: UInt64, _ window: LimitWindow) -> Bool {
        guard count > 0, amount <= LedgerBucket.sumMax &- settled else { return false }
        if capacity == 0 {
            guard word == window.current else { return false }
        } else {
            let newest = slots + place(Int(count) &- 1)
            guard newest.pointee.index == window.current else { return false }
            newest.pointee.amount &+= amount
        }
        settled &+= amount
        return true
    }

    @inline(__always)
    mutating func expireSlots(_ window: LimitWindow) {
        while count > 0 {
            let oldest = slot(0)
            guard oldest.index < window.oldest else { return }
            settled &-= oldest.amount
            dropFirst()
        }
    }

    /// The calendar was set back: what was used at times to come was used by now.
    mutating func redate(_ window: LimitWindow) {
        guard kind == .slots, count > 0, slot(Int(count) - 1).index > window.current else { return }
        var amount: UInt64 = 0
        while count > 0, slot(Int(count) - 1).index > window.current {
            amount += slot(Int(count) - 1).amount
            settled -= slot(Int(count) - 1).amount
            count -= 1
        }
        add(amount, to: window.current, window)
        endsAt = window.end(of: window.current)
    }

    @inline(__always)
    mutating func add(_ amount: UInt64, to subWindow: UInt64, _ window: LimitWindow) {
        let added = min(amount, LedgerBucket.sumMax &- settled)
        guard added > 0 else { return }
        let last = Int(count) &- 1
        if last >= 0, slot(last).index == subWindow {
            if capacity > 0 { slots[place(last)].amount &+= added }
        } else if last < 0 || slot(last).index < subWindow {
            append(added, to: subWindow, window)
        } else {
            insert(added, to: subWindow)
        }
        settled &+= added
    }

    /// `settled` is still without it.
    private mutating func append(_ amount: UInt64, to subWindow: UInt64, _ window: LimitWindow) {
        endsAt = window.end(of: subWindow)
        if count == 0, capacity == 0 {
            word = subWindow
        } else {
            if count >= capacity { growSlots() }
            slots[place(Int(count))] = BucketState.Slot(index: subWindow, amount: amount)
        }
        count &+= 1
    }

    /// Among older ones; what a store remembers comes so.
    private mutating func insert(_ amount: UInt64, to subWindow: UInt64) {
        var index = Int(count)
        while index > 0, slot(index - 1).index >= subWindow { index -= 1 }
        if slot(index).index == subWindow {
            slots[place(index)].amount &+= amount
            return
        }
        if count >= capacity { growSlots() }
        for later in (index..<Int(count)).reversed() { slots[place(later + 1)] = slots[place(later)] }
        slots[place(index)] = BucketState.Slot(index: subWindow, amount: amount)
        count += 1
    }

    mutating func removeOne(from subWindow: UInt64) {
        var index = Int(count) - 1
        while index >= 0, slot(index).index > subWindow { index -= 1 }
        guard index >= 0, slot(index).index == subWindow else { return }
        settled -= 1
        if capacity > 0 { slots[place(index)].amount -= 1 }
        guard slot(index).amount == 0 else { return }
        for later in index + 1..<max(Int(count), index + 1) { slots[place(later - 1)] = slots[place(later)] }
        count -= 1
    }

    @inline(never)
    private mutating func growSlots() {
        let grown = grownCapacity
        let memory = UnsafeMutablePointer<BucketState.Slot>.allocate(capacity: Int(grown))
        for index in 0..<Int(count) { memory[index] = slot(index) }
        freeRing()
        word = UInt64(UInt(bitPattern: memory))
        capacity = grown
    }

    func waitForSlots(_ need: UInt64, _ window: LimitWindow) -> UInt64 {
        var left: UInt64 = 0
        for index in 0..<Int(count) {
            let slot = slot(index)
            left += slot.amount
            if left >= need { return window.wait(until: window.end(of: slot.index)) }
        }
        return 0
    }

    @inline(__always)
    func resetsOfSlots(_ window: LimitWindow) -> (nextIn: UInt64, emptyIn: UInt64) {
        let ofNow = window.wait(until: window.end(of: window.current))
        guard count > 0 else { return reserved > 0 ? (ofNow, ofNow) : (0, 0) }
        let next = window.wait(until: window.end(of: slot(0).index))
        if reserved > 0 { return (next, ofNow) }
        return (next, window.wait(until: window.end(of: slot(Int(count) &- 1).index)))
    }
}
