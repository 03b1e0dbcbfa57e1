/// The mailboxes of all workers, for control and for workers that have news for each other. Any thread.
final class Mailboxes: Sendable {
    private let all = Locked<[Mailbox]>([])

    /// Once, when the workers have been made; by index.
    func use(_ mailboxes: [Mailbox]) { all.withLock { $0 = mailboxes } }

    /// To every worker.
    func post(_ mail: Mail) {
        for mailbox in all.withLock({ $0 }) { mailbox.post(mail) }
    }

    /// To the worker whose exchange this is.
    func tell(_ ticket: Ticket, _ mail: Mail) { self[ticket.worker]?.post(mail) }

    /// nil: there is no such worker.
    subscript(worker: Int) -> Mailbox? {
        all.withLock { $0.indices.contains(worker) ? $0[worker] : nil }
    }
}
