/// What has come of the requests of a route, for `/metrics`. Outlives generations; one object by each name.
final class RouteFigures: Sendable {
    /// Where the time of a request goes. The head is everybody's, the others where they were reached.
    enum Phase: Int, CaseIterable { case head, connect, firstByte, total }

    /// The route's name in the access log.
    let label: PlanText
    private let counters: WorkerCounters

    /// First digit of the status; 0: nothing was answered.
    static let classes = 6
    /// As many as there are ways to end.
    static let outcomes = 5
    private static let outcomeStart = classes
    private static let bytesStart = outcomeStart + outcomes
    private static let sumStart = bytesStart + 2
    private static let bucketStart = sumStart + Phase.allCases.count
    private static let count = bucketStart + Phase.allCases.count * DurationBucket.count

    init(label: String, workers: Int) {
        self.label = PlanText(label)
        counters = WorkerCounters(workers: workers, count: RouteFigures.count)
    }

    // MARK: - Worker

    func noteEnding(status: UInt16, outcome: Int, worker: Int) {
        counters.add(1, to: min(Int(status) / 100, RouteFigures.classes - 1), worker: worker)
        counters.add(1, to: RouteFigures.outcomeStart + outcome, worker: worker)
    }

    /// Bytes of bodies.
    func noteBytes(request: UInt64, response: UInt64, worker: Int) {
        counters.add(request, to: RouteFigures.bytesStart, worker: worker)
        counters.add(response, to: RouteFigures.bytesStart + 1, worker: worker)
    }

    func note(_ phase: Phase, nanoseconds: UInt64, worker: Int) {
        counters.add(nanoseconds, to: RouteFigures.sumStart + phase.rawValue, worker: worker)
        let bucket = phase.rawValue * DurationBucket.count + DurationBucket.index(nanoseconds)
        counters.add(1, to: RouteFigures.bucketStart + bucket, worker: worker)
    }

    // MARK: - Control

    func requests(class index: Int) -> UInt64 { counters.sum(index) }
    func requests(outcome index: Int) -> UInt64 { counters.sum(RouteFigures.outcomeStart + index) }
    var requestBytes: UInt64 { counters.sum(RouteFigures.bytesStart) }
    var responseBytes: UInt64 { counters.sum(RouteFigures.bytesStart + 1) }

    /// Nanoseconds.
    func sum(_ phase: Phase) -> UInt64 { counters.sum(RouteFigures.sumStart + phase.rawValue) }

    /// Requests of that class of time alone.
    func requests(_ phase: Phase, bucket: Int) -> UInt64 {
        counters.sum(RouteFigures.bucketStart + phase.rawValue * DurationBucket.count + bucket)
    }
}
