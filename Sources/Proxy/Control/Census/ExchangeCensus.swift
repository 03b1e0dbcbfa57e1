/// Asks the workers what runs, and puts their answers together: each answers between two events, and control
/// waits for none of them.
///
/// Belongs to the control thread.
final class ExchangeCensus {
    private struct Waiting {
        let number: UInt64
        let answer: (RunningExchanges) -> Void
    }

    /// After which those who ask get what is there by then.
    static let patienceMilliseconds = 1000

    private let workers: WorkerPool
    private let loop: ControlLoop
    private var lastNumber: UInt64 = 0
    private var waiting: [Waiting] = []

    init(workers: WorkerPool, loop: ControlLoop) {
        self.workers = workers
        self.loop = loop
    }

    /// - Parameter answer: called once, with what runs no earlier than this call.
    func take(_ answer: @escaping (RunningExchanges) -> Void) {
        lastNumber += 1
        waiting.append(Waiting(number: lastNumber, answer: answer))
        workers.post(.census(lastNumber))
        if !loop.isRunning(.censusOverdue) {
            loop.start(.censusOverdue, afterMilliseconds: ExchangeCensus.patienceMilliseconds)
        }
        // Why at once: without workers there is nobody to wait for.
        workersMoved()
    }

    /// A worker has rung.
    func workersMoved() {
        guard !waiting.isEmpty else { return forget() }
        let numbers = counting.map { handle in handle.census.withLock { $0?.number ?? 0 } }
        answer(upTo: numbers.min() ?? .max, isComplete: true)
    }

    func timedOut() { answer(upTo: .max, isComplete: false) }

    /// Answers hold generations, also those that came too late for anybody.
    private func forget() {
        for handle in workers.handles { handle.census.withLock { $0 = nil } }
    }

    /// One that has drained has nothing, and answers no more.
    private var counting: [WorkerHandle] {
        workers.handles.filter { !$0.hasFinished.load(ordering: .acquiring) }
    }

    private func answer(upTo number: UInt64, isComplete: Bool) {
        let answered = waiting.filter { $0.number <= number }
        guard !answered.isEmpty else { return }
        waiting.removeAll { $0.number <= number }
        let running = RunningExchanges(
            counting.compactMap { handle in handle.census.withLock { $0 } }, isComplete: isComplete)
        if waiting.isEmpty {
            loop.stop(.censusOverdue)
            forget()
        }
        for waiter in answered { waiter.answer(running) }
    }
}
