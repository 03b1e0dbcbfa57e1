// Covers WaitingLine.swift, Ticket.swift
import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct WaitingLineTests {
    private func ticket(_ number: UInt64) -> Ticket { Ticket(worker: 0, number: number) }

    @Test func `tickets come out as they went in, without those that left`() {
        var line = WaitingLine()
        let places = (1...5).map { line.append(ticket($0)) }
        #expect(line.count == 5)
        // The first, one in the middle, the last.
        for number in [1, 3, 5] {
            let once = line.remove(ticket(UInt64(number)), at: places[number - 1])
            let again = line.remove(ticket(UInt64(number)), at: places[number - 1])
            #expect(once && !again)
        }
        #expect(line.count == 2)
        let rest = [line.popFirst(), line.popFirst(), line.popFirst()]
        #expect(rest == [ticket(2), ticket(4), nil] && line.count == 0)
    }

    @Test func `a ticket is not taken for another that stands where it stood`() {
        var line = WaitingLine()
        let place = line.append(ticket(1))
        let first = line.popFirst()
        let next = line.append(ticket(2))
        #expect(first == ticket(1) && next == place)
        let wrong = [line.remove(ticket(1), at: place), line.remove(Ticket(worker: 1, number: 2), at: place)]
        let right = line.remove(ticket(2), at: place)
        #expect(wrong == [false, false] && right && line.count == 0)
    }

    @Test(arguments: UInt64(1)...20)
    func `whatever comes and goes, it is a list`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var line = WaitingLine()
        var model: [(ticket: Ticket, place: WaitingLine.Place)] = []
        var gone: [(ticket: Ticket, place: WaitingLine.Place)] = []
        for step in 0..<2000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let ticket = Ticket(worker: step % 3, number: UInt64(step))
                model.append((ticket, line.append(ticket)))
            case 2:
                let next = line.popFirst()
                #expect(next == model.first?.ticket)
                if !model.isEmpty { gone.append(model.removeFirst()) }
            case 3:
                guard let index = model.indices.randomElement(using: &random) else { continue }
                let leaver = model.remove(at: index)
                gone.append(leaver)
                let isOut = line.remove(leaver.ticket, at: leaver.place)
                #expect(isOut)
            default:
                guard let left = gone.randomElement(using: &random) else { continue }
                let isOutAgain = line.remove(left.ticket, at: left.place)
                #expect(!isOutAgain)
            }
            #expect(line.count == model.count)
        }
        var rest: [Ticket] = []
        while let next = line.popFirst() { rest.append(next) }
        #expect(rest == model.map(\.ticket))
    }
}
