/// Deadlines of a worker's channels. One per channel; setting it later is a store, earlier is a move in O(1).
///
/// A single wheel of 1,024 slots of 16 ms. A deadline beyond the 16 s horizon waits in the farthest slot and
/// is looked at again when that comes round, and so is one that has moved later meanwhile: the wheel holds
/// hints, `Channel.deadline` the truth. Deadlines fire up to one slot late, never early.
struct TimerWheel {
    static let slotNanoseconds: UInt64 = 16_777_216
    private static let slotCount = 1024
    private static let mask = slotCount - 1
    private static let shift: UInt64 = 24

    /// Heads of the slots' lists. Unowned: a channel leaves the wheel before it is let go.
    private let heads: UnsafeMutablePointer<Unmanaged<Channel>?>
    /// One bit per slot that is not empty.
    private let occupied: UnsafeMutablePointer<UInt64>
    /// The tick up to which slots have been expired.
    private var tick: UInt64
    /// No slot before this tick holds anything, so that the usual question costs one comparison.
    private var emptyUntil: UInt64

    init(now: UInt64) {
        heads = .allocate(capacity: TimerWheel.slotCount)
        heads.initialize(repeating: nil, count: TimerWheel.slotCount)
        occupied = .allocate(capacity: TimerWheel.slotCount / 64)
        occupied.initialize(repeating: 0, count: TimerWheel.slotCount / 64)
        tick = now >> TimerWheel.shift
        emptyUntil = tick
    }

    func destroy() {
        heads.deallocate()
        occupied.deallocate()
    }

    /// - Parameter deadline: monotonic nanoseconds; `.max` for none.
    mutating func set(_ channel: Channel, _ deadline: UInt64) {
        channel.deadline = deadline
        if channel.timerSlot >= 0 {
            // Why: the usual case. The channel is looked at before its new deadline anyway and then moves on.
            if deadline >> TimerWheel.shift >= channel.timerTick { return }
            remove(channel)
        }
        if deadline != .max { insert(channel) }
    }

    mutating func remove(_ channel: Channel) {
        guard channel.timerSlot >= 0 else { return }
        let slot = Int(channel.timerSlot)
        if let next = channel.timerNext { next.timerPrevious = channel.timerPrevious }
        if let previous = channel.timerPrevious {
            previous.timerNext = channel.timerNext
        } else {
            heads[slot] = channel.timerNext.map { Unmanaged.passUnretained($0) }
            if heads[slot] == nil { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
        }
        channel.timerSlot = -1
        channel.timerNext = nil
        channel.timerPrevious = nil
    }

    private mutating func insert(_ channel: Channel) {
        let due = (channel.deadline >> TimerWheel.shift) + 1
        let at = min(max(due, tick + 1), tick + UInt64(TimerWheel.mask))
        emptyUntil = min(emptyUntil, at)
        let slot = Int(at) & TimerWheel.mask
        channel.timerSlot = Int16(slot)
        channel.timerTick = at
        channel.timerPrevious = nil
        channel.timerNext = heads[slot]?.takeUnretainedValue()
        channel.timerNext?.timerPrevious = channel
        heads[slot] = Unmanaged.passUnretained(channel)
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
    }

    /// The next channel whose deadline has passed, taken out of the wheel; nil when there is none left.
    mutating func popExpired(now: UInt64) -> Channel? {
        let target = now >> TimerWheel.shift
        // Nothing is due before that tick.
        if tick < emptyUntil { tick = min(emptyUntil, max(tick, target)) }
        while true {
            let slot = Int(tick) & TimerWheel.mask
            while let head = heads[slot] {
                let channel = head.takeUnretainedValue()
                remove(channel)
                if channel.deadline <= now { return channel }
                if channel.deadline != .max { insert(channel) }
            }
            if tick >= target { return nil }
            // Why: after a long sleep the empty slots are stepped over at most once round the wheel.
            tick = target - tick > UInt64(TimerWheel.mask) ? target - UInt64(TimerWheel.mask) : tick + 1
        }
    }

    /// Milliseconds until the next slot that holds anything is due; -1 when the wheel is empty.
    mutating func millisecondsToNext(now: UInt64) -> Int32 {
        guard let next = nextOccupiedTick() else { return -1 }
        emptyUntil = next
        let due = next << TimerWheel.shift
        return due <= now ? 0 : Int32((due - now + 999_999) / 1_000_000)
    }

    private func nextOccupiedTick() -> UInt64? {
        var at = max(emptyUntil, tick)
        let end = tick + UInt64(TimerWheel.slotCount)
        while at < end {
            let slot = Int(at) & TimerWheel.mask
            let word = occupied[slot >> 6] >> UInt64(slot & 63)
            if word != 0 { return at + UInt64(word.trailingZeroBitCount) }
            at += UInt64(64 - (slot & 63))
        }
        return nil
    }
}
