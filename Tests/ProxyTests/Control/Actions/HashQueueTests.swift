import Testing

@testable import Proxy

private func source(_ number: UInt64) -> HashSource {
    HashSource(PeerAddress(high: 0, low: 0xFFFF_0000_0000 | number, port: 1, isUnix: false))
}

/// A queue that has measured hashes of `milliseconds` each.
private func measured(_ milliseconds: UInt64, threads: Int = 1) -> HashQueue<Int> {
    var queue = HashQueue<Int>(threads: threads)
    #expect(queue.admit(0, from: source(0), now: 0) == .queued)
    #expect(queue.take(now: 0) != nil)
    queue.finished(nanoseconds: milliseconds * 1_000_000)
    return queue
}

@Suite struct HashQueueTests {
    @Test func `as many are admitted as are done within the bound`() {
        var queue = measured(100)
        let answers = (1...20).map { queue.admit($0, from: source(UInt64($0)), now: 0) }
        #expect(answers.filter { $0 == .queued }.count == 8)
        #expect(answers.last == .refused(retryAfterSeconds: 1))
        #expect((0..<8).map { _ in queue.take(now: 0)?.job } == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(queue.take(now: 0)?.job == nil)
    }

    @Test func `two threads have twice the room`() {
        var queue = measured(100, threads: 2)
        let answers = (1...40).map { queue.admit($0, from: source(UInt64($0)), now: 0) }
        #expect(answers.filter { $0 == .queued }.count == 16)
    }

    @Test func `those that run count`() {
        var queue = measured(400)
        #expect(queue.admit(1, from: source(1), now: 0) == .queued)
        #expect(queue.take(now: 0)?.job == 1)
        #expect(queue.admit(2, from: source(2), now: 0) == .queued)
        #expect(queue.admit(3, from: source(3), now: 0) == .refused(retryAfterSeconds: 1))
        queue.finished(nanoseconds: 400 * 1_000_000)
        #expect(queue.admit(3, from: source(3), now: 0) == .queued)
    }

    @Test func `a thread without work takes one however long hashes are`() {
        var queue = measured(5000)
        #expect(queue.admit(1, from: source(1), now: 0) == .queued)
        #expect(queue.admit(2, from: source(2), now: 0) == .refused(retryAfterSeconds: 5))
        #expect(queue.take(now: 0)?.isOverdue == false)
        queue.finished(nanoseconds: 5000 * 1_000_000)
        #expect(queue.admit(3, from: source(3), now: 0) == .queued)
    }

    @Test func `one address has a bounded part of the queue`() {
        var queue = measured(10)
        let flood = (1...50).map { queue.admit($0, from: source(1), now: 0) }
        #expect(flood.filter { $0 == .queued }.count == HashQueue<Int>.waitingPerAddressMax)
        #expect(queue.admit(100, from: source(2), now: 0) == .queued)
        #expect(queue.take(now: 0)?.job == 1)
        #expect(queue.admit(51, from: source(1), now: 0) == .queued)
    }

    @Test func `whoever floods the queue leaves room for others`() {
        var queue = measured(150)
        let flood = (1...50).map { queue.admit($0, from: source(1), now: 0) }
        #expect(flood.filter { $0 == .queued }.count == 4)
        #expect(queue.take(now: 0)?.job == 1)
        #expect(queue.admit(51, from: source(1), now: 0) == .queued)
        let others = (2...9).map { queue.admit(100 + $0, from: source(UInt64($0)), now: 0) }
        #expect(others.map { $0 == .queued } == [true, true, true, true, false, false, false, false])
        queue.finished(nanoseconds: 150 * 1_000_000)
        // Each of the others before the flood's second.
        #expect((0..<6).map { _ in queue.take(now: 0)?.job } == [102, 103, 104, 105, 2, 3])
        #expect(queue.admit(110, from: source(10), now: 0) == .refused(retryAfterSeconds: 2))
    }

    @Test func `those that cannot begin in time are told, whoever is busy`() {
        var queue = measured(100)
        #expect(queue.nextOverdueAt == nil)
        for job in 1...3 {
            #expect(queue.admit(job, from: source(1), now: UInt64(job) * 100_000_000) == .queued)
        }
        #expect(queue.nextOverdueAt == 1_000_000_000)
        #expect(queue.takeOverdue(now: 999_999_999) == [])
        #expect(queue.takeOverdue(now: 1_100_000_000) == [1, 2])
        #expect(queue.take(now: 1_100_000_000)?.job == 3)
        #expect(queue.nextOverdueAt == nil && queue.running == 1)
    }

    @Test func `a long average does not make a long wait good`() {
        var queue = measured(5000)
        #expect(queue.admit(1, from: source(1), now: 0) == .queued)
        #expect(queue.take(now: 901 * 1_000_000)?.isOverdue == true)
    }

    @Test func `a job that waited too long is not begun`() {
        var queue = measured(100)
        for job in 1...3 { #expect(queue.admit(job, from: source(UInt64(job)), now: 0) == .queued) }
        #expect(queue.take(now: 0)?.isOverdue == false)
        queue.finished(nanoseconds: 100 * 1_000_000)
        #expect(queue.take(now: 700 * 1_000_000)?.isOverdue == false)
        queue.finished(nanoseconds: 100 * 1_000_000)
        #expect(queue.take(now: 801 * 1_000_000)?.isOverdue == true)
        queue.finished(nanoseconds: nil)
        #expect(queue.running == 0 && queue.nextOverdueAt == nil)
        #expect(queue.duration == 100 * 1_000_000)
    }

    @Test func `the estimate follows what is measured`() {
        var queue = measured(100)
        for _ in 0..<40 {
            #expect(queue.admit(1, from: source(1), now: 0) == .queued)
            #expect(queue.take(now: 0) != nil)
            queue.finished(nanoseconds: 20 * 1_000_000)
        }
        #expect(queue.duration < 25 * 1_000_000)
    }

    @Test func `the rest is told when the pool goes`() {
        var queue = measured(10)
        for job in 1...3 { #expect(queue.admit(job, from: source(1), now: 0) == .queued) }
        #expect(queue.takeRest() == [1, 2, 3])
        #expect(queue.nextOverdueAt == nil)
        #expect(queue.admit(4, from: source(1), now: 0) == .queued)
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
