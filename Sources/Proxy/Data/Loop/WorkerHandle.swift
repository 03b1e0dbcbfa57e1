import CLinux
import Glibc
import Synchronization

/// What control holds of a worker thread: the mailbox in, the records and figures out.
final class WorkerHandle: Sendable {
    let index: Int
    let mailbox: Mailbox
    /// Of all workers, this one among them.
    let mailboxes: Mailboxes
    let records = RecordRing()
    /// What exchanges have used: one record for each that is metered.
    let usage = UsageRing()
    let figures = WorkerFigures()
    /// Number of the generation that the worker serves; 0 before the first.
    let adoptedGeneration = Atomic<UInt64>(0)
    /// Of the last `Mail.beat` that was taken.
    let beat = Atomic<UInt64>(0)
    /// After `drain`, when the last exchange has ended and the thread is gone.
    let hasFinished = Atomic<Bool>(false)
    /// After `leave`: the worker watches no listening socket any more.
    let hasLeft = Atomic<Bool>(false)
    /// After `leave`: connections for the process that takes over. `controlBell` rings.
    let leaving = Locked<[LeavingConnection]>([])
    /// Plans that this worker is done with, for control to free.
    private let released = Locked<[Generation]>([])
    /// What ran when control last asked; nil once control has looked.
    let census = Locked<WorkerCensus?>(nil)
    /// Rung when `adoptedGeneration` or `hasFinished` changes.
    let controlBell: Bell
    /// Rung when a record was put into `records` while the writer slept.
    let writerBell: WriterBell
    /// Rung when a record was put into `usage` while its writer slept.
    let usageBell: WriterBell
    /// Where questions go; one for all workers.
    let desk: Desk
    /// What is used of limits; one for all workers.
    let ledger: Ledger
    /// Of bodies that are held; one for all workers.
    let bodies: BodyBudget
    /// Nanoseconds that control may take for an answer.
    let answerLimit: UInt64

    init(
        index: Int, controlBell: Bell, writerBell: WriterBell, usageBell: WriterBell? = nil, desk: Desk,
        mailboxes: Mailboxes = Mailboxes(), ledger: Ledger = Ledger(), bodies: BodyBudget = BodyBudget(),
        answerLimit: UInt64 = 30_000_000_000
    ) throws(SystemError) {
        self.desk = desk
        self.mailboxes = mailboxes
        self.ledger = ledger
        self.bodies = bodies
        self.answerLimit = answerLimit
        self.index = index
        self.controlBell = controlBell
        self.writerBell = writerBell
        if let usageBell { self.usageBell = usageBell } else { self.usageBell = try WriterBell() }
        mailbox = try Mailbox()
    }

    /// Worker: nothing of this worker pins the plan any more.
    func letGo(of plan: Generation) {
        released.withLock { $0.append(plan) }
        controlBell.ring()
    }

    /// Control: frees what the worker has let go of.
    func freeReleased() {
        let plans = released.withLock { released in
            defer { released = [] }
            return released
        }
        _ = consume plans
    }
}

/// Wakes a writer of records without a system call per record: a worker rings only when the writer said that
/// it sleeps.
final class WriterBell: Sendable {
    let bell: Bell
    /// Set by the writer before it waits; whoever clears it rings.
    let isAsleep = Atomic<Bool>(false)

    init() throws(SystemError) { bell = try Bell() }

    func recordAppended() {
        guard isAsleep.load(ordering: .relaxed) else { return }
        if isAsleep.exchange(false, ordering: .acquiringAndReleasing) { bell.ring() }
    }
}

/// Counts of one worker, for `status`. Written by the worker alone, read by anyone.
final class WorkerFigures: Sendable {
    let connectionsAccepted = Atomic<UInt64>(0)
    let connectionsOpen = Atomic<Int>(0)
    let connectionsShed = Atomic<UInt64>(0)
    let exchangesStarted = Atomic<UInt64>(0)
    let exchangesRunning = Atomic<Int>(0)
    let acceptFailures = Atomic<UInt64>(0)
    /// Exchanges whose answer is a stream of events that goes on.
    let streamsRunning = Atomic<Int>(0)
    /// Answers of the gateway itself that are errors, by `LocalReply.rawValue`.
    let replies = WorkerCounters(workers: 1, count: LocalReply.allCases.count)
    /// Longest turn of the loop since start, in nanoseconds, the wait left out.
    let longestTurn = Atomic<UInt64>(0)
}
