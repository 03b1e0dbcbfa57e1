import CLinux

/// The threads that take questions off the desk and have them answered.
///
/// Why two: an answer may take as long as a signature does, and one that is slow should not hold up all.
enum DeskThreads {
    static let count = 2
    private static let nice: Int32 = 5

    /// They end when the desk is closed.
    static func start(_ desk: Desk, _ mailboxes: Mailboxes) throws(SystemError) {
        for _ in 0..<count {
            try ControlThread.start("hg-desk") { work(desk, mailboxes) }
        }
    }

    static func work(_ desk: Desk, _ mailboxes: Mailboxes) {
        // Why: a worker that asks would be interrupted by the thread that it wakes.
        headgate_yield_to_others(DeskThreads.nice)
        while true {
            let questions = desk.take()
            if questions.isEmpty { return }
            for question in questions { answer(question, mailboxes) }
        }
    }

    private static func answer(_ question: Question, _ mailboxes: Mailboxes) {
        guard let mailbox = mailboxes[question.ticket.worker] else {
            preconditionFailure("worker \(question.ticket.worker) asks and has no mailbox")
        }
        guard let answerer = question.answerer as? ControlAnswerer else {
            preconditionFailure("generations are built with answerers of control")
        }
        answerer.answer(question, Reply(ticket: question.ticket, mailbox: mailbox))
    }
}
