/// Whoever can answer a question, as control knows it.
class ControlAnswerer: Answerer, @unchecked Sendable {
    /// On a thread of the desk. Must come to `reply.send` exactly once, here or later on another thread.
    func answer(_ question: Question, _ reply: Reply) { fatalError("abstract") }
}

/// The way back to the worker that asked. Any thread.
struct Reply: Sendable {
    let ticket: Ticket
    let mailbox: Mailbox

    func send(_ answer: Answer) { mailbox.post(.answered(ticket, answer)) }
}
