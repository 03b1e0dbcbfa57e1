// Covers LedgerKeeper.swift, Ledger+HandOver.swift
// Covers RemoteLedger.swift, LedgerGuest.swift, LedgerCall+Reservation.swift.
import Glibc
import Testing

@testable import Proxy

private func measure(_ id: UInt32, _ unit: LimitMeasure.Unit, _ period: LimitMeasure.Period, max: UInt64)
    -> LimitMeasure
{
    LimitMeasure(
        id: id, identity: "m\(id)", limitName: PlanText("m"), keyName: PlanText("k"), unit: unit,
        period: period, max: max)
}

private let subject = LimitSubject(high: 4, low: 5)
private func time(_ seconds: UInt64) -> LimitTime {
    LimitTime(
        monotonic: seconds * 1_000_000_000, realtime: 1_800_000_000_000_000_000 + seconds * 1_000_000_000)
}

/// On the thread that receives, as in the program.
private struct GuestBox: @unchecked Sendable {
    let guest: LedgerGuest
}

/// Two processes in one: what the old one's ledger is asked goes to the new one's, by the messages.
private final class TwoProcesses {
    let old = Ledger()
    let new = Ledger()
    let minute = measure(1, .requests, .minute, max: 10)
    let tokens = measure(2, .tokens, .day, max: 1000)
    let running = measure(3, .concurrent, .none, max: 3)
    let figures: [UInt32: LimitFigures] = [1: LimitFigures(), 2: LimitFigures(), 3: LimitFigures()]
    let remote: RemoteLedger
    private let channel: HandoverChannel
    private let theirs: HandoverChannel
    let guest: LedgerGuest

    init() throws {
        let (own, other) = try HandoverChannel.pair()
        channel = own
        theirs = HandoverChannel(descriptor: other)
        remote = RemoteLedger(own)
        guest = LedgerGuest(new, figures: figures)
        let remote = remote
        try channel.listen("test-old") { received in
            if case .ledgerAnswer(let result) = received.message { remote.answered(result) }
        } ended: { _ in
            remote.lost()
        }
    }

    deinit {
        channel.shutDown()
        theirs.shutDown()
    }

    func reservation(tokens amount: UInt64 = 100) -> Reservation {
        let reservation = Reservation()
        reservation.add(minute, subject, amount: 1)
        reservation.add(tokens, subject, amount: amount)
        reservation.add(running, subject, amount: 1)
        return reservation
    }

    func handOver(at now: LimitTime) throws {
        old.freeze(remote)
        old.copyAll { guest.take($0, at: now) }
        let box = GuestBox(guest: guest)
        let theirs = theirs
        try theirs.listen("test-new") { received in
            guard case .ledger(let call) = received.message else { return }
            if let result = box.guest.perform(call) { theirs.send(.ledgerAnswer(result)) }
        } ended: { _ in
        }
        remote.serves()
    }

    func end() { theirs.shutDown() }

    func used(_ measure: LimitMeasure, in ledger: Ledger, at now: LimitTime) -> UInt64 {
        ledger.peek(measure: measure, subject: subject, max: measure.max, at: now).used
    }
}

@Test func `what was counted counts on, and what runs is settled in the new process`() throws {
    let two = try TwoProcesses()
    let settled = two.reservation()
    #expect(two.old.reserve(settled, at: time(1)) == nil)
    settled[1].actual = 40
    two.old.settle(settled, at: time(2))
    let running = two.reservation()
    #expect(two.old.reserve(running, at: time(3)) == nil)
    try two.handOver(at: time(4))
    #expect(two.used(two.minute, in: two.new, at: time(4)) == 2)
    #expect(two.used(two.tokens, in: two.new, at: time(4)) == 140)
    #expect(two.used(two.running, in: two.new, at: time(4)) == 1)
    running[1].actual = 70
    two.old.settle(running, at: time(5))
    // The same channel keeps order: whoever is answered after it finds it settled.
    let late = two.reservation()
    #expect(two.old.reserve(late, at: time(6)) == nil)
    #expect(late[0].used == 3)
    #expect(late[1].used == 210)
    #expect(late[2].used == 1)
    two.old.withdraw(late, at: time(7))
    let next = two.reservation(tokens: 0)
    #expect(two.old.reserve(next, at: time(8)) == nil)
    #expect(next[0].used == 3)
    #expect(next[1].used == 110)
    // A log leaves the new ledger when it would have left the old one.
    #expect(two.used(two.minute, in: two.new, at: time(62)) == 2)
    two.old.settle(next, at: time(9))
}

