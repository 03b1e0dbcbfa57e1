import Testing

@testable import Proxy

/// Answers each question with a caller of its ticket's number.
private final class Echo: ControlAnswerer, @unchecked Sendable {
    override func answer(_ question: Question, _ reply: Reply) {
        let digest = KeyDigest(words: (question.ticket.number, 0, 0, 0))
        reply.send(.accepted(Caller(digest: digest, label: .empty)))
    }
}

@Test func `each question comes back to the worker that asked, and closing ends the threads`() throws {
    let (desk, mailboxes) = (Desk(), Mailboxes())
    let boxes = [try Mailbox(), try Mailbox()]
    mailboxes.use(boxes)
    let answerer = Echo()
    for number in 0..<100 {
        let credential = withUnsafeBytes(of: number) {
            PresentedCredential($0, digest: KeyDigest(words: (0, 0, 0, 0)))
        }
        let ticket = Ticket(worker: number % 2, number: UInt64(number))
        #expect(desk.ask(Question(ticket: ticket, answerer: answerer, subject: .credential(credential))))
    }
    desk.close()
    // With the desk closed it answers what waits, then returns.
    DeskThreads.work(desk, mailboxes)
    for (worker, box) in boxes.enumerated() {
        let numbers = box.takeAll().compactMap { mail -> UInt64? in
            guard case .answered(let ticket, .accepted(let caller)) = mail else { return nil }
            #expect(ticket.worker == worker)
            return caller.digest.words.0
        }
        #expect(numbers == (0..<100).filter { Int($0) % 2 == worker })
    }
}

@Test func `there is no mailbox for a worker that does not exist`() throws {
    let mailboxes = Mailboxes()
    #expect(mailboxes[0] == nil)
    mailboxes.use([try Mailbox()])
    #expect(mailboxes[0] != nil && mailboxes[1] == nil && mailboxes[-1] == nil)
}
