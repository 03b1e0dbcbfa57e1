import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct TimerWheelTests {
    private final class Timer: Channel {
        init() { super.init(kind: .mailbox, descriptor: -1) }
    }

    private let slot = TimerWheel.slotNanoseconds

    /// Everything that has expired, by place in `timers`.
    private func expired(_ wheel: inout TimerWheel, _ timers: [Timer], now: UInt64) -> Set<Int> {
        var found: Set<Int> = []
        while let channel = wheel.popExpired(now: now) {
            guard let index = timers.firstIndex(where: { $0 === channel }) else { continue }
            #expect(found.insert(index).inserted, "popped twice")
            #expect(channel.deadline <= now, "early by \(channel.deadline - now)")
        }
        return found
    }

    @Test(arguments: [0, 1, 5_000_000, 1_000_000_000_000_007] as [UInt64])
    func `a deadline fires after it and at most one slot late`(start: UInt64) {
        for offset in [
            1, slot / 2, slot, slot + 1, 10 * slot, 1022 * slot, 1023 * slot, 1024 * slot, 5000 * slot,
        ] {
            var wheel = TimerWheel(now: start)
            defer { wheel.destroy() }
            let timer = Timer()
            wheel.set(timer, start + offset)
            var now = start
            while timer.timerSlot >= 0 {
                now += slot / 4
                let fired = !expired(&wheel, [timer], now: now).isEmpty
                #expect(!fired || now <= start + offset + slot + slot / 4)
                guard now < start + offset + 2 * slot else {
                    #expect(timer.timerSlot < 0, "never fired: \(offset)")
                    break
                }
            }
        }
    }

    @Test func `moved later it waits, moved earlier it does not, removed it never comes`() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.destroy() }
        let timers = (0..<4).map { _ in Timer() }
        for timer in timers { wheel.set(timer, 10 * slot) }
        wheel.set(timers[0], 30 * slot)
        wheel.set(timers[1], 5 * slot)
        wheel.remove(timers[2])
        wheel.set(timers[3], .max)
        #expect(expired(&wheel, timers, now: 7 * slot) == [1])
        #expect(expired(&wheel, timers, now: 20 * slot) == [])
        #expect(expired(&wheel, timers, now: 32 * slot) == [0])
        #expect(wheel.millisecondsToNext(now: 32 * slot) == -1)
        // After having been off it can be set again, in both directions.
        wheel.set(timers[3], 40 * slot)
        wheel.set(timers[3], 35 * slot)
        #expect(expired(&wheel, timers, now: 37 * slot) == [3])
    }

    @Test func `after a long sleep everything due fires at once and the rest stays`() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.destroy() }
        let timers = (0..<200).map { _ in Timer() }
        for (index, timer) in timers.enumerated() { wheel.set(timer, UInt64(index) * 100 * slot) }
        #expect(expired(&wheel, timers, now: 10_050 * slot) == Set(0...100))
        #expect(expired(&wheel, timers, now: 1_000_000 * slot) == Set(101...199))
    }

    @Test func `a deadline set with an old tick is right all the same`() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.destroy() }
        let timer = Timer()
        // The loop slept for a minute; what it sets now is put in before the wheel is turned.
        let now = 3600 * slot
        wheel.set(timer, now + 2 * slot)
        #expect(expired(&wheel, [timer], now: now) == [])
        #expect(expired(&wheel, [timer], now: now + slot) == [])
        #expect(expired(&wheel, [timer], now: now + 3 * slot) == [0])
    }

    @Test func `an empty wheel has no next, and a full one the right one`() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.destroy() }
        #expect(wheel.millisecondsToNext(now: 0) == -1)
        let timer = Timer()
        wheel.set(timer, 1_000_000_000)
        let wait = wheel.millisecondsToNext(now: 0)
        #expect(wait >= 1000 && wait <= 1018)
        #expect(wheel.millisecondsToNext(now: 2_000_000_000) == 0)
        wheel.set(timer, 100_000_000_000)
        wheel.remove(timer)
        wheel.set(timer, 100_000_000_000)
        // Beyond the horizon: it wakes to look again, before it is due.
        #expect(wheel.millisecondsToNext(now: 0) <= 17_200)
    }

    @Test(arguments: UInt64(1)...12)
    func `random deadlines, moves and sleeps agree with a list`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var now = UInt64.random(in: 0...1 << 50, using: &random)
        var wheel = TimerWheel(now: now)
        defer { wheel.destroy() }
        let timers = (0..<40).map { _ in Timer() }
        var due: [Int: UInt64] = [:]
        for _ in 0..<600 {
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let index = Int.random(in: 0..<timers.count, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0:
                    wheel.remove(timers[index])
                    due[index] = nil
                case 1:
                    wheel.set(timers[index], .max)
                    due[index] = nil
                default:
                    let reach = [slot, 50 * slot, 2000 * slot].randomElement(using: &random)!
                    let deadline = now + UInt64.random(in: 0...reach, using: &random)
                    wheel.set(timers[index], deadline)
                    due[index] = deadline
                }
            }
            checkWait(&wheel, due, now)
            let step = [slot / 3, 3 * slot, 300 * slot, 5000 * slot].randomElement(using: &random)!
            now += UInt64.random(in: 0...step, using: &random)
            for index in expired(&wheel, timers, now: now) {
                #expect(due.removeValue(forKey: index) != nil, "fired without a deadline, seed \(seed)")
            }
            for (index, deadline) in due { #expect(deadline + slot > now, "late: \(index), seed \(seed)") }
        }
    }

    /// The loop does not sleep beyond the first deadline by more than a slot and the rounding.
    private func checkWait(_ wheel: inout TimerWheel, _ due: [Int: UInt64], _ now: UInt64) {
        guard let first = due.values.min() else { return }
        let wait = wheel.millisecondsToNext(now: now)
        #expect(wait >= 0)
        #expect(now + UInt64(max(0, wait)) * 1_000_000 <= max(first, now) + slot + 1_000_000)
    }
}
