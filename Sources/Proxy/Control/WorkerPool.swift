import CLinux

/// The workers as control sees them: mail in, acknowledgements out.
final class WorkerPool {
    /// Rung when a worker has adopted or finished.
    let bell: Bell
    let writerBell: WriterBell
    let usageBell: WriterBell
    let desk = Desk()
    let ledger = Ledger()
    let mailboxes = Mailboxes()
    private(set) var handles: [WorkerHandle] = []
    private var nextToTake = 0

    init() throws(SystemError) {
        bell = try Bell()
        writerBell = try WriterBell()
        usageBell = try WriterBell()
    }

    /// How many there are, or will be by that setting.
    func count(_ configured: Int?) -> Int {
        handles.isEmpty ? configured ?? Int(headgate_usable_cpus()) : handles.count
    }

    /// - Parameters:
    ///   - count: nil: one for each CPU that this process may use.
    ///   - bodyBytesMax: of request bodies that all of them together hold.
    func start(count: Int?, bodyBytesMax: Int) throws(SystemError) {
        let bodies = BodyBudget(bytesMax: bodyBytesMax)
        for index in 0..<self.count(count) {
            let handle = try WorkerHandle(
                index: index, controlBell: bell, writerBell: writerBell, usageBell: usageBell, desk: desk,
                mailboxes: mailboxes, ledger: ledger, bodies: bodies)
            try Worker.start(handle)
            handles.append(handle)
        }
        mailboxes.use(handles.map(\.mailbox))
        try DeskThreads.start(desk, mailboxes)
    }

    func post(_ mail: Mail) {
        for handle in handles { handle.mailbox.post(mail) }
    }

    /// To one worker, in turn.
    func hand(_ mail: Mail) {
        handles[nextToTake % handles.count].mailbox.post(mail)
        nextToTake += 1
    }

    /// Frees the plans that workers have let go of.
    func freeReleased() {
        for handle in handles { handle.freeReleased() }
    }

    func haveAdopted(_ number: UInt64) -> Bool {
        handles.allSatisfy { $0.adoptedGeneration.load(ordering: .acquiring) >= number }
    }

    var haveFinished: Bool { handles.allSatisfy { $0.hasFinished.load(ordering: .acquiring) } }
}
