/// The mailboxes of all workers, for whoever on control has news for them. Any thread.
final class Mailboxes: Sendable {
    private let all = Locked<[Mailbox]>([])

    /// Once, when the workers have been made; by index.
    func use(_ mailboxes: [Mailbox]) { all.withLock { $0 = mailboxes } }

    /// To every worker.
    func post(_ mail: Mail) {
        for mailbox in all.withLock({ $0 }) { mailbox.post(mail) }
    }

    /// nil: there is no such worker.
    subscript(worker: Int) -> Mailbox? {
        all.withLock { $0.indices.contains(worker) ? $0[worker] : nil }
    }
}
