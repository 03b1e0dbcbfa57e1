import Testing

@testable import Proxy

private func source(_ number: UInt64) -> HashSource {
    HashSource(PeerAddress(high: 0, low: 0xFFFF_0000_0000 | number, port: 1, isUnix: false))
}

/// A queue that has measured hashes of `milliseconds` each.
private func measured(_ milliseconds: UInt64, threads: Int = 1) -> HashQueue<Int> {
    var queue = HashQueue<Int>(threads: threads)
    #expect(queue.admit(0, from: source(0)) == true)
    queue.run(milliseconds: milliseconds)
    return queue
}

extension HashQueue<Int> {
    /// At `now` milliseconds.
    fileprivate mutating func admit(_ job: Int, from source: HashSource, now: UInt64 = 0) -> Bool {
        let now = now * millisecond
        return admit(job, from: source, arrival: now, now: now).retryAfterSeconds == nil
    }

    /// Takes one at `now` milliseconds and ends it.
    @discardableResult
    fileprivate mutating func run(milliseconds: UInt64, now: UInt64 = 0) -> Int? {
        guard let taken = take(now: now * millisecond) else { return nil }
        let nanoseconds = milliseconds * millisecond
        #expect(finished(taken.id, work: nanoseconds, duration: nanoseconds) == true)
        return taken.job
    }
}

@Suite struct HashQueueTests {
    @Test func `as many are admitted as are done within the bound`() {
        var queue = measured(100)
        let answers = (1...20).map { queue.admit($0, from: source(UInt64($0))) }
        #expect(answers.filter { $0 }.count == 8)
        #expect(queue.admit(21, from: source(21), arrival: 0, now: 0).retryAfterSeconds == 1)
        let order = (0..<8).map { _ in queue.take(now: 0)?.job }
        #expect(order == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(queue.take(now: 0)?.job == nil)
    }

    @Test func `one address has the whole queue while nobody else wants it`() {
        var queue = measured(40)
        let answers = (1...500).map { queue.admit($0, from: source(1)) }
        #expect(answers.filter { $0 }.count == 21)
        let order = (0..<21).map { _ in queue.take(now: 0)?.job }
        #expect(order == Array(1...21))
    }

    @Test func `before anything was measured many are admitted`() {
        var queue = HashQueue<Int>(threads: 1)
        let answers = (1...500).map { queue.admit($0, from: source(1)) }
        #expect(answers.filter { $0 }.count == 34)
    }

    @Test func `two threads have twice the room`() {
        var queue = measured(100, threads: 2)
        let answers = (1...40).map { queue.admit($0, from: source(UInt64($0))) }
        #expect(answers.filter { $0 }.count == 17)
    }

    @Test func `those that run count`() {
        var queue = measured(400)
        #expect(queue.admit(1, from: source(1)) == true)
        let first = queue.take(now: 0)
        #expect(first?.job == 1)
        #expect(queue.admit(2, from: source(2)) == true)
        #expect(queue.admit(3, from: source(3)) == false)
        let id = first?.id ?? 0
        #expect(queue.finished(id, work: 400 * millisecond, duration: 400 * millisecond) == true)
        #expect(queue.admit(3, from: source(3)) == true)
    }

    @Test func `a thread without work takes one however long hashes are`() {
        var queue = measured(5000)
        #expect(queue.admit(1, from: source(1)) == true)
        #expect(queue.admit(2, from: source(2), arrival: 0, now: 0).retryAfterSeconds == 5)
        #expect(queue.run(milliseconds: 5000) == 1)
        // One that the store has kept waiting as well.
        let late = queue.admit(3, from: source(3), arrival: 0, now: 600 * millisecond)
        #expect(late.retryAfterSeconds == nil)
        #expect(queue.take(now: 601 * millisecond)?.job == 3)
        #expect(queue.expire(now: 5000 * millisecond) == [])
        #expect(queue.nextDeadline == nil)
    }