@Test func `both processes together admit what the limit says, and no more`() throws {
    let two = try TwoProcesses()
    for second in 1...4 {
        #expect(two.old.reserve(two.held(tokens: 0), at: time(UInt64(second))) == nil || second > 3)
    }
    try two.handOver(at: time(5))
    #expect(two.old.reserve(two.reservation(tokens: 0), at: time(6))?.entry == 2, "three run already")
    let growing = two.reservation(tokens: 10)
    #expect(two.new.reserve(growing, at: time(7)) != nil)
}

@Test func `tokens that grow in the old process grow in the new one's counts`() throws {
    let two = try TwoProcesses()
    let running = two.reservation(tokens: 900)
    running[1].growsInAnyCase = false
    #expect(two.old.reserve(running, at: time(1)) == nil)
    try two.handOver(at: time(2))
    let charge = LimitCharge(inputTokens: 0, outputTokens: 950, nanoUSD: 0)
    #expect(two.old.grow(running, to: charge, force: false, at: time(3)) == nil)
    #expect(two.used(two.tokens, in: two.new, at: time(3)) == 950)
    let more = LimitCharge(inputTokens: 0, outputTokens: 1001, nanoUSD: 0)
    #expect(two.old.grow(running, to: more, force: false, at: time(3)) == 1)
    #expect(two.old.grow(running, to: more, force: true, at: time(3)) == nil)
    running[1].actual = 1001
    two.old.settle(running, at: time(4))
    let probe = two.reservation(tokens: 1)
    #expect(two.old.probe(probe, at: time(5))?.entry == 1)
}

@Test func `a process that dies with reservations leaves its places free and its tokens used`() throws {
    let two = try TwoProcesses()
    #expect(two.old.reserve(two.held(tokens: 300), at: time(1)) == nil)
    try two.handOver(at: time(2))
    two.guest.leave(at: time(3))
    #expect(two.used(two.running, in: two.new, at: time(3)) == 0)
    #expect(two.used(two.tokens, in: two.new, at: time(3)) == 300)
}

@Test func `a hand-over that fails gives the counts back as they were`() throws {
    let two = try TwoProcesses()
    let running = two.reservation()
    #expect(two.old.reserve(running, at: time(1)) == nil)
    two.old.freeze(two.remote)
    #expect(two.old.takeChanges(max: 100).isEmpty)
    running[1].actual = 5
    two.old.settle(running, at: time(2))
    two.old.thaw()
    two.remote.failed(two.old)
    #expect(two.used(two.tokens, in: two.old, at: time(2)) == 5)
    #expect(two.old.takeChanges(max: 100).count == 1)
}

@Test func `when the new process is gone nobody counts, and nobody new is let in`() throws {
    let two = try TwoProcesses()
    let running = two.reservation()
    #expect(two.old.reserve(running, at: time(1)) == nil)
    try two.handOver(at: time(2))
    two.end()
    var refusal: LimitRefusal?
    repeat { refusal = two.old.reserve(two.held(tokens: 0), at: time(3)) } while refusal == nil
    #expect(refusal?.reason == .tooManySubjects)
    two.old.settle(running, at: time(4))
    #expect(!running.isHeld)
}

extension TwoProcesses {
    /// Lives on: what is held must not end with its object.
    fileprivate func held(tokens amount: UInt64) -> Reservation {
        let reservation = reservation(tokens: amount)
        kept.append(reservation)
        return reservation
    }
}

nonisolated(unsafe) private var kept: [Reservation] = []
