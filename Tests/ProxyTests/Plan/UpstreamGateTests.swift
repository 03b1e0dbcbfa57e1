import Glibc
import Synchronization
import Testing

@testable import Proxy

private func ticket(_ number: UInt64, worker: Int = 0) -> Ticket { Ticket(worker: worker, number: number) }

extension UpstreamGate {
    convenience init(_ inFlightMax: Int, queue queuedMax: Int = 0) {
        self.init(Bounds(inFlightMax: inFlightMax, queuedMax: queuedMax))
    }

    /// In, waiting, refused.
    var counts: [Int] { [figures.inFlight, figures.queued, Int(figures.refused)] }

    /// Where a ticket waits; nil: it does not.
    func queue(_ ticket: Ticket) -> WaitingLine.Place? {
        if case .queued(let place) = enter(ticket) { place } else { nil }
    }
}

@Suite(.tags(.fast)) struct UpstreamGateTests {
    @Test func `those beyond the bound wait, and those beyond the queue's bound do not`() throws {
        let gate = UpstreamGate(2, queue: 1)
        #expect(gate.enter(ticket(1)) == .entered && gate.enter(ticket(2)) == .entered)
        #expect(gate.queue(ticket(3)) != nil)
        #expect(gate.enter(ticket(4)) == .queueFull)
        #expect(gate.counts == [2, 1, 1])
        #expect(gate.leave() == ticket(3))
        #expect(gate.counts == [2, 0, 1])
        #expect(gate.leave() == nil && gate.leave() == nil)
        #expect(gate.counts == [0, 0, 1])
        let bare = UpstreamGate(1)
        #expect(bare.enter(ticket(1)) == .entered && bare.enter(ticket(2)) == .full)
    }

    @Test func `first come, first served, over all workers`() {
        let gate = UpstreamGate(1, queue: 9)
        #expect(gate.enter(ticket(1)) == .entered)
        let waiting = (1...6).map { ticket(UInt64($0), worker: $0 % 3 + 1) }
        for ticket in waiting { #expect(gate.queue(ticket) != nil) }
        for ticket in waiting { #expect(gate.leave() == ticket) }
        #expect(gate.leave() == nil)
    }

    @Test func `who goes while waiting leaves the line, and who was called passes the place on`() throws {
        let gate = UpstreamGate(1, queue: 9)
        #expect(gate.enter(ticket(1)) == .entered)
        let places = try (2...4).map { try #require(gate.queue(ticket($0))) }
        #expect(gate.cancel(ticket(3), at: places[1]) == nil)
        #expect(gate.leave() == ticket(2))
        // Called, but gone before it knew.
        #expect(gate.cancel(ticket(2), at: places[0]) == ticket(4))
        #expect(gate.cancel(ticket(4), at: places[2]) == nil)
        #expect(gate.counts == [0, 0, 0])
    }

    @Test func `whose time is over is out, unless there is a place already`() throws {
        let gate = UpstreamGate(1, queue: 9)
        #expect(gate.enter(ticket(1)) == .entered)
        let places = try (2...3).map { try #require(gate.queue(ticket($0))) }
        #expect(gate.expire(ticket(2), at: places[0]))
        #expect(gate.counts == [1, 1, 1])
        #expect(gate.leave() == ticket(3))
        #expect(!gate.expire(ticket(3), at: places[1]))
        #expect(gate.leave() == nil && gate.counts == [0, 0, 1])
    }

    @Test func `wider bounds let those in who wait, narrower ones throw nobody out`() {
        let gate = UpstreamGate(1, queue: 9)
        #expect(gate.enter(ticket(1)) == .entered)
        for number in UInt64(2)...6 { #expect(gate.queue(ticket(number)) != nil) }
        #expect(gate.setBounds(.init(inFlightMax: 3, queuedMax: 1)) == [ticket(2), ticket(3)])
        #expect(gate.enter(ticket(7)) == .queueFull && gate.counts == [3, 3, 1])
        #expect(gate.setBounds(.init(inFlightMax: 2, queuedMax: 0)) == [])
        // One too many: the first who leaves is followed by nobody.
        #expect(gate.leave() == nil && gate.leave() == ticket(4))
        #expect(gate.enter(ticket(8)) == .full)
        #expect(gate.setBounds(.none) == [ticket(5), ticket(6)])
        #expect(gate.enter(ticket(9)) == .entered && gate.counts == [5, 0, 2])
        for _ in 0..<5 { #expect(gate.leave() == nil) }
    }

    @Test func `a place that is given back twice traps`() async {
        await #expect(processExitsWith: .failure) { _ = UpstreamGate(1).leave() }
    }

    @Test(arguments: UInt64(1)...60)
    func `whoever comes, goes, waits too long or is told late: no place is lost`(seed: UInt64) {
        var model = GateModel(seed: seed)
        for _ in 0..<1500 { model.step() }
        model.finish()
        #expect(model.broken == [], "seed \(seed)")
        #expect(model.gate.counts.prefix(2) == [0, 0])
    }

    /// Workers on threads of their own, and words that come late or to those who have gone.
    @Test func `many threads at once lose no place and exceed no bound`() async {
        let scene = ThreadScene(workers: 4, inFlightMax: 2, queuedMax: 3)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 { group.addTask { scene.run(worker, rounds: 3000) } }
        }
        #expect(scene.gate.counts.prefix(2) == [0, 0])
        #expect(scene.overruns.load(ordering: .relaxed) == 0)
        #expect(scene.entered.load(ordering: .relaxed) > 3000)
    }
}

/// The gate beside a plain list that says what should be.
private struct GateModel {
    let gate: UpstreamGate
    private var bounds = UpstreamGate.Bounds(inFlightMax: 3, queuedMax: 4)
    private var random: SeededGenerator
    private var lastNumber: UInt64 = 0
    /// Those who know that they are in.
    private var inside: [Ticket] = []
    /// Those who are in and have not been told.
    private var called: [Ticket] = []
    private var line: [Ticket] = []
    private var places: [Ticket: WaitingLine.Place] = [:]
    private(set) var broken: [String] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        gate = UpstreamGate(bounds)
    }

    mutating func step() {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<5: enter()
        case 5..<7: leave()
        case 7: cancel(from: line)
        case 8: cancel(from: called)
        case 9: expire()
        case 10: tell()
        default: if Int.random(in: 0..<10, using: &random) == 0 { change() }
        }
        check()
    }

    /// Everybody ends; those who wait get their turn.
    mutating func finish() {
        while !(inside.isEmpty && called.isEmpty && line.isEmpty) {
            let before = inside.count + called.count + line.count
            tell()
            leave()
            check()
            guard inside.count + called.count + line.count < before || !called.isEmpty else {
                broken.append("\(line.count) wait for ever")
                return
            }
        }
    }

    private mutating func enter() {
        lastNumber += 1
        let ticket = ticket(lastNumber, worker: Int(lastNumber % 3))
        let isFull = inside.count + called.count >= bounds.inFlightMax
        switch gate.enter(ticket) {
        case .entered:
            if isFull || !line.isEmpty { broken.append("\(ticket) overtook") }
            inside.append(ticket)
        case .queued(let place):
            if !isFull || line.count >= bounds.queuedMax { broken.append("\(ticket) queued") }
            line.append(ticket)
            places[ticket] = place
        case .full: if !isFull || bounds.queuedMax > 0 { broken.append("\(ticket) found it full") }
        case .queueFull: if !isFull || line.count < bounds.queuedMax { broken.append("\(ticket) refused") }
        }
    }

    private mutating func leave() {
        guard let index = inside.indices.randomElement(using: &random) else { return }
        inside.remove(at: index)
        expectNext(gate.leave())
    }

    private mutating func cancel(from some: [Ticket]) {
        guard let ticket = some.randomElement(using: &random), let place = places[ticket] else { return }
        let wasCalled = called.contains(ticket)
        line.removeAll { $0 == ticket }
        called.removeAll { $0 == ticket }
        let next = gate.cancel(ticket, at: place)
        if wasCalled {
            expectNext(next)
        } else if next != nil {
            broken.append("\(ticket) gave what it had not")
        }
    }

    private mutating func expire() {
        guard let ticket = (line + called).randomElement(using: &random), let place = places[ticket] else {
            return
        }
        let isOut = gate.expire(ticket, at: place)
        if isOut != line.contains(ticket) { broken.append("\(ticket) expired: \(isOut)") }
        line.removeAll { $0 == ticket }
        guard !isOut else { return }
        called.removeAll { $0 == ticket }
        inside.append(ticket)
    }

    /// The word arrives.
    private mutating func tell() {
        guard let index = called.indices.randomElement(using: &random) else { return }
        inside.append(called.remove(at: index))
    }

    private mutating func change() {
        bounds = .init(
            inFlightMax: Int.random(in: 1...6, using: &random),
            queuedMax: Int.random(in: 0...6, using: &random))
        for ticket in gate.setBounds(bounds) { expectNext(ticket) }
        if !line.isEmpty && inside.count + called.count < bounds.inFlightMax { broken.append("kept out") }
    }

    private mutating func expectNext(_ ticket: Ticket?) {
        let hasRoom = inside.count + called.count < bounds.inFlightMax
        if ticket != (hasRoom ? line.first : nil) { broken.append("\(String(describing: ticket)) is next") }
        guard let ticket else { return }
        line.removeAll { $0 == ticket }
        called.append(ticket)
    }

    private mutating func check() {
        let figures = gate.figures
        if figures.inFlight != inside.count + called.count || figures.queued != line.count {
            broken.append("\(figures) with \(inside), \(called), \(line)")
        }
    }
}

/// Workers that enter and leave as fast as they can, each with letters of its own.
private final class ThreadScene: Sendable {
    let gate: UpstreamGate
    let overruns = Atomic<Int>(0)
    let entered = Atomic<Int>(0)
    private let inside = Atomic<Int>(0)
    private let letters: [Locked<[Ticket]>]
    private let inFlightMax: Int

    init(workers: Int, inFlightMax: Int, queuedMax: Int) {
        gate = UpstreamGate(inFlightMax, queue: queuedMax)
        letters = (0..<workers).map { _ in Locked([]) }
        self.inFlightMax = inFlightMax
    }

    func run(_ worker: Int, rounds: Int) {
        var random = SeededGenerator(seed: UInt64(worker))
        for round in 0..<rounds {
            let ticket = ticket(UInt64(round), worker: worker)
            switch gate.enter(ticket) {
            case .entered: visit()
            case .queued(let place): wait(ticket, place, patience: Int.random(in: 0..<200, using: &random))
            case .full, .queueFull: sched_yield()
            }
        }
    }

    /// Goes away once it has looked for its letter that often; every other one by its clock.
    private func wait(_ ticket: Ticket, _ place: WaitingLine.Place, patience: Int) {
        for _ in 0..<patience {
            let isCalled = letters[ticket.worker].withLock { letters in
                defer { letters = [] }
                return letters.contains(ticket)
            }
            if isCalled {
                visit()
                return
            }
            sched_yield()
        }
        if patience % 2 == 0 {
            tell(gate.cancel(ticket, at: place))
        } else if !gate.expire(ticket, at: place) {
            visit()
        }
    }

    private func visit() {
        if inside.add(1, ordering: .sequentiallyConsistent).newValue > inFlightMax {
            overruns.add(1, ordering: .relaxed)
        }
        entered.add(1, ordering: .relaxed)
        sched_yield()
        inside.subtract(1, ordering: .sequentiallyConsistent)
        tell(gate.leave())
    }

    private func tell(_ next: Ticket?) {
        if let next { letters[next.worker].withLock { $0.append(next) } }
    }
}