    @Test func `sources take turns`() {
        var queue = measured(10)
        for job in [10, 11, 12] { #expect(queue.admit(job, from: source(1)) == true) }
        for job in [20, 21] { #expect(queue.admit(job, from: source(2)) == true) }
        #expect(queue.run(milliseconds: 10) == 10)
        #expect(queue.admit(30, from: source(3)) == true)
        let order = (0..<5).map { _ in queue.run(milliseconds: 10) }
        #expect(order == [20, 11, 30, 21, 12])
    }

    @Test(arguments: [150, 400] as [UInt64])
    func `whoever floods gives way to others`(milliseconds: UInt64) {
        var queue = measured(milliseconds)
        let room = Int(850 / milliseconds)
        var jobs = (1...room).map { $0 * 10 }
        for job in jobs { #expect(queue.admit(job, from: source(1)) == true) }
        #expect(queue.admit(1, from: source(1)) == false)
        // The others are each admitted for one of the flood, until there is one of everybody.
        for other in 2...room {
            let admission = queue.admit(other, from: source(UInt64(other)), arrival: 0, now: 0)
            #expect(admission.retryAfterSeconds == nil)
            #expect(admission.givingWay == [jobs.removeLast()])
        }
        #expect(jobs == [10])
        #expect(queue.admit(99, from: source(99)) == false)
        let order = (0..<room).map { _ in queue.take(now: 0)?.job }
        #expect(order == [10] + (2...room).map { $0 })
    }

    @Test func `while a flood goes on, another is never refused`() {
        var queue = measured(165)
        var served = 0
        for turn in 0..<200 as Range<UInt64> {
            let now = turn * 165
            _ = queue.expire(now: now * millisecond)
            for job in 0..<6 { _ = queue.admit(job, from: source(1), now: now) }
            if turn % 4 == 0 { #expect(queue.admit(100, from: source(2), now: now) == true) }
            if queue.run(milliseconds: 165, now: now) == 100 { served += 1 }
        }
        #expect(served == 50)
    }

    @Test func `what cannot be done in time any more is not begun, and told in time`() {
        var queue = measured(100)
        for job in 1...3 { #expect(queue.admit(job, from: source(UInt64(job))) == true) }
        #expect(queue.run(milliseconds: 100) == 1)
        #expect(queue.nextDeadline == 900 * millisecond)
        #expect(queue.run(milliseconds: 100, now: 700) == 2)
        #expect(queue.take(now: 800 * millisecond) == nil)
        #expect(queue.expire(now: 899 * millisecond) == [])
        #expect(queue.expire(now: 900 * millisecond) == [3])
        #expect(queue.running == 0 && queue.waitingCount == 0 && queue.nextDeadline == nil)
    }

    @Test func `one that has waited and takes too long is told before it is done`() {
        var queue = measured(100)
        #expect(queue.admit(1, from: source(1)) == true)
        #expect(queue.admit(2, from: source(1)) == true)
        #expect(queue.run(milliseconds: 500) == 1)
        let taken = queue.take(now: 500 * millisecond)
        #expect(queue.nextDeadline == 900 * millisecond)
        #expect(queue.expire(now: 900 * millisecond) == [2])
        #expect(queue.running == 1)
        #expect(queue.finished(taken?.id ?? 0, work: 500 * millisecond, duration: 500 * millisecond) == false)
        #expect(queue.running == 0)
    }

    @Test func `the wait before counts`() {
        var queue = measured(100)
        #expect(queue.admit(1, from: source(1)) == true)
        let late = queue.admit(2, from: source(2), arrival: 0, now: 300 * millisecond)
        #expect(late.retryAfterSeconds == nil)
        #expect(queue.expire(now: 899 * millisecond) == [])
        let told = queue.expire(now: 900 * millisecond)
        #expect(told.sorted() == [1, 2])
    }

    @Test func `admission goes by CPU time, the rest by what it takes`() {
        var queue = HashQueue<Int>(threads: 1)
        for _ in 0..<40 {
            #expect(queue.admit(1, from: source(1)) == true)
            let taken = queue.take(now: 0)
            #expect(
                queue.finished(taken?.id ?? 0, work: 50 * millisecond, duration: 400 * millisecond) == true)
        }
        #expect(queue.work == 50 * millisecond && queue.duration > 390 * millisecond)
        let answers = (1...50).map { queue.admit($0, from: source(1)) }
        #expect(answers.filter { $0 }.count == 17)
        #expect(queue.take(now: 400 * millisecond)?.job == 1)
        #expect(queue.take(now: 420 * millisecond) == nil)
    }

    @Test func `a first hash that was slowed down keeps none of the others from being begun`() {
        var queue = HashQueue<Int>(threads: 1)
        for job in 1...3 { #expect(queue.admit(job, from: source(1)) == true) }
        let first = queue.take(now: 0)
        #expect(queue.finished(first?.id ?? 0, work: 50 * millisecond, duration: 600 * millisecond) == true)
        #expect(queue.take(now: 600 * millisecond)?.job == 2)
    }

    @Test func `the estimate follows what is measured`() {
        var queue = measured(100)
        for _ in 0..<40 {
            #expect(queue.admit(1, from: source(1)) == true)
            queue.run(milliseconds: 20)
        }
        #expect(queue.work < 25 * millisecond && queue.duration < 25 * millisecond)
    }

    @Test func `the rest is told when the pool goes`() {
        var queue = measured(10)
        for job in 1...3 { #expect(queue.admit(job, from: source(1)) == true) }
        #expect(queue.takeRest() == [1, 2, 3])
        #expect(queue.waitingCount == 0 && queue.nextDeadline == nil)
        #expect(queue.admit(4, from: source(1)) == true)
    }

    @Test func `a site of IPv6 is one source, an IPv4 address is one each`() {
        func of(_ high: UInt64, _ low: UInt64) -> HashSource {
            HashSource(PeerAddress(high: high, low: low, port: 1, isUnix: false))
        }
        #expect(of(0x2001_0db8_0000_0001, 1) == of(0x2001_0db8_0000_0001, 2))
        #expect(of(0x2001_0db8_0000_0001, 1) != of(0x2001_0db8_0000_0002, 1))
        #expect(of(0, 0xFFFF_0A00_0001) != of(0, 0xFFFF_0A00_0002))
    }
}
