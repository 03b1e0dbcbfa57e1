import CLinux
import Config
import Glibc
import Synchronization

/// Brings the workers' records into the access log, to where `explain` finds them and to the exporter of
/// spans, on a thread of its own.
///
/// It sleeps while there is nothing to do. Once woken it waits a moment, so that under load one write carries
/// many records.
final class RecordWriter: Sendable {
    /// What control asks for, taken by the thread before each batch.
    private struct Orders {
        var config: AccessLogConfig?
        var folder = "."
        var isChanged = true
        var reopens = false
        var stops = false
    }

    static let batchMilliseconds: Int32 = 20
    static let writeBytes = 64 << 10
    /// How long a stop waits for the last records to be written.
    static let stopMilliseconds: Int32 = 2000

    private let bell: WriterBell
    private let orders = Mutex(Orders())
    private let isRunning = Atomic<Bool>(false)
    private let finished: Bell
    /// Records that reached the log, and those that were lost on the way there.
    let written = Atomic<UInt64>(0)
    let lost = Atomic<UInt64>(0)
    /// Of all exchanges, with `access_log: off` as well.
    let recent = RecentRecords()
    private let lastProblem = Mutex<Problem?>(nil)

    /// Why records were lost.
    struct Problem: Equatable {
        /// Nanoseconds since 1970.
        let at: UInt64
        /// `/var/log/headgate/access.log: No space left on device`
        let text: String
    }

    private let journalPath: String
    private let exporter: TraceExporter?

    /// - Parameter exporter: gets all records, too.
    init(
        bell: WriterBell, exporter: TraceExporter? = nil, journalPath: String = JournalLog.path
    ) throws(SystemError) {
        self.bell = bell
        self.exporter = exporter
        self.journalPath = journalPath
        finished = try Bell()
    }

    /// Of the last write that failed; stays when later ones do not.
    var problem: Problem? { lastProblem.withLock { $0 } }

    /// Takes effect with the next batch.
    func configure(_ config: AccessLogConfig?, folder: String) {
        orders.withLock { orders in
            guard orders.config != config || orders.folder != folder else { return }
            orders.config = config
            orders.folder = folder
            orders.isChanged = true
        }
        bell.bell.ring()
    }

    /// SIGUSR1: the file was moved away.
    func reopen() {
        orders.withLock { $0.reopens = true }
        bell.bell.ring()
    }

    func start(_ workers: [WorkerHandle]) throws(SystemError) {
        isRunning.store(true, ordering: .releasing)
        try ControlThread.start("hg-records") { [self] in run(workers) }
    }

    /// Writes what is left, for at most two seconds.
    func stop() {
        guard isRunning.load(ordering: .acquiring) else { return }
        orders.withLock { $0.stops = true }
        bell.bell.ring()
        var wanted = pollfd(fd: finished.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, RecordWriter.stopMilliseconds) < 0, errno == EINTR {}
        isRunning.store(false, ordering: .releasing)
    }

    // MARK: - The thread

    private func run(_ workers: [WorkerHandle]) {
        var output = RecordOutput(journalPath: journalPath)
        var droppedBefore: UInt64 = 0
        let complaints = LogGate()
        while true {
            let orders = takeOrders()
            if orders.isChanged { output.configure(orders.config, folder: orders.folder) }
            if orders.reopens { output.reopen() }
            for worker in workers { drain(worker.records, into: &output) }
            flush(&output)
            let dropped = workers.reduce(0) { $0 + $1.records.dropped.load(ordering: .relaxed) }
            if dropped > droppedBefore, complaints.admit(now: headgate_monotonic_ns()) != nil {
                Log.warning(
                    "\(dropped - droppedBefore) records were dropped: the access log is too slow"
                )
                droppedBefore = dropped
            }
            if orders.stops { break }
            sleep(workers)
        }
        finished.ring()
    }

    private func takeOrders() -> Orders {
        orders.withLock { orders in
            defer {
                orders.isChanged = false
                orders.reopens = false
            }
            return orders
        }
    }

    private func drain(_ ring: RecordRing, into output: inout RecordOutput) {
        ring.drainLying { lying in
            recent.keep(lying)
            let record = lying.record
            let isTraced = exporter != nil && record.trace.isSampled
            // Why asked first: the texts of a record that nobody writes down are not looked at.
            guard isTraced || output.mayKeep(record) else { return }
            let texts = lying.texts
            if isTraced { exporter?.take(record, texts) }
            output.append(record, texts)
            if output.bytes.count >= RecordWriter.writeBytes { flush(&output) }
        }
    }

    private func flush(_ output: inout RecordOutput) {
        let (count, missing) = output.flush()
        written.add(UInt64(count), ordering: .relaxed)
        guard missing > 0 else { return }
        lastProblem.withLock { last in
            last = output.problem.map { Problem(at: headgate_realtime_ns(), text: $0) }
        }
        lost.add(UInt64(missing), ordering: .relaxed)
    }

    /// Until a worker or control rings.
    private func sleep(_ workers: [WorkerHandle]) {
        bell.isAsleep.store(true, ordering: .sequentiallyConsistent)
        // Why twice: a worker may have read `isAsleep` just before it was set while its record was not
        // visible yet. Both are after the short wait, so a record is late by that at most and never left
        // behind.
        if !hasRecords(workers), !wait(milliseconds: RecordWriter.batchMilliseconds), !hasRecords(workers) {
            _ = wait(milliseconds: -1)
        }
        bell.isAsleep.store(false, ordering: .sequentiallyConsistent)
        bell.bell.silence()
        guard !orders.withLock({ $0.stops }) else { return }
        _ = wait(milliseconds: RecordWriter.batchMilliseconds)
    }

    private func hasRecords(_ workers: [WorkerHandle]) -> Bool { workers.contains { !$0.records.isEmpty } }

    /// - Returns: whether the bell rang.
    private func wait(milliseconds: Int32) -> Bool {
        var wanted = pollfd(fd: bell.bell.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wanted, 1, milliseconds) > 0
    }
}
