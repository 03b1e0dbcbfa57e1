import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct DeskTests {
    private func question(_ number: UInt64) -> Question {
        let credential = Array("secret".utf8).withUnsafeBytes {
            PresentedCredential($0, digest: .test("secret"))
        }
        return Question(
            ticket: Ticket(worker: 0, number: number), answerer: Answerer(), subject: .credential(credential))
    }

    /// All that waits.
    private func takeAll(_ desk: Desk) -> [Question] {
        var taken: [Question] = []
        while desk.count > 0 { taken += desk.take() }
        return taken
    }

    @Test func `one thread takes a few, so that another can take the rest`() {
        let desk = Desk()
        for number in 0..<UInt64(Desk.takenMax + 1) { #expect(desk.ask(question(number))) }
        #expect(desk.take().count == Desk.takenMax)
        #expect(desk.take().map(\.ticket.number) == [UInt64(Desk.takenMax)])
    }

    @Test func `questions are taken in their order`() {
        let desk = Desk()
        for number in UInt64(1)...3 { #expect(desk.ask(question(number))) }
        #expect(desk.count == 3)
        #expect(desk.take().map(\.ticket.number) == [1, 2, 3])
        #expect(desk.count == 0)
    }

    @Test func `at the bound, and when it is closed, nothing more is taken`() {
        let desk = Desk()
        for number in 0..<UInt64(Desk.waitingMax) { #expect(desk.ask(question(number))) }
        #expect(!desk.ask(question(0)))
        #expect(takeAll(desk).count == Desk.waitingMax)
        #expect(desk.ask(question(1)))
        desk.close()
        #expect(!desk.ask(question(2)))
        #expect(desk.take().count == 1)
        #expect(desk.take().isEmpty)
    }

    @Test func `a credential that was presented does not print`() {
        let asked = question(1)
        #expect(!"\(asked)".contains("secret"))
        var dumped = ""
        dump(asked, to: &dumped)
        #expect(!dumped.contains("secret") && dumped.contains("Ticket"))
        #expect(asked.credential?.reveal() == Array("secret".utf8))
    }
}
